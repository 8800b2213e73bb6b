import { readdirSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import {
  type CommandPayload,
  commands,
  createRequest,
  createResponse,
  decodeFrame,
  encodeCommand,
  isResponse,
  type RemotingCommand,
  parseFastjson,
} from '@dt/rocketmq-protocol';

// How golden.json was made: a program with the artifacts rocketmq-remoting, -common, -client, -store and -broker of version
// 5.3.0 made one object of each class named in `header` (packages remoting.protocol.header and .header.namesrv) and
// `bodyClass`, filled every field of it and its parents by reflection with a value of its own, and had
// RemotingCommand.createRequestCommand or createResponseCommand carry it (opaque 7, version 473, the remark of
// responses `reämark`). `json` and `compact` are what RemotingCommand.fastEncodeHeader wrote with
// SerializeType.JSON and, for commands below 32768, with SerializeType.ROCKETMQ; `body` is what the
// class's encode wrote; configurations are MixAll.properties2String; the body of messages is the text `raw body`.
// `value` is what the bytes say, buffers as `{hex}`.
const golden = JSON.parse(readFileSync(new URL('./golden.json', import.meta.url), 'utf8')) as Record<
  string,
  { code: number; request: Half; response: Half }
>;

interface Half {
  header?: string;
  bodyClass?: string;
  json: string;
  compact?: string;
  body?: string;
  value: unknown;
}

interface AnyCodec {
  code: number;
  encodeRequest: (value: unknown) => CommandPayload;
  decodeRequest: (payload: CommandPayload) => unknown;
  encodeResponse: (value: unknown) => CommandPayload;
  decodeResponse: (payload: CommandPayload) => unknown;
}
const codecs = commands as unknown as Record<string, AnyCodec>;

/** Files that hold no command of their own. */
const PARTS_OF_COMMANDS: Record<string, string> = {
  'broker-registration-body.ts': 'two forms of the body of one command',
  'command-codec.ts': 'what all commands are made of',
  'consumer-status-body.ts': 'in both commands that read the offsets of consumers',
  'index.ts': 'the door',
  'queue-lock-data.ts': 'in lock and unlock',
  'reset-offset-body.ts': 'in both commands that reset offsets',
  'send-message-fields.ts': 'in the three forms of send',
  'topic-list-body.ts': 'in every command that lists topics',
};

/** Fields that every request of Java may have (RpcRequestHeader and the parents below it), which nobody here reads. */
const COMMON_FIELDS = ['bname', 'lo', 'ns', 'nsd', 'oway'];
/** Fields of one header that are of no use here: RocketMQ's controller and proxy alone set them. */
const FIELDS_LEFT_OUT: Record<string, string[]> = {
  // A broker under a controller tells more.
  'brokerHeartbeat request': [
    ...['brokerId', 'electionPriority', 'confirmOffset', 'heartbeatTimeoutMills', 'epoch', 'maxOffset'],
  ],
  // RocketMQ's proxy names where it asks from.
  'pullMessage request': ['proxyFrowardClientId', 'requestSource'],
  // Java reuses the header of pop; a broker fills none of them for a peek.
  'peekMessage response': ['startOffsetInfo', 'orderCountInfo', 'msgOffsetInfo'],
  // Of the bytes that are sent, and these are not Java's to the byte.
  'registerBroker request': ['bodyCrc32'],
};
/** The same for keys within bodies. */
const KEYS_LEFT_OUT: Record<string, string[]> = {
  'checkClientConfig request': ['namespace'],
  'getAllSubscriptionGroupConfig response': ['forbiddenTable'],
  'getAllTopicConfig response': [
    ...['mappingDataVersion', 'topicQueueMappingDetailMap', 'topicQueueMappingInfoMap'],
  ],
  'getAllTopicList response': ['brokerAddr'],
  'getBrokerClusterInfo response': ['zoneName'],
  // Popped messages and transactions of the Java consumer have counters of their own.
  'getConsumerRunningInfo response': [
    ...['mqPopTable', 'transactionMsgCount', 'transactionMsgMaxOffset', 'transactionMsgMinOffset'],
    ...['tryUnlockTimes', 'userConsumerInfo'],
  ],
  'getRouteInfoByTopic response': ['zoneName', 'filterServerTable'],
  'heartBeat request': ['heartbeatFingerprint', 'withoutSub'],
  'lockQueues request': ['onlyThisBroker'],
  'queryAssignment response': ['attachments'],
  'queryConsumeQueue response': ['bitMap', 'eval', 'extendDataJson', 'msg'],
  // Texts of the times beside them.
  'queryConsumeTimeSpan response': ['consumeTimeStampStr', 'maxTimeStampStr', 'minTimeStampStr'],
  'registerBroker request': [
    ...['filterServerList', 'mappingDataVersion', 'topicQueueMappingDetailMap', 'topicQueueMappingInfoMap'],
  ],
  'registerTopicInNameServer request': ['zoneName', 'filterServerTable'],
  'unlockQueues request': ['onlyThisBroker'],
};

const halves = Object.entries(golden).flatMap(([name, { request, response }]) => [
  { name: `${name} request`, half: request, codec: codecOf(name), isRequest: true },
  { name: `${name} response`, half: response, codec: codecOf(name), isRequest: false },
]);

function codecOf(name: string): AnyCodec {
  const codec = codecs[name];
  if (codec === undefined) throw new Error(`golden.json has ${name}, which is no command`);
  return codec;
}

function frameOf(head: string, body = ''): RemotingCommand {
  return decodeFrame(Buffer.from(head.slice(8) + body, 'hex'));
}

const plain = (value: unknown): unknown =>
  JSON.parse(
    JSON.stringify(value, function (this: Record<string, unknown>, key, given: unknown) {
      const held = this[key];
      return Buffer.isBuffer(held) ? { hex: held.toString('hex') } : given;
    }),
  );

function without(value: unknown, keys: readonly string[], met: Set<string>): unknown {
  if (Array.isArray(value)) return value.map((entry) => without(entry, keys, met));
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value)
      .filter(([key]) => !keys.includes(key) || !met.add(key))
      .map(([key, entry]) => [key, without(entry, keys, met)]),
  );
}

describe('golden frames', () => {
  it('are there for every file of commands', () => {
    const folder = new URL('../../src/commands/', import.meta.url);
    const names = readdirSync(folder).filter((file) => !(file in PARTS_OF_COMMANDS));
    const ofFile = (file: string) =>
      file.replace(/\.ts$/, '').replace(/-(\w)/g, (_, letter: string) => letter.toUpperCase());
    expect(names.map(ofFile).sort()).toEqual(Object.keys(golden).sort());
    expect(Object.keys(golden).sort()).toEqual(Object.keys(commands).sort());
    for (const file of Object.keys(PARTS_OF_COMMANDS)) expect(readdirSync(folder)).toContain(file);
  });

  it.each(halves)('of Java are read in both header kinds: $name', ({ half, codec, isRequest }) => {
    const kinds = half.compact === undefined ? [half.json] : [half.json, half.compact];
    expect(kinds).toHaveLength(codec.code < 0x8000 ? 2 : 1);
    for (const head of kinds) {
      const command = frameOf(head, half.body);
      expect(command).toMatchObject({ code: isRequest ? codec.code : 0, opaque: 7, language: 'JAVA' });
      expect([command.version, isResponse(command)]).toEqual([473, !isRequest]);
      expect(command.remark).toBe(isRequest ? undefined : 'reämark');
      const value = isRequest ? codec.decodeRequest(command) : codec.decodeResponse(command);
      expect(plain(value)).toEqual(half.value);
    }
  });

  it.each(halves)(
    'are written with the fields and the body of Java: $name',
    ({ name, half, codec, isRequest }) => {
      const java = frameOf(half.json, half.body);
      const payload = isRequest
        ? codec.encodeRequest(codec.decodeRequest(java))
        : codec.encodeResponse(codec.decodeResponse(java));

      const fieldsMet = new Set<string>();
      const fieldsLeftOut = FIELDS_LEFT_OUT[name] ?? [];
      const javaFields = without(java.extFields, fieldsLeftOut, fieldsMet) as Record<string, string>;
      for (const field of COMMON_FIELDS) if (!(field in payload.extFields)) delete javaFields[field];
      expect(without(payload.extFields, fieldsLeftOut, new Set())).toEqual(javaFields);
      expect([...fieldsMet].sort()).toEqual([...fieldsLeftOut].sort());

      const keysLeftOut = KEYS_LEFT_OUT[name] ?? [];
      // Java's maps have an order of their own: JSON is held against JSON, everything else by the byte.
      if (half.bodyClass === undefined && /^7b/.exec(half.body ?? '') === null) {
        expect(linesOf(payload.body)).toEqual(linesOf(java.body));
      } else {
        const keysMet = new Set<string>();
        const javaBody = without(parseFastjson(java.body.toString()), keysLeftOut, keysMet);
        const ours = without(parseFastjson(payload.body.toString()), keysLeftOut, keysMet);
        expect(ours).toEqual(javaBody);
        expect([...keysMet].sort()).toEqual([...keysLeftOut].sort());
      }

      const command = isRequest
        ? createRequest(codec.code, payload, { opaque: 9 })
        : createResponse({ opaque: 9 }, 0, payload);
      const kinds = command.code < 0x8000 ? (['json', 'compact'] as const) : (['json'] as const);
      for (const serializeType of kinds) {
        const read = decodeFrame(encodeCommand(command, { serializeType }).subarray(4));
        expect(read).toMatchObject({ code: command.code, opaque: 9 });
        expect({ ...read.extFields }).toEqual({ ...payload.extFields });
        expect(read.body).toEqual(payload.body);
      }
    },
  );
});

/** The entries of a configuration have no order. */
function linesOf(body: Buffer): string[] {
  return body.toString('latin1').split('\n').sort();
}
