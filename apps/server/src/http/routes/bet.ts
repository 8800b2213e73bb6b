import type { FastifyRequest } from 'fastify';
import type { PlaceBetRequest } from '../../game/index.ts';
import { formatAmount, parseAmount } from '../../wallet/index.ts';
import { sendFirstAnswer } from '../envelope.ts';
import { longerThan, MAX_ID_BYTES, readFields } from '../fields.ts';
import type { Door } from '../parts.ts';
import { badRequest } from '../refusal.ts';
import { traceContext } from '../trace.ts';

const maxAmountBytes = 32;
const maxBetMinor = 100_000_000n;

export function betRoute({ app, game, platform, limiter, clientAddress }: Door): void {
  app.post(
    '/api/bet',
    { config: { metered: 'bet' }, onRequest: async (request) => platform.begin(request) },
    async (request, reply) => {
      const player = await platform.player(request);
      limiter.take({ address: clientAddress(request), ...player });
      const placed = await game.placeBet({
        player,
        ...readBet(request),
        traceId: request.id,
        ...traceContext(request.headers),
      });
      const data = { bill_no: placed.billNo, remain_amount: formatAmount(placed.remainMinor) };
      return sendFirstAnswer(reply, data, placed);
    },
  );
}

type Bet = Pick<
  PlaceBetRequest,
  'gameId' | 'roomId' | 'roundId' | 'playType' | 'amountMinor' | 'idempotencyKey'
>;

/** The checks are in the order that clients know, one text each. */
function readBet(request: FastifyRequest): Bet {
  const fields = readFields(request, 'invalid json body');
  const gameId = fields.text('game_id');
  const roomId = fields.text('room_id');
  const roundId = fields.text('game_round_id');
  const amount = fields.text('bet_amount');
  const playType = fields.integer('play_type') ?? 0;
  const idempotencyKey = fields.text('idempotency_key');
  const ids = [gameId, roomId, roundId, idempotencyKey];
  if (ids.includes('') || amount === '' || playType === 0) throw badRequest('missing or invalid fields');
  if (ids.some((id) => longerThan(id, MAX_ID_BYTES)) || longerThan(amount, maxAmountBytes)) {
    throw badRequest('invalid request');
  }
  if (!isPlayType(playType)) throw badRequest('play_type must be 1|2|3');
  const amountMinor = parseAmount(amount);
  if (amountMinor === undefined) throw badRequest('bet_amount must be numeric with up to 2 decimals');
  if (amountMinor <= 0n) throw badRequest('bet amount must be positive');
  if (amountMinor > maxBetMinor) throw badRequest('bet amount exceeds maximum limit: 1000000');
  return { gameId, roomId, roundId, playType, amountMinor, idempotencyKey };
}

/** From 10 on are the bets of richer paytables: whether the table offers one is the game's to say. */
function isPlayType(value: number): boolean {
  return (value >= 1 && value <= 3) || (value >= 10 && value <= 99);
}
