import { type InboxMessage, type Queryable } from '@dt/outbox';
import { Body } from './body.ts';
import { ADD_TO_REPORTS } from './projections.sql.ts';
import type { Entry } from './statement.ts';

/** What a batch of messages adds to the report of one round. */
interface Addition {
  readonly gameId: string;
  readonly roomId: string;
  orders: number;
  settled: number;
  stakeMinor: bigint;
  payoutMinor: bigint;
  startedMs: number | null;
  /** Of the cards; 0 while none came. */
  revision: number;
  cardList: string | null;
  result: string | null;
  rounding: string | null;
  ended: boolean;
}

export type RoundEvent = 'game_started' | 'game_draw_ready' | 'game_drawn' | 'game_ended';

/** Gathers what a batch adds to the reports, and writes it in one statement. */
export class ReportAdditions {
  readonly #rounds = new Map<string, Addition>();

  addEntry(entry: Entry): void {
    const addition = this.#of(entry.roundId, entry.gameId, entry.roomId);
    if (entry.event === 'bet_placed') {
      addition.orders += 1;
      addition.stakeMinor -= entry.amountMinor;
    } else {
      addition.settled += 1;
      addition.payoutMinor += entry.amountMinor;
    }
  }

  /** @throws MessageBodyError */
  addRoundEvent(message: InboxMessage, event: RoundEvent): void {
    const body = new Body(message);
    const addition = this.#of(body.text('game_round_id'), body.text('game_id'), body.text('room_id'));
    switch (event) {
      case 'game_started':
        addition.startedMs = body.integer('bet_start_time');
        break;
      case 'game_drawn': {
        const revision = body.integer('revision');
        if (revision <= addition.revision) break;
        addition.revision = revision;
        addition.cardList = body.text('card_list');
        addition.result = body.text('result');
        addition.rounding = body.text('rounding');
        break;
      }
      case 'game_ended':
        addition.ended = true;
        break;
      case 'game_draw_ready':
        // For readers outside; the report has no field of it.
        break;
    }
  }

  async write(tx: Queryable): Promise<void> {
    if (this.#rounds.size === 0) return;
    const rounds = [...this.#rounds];
    const column = <T>(read: (addition: Addition) => T): T[] => rounds.map(([, addition]) => read(addition));
    await tx.query(ADD_TO_REPORTS, [
      rounds.map(([roundId]) => roundId),
      column((addition) => addition.gameId),
      column((addition) => addition.roomId),
      column((addition) => addition.orders),
      column((addition) => addition.settled),
      column((addition) => addition.stakeMinor.toString()),
      column((addition) => addition.payoutMinor.toString()),
      column((addition) => addition.startedMs),
      column((addition) => addition.revision),
      column((addition) => addition.cardList),
      column((addition) => addition.result),
      column((addition) => addition.rounding),
      column((addition) => String(addition.ended)),
    ]);
  }

  #of(roundId: string, gameId: string, roomId: string): Addition {
    let addition = this.#rounds.get(roundId);
    if (addition === undefined) {
      addition = {
        gameId,
        roomId,
        orders: 0,
        settled: 0,
        stakeMinor: 0n,
        payoutMinor: 0n,
        startedMs: null,
        revision: 0,
        cardList: null,
        result: null,
        rounding: null,
        ended: false,
      };
      this.#rounds.set(roundId, addition);
    }
    return addition;
  }
}
