import { type Database } from '../database/index.ts';
import { BetDesk } from './bet-desk.ts';
import { placeBets } from './place-bets.ts';
import { Rounds } from './rounds.ts';
import { drawResult } from './settle.ts';
import type { Game, GameConfig } from './types.ts';
import { listBets, viewRound } from './views.ts';

export interface GameOptions {
  readonly database: Database;
  readonly config: GameConfig;
  /** Topic of all messages. */
  readonly topic: string;
  /** Called after each commit that wrote messages. */
  readonly onCommitted?: () => void;
}

export function createGame({ database, config, topic, onCommitted = () => undefined }: GameOptions): Game {
  const rounds = new Rounds({ database, config, topic });
  const desk = new BetDesk({
    place: async (requests) => {
      const outcomes = await placeBets(database, topic, requests);
      onCommitted();
      return outcomes;
    },
  });
  return {
    async event(request) {
      const answer = await rounds.event(request);
      onCommitted();
      return answer;
    },
    placeBet: (request) => desk.placeBet(request),
    async drawResult(request) {
      await drawResult(database, topic, request);
      onCommitted();
    },
    round: (roundId) => viewRound(database, roundId),
    bets: (player, query) => listBets(database, player, query),
    sealDue: () => rounds.sealDue(),
    configure: (rules) => rounds.configure(rules),
  };
}
