import { describe, expect, it } from 'vitest';
import {
  BETS,
  betOf,
  entryOf,
  findPaytable,
  houseEdgeAtStake,
  loadPaytable,
  PAYTABLE_DATA,
  PAYTABLES,
  type PaytableData,
} from '../src/index.ts';

const classic = PAYTABLE_DATA.find((table) => table.id === 'classic');
const load = (change: object) => () => loadPaytable({ ...classic, ...change } as PaytableData);

describe('shipped paytables', () => {
  it('are classic, standard and full, each bet with an edge for the house', () => {
    expect(PAYTABLES.map((table) => `${table.id}@${table.version}`)).toEqual([
      'classic@1',
      'standard@1',
      'full@1',
    ]);
    const edges = PAYTABLES.map((table) =>
      Object.fromEntries(
        [...table.entries.values()].slice(0, 4).map((e) => [e.bet.name, e.houseEdge.toString()]),
      ),
    );
    expect(edges).toEqual([
      { dragon: '144/10375', tiger: '144/10375', tie: '136/415' },
      { dragon: '31/830', tiger: '31/830', tie: '43/415' },
      { dragon: '31/830', tiger: '31/830', tie: '43/415', suited_tie: '58/415' },
    ]);
  });

  it('ask for suits only in full, which offers every bet there is', () => {
    expect(PAYTABLES.map((table) => table.needsSuits)).toEqual([false, false, true]);
    expect(findPaytable('full')!.entries.size).toBe(BETS.length);
  });

  it('are found by id and version, the newest when no version is named', () => {
    expect(findPaytable('classic')).toBe(findPaytable('classic', 1));
    expect(findPaytable('classic', 2)).toBeUndefined();
    expect(findPaytable('none')).toBeUndefined();
  });
});

describe('play_type numbers', () => {
  it('keep 1, 2, 3 for the bets of the earlier server and start at 10 after them', () => {
    expect([1, 2, 3, 10, 11, 20, 21, 30].map((playType) => betOf(playType).name)).toEqual([
      'dragon',
      'tiger',
      'tie',
      'suited_tie',
      'dragon_big',
      'dragon_clubs',
      'tiger_big',
      'tiger_clubs',
    ]);
    expect(new Set(BETS.map((bet) => bet.playType)).size).toBe(BETS.length);
  });

  it('refuse a bet the game or the paytable does not know', () => {
    expect(() => betOf(4)).toThrow('there is no bet 4');
    expect(() => entryOf(findPaytable('classic')!, 'suited_tie')).toThrow(
      'paytable classic does not offer suited_tie',
    );
  });
});

describe('loading a paytable', () => {
  it('refuses a bet the player wins in the long run, naming it and its exact edge', () => {
    const bets = [{ bet: 'suited_tie', pays: '60' }];
    expect(load({ bets })).toThrow(
      expect.objectContaining({
        code: 'player-edge',
        message: expect.stringMatching(/suited_tie.*-12\/415/) as string,
      }),
    );
    expect(load({ bets, allowPlayerEdge: true })).not.toThrow();
  });

  it('refuses an edge of exactly zero', () => {
    expect(load({ bets: [{ bet: 'dragon', pays: '1', onTie: 'return' }] })).toThrow(
      /bet dragon at 1:1 .* edge of 0;/,
    );
  });

  it.each([
    ['id', { id: 'Classic!' }],
    ['id', { id: undefined }],
    ['version', { version: 0 }],
    ['version', { version: '1' }],
    ['rounding', { rounding: 'up' }],
    ['bets', { bets: [] }],
    ['bets', { bets: undefined }],
    ['bets[0].bet', { bets: [{ bet: 'panda', pays: '1' }] }],
    ['bets[0].pays', { bets: [{ bet: 'tie', pays: 8 }] }],
    ['bets[0].pays', { bets: [{ bet: 'tie', pays: '8e1' }] }],
    ['bets[0].pays', { bets: [{ bet: 'tie', pays: '0' }] }],
    ['bets[0].pays', { bets: [{ bet: 'tie', pays: '1/0' }] }],
    ['bets[0].pays', { bets: [{ bet: 'tie', pays: '1001' }] }],
    ['bets[0].onTie', { bets: [{ bet: 'dragon', pays: '0.97' }] }],
    ['bets[0].onTie', { bets: [{ bet: 'tie', pays: '8', onTie: 'half' }] }],
    [
      'bets[1].bet',
      {
        bets: [
          { bet: 'tie', pays: '8' },
          { bet: 'tie', pays: '9' },
        ],
      },
    ],
  ])('names the field: %s %j', (field, change) => {
    expect(load(change)).toThrow(
      expect.objectContaining({
        code: 'paytable-invalid',
        message: expect.stringContaining(`${field} is`) as string,
      }),
    );
  });

  it('shows that rounding eats the edge of a stake of 0.01 under classic, but none of 1.00', () => {
    const table = findPaytable('classic')!;
    expect(houseEdgeAtStake(table, 'tiger', 1n).toString()).toBe('0');
    expect(houseEdgeAtStake(table, 'tiger', 100n).toString()).toBe('144/10375');
  });
});
