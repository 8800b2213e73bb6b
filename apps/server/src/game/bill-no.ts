import { randomInt } from 'node:crypto';

const HEX = 16 ** 3;

/**
 * A bill number as clients know it, 23 characters: `DT`, local time to the second, the last four digits of the
 * player's number, three random upper-case hex digits.
 *
 * Two bets of one player in one second meet with a chance of 1 in 4096: the unique key of the orders decides, and the
 * loser draws again. Not random enough to be a secret, and not meant to be.
 */
export function newBillNo(now: Date, playerId: string): string {
  const two = (value: number): string => value.toString().padStart(2, '0');
  const day = `${now.getFullYear()}${two(now.getMonth() + 1)}${two(now.getDate())}`;
  const time = `${two(now.getHours())}${two(now.getMinutes())}${two(now.getSeconds())}`;
  const random = randomInt(HEX).toString(16).toUpperCase().padStart(3, '0');
  return `DT${day}${time}${playerId.slice(-4).padStart(4, '0')}${random}`;
}
