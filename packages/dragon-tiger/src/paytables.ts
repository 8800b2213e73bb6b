import { BETS } from './bets.ts';
import { type Paytable, type PaytableBet, type PaytableData, loadPaytable } from './paytable.ts';

const standardBets: readonly PaytableBet[] = [
  { bet: 'dragon', pays: '1', onTie: 'half' },
  { bet: 'tiger', pays: '1', onTie: 'half' },
  { bet: 'tie', pays: '11' },
];

const onHands = (names: RegExp, pays: string): PaytableBet[] =>
  BETS.filter((bet) => names.test(bet.name)).map((bet) => ({ bet: bet.name, pays }));

/** The paytables that come with the game. A published (id, version) is never edited: a change is a new version. */
export const PAYTABLE_DATA: readonly PaytableData[] = [
  {
    // What clients of the earlier server expect, rounding included.
    id: 'classic',
    version: 1,
    rounding: 'half-away-from-zero',
    bets: [
      { bet: 'dragon', pays: '0.97', onTie: 'return' },
      { bet: 'tiger', pays: '0.97', onTie: 'return' },
      { bet: 'tie', pays: '8' },
    ],
  },
  { id: 'standard', version: 1, rounding: 'down', bets: standardBets },
  {
    id: 'full',
    version: 1,
    rounding: 'down',
    bets: [
      ...standardBets,
      { bet: 'suited_tie', pays: '50' },
      ...onHands(/_(big|small|odd|even|red|black)$/, '1'),
      ...onHands(/_(spades|hearts|diamonds|clubs)$/, '3'),
    ],
  },
];

/** The loaded paytables, newest version last. */
export const PAYTABLES: readonly Paytable[] = PAYTABLE_DATA.map(loadPaytable);

/** The shipped paytable of that id and version; without a version the newest one. */
export function findPaytable(id: string, version?: number): Paytable | undefined {
  return PAYTABLES.findLast(
    (table) => table.id === id && (version === undefined || table.version === version),
  );
}
