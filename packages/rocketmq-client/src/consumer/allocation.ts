import { createHash } from 'node:crypto';
import { isRetryTopic, type MessageQueue, messageQueueKey } from '@dt/rocketmq-protocol';
import { integer, invalidOption } from '../options.ts';
import { allocateAverage } from './allocate-average.ts';

export interface AllocationRequest {
  group: string;
  /** Whose share is asked for; one of `clientIds`. */
  clientId: string;
  /** All queues of one topic, sorted; at least one. */
  queues: readonly MessageQueue[];
  /** All members of the group, sorted. */
  clientIds: readonly string[];
}

/**
 * The share of one member in the queues of a topic. Every member computes it for itself, so all must use the same
 * strategy, and together they must cover every queue once. Asked for the retry topic of the group, too.
 */
export type AllocationStrategy = (request: AllocationRequest) => readonly MessageQueue[];

/** The strategies of RocketMQ's Java client, with its results: members of both kinds agree. */
export const allocation = {
  /** As many neighbouring queues for each as for the others (AVG). */
  average,
  /** Queue after queue to member after member (AVG_BY_CIRCLE). */
  averageByCircle: allocateByCircle,
  consistentHash,
  machineRoom,
  nearbyRoom,
  config: allocateByConfig,
} as const;

function average({ clientId, queues, clientIds }: AllocationRequest): MessageQueue[] {
  return allocateAverage(queues, clientIds, clientId);
}

function allocateByCircle({ clientId, queues, clientIds }: AllocationRequest): MessageQueue[] {
  const index = clientIds.indexOf(clientId);
  return queues.filter((_, i) => i % clientIds.length === index);
}

/**
 * Members and queues on a ring of MD5 hashes (CONSISTENT_HASH): when a member comes or goes, only its own queues
 * change hands. Shares can be very unlike.
 */
function consistentHash({ virtualNodes = 10 }: { virtualNodes?: number } = {}): AllocationStrategy {
  const count = integer('virtualNodes', virtualNodes, 10, 1, 10_000);
  return ({ clientId, queues, clientIds }) => {
    const ring = ringOf(clientIds, count);
    return queues.filter((queue) => ownerOn(ring, ringHash(queueText(queue))) === clientId);
  };
}

/**
 * Only queues of brokers whose names begin with one of these rooms and an `@`, as in `room1@broker-a`
 * (MACHINE_ROOM). Nobody reads the others, those of the retry topic among them.
 */
function machineRoom(rooms: readonly string[]): AllocationStrategy {
  if (!Array.isArray(rooms) || rooms.length === 0)
    throw invalidOption('rooms', rooms, 'expected at least one room');
  const wanted = new Set<string>(rooms);
  return ({ clientId, queues, clientIds }) => {
    const index = clientIds.indexOf(clientId);
    const here = queues.filter(({ brokerName }) => wanted.has(roomOfName(brokerName) ?? ''));
    const size = Math.floor(here.length / clientIds.length);
    const rest = here.length % clientIds.length;
    const extra = index < rest ? here.slice(size * clientIds.length + index).slice(0, 1) : [];
    return [...here.slice(size * index, size * (index + 1)), ...extra];
  };
}

export interface NearbyRoomOptions {
  roomOfQueue: (queue: MessageQueue) => string;
  roomOfClient: (clientId: string) => string;
  /** Shares out within a room. @default allocation.average */
  strategy?: AllocationStrategy;
}

/** Queues go to members of their own room; those of a room without members to all (MACHINE_ROOM_NEARBY). */
function nearbyRoom(options: NearbyRoomOptions): AllocationStrategy {
  const { roomOfQueue, roomOfClient, strategy = average } = options;
  for (const [field, value] of Object.entries({ roomOfQueue, roomOfClient, strategy }))
    if (typeof value !== 'function') throw invalidOption(field, value, 'expected a function');
  return (request) => {
    const { clientId, queues, clientIds } = request;
    const queuesByRoom = grouped(queues, roomOfQueue);
    const clientsByRoom = grouped(clientIds, roomOfClient);
    const own = roomOfClient(clientId);
    // A room at a time in the order of their names, the own one first: as Java does it.
    const others = [...queuesByRoom.keys()].filter((room) => !clientsByRoom.has(room)).sort();
    return [own, ...others].flatMap((room) => {
      const here = queuesByRoom.get(room) ?? [];
      const members = room === own ? (clientsByRoom.get(own) ?? []) : clientIds;
      return here.length === 0 ? [] : strategy({ ...request, queues: here, clientIds: members });
    });
  };
}

/**
 * Exactly these queues, whatever the other members do (CONFIG). The queues of the retry topic are shared out on
 * average, unless the list names some: a configured Java consumer leaves them to nobody.
 */
function allocateByConfig(queues: readonly MessageQueue[]): AllocationStrategy {
  if (!Array.isArray(queues)) throw invalidOption('queues', queues, 'expected a list of queues');
  const list = queues as readonly MessageQueue[];
  const keys = new Set(list.map(messageQueueKey));
  const namesRetry = list.some(({ topic }) => isRetryTopic(topic));
  return (request) =>
    !namesRetry && request.queues.every(({ topic }) => isRetryTopic(topic))
      ? average(request)
      : request.queues.filter((queue) => keys.has(messageQueueKey(queue)));
}

/** Hash and owner, ascending. */
type Ring = readonly (readonly [hash: number, clientId: string])[];

function ringOf(clientIds: readonly string[], virtualNodes: number): Ring {
  const ring = new Map<number, string>();
  for (const clientId of clientIds)
    for (let i = 0; i < virtualNodes; i++) ring.set(ringHash(`${clientId}-${i}`), clientId);
  return [...ring].sort(([a], [b]) => a - b);
}

function ownerOn(ring: Ring, hash: number): string | undefined {
  return (ring.find(([at]) => at >= hash) ?? ring[0])?.[1];
}

function ringHash(text: string): number {
  return createHash('md5').update(text).digest().readUInt32BE();
}

/** How Java writes a queue; its place on the ring depends on it. */
function queueText({ topic, brokerName, queueId }: MessageQueue): string {
  return `MessageQueue [topic=${topic}, brokerName=${brokerName}, queueId=${queueId}]`;
}

function roomOfName(brokerName: string): string | undefined {
  const parts = brokerName.split('@');
  return parts.length === 2 && parts[1] !== '' ? parts[0] : undefined;
}

function grouped<T>(items: readonly T[], roomOf: (item: T) => string): Map<string, T[]> {
  const rooms = new Map<string, T[]>();
  for (const item of items) {
    const room = roomOf(item);
    if (typeof room !== 'string' || room === '')
      throw new TypeError(`no room for ${typeof item === 'string' ? item : JSON.stringify(item)}`);
    rooms.set(room, [...(rooms.get(room) ?? []), item]);
  }
  return rooms;
}
