/** How a handler took a message. */
export const CONSUME_RESULTS = [
  'CR_SUCCESS',
  'CR_LATER',
  'CR_ROLLBACK',
  'CR_COMMIT',
  'CR_THROW_EXCEPTION',
  'CR_RETURN_NULL',
] as const;

export type ConsumeResult = (typeof CONSUME_RESULTS)[number];
