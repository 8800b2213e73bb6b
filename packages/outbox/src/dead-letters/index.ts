export {
  DeadLetters,
  type DeadLettersOptions,
  type LetterPage,
  type LetterQuery,
  type LetterSummary,
  type SkipPlan,
} from './dead-letters.ts';
export { type LetterFilter } from './filter.ts';
export {
  type Box,
  type Letter,
  type LetterDetails,
  type LetterName,
  type LetterStatus,
  type PastLife,
} from './letter.ts';
export { type ReplayOptions, type ReplayPlan, type ReplayProgress, type ReplayReport } from './replay.ts';
export { type LetterGroup } from './rows.ts';
