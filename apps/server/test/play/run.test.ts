import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { findPaytable, parseCardList, RoundSettler } from '@dt/dragon-tiger';
import { finishRound, ROUND_STATUS, type RunRound } from '../../src/play/index.ts';
import { PLATFORM } from '../http/door.ts';
import { type LiveServer, openLiveServer } from './live-server.ts';

let server: LiveServer;
beforeAll(async () => {
  server = await openLiveServer();
});
afterAll(() => server.close());

const cards = parseCardList('D12,T4,R');

describe('a run against the server', () => {
  it('plays its rounds to their ends and finds every balance as the cards say', async () => {
    const rounds: RunRound[] = [];
    const report = await server.run({ rounds: 3, onRound: (round) => rounds.push(round) });
    expect(report).toMatchObject({ rounds: 3, moneyFaults: [], refused: new Map() });
    expect(new Set(report.billNos).size).toBe(45);
    expect(report.balanceChangeMinor).toBe(report.payoutMinor - report.stakeMinor);
    for (const { round, stakeMinor, payoutMinor } of rounds) {
      expect(await server.connect().round(round.roundId)).toMatchObject({
        status: ROUND_STATUS.ended,
        settlement: { orders: 15, stakeMinor, payoutMinor },
      });
    }
  });

  it('plays the same bets and cards again from the same seed', async () => {
    const play = async () => {
      const rounds: RunRound[] = [];
      const { stakeMinor, payoutMinor } = await server.run({
        seed: 'again',
        onRound: (round) => rounds.push(round),
      });
      return { stakeMinor, payoutMinor, cards: rounds.map((round) => round.cards) };
    };
    expect(await play()).toEqual(await play());
  });

  it('names the player whose balance moved otherwise', async () => {
    let players: string[] = [];
    const report = await server.run({
      rounds: 1,
      onRound: ({ accepted }) => {
        players = accepted.map((bet) => bet.player.platformUserId);
      },
      api: Object.assign(server.connect(), {
        // Money from elsewhere, in the middle of the run.
        drawResult: async (...args: Parameters<ReturnType<LiveServer['connect']>['drawResult']>) => {
          const api = server.connect();
          const run = args[0].roomId;
          await api.deposit({ platformUserId: `${run}-2`, userName: 'x' }, 'windfall', 7n);
          await api.drawResult(...args);
        },
      }),
    });
    expect(report.moneyFaults).toHaveLength(1);
    const [fault] = report.moneyFaults;
    expect(players).toContain(fault?.platformUserId);
    expect(fault!.actualChangeMinor - fault!.expectedChangeMinor).toBe(7n);
  });

  it('signs its players’ calls for a platform', async () => {
    const strict = await openLiveServer({ 'auth.demo_mode': false });
    try {
      const platform = { key: PLATFORM.app_key, secret: PLATFORM.app_secret };
      const report = await strict.run({ api: strict.connect({ platform }) });
      expect(report).toMatchObject({ moneyFaults: [], refused: new Map() });
      expect(report.billNos).toHaveLength(30);
      await expect(strict.run({ api: strict.connect() })).rejects.toMatchObject({
        failure: 'refused',
        code: 3000,
      });
    } finally {
      await strict.close();
    }
  });

  it('counts bets that the rules refuse and plays on', async () => {
    const report = await server.run({ minStakeMinor: 1n, maxStakeMinor: 99n });
    expect(report.billNos).toEqual([]);
    expect([...report.refused.values()].map(({ count }) => count)).toEqual([30]);
    expect(report.moneyFaults).toEqual([]);
  });
});

describe('a round left open', () => {
  it.each([
    ['betting', []],
    ['sealed', [2]],
    ['dealing', [2, 3]],
    ['drawn', [2, 3, 4]],
  ] as const)('in %s is taken to its end', async (_, events) => {
    const api = server.connect();
    const roundId = await server.door.round();
    const round = { roundId, gameId: roundId, roomId: roundId };
    const player = { platformUserId: 'late', userName: 'Late' };
    await api.deposit(player, `d-${roundId}`, 1_000n);
    const before = await api.balanceMinor(player);
    await api.bet(round, { player, playType: 1, stakeMinor: 500n, idempotencyKey: roundId });
    await server.door.events(roundId, ...events);
    await finishRound({ api, round, cards });
    expect((await api.round(roundId)).status).toBe(ROUND_STATUS.ended);
    const { grossMinor } = new RoundSettler(findPaytable('classic')!, cards).settle(1, 500n);
    expect(await api.balanceMinor(player)).toBe(before - 500n + grossMinor);
    await finishRound({ api, round, cards });
  });

  it('that is settled only wants its end', async () => {
    const api = server.connect();
    const roundId = await server.door.round();
    const round = { roundId, gameId: roundId, roomId: roundId };
    await server.door.events(roundId, 2, 3, 4);
    await api.drawResult(round, 'D1,T2,R');
    // Other cards than those it was settled with: they are not sent.
    await finishRound({ api, round, cards });
    expect(await api.round(roundId)).toMatchObject({
      status: ROUND_STATUS.ended,
      settlement: { result: 'tiger' },
    });
  });
});
