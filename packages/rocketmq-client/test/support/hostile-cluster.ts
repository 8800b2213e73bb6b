import { readFileSync } from 'node:fs';
import {
  createResponse,
  decodeFrame,
  encodeCommand,
  isOneway,
  type RemotingCommand,
  RequestCode,
} from '@dt/rocketmq-protocol';
import { ScriptedCluster } from './scripted-cluster.ts';
import type { Peer } from './scripted-server.ts';

/** What a broker of Java answers, all fields set: the answers here begin as these. */
const golden = JSON.parse(
  readFileSync(new URL('../../../rocketmq-protocol/test/commands/golden.json', import.meta.url), 'utf8'),
) as Record<string, { code: number; response: { json: string; body?: string } }>;
const answersOfJava = new Map(
  Object.values(golden).map(({ code, response }) => [
    code,
    decodeFrame(Buffer.from(response.json.slice(8) + (response.body ?? ''), 'hex')),
  ]),
);
/** These the scripted cluster answers by itself: with addresses where it listens. */
const OWN_ANSWERS: ReadonlySet<number> = new Set([
  RequestCode.GET_BROKER_CLUSTER_INFO,
  RequestCode.GET_ROUTEINFO_BY_TOPIC,
  RequestCode.HEART_BEAT,
  RequestCode.GET_CONSUMER_LIST_BY_GROUP,
  RequestCode.QUERY_CONSUMER_OFFSET,
  RequestCode.LOCK_BATCH_MQ,
  RequestCode.PULL_MESSAGE,
  RequestCode.SEND_MESSAGE_V2,
  RequestCode.SEND_BATCH_MESSAGE,
]);

const TEXTS = [
  ...['', ' ', 'x', '-1', '1.5', '2147483648', '9007199254740993', '-9223372036854775808', 'NaN', 'null'],
  ...['true', '[]', '{}', '0 1 0', '\u0001\u0002', '99999999999999999999', '1;2,3', '::'],
];
const JSON_VALUES = ['null', '-1', '1e400', '"x"', '[]', '{}', '[null]', '9007199254740993', 'true'];

/** From 0 to below 1; the same for the same seed. */
export type Random = () => number;

export function seededRandom(seed: number): Random {
  let state = seed | 0;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}

/** A NameServer and broker that answers wrongly, in a way of its own each time. */
export async function startHostileCluster(random: Random, wrongRatio = 0.6): Promise<ScriptedCluster> {
  const cluster = await ScriptedCluster.start({ T: 2 });
  cluster.stored[0] = [{ body: 'a' }, { body: 'b' }];
  const wellMeant = cluster.server.script;
  cluster.server.script = (request, peer) => {
    const hostile: Peer = {
      ...peer,
      respond: (of, code, payload) => {
        const answer = createResponse(of, code, payload);
        if (random() >= wrongRatio) peer.send(answer);
        else answerWrongly(peer, answer, random);
      },
    };
    const ofJava = answersOfJava.get(request.code);
    if (ofJava === undefined || OWN_ANSWERS.has(request.code)) wellMeant(request, hostile);
    else if (!isOneway(request)) hostile.respond(request, 0, ofJava);
  };
  return cluster;
}

const pick = <T>(random: Random, from: readonly T[]): T | undefined =>
  from[Math.floor(random() * from.length)];

function answerWrongly(peer: Peer, answer: RemotingCommand, random: Random): void {
  const wrong = pick(random, WAYS);
  wrong?.(peer, answer, random);
}

type Way = (peer: Peer, answer: RemotingCommand, random: Random) => void;

const WAYS: readonly Way[] = [
  function fieldMissing(peer, answer, random) {
    const extFields = { ...answer.extFields };
    const name = pick(random, Object.keys(extFields));
    if (name !== undefined) delete extFields[name];
    peer.send({ ...answer, extFields });
  },
  function fieldOfAnotherType(peer, answer, random) {
    const extFields = { ...answer.extFields };
    const name = pick(random, Object.keys(extFields));
    if (name !== undefined) extFields[name] = pick(random, TEXTS) ?? '';
    peer.send({ ...answer, extFields });
  },
  function bodyCut(peer, answer, random) {
    peer.send({ ...answer, body: answer.body.subarray(0, Math.floor(random() * answer.body.length)) });
  },
  function bodyDamaged(peer, answer, random) {
    const body = Buffer.from(answer.body);
    for (let n = 0; n < 3 && body.length > 0; n++)
      body[Math.floor(random() * body.length)] = Math.floor(random() * 256);
    peer.send({ ...answer, body });
  },
  function jsonValueOfAnotherType(peer, answer, random) {
    const values = [...answer.body.toString().matchAll(/"[^"]*"(?=[,}\]])|-?\d+(?=[,}\]])|true|false/g)];
    const value = pick(random, values);
    const text = answer.body.toString();
    const body =
      value === undefined
        ? (pick(random, JSON_VALUES) ?? '')
        : text.slice(0, value.index) +
          (pick(random, JSON_VALUES) ?? '') +
          text.slice(value.index + value[0].length);
    peer.send({ ...answer, body: Buffer.from(body) });
  },
  function anotherCode(peer, answer, random) {
    const code = pick(random, [1, 2, 3, 10, 12, 14, 16, 17, 19, 20, 21, 22, 24, 209, 1500, 9999, -7]) ?? 1;
    peer.send({ ...answer, code, remark: 'no' });
  },
  function anotherRequest(peer, answer, random) {
    peer.send({ ...answer, opaque: Math.floor(random() * 0x7fffffff) });
  },
  function twice(peer, answer) {
    peer.send(answer);
    peer.send(answer);
  },
  function notAtAll() {
    // The client's time-out ends it.
  },
  function closed(peer) {
    peer.socket.destroy();
  },
  function halfAndClosed(peer, answer, random) {
    const frame = encodeCommand(answer);
    peer.socket.end(frame.subarray(0, Math.floor(random() * frame.length)));
  },
  function headerOfNoise(peer, answer, random) {
    const frame = Buffer.from(encodeCommand(answer));
    for (let at = 8; at < Math.min(frame.length, 40); at++) frame[at] = Math.floor(random() * 256);
    peer.socket.write(frame);
  },
  function lengthThatLies(peer, answer, random) {
    const frame = Buffer.from(encodeCommand(answer));
    frame.writeInt32BE(Math.floor((random() - 0.5) * 0xffffffff), random() < 0.5 ? 0 : 4);
    peer.socket.write(frame);
  },
  function questionsInBetween(peer, answer, random) {
    for (const code of [39, 40, 220, 221, 307, 309, 326, 4711]) {
      const request = { ...answer, code, flag: random() < 0.5 ? 0 : 2, opaque: Math.floor(random() * 100) };
      const java = answersOfJava.get(code);
      peer.send({ ...request, ...(java && { extFields: java.extFields, body: java.body }) });
    }
    peer.send(answer);
  },
];
