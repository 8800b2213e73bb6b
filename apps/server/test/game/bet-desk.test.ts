import { setImmediate } from 'node:timers/promises';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { BetDesk } from '../../src/game/bet-desk.ts';
import { stateRefused, type PlaceBetRequest } from '../../src/game/index.ts';
import type { BetOutcome } from '../../src/game/place-bets.ts';
import { betOf } from './table.ts';

const player = { platformId: 1, platformUserId: 'p', userName: '' };
const bet = (key: string, round = 'r'): PlaceBetRequest => betOf(player, round, 1, 1000n, key);
const placed = ({ idempotencyKey }: PlaceBetRequest): BetOutcome => ({
  placed: { billNo: idempotencyKey, remainMinor: 0n, traceId: '', answeredAtMs: 0, replayed: false },
});

/** A database that answers when it is told to. */
function slow() {
  const batches: {
    requests: readonly PlaceBetRequest[];
    answer: () => void;
    fail: (error: Error) => void;
  }[] = [];
  const place = (requests: readonly PlaceBetRequest[]) =>
    new Promise<BetOutcome[]>((resolve, reject) =>
      batches.push({ requests, answer: () => resolve(requests.map(placed)), fail: reject }),
    );
  const keys = () =>
    batches.map(({ requests }) => requests.map(({ idempotencyKey }) => idempotencyKey).join(''));
  /** The desk gives the event loop a turn between batches. */
  const turn = async (): Promise<void> => {
    for (let times = 0; times < 3; times += 1) await setImmediate();
  };
  return { batches, place, keys, turn };
}

afterEach(() => {
  vi.useRealTimers();
});

describe('the desk', () => {
  it('sends a bet that comes alone at once, and gathers those that come meanwhile, round by round', async () => {
    const { batches, place, keys, turn } = slow();
    const desk = new BetDesk({ place, maxBatch: 3 });
    const bets = ['a', 'b', 'c', 'd', 'e'].map((key) => desk.placeBet(bet(key)));
    bets.push(desk.placeBet(bet('x', 'other')));
    await turn();
    expect(keys()).toEqual(['a', 'x']);
    batches[0]?.answer();
    await turn();
    expect(keys()).toEqual(['a', 'x', 'bcd']);
    batches[1]?.answer();
    batches[2]?.answer();
    await turn();
    expect(keys()).toEqual(['a', 'x', 'bcd', 'e']);
    batches[3]?.answer();
    expect((await Promise.all(bets)).map(({ billNo }) => billNo).join('')).toBe('abcdex');
  });

  it('gives each bet its own answer', async () => {
    const desk = new BetDesk({
      place: async (requests) =>
        requests.map((request) =>
          request.idempotencyKey === 'b' ? { refused: stateRefused() } : placed(request),
        ),
    });
    const outcomes = await Promise.allSettled(['a', 'b', 'c'].map((key) => desk.placeBet(bet(key))));
    expect(outcomes.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'fulfilled']);
  });

  it('refuses more than it can hold, and what has waited too long, at that time', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    const { batches, place, keys, turn } = slow();
    const desk = new BetDesk({ place, maxWaiting: 2, waitTimeoutMs: 3000 });
    const first = desk.placeBet(bet('a'));
    const late = expect(desk.placeBet(bet('b'))).rejects.toMatchObject({
      code: 'desk-busy',
      retryable: true,
    });
    vi.advanceTimersByTime(1000);
    const patient = desk.placeBet(bet('c'));
    await expect(desk.placeBet(bet('d'))).rejects.toMatchObject({ code: 'desk-busy' });
    vi.advanceTimersByTime(2000);
    await late;
    const next = desk.placeBet(bet('e'));
    batches[0]?.answer();
    await first;
    await turn();
    expect(keys()).toEqual(['a', 'ce']);
    batches[1]?.answer();
    await Promise.all([patient, next]);
    expect(vi.getTimerCount()).toBe(0);
  });

  it('places one by one what the database does not take together, and goes on after a failure', async () => {
    const asked: string[] = [];
    const desk = new BetDesk({
      place: async (requests) => {
        asked.push(requests.map(({ idempotencyKey }) => idempotencyKey).join(''));
        if (requests.some(({ idempotencyKey }) => idempotencyKey === 'c')) {
          throw Object.assign(new Error('bad text'), { code: '22021' });
        }
        if (requests.some(({ idempotencyKey }) => idempotencyKey === 'e')) throw new Error('connection lost');
        return requests.map(placed);
      },
    });
    const outcomes = await Promise.allSettled(['a', 'b', 'c', 'd'].map((key) => desk.placeBet(bet(key))));
    expect(outcomes.map(({ status }) => status)).toEqual(['fulfilled', 'fulfilled', 'rejected', 'fulfilled']);
    expect(asked).toEqual(['a', 'bcd', 'b', 'c', 'd']);
    await expect(desk.placeBet(bet('e'))).rejects.toThrow('connection lost');
    await expect(desk.placeBet(bet('f'))).resolves.toMatchObject({ billNo: 'f' });
  });
});
