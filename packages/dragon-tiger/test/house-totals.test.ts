import { describe, expect, it } from 'vitest';
import {
  type BetName,
  BETS,
  type Card,
  DECK,
  DECKS,
  entryOf,
  houseTotal,
  isSuitedTie,
  loadPaytable,
  ORDERED_PAIRS,
  outcomeCounts,
  type PaytableBet,
  probability,
  Rational,
  resultOf,
} from '../src/index.ts';

/** The whole shoe, card by card: the tests below walk all its ordered pairs and share no counting with the source. */
const shoe: Card[] = Array.from({ length: DECKS }, () => DECK).flat();

function forEachPair(visit: (dragon: Card, tiger: Card) => void): void {
  for (const [i, dragon] of shoe.entries()) {
    for (const [j, tiger] of shoe.entries()) if (i !== j) visit(dragon, tiger);
  }
}

const each = (names: BetName[], pays: string, onTie?: 'return' | 'half'): PaytableBet[] =>
  names.map((bet) => (onTie === undefined ? { bet, pays } : { bet, pays, onTie }));
const sides: BetName[] = ['dragon', 'tiger'];
const evenMoney = BETS.map((bet) => bet.name).filter((name) => /_(big|small|odd|even|red|black)$/.test(name));
const suits = BETS.map((bet) => bet.name).filter((name) => /_(spades|hearts|diamonds|clubs)$/.test(name));

const table: { bets: PaytableBet[]; edge: string; total: string }[] = [
  { bets: each(sides, '1', 'half'), edge: '31/830', total: '6448' },
  { bets: each(sides, '1', 'return'), edge: '0', total: '0' },
  { bets: each(sides, '0.97', 'return'), edge: '144/10375', total: '2396.16' },
  { bets: each(sides, '0.97', 'half'), edge: '1063/20750', total: '8844.16' },
  { bets: each(['tie'], '8'), edge: '136/415', total: '56576' },
  { bets: each(['tie'], '10'), edge: '74/415', total: '30784' },
  { bets: each(['tie'], '11'), edge: '43/415', total: '17888' },
  { bets: each(['suited_tie'], '50'), edge: '58/415', total: '24128' },
  { bets: each(['suited_tie'], '60'), edge: '-12/415', total: '-4992' },
  { bets: each(evenMoney, '1'), edge: '1/13', total: '13280' },
  { bets: each(suits, '3'), edge: '1/13', total: '13280' },
];

describe('the shoe of 8 decks', () => {
  it('has 172,640 ordered pairs: 79,872 dragon, 79,872 tiger, 12,896 ties, 2,912 of them suited', () => {
    const seen = { pairs: 0, dragon: 0, tiger: 0, tie: 0, suited: 0 };
    forEachPair((dragon, tiger) => {
      seen.pairs++;
      seen[resultOf({ dragon, tiger })]++;
      if (isSuitedTie({ dragon, tiger })) seen.suited++;
    });
    expect(seen).toEqual({ pairs: 172_640, dragon: 79_872, tiger: 79_872, tie: 12_896, suited: 2_912 });
    expect(ORDERED_PAIRS).toBe(172_640n);
  });

  it('gives dragon and tiger 192/415 each, a tie 31/415 and a suited tie 7/415', () => {
    const chances = ['dragon', 'tiger', 'tie', 'suited_tie'].map((name) =>
      probability(
        BETS.find((bet) => bet.name === name)!,
        'win',
      ).toString(),
    );
    expect(chances).toEqual(['192/415', '192/415', '31/415', '7/415']);
  });

  it('leaves every bet in the outcomes that walking all pairs counts', () => {
    const counts = new Map(BETS.map((bet) => [bet, { win: 0n, tie: 0n, lose: 0n }]));
    forEachPair((dragon, tiger) => {
      for (const [bet, count] of counts) count[bet.outcome({ dragon, tiger })]++;
    });
    for (const [bet, count] of counts) expect(outcomeCounts(bet), bet.name).toEqual(count);
  });
});

describe('house totals and edges', () => {
  const rows = table.flatMap(({ bets, edge, total }) => bets.map((bet) => ({ ...bet, edge, total })));

  it.each(rows)('$bet at $pays:1, tie $onTie: edge $edge, total $total', ({ edge, total, ...bet }) => {
    const paytable = loadPaytable({
      id: 'x',
      version: 1,
      rounding: 'down',
      bets: [bet],
      allowPlayerEdge: true,
    });
    const entry = entryOf(paytable, bet.bet);
    expect(entry.houseEdge.toString()).toBe(edge);
    expect(houseTotal(entry).equals(Rational.parse(total))).toBe(true);

    let kept = Rational.zero;
    const returned = { win: 0n, tie: 0n, lose: 0n };
    forEachPair((dragon, tiger) => {
      returned[entry.bet.outcome({ dragon, tiger })]++;
    });
    for (const outcome of ['win', 'tie', 'lose'] as const) {
      kept = kept.plus(Rational.one.minus(entry.returns[outcome]).times(new Rational(returned[outcome])));
    }
    expect(kept.equals(Rational.parse(total))).toBe(true);
  });
});
