import { findPaytable, type Paytable, RoundSettler } from '@dt/dragon-tiger';
import type { GameApi } from './game-api.ts';
import type { PlayedRound } from './round.ts';

/** What one round moved, computed here from the cards and not asked of the server. */
export interface RoundMoney {
  readonly stakeMinor: bigint;
  readonly payoutMinor: bigint;
}

/** What each player's balance must have changed by: payouts less stakes, by the rules alone. */
export class ExpectedLedger {
  readonly #changes = new Map<string, bigint>();

  /** Settles a round's bets and adds them. */
  add(played: PlayedRound, paytable: Paytable): RoundMoney {
    const settler = new RoundSettler(paytable, played.cards);
    let stakeMinor = 0n;
    let payoutMinor = 0n;
    for (const bet of played.accepted) {
      const { grossMinor } = settler.settle(bet.playType, bet.stakeMinor);
      stakeMinor += bet.stakeMinor;
      payoutMinor += grossMinor;
      const player = bet.player.platformUserId;
      this.#changes.set(player, (this.#changes.get(player) ?? 0n) + grossMinor - bet.stakeMinor);
    }
    return { stakeMinor, payoutMinor };
  }

  changeOf(platformUserId: string): bigint {
    return this.#changes.get(platformUserId) ?? 0n;
  }

  get totalChangeMinor(): bigint {
    return [...this.#changes.values()].reduce((sum, change) => sum + change, 0n);
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
