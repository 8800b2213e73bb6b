import { type Queryable } from '@dt/outbox';
import { type ProjectedMessage } from './body.ts';
import { applyOrders, type OrderEvent } from './orders.ts';
import { applyRounds, type RoundEvent } from './rounds.ts';

export { MessageBodyError, type ProjectedMessage } from './body.ts';

/** Applies the new messages of one tag, in the order of their arrival, inside the inbox's transaction. */
export interface BatchHandler {
  readonly batch: (tx: Queryable, messages: readonly ProjectedMessage[]) => Promise<void>;
}

export type ProjectedTag = OrderEvent | RoundEvent | 'game_draw_ready';

/** What the inbox does with each event: the players' statements and the report of each round. */
export function projectionHandlers(): Record<ProjectedTag, BatchHandler> {
  const orders = (event: OrderEvent): BatchHandler => ({
    batch: (tx, messages) => applyOrders(tx, messages, event),
  });
  const rounds = (event: RoundEvent): BatchHandler => ({
    batch: (tx, messages) => applyRounds(tx, messages, event),
  });
  return {
    game_started: rounds('game_started'),
    bet_placed: orders('bet_placed'),
    // For readers outside: nothing of it is reported here.
    game_draw_ready: { batch: async () => undefined },
    game_drawn: rounds('game_drawn'),
    order_settled: orders('order_settled'),
    game_ended: rounds('game_ended'),
  };
}
