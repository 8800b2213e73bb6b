import { randomInt } from 'node:crypto';
import { type Card, type RoundCards } from './cards.ts';
import { DragonTigerError } from './errors.ts';
import { DECK, DECKS } from './odds.ts';

/** A whole number from 0 up to, not including, the limit; each equally likely. */
export type RandomBelow = (limit: number) => number;

export interface ShoeOptions {
  /** @default 8 */
  readonly decks?: number;
  /** Cards left in the shoe below which the next round is dealt from a fresh one. @default 52 */
  readonly cutCard?: number;
  /** Replace it only to replay a known sequence: a dealer's shuffle must not be foreseeable. @default crypto.randomInt */
  readonly random?: RandomBelow;
}

/** A shoe as a dealer uses it: shuffled, dealt down to the cut card, then shuffled anew. */
export class Shoe {
  readonly #decks: number;
  readonly #cutCard: number;
  readonly #random: RandomBelow;
  #cards: Card[] = [];

  constructor(options: ShoeOptions = {}) {
    this.#decks = options.decks ?? DECKS;
    this.#cutCard = options.cutCard ?? 52;
    this.#random = options.random ?? ((limit) => randomInt(limit));
    if (!Number.isInteger(this.#decks) || this.#decks < 1 || this.#decks > 64) {
      throw new DragonTigerError('shoe-invalid', `decks is ${this.#decks}; allowed: 1 to 64`);
    }
    const size = this.#decks * DECK.length;
    if (!Number.isInteger(this.#cutCard) || this.#cutCard < 2 || this.#cutCard > size) {
      throw new DragonTigerError('shoe-invalid', `cutCard is ${this.#cutCard}; allowed: 2 to ${size}`);
    }
    this.shuffle();
  }

  get remaining(): number {
    return this.#cards.length;
  }

  /** Takes a fresh shoe and shuffles it (Fisher-Yates). */
  shuffle(): void {
    const cards = Array.from({ length: this.#decks }, () => DECK).flat();
    for (let last = cards.length - 1; last > 0; last--) {
      const other = this.#random(last + 1);
      [cards[last], cards[other]] = [cards[other] as Card, cards[last] as Card];
    }
    this.#cards = cards;
  }

  /** Deals one card to Dragon, then one to Tiger. */
  deal(): RoundCards {
    if (this.#cards.length < this.#cutCard) this.shuffle();
    const dragon = this.#cards.pop();
    const tiger = this.#cards.pop();
    if (dragon === undefined || tiger === undefined)
      throw new DragonTigerError('shoe-invalid', 'the shoe is empty');
    return { dragon, tiger };
  }
}
