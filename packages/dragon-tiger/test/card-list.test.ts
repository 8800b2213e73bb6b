import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  contradicts,
  DECK,
  formatCardList,
  parseCard,
  parseCardList,
  resultOf,
  sameCards,
} from '../src/index.ts';

const card = fc
  .constantFrom(...DECK)
  .chain(({ rank, suit }) => fc.constantFrom({ rank }, { rank, suit: suit! }));
const cards = fc.record({ dragon: card, tiger: card });

describe('a card list', () => {
  it.each([
    ['D12,T4,Rd', { dragon: { rank: 12 }, tiger: { rank: 4 }, statedResult: 'dragon' }],
    ['T7,D2,R', { dragon: { rank: 2 }, tiger: { rank: 7 } }],
    [' d6 , t6 ,rTIE', { dragon: { rank: 6 }, tiger: { rank: 6 }, statedResult: 'tie' }],
    ['D3,T9,Rdragon', { dragon: { rank: 3 }, tiger: { rank: 9 }, statedResult: 'dragon' }],
    ['D5,T3,RDragon', { dragon: { rank: 5 }, tiger: { rank: 3 }, statedResult: 'dragon' }],
    ['R-tiger,D1,T2', { dragon: { rank: 1 }, tiger: { rank: 2 }, statedResult: 'tiger' }],
    ['D1,T2,Rsomething', { dragon: { rank: 1 }, tiger: { rank: 2 } }],
    ['D1,T2,Rconstructor', { dragon: { rank: 1 }, tiger: { rank: 2 } }],
    ['DA,TK,Rt', { dragon: { rank: 1 }, tiger: { rank: 13 }, statedResult: 'tiger' }],
    ['D12s,TQH,R', { dragon: { rank: 12, suit: 's' }, tiger: { rank: 12, suit: 'h' } }],
    [
      'D10d,Tjc,rt',
      { dragon: { rank: 10, suit: 'd' }, tiger: { rank: 11, suit: 'c' }, statedResult: 'tiger' },
    ],
  ])('%s is read', (text, expected) => {
    expect(parseCardList(text)).toEqual(expected);
  });

  it.each([
    'D14,T2,Rd',
    'D0,T2,Rd',
    'Dragon',
    'D1,D2,Rt',
    'D1,T2,Rd,Rt',
    'D1,T2,X3,R',
    'D1x,T2,R',
    'D-1,T2,R',
    'D 1,T2,R',
    'D,T,R',
  ])('%s gives no result', (text) => {
    expect(() => parseCardList(text)).toThrow(expect.objectContaining({ code: 'card-list-invalid' }));
  });

  it.each(['D5,T3', '', '1,2,3', 'D5d,Rd'])('"%s" misses a token', (text) => {
    expect(() => parseCardList(text)).toThrow(expect.objectContaining({ code: 'card-list-incomplete' }));
  });

  it('contradicts itself when the stated result is not what the cards give', () => {
    expect(contradicts(parseCardList('D3,T9,Rdragon'))).toBe(true);
    expect(contradicts(parseCardList('D3,T9,Rt'))).toBe(false);
    expect(contradicts(parseCardList('D3,T9,R'))).toBe(false);
  });

  it('survives formatting and reading, and never contradicts itself after it', () => {
    fc.assert(
      fc.property(cards, (dealt) => {
        const list = parseCardList(formatCardList(dealt));
        expect(sameCards(list, dealt)).toBe(true);
        expect(list.statedResult).toBe(resultOf(dealt));
      }),
    );
  });

  it('gives a list or a coded error for any text', () => {
    fc.assert(
      fc.property(fc.oneof(fc.string(), fc.stringMatching(/^[dtrDTR0-9ajqkshc, -]{0,20}$/)), (text) => {
        try {
          parseCardList(text);
        } catch (error) {
          expect(error).toMatchObject({ code: expect.stringMatching(/^card-list-/) as string });
        }
      }),
    );
  });

  it('refuses a card that is none', () => {
    expect(() => parseCard('14')).toThrow(/"14" is not a card/);
    expect(() => parseCard('')).toThrow(expect.objectContaining({ code: 'card-invalid' }));
  });
});
