import { findPaytable, type Paytable, RoundSettler } from '@dt/dragon-tiger';
import type { GameApi } from './game-api.ts';
import type { PlayedRound } from './round.ts';

/** What one round moved, computed here from the cards and not asked of the server. */
export interface RoundMoney {
  readonly stakeMinor: bigint;
  readonly payoutMinor: bigint;
}

/** Bets that were refused with one code. */
export interface Refusals {
  readonly count: number;
  /** Of the last one. */
  readonly message: string;
}

/** What a run comes to by the rules alone: its orders, its money, and how each balance must have moved. */
export class ExpectedLedger {
  /** The `bill_no` of every accepted order. */
  readonly billNos: string[] = [];
  readonly refused = new Map<number, Refusals>();
  readonly #changes = new Map<string, bigint>();
  #stakeMinor = 0n;
  #payoutMinor = 0n;

  get stakeMinor(): bigint {
    return this.#stakeMinor;
  }

  get payoutMinor(): bigint {
    return this.#payoutMinor;
  }

  /** Payouts less stakes of one player. */
  changeOf(platformUserId: string): bigint {
    return this.#changes.get(platformUserId) ?? 0n;
  }

  /** Settles a round's bets and adds them. */
  add(played: PlayedRound, paytable: Paytable): RoundMoney {
    const settler = new RoundSettler(paytable, played.cards);
    let stakeMinor = 0n;
    let payoutMinor = 0n;
    for (const { billNo, player, playType, stakeMinor: stake } of played.accepted) {
      const { grossMinor } = settler.settle(playType, stake);
      stakeMinor += stake;
      payoutMinor += grossMinor;
      this.#changes.set(player.platformUserId, this.changeOf(player.platformUserId) + grossMinor - stake);
      this.billNos.push(billNo);
    }
    for (const { code, message } of played.refused) {
      this.refused.set(code, { count: (this.refused.get(code)?.count ?? 0) + 1, message });
    }
    this.#stakeMinor += stakeMinor;
    this.#payoutMinor += payoutMinor;
    return { stakeMinor, payoutMinor };
  }
}

/** The paytable a round is settled by, as the server names it; `classic` where it names none. */
export async function paytableOf(api: GameApi, roundId: string, signal?: AbortSignal): Promise<Paytable> {
  const { paytable: id = 'classic', paytableVersion: version } = await api.round(roundId, signal);
  const paytable = findPaytable(id, version);
  if (paytable === undefined)
    throw new Error(
      `round ${roundId} is settled by paytable ${id}@${version ?? '?'}, which is not known here`,
    );
  return paytable;
}
