import type { EventType, GameStarted } from '../../game/index.ts';
import { sendData } from '../envelope.ts';
import { longerThan, MAX_ID_BYTES, readFields } from '../fields.ts';
import type { Door } from '../parts.ts';
import { badRequest } from '../refusal.ts';
import { traceContext } from '../trace.ts';

const malformed = 'invalid request';
const maxCardListBytes = 256;

/** What dealers call: the events of a round, and its result. */
export function roundEventRoutes({ app, game, admin }: Door): void {
  app.post(
    '/api/game_event',
    { config: { metered: 'event' }, onRequest: async (request) => void admin(request) },
    async (request, reply) => {
      const fields = readFields(request, malformed);
      const ids = readIds(fields);
      const eventType = fields.integer('event_type');
      if (eventType === undefined) throw badRequest(malformed);
      if (!isEventType(eventType)) throw badRequest('event_type must be one of: 1|2|3|4|5');
      const { data } = await game.event({
        ...ids,
        eventType,
        actor: admin(request),
        traceId: request.id,
        ...traceContext(request.headers),
      });
      return sendData(reply, data && viewStarted(data));
    },
  );

  app.post(
    '/api/drawresult',
    { config: { metered: 'draw' }, onRequest: async (request) => void admin(request) },
    async (request, reply) => {
      const fields = readFields(request, malformed);
      const ids = readIds(fields);
      const cardList = fields.text('card_list');
      // Clients may send it; the time that counts is the database's.
      fields.integer('draw_time');
      if (cardList === '' || longerThan(cardList, maxCardListBytes)) throw badRequest(malformed);
      await game.drawResult({
        ...ids,
        cardList,
        actor: admin(request),
        traceId: request.id,
        ...traceContext(request.headers),
      });
      return sendData(reply);
    },
  );
}

function readIds(fields: ReturnType<typeof readFields>): {
  roundId: string;
  gameId?: string;
  roomId?: string;
} {
  const roundId = fields.text('game_round_id');
  const gameId = fields.text('game_id');
  const roomId = fields.text('room_id');
  if (roundId === '' || [roundId, gameId, roomId].some((id) => longerThan(id, MAX_ID_BYTES))) {
    throw badRequest(malformed);
  }
  return { roundId, ...(gameId !== '' && { gameId }), ...(roomId !== '' && { roomId }) };
}

function isEventType(value: number): value is EventType {
  return value >= 1 && value <= 5;
}

function viewStarted(started: GameStarted): object {
  return {
    bet_start_time: started.betStartTimeMs,
    bet_stop_time: started.betStopTimeMs,
    countdown_second: started.countdownSeconds,
    game_round_id: started.roundId,
    game_id: started.gameId,
    room_id: started.roomId,
  };
}
