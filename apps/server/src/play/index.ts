export { forEachBounded } from './bounded.ts';
export { CallError, type CallErrorOptions, type CallFailure, isRefusal } from './call-error.ts';
export {
  awaitDelivery,
  type AwaitDeliveryOptions,
  type DeliveryReport,
  isDelivered,
  outboxMark,
  type Queries,
} from './delivery.ts';
export {
  GameApi,
  type GameApiOptions,
  type PlacedBet,
  ROUND_STATUS,
  type RoundRef,
  type RoundState,
} from './game-api.ts';
export { planBets, type PlannedBet, type PlanOptions, type Player } from './plan.ts';
export { seededRandom } from './random.ts';
export { type RetryOptions } from './retry.ts';
export { finishRound, type PlayedRound, playRound, type PlayRoundOptions } from './round.ts';
export {
  type MoneyFault,
  runGame,
  type RunOptions,
  type RunProgress,
  type RunReport,
  type RunRound,
} from './run.ts';
export { type PlatformCredentials } from './signature.ts';
