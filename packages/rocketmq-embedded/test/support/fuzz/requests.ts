import {
  commands,
  createRequest,
  encodeCommand,
  RequestCode,
  type RemotingCommand,
} from '@dt/rocketmq-protocol';
import type { Random } from '@dt/testkit';
import { batch, fieldValue, jsonBody, properties } from './values.ts';

/** Names that handlers read without a command of their own. */
const COMMON = [
  'topic',
  'group',
  'consumerGroup',
  'producerGroup',
  'groupName',
  'queueId',
  'namespace',
  'key',
];
/** Each of them writes a file to the disk, and waits for it: less often, or the disk is all that is tested. */
const COSTLY: ReadonlySet<number> = new Set([17, 18, 100, 102, 200, 207, 215, 401]);
/** A wait that is asked for is no hang: these fields are kept short. */
const WAITS = ['suspendTimeoutMillis', 'pollTime'];
const NAME_SERVER_CODES: ReadonlySet<number> = new Set([
  ...[100, 101, 102, 103, 104, 105, 106, 205, 206, 216, 217, 219, 224, 304, 318, 319, 322, 327, 901, 904],
]);
const CODES: readonly number[] = Object.values(RequestCode);

/** The names of all fields the decoder of a request asks for. */
function fieldsOf(codec: {
  decodeRequest: (payload: { extFields: Record<string, string>; body: Buffer }) => unknown;
}): string[] {
  const asked = new Set<string>();
  const extFields = new Proxy<Record<string, string>>(
    {},
    {
      get: (_, field) => (asked.add(String(field)), '1'),
      has: (_, field) => (asked.add(String(field)), true),
      getOwnPropertyDescriptor: (_, field) => {
        asked.add(String(field));
        return { value: '1', configurable: true, enumerable: true, writable: true };
      },
    },
  );
  try {
    codec.decodeRequest({ extFields, body: Buffer.alloc(0) });
  } catch {
    // The body is not what it should be: the fields were asked for before.
  }
  return [...asked].filter((field) => /^[a-zA-Z]+$/.test(field));
}

const FIELDS = new Map<number, string[]>(
  Object.values(commands).map((codec) => [codec.code, fieldsOf(codec)]),
);

export interface FuzzCase {
  code: number;
  toNameServer: boolean;
  bytes: Buffer;
  /** Number of the answer that has to come; undefined when the connection has to be closed. */
  answer: number | undefined;
}

/** One request, right or wrong in any way. */
export function fuzzCase(random: Random, opaque: number): FuzzCase {
  const request = fuzzRequest(random, opaque);
  const { code } = request;
  const toNameServer = NAME_SERVER_CODES.has(code) ? random.chance(0.9) : random.chance(0.02);
  const compact = code >= -0x8000 && code <= 0x7fff && random.chance(0.3);
  const bytes = encodeCommand(request, { serializeType: compact ? 'compact' : 'json' });
  if (!random.chance(0.03))
    return { code, toNameServer, bytes, answer: request.flag === 0 ? opaque : undefined };
  return { code, toNameServer, bytes: broken(random, bytes), answer: undefined };
}

function fuzzRequest(random: Random, opaque: number): RemotingCommand {
  let code = random.chance(0.97) ? random.pick(CODES) : random.below(400_000) - 1000;
  if (COSTLY.has(code) && random.chance(0.95)) code = random.pick([10, 11, 310, 320, 34, 200050]);
  const fields = FIELDS.get(code) ?? COMMON;
  const extFields: Record<string, string> = {};
  for (const field of fields) {
    if (random.chance(0.04)) continue;
    extFields[field] = fieldValue(random, field);
  }
  if (random.chance(0.1)) extFields[random.pick(COMMON)] = fieldValue(random, random.pick(COMMON));
  if (random.chance(0.05)) {
    extFields['AccessKey'] = fieldValue(random, 'key');
    extFields['Signature'] = random.bytes(20).toString('base64');
  }
  if (random.chance(0.01)) for (let i = random.below(3000); i > 0; i--) extFields[`field${i}`] = String(i);
  for (const field of WAITS)
    if (extFields[field] !== undefined && Number(extFields[field]) > 20) extFields[field] = '20';
  // A broker does not answer the end of a transaction that says neither commit nor rollback.
  const oneway = code === RequestCode.END_TRANSACTION || random.chance(0.05);
  return createRequest(code, { extFields, body: fuzzBody(random, code) }, { opaque, oneway });
}

function fuzzBody(random: Random, code: number): Buffer {
  if (random.chance(0.05)) return random.bytes(random.below(300));
  if (code === RequestCode.SEND_BATCH_MESSAGE) {
    const body = batch(random);
    if (random.chance(0.3))
      body.writeInt32BE(random.below(2 ** 31), 4 * random.below(Math.floor(body.length / 4)));
    return random.chance(0.1) ? body.subarray(0, random.below(body.length)) : body;
  }
  if (code === RequestCode.SEND_MESSAGE || code === RequestCode.SEND_MESSAGE_V2)
    return Buffer.alloc(random.below(random.chance(0.01) ? 100_000 : 300), 1);
  if (random.chance(0.05)) return Buffer.from(properties(random));
  return random.chance(0.8) ? jsonBody(random) : Buffer.alloc(0);
}

/** A frame whose lengths lie, or whose bytes are not what they were. */
function broken(random: Random, bytes: Buffer): Buffer {
  const copy = Buffer.from(bytes);
  switch (random.below(4)) {
    case 0:
      copy.writeInt32BE(
        random.pick([-1, 0, 3, 0x7fffffff, bytes.length + random.below(99), random.below(bytes.length)]),
        0,
      );
      break;
    case 1:
      copy.writeInt32BE(random.pick([0x00ffffff, 0x01ffffff, random.below(bytes.length), 0x05000004]), 4);
      break;
    case 2:
      for (let i = 1 + random.below(8); i > 0; i--) copy[random.below(copy.length)] = random.below(256);
      break;
    default:
      return copy.subarray(0, random.below(copy.length));
  }
  return copy;
}
