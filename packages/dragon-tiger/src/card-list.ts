import { type Card, type RoundCards, formatCard, parseCard, sameCard } from './cards.ts';
import { DragonTigerError } from './errors.ts';
import { type Result, resultOf } from './results.ts';

/** What a dealer sent: the cards, and the result the dealer states, if the dealer states one. */
export interface CardList extends RoundCards {
  readonly statedResult?: Result;
}

const STATED: Readonly<Record<string, Result>> = {
  d: 'dragon',
  dragon: 'dragon',
  '-dragon': 'dragon',
  t: 'tiger',
  tiger: 'tiger',
  '-tiger': 'tiger',
  tie: 'tie',
};

/**
 * Reads `D12,T4,Rd`: exactly three tokens in any order and case. `D` and `T` carry a card (see {@link parseCard}),
 * `R` a stated result; an empty or unknown one states nothing. Whether the statement agrees with the cards is
 * the caller's question ({@link contradicts}): the cards decide.
 * @throws DragonTigerError `card-list-incomplete` when a token is plainly missing, `card-list-invalid` when the
 *   tokens are there and give no result. Clients of the earlier server know these as two different texts.
 */
export function parseCardList(text: string): CardList {
  const lower = text.toLowerCase();
  const hasLetters = lower.includes('d') && lower.includes('t') && lower.includes('r');
  if (!hasLetters && !/dragon|tiger|tie/.test(lower)) {
    throw new DragonTigerError('card-list-incomplete', 'a card list needs a D, a T and an R token');
  }
  const tokens = lower.split(',').map((token) => token.trim());
  let dragon: Card | undefined;
  let tiger: Card | undefined;
  let stated: string | undefined;
  for (const token of tokens) {
    const value = token.slice(1);
    if (token.startsWith('d') && dragon === undefined) dragon = cardIn(token, value);
    else if (token.startsWith('t') && tiger === undefined) tiger = cardIn(token, value);
    else if (token.startsWith('r') && stated === undefined) stated = value;
    else throw unreadable(`token "${token}" is unknown or given twice`);
  }
  if (dragon === undefined || tiger === undefined || stated === undefined)
    throw unreadable('a token is missing');
  const statedResult = Object.hasOwn(STATED, stated) ? STATED[stated] : undefined;
  return statedResult === undefined ? { dragon, tiger } : { dragon, tiger, statedResult };
}

function cardIn(token: string, value: string): Card {
  try {
    return parseCard(value);
  } catch (cause) {
    throw unreadable(`token "${token}" is not a card`, cause);
  }
}

function unreadable(why: string, cause?: unknown): DragonTigerError {
  return new DragonTigerError('card-list-invalid', `card list unreadable: ${why}`, { cause });
}

/** The canonical text of a list, with the result the cards give: `D12s,T4h,Rdragon`. */
export function formatCardList(cards: RoundCards): string {
  return `D${formatCard(cards.dragon)},T${formatCard(cards.tiger)},R${resultOf(cards)}`;
}

/** Whether the dealer states a result that the cards do not give. Such a list is refused, never obeyed. */
export function contradicts(list: CardList): boolean {
  return list.statedResult !== undefined && list.statedResult !== resultOf(list);
}

export function sameCards(a: RoundCards, b: RoundCards): boolean {
  return sameCard(a.dragon, b.dragon) && sameCard(a.tiger, b.tiger);
}
