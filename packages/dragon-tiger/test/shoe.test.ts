import { describe, expect, it } from 'vitest';
import { formatCard, Shoe } from '../src/index.ts';

describe('a shoe', () => {
  it('holds each of the 52 cards once per deck and deals each of them before a new shuffle', () => {
    const shoe = new Shoe({ cutCard: 2 });
    const seen = new Map<string, number>();
    for (let round = 0; round < 208; round++) {
      const { dragon, tiger } = shoe.deal();
      for (const card of [dragon, tiger]) seen.set(formatCard(card), (seen.get(formatCard(card)) ?? 0) + 1);
    }
    expect(shoe.remaining).toBe(0);
    expect(seen.size).toBe(52);
    expect([...seen.values()].every((times) => times === 8)).toBe(true);
  });

  it('is shuffled anew when the cut card comes', () => {
    const shoe = new Shoe({ cutCard: 414 });
    shoe.deal();
    expect(shoe.remaining).toBe(414);
    shoe.deal();
    expect(shoe.remaining).toBe(412);
    shoe.deal();
    expect(shoe.remaining).toBe(414);
  });

  it('deals a known sequence from a known source of chance', () => {
    const deal = () => new Shoe({ random: () => 0 }).deal();
    expect(deal()).toEqual(deal());
  });

  it.each([{ decks: 0 }, { decks: 1.5 }, { decks: 65 }, { cutCard: 1 }, { decks: 1, cutCard: 53 }])(
    'refuses %j',
    (options) => {
      expect(() => new Shoe(options)).toThrow(expect.objectContaining({ code: 'shoe-invalid' }));
    },
  );
});
