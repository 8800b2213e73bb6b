/** Where a group without an offset starts. */
export const PopInitMode = { MIN: 0, MAX: 1 } as const;

/** A broker refuses to give more in one answer. */
export const MAX_POP_MESSAGES = 32;
