// The least that a socket, this protocol and one Node process can be asked to do: no routes, no retries, no options.
// Headers are glued from prepared texts, answers are matched by the one number that has to be read.
import { once } from 'node:events';
import { connect } from 'node:net';
import { setTimeout as pause } from 'node:timers/promises';
import { counter, flood, oneByOne, peer } from './lib/harness.mjs';

const SEND = 310;
const SEND_BATCH = 320;
const PULL = 11;
const ROUTE = 105;
const V5_3_0 = 473;

class Wire {
  #socket;
  #waiting = new Map();
  #opaque = 0;
  #rest;
  #parts = [];
  #flushing = false;

  static async open(address) {
    const [host, port] = address.split(':');
    const socket = connect(Number(port), host);
    socket.setNoDelay(true);
    await once(socket, 'connect');
    const wire = new Wire();
    wire.#socket = socket;
    socket.on('data', (chunk) => wire.#read(chunk));
    return wire;
  }

  /** @returns {Promise<Buffer>} the frame of the answer */
  ask(code, fields, body) {
    const opaque = ++this.#opaque;
    const header = `{"code":${code},"flag":0,"language":"OTHER","opaque":${opaque},"version":${V5_3_0},"extFields":{${fields}}}`;
    const size = Buffer.byteLength(header);
    const head = Buffer.allocUnsafe(8 + size);
    head.writeUInt32BE(4 + size + body.length, 0);
    head.writeUInt32BE(size, 4);
    head.utf8Write(header, 8);
    this.#parts.push(head, body);
    if (!this.#flushing) {
      this.#flushing = true;
      // All that is asked for in one turn leaves in one write.
      setImmediate(() => {
        this.#flushing = false;
        this.#socket.write(Buffer.concat(this.#parts.splice(0)));
      });
    }
    return new Promise((resolve) => this.#waiting.set(opaque, resolve));
  }

  close() {
    this.#socket.destroy();
  }

  #read(chunk) {
    let data = this.#rest === undefined ? chunk : Buffer.concat([this.#rest, chunk]);
    while (data.length >= 4) {
      const end = 4 + data.readUInt32BE(0);
      if (data.length < end) break;
      const frame = data.subarray(8, end);
      const headerBytes = data.readUInt32BE(4) & 0xffffff;
      const header = frame.latin1Slice(0, headerBytes);
      const at = header.indexOf('"opaque":') + 9;
      const opaque = Number.parseInt(header.slice(at, at + 10), 10);
      this.#waiting.get(opaque)?.({ header, body: frame.subarray(headerBytes) });
      this.#waiting.delete(opaque);
      data = data.subarray(end);
    }
    this.#rest = data.length === 0 ? undefined : data;
  }
}

async function routeOf({ nameServer, topic }) {
  const wire = await Wire.open(nameServer);
  const { body } = await wire.ask(
    ROUTE,
    `"topic":"${topic}","acceptStandardJsonOnly":"true"`,
    Buffer.alloc(0),
  );
  wire.close();
  const { brokerDatas, queueDatas } = JSON.parse(body.toString());
  return { address: brokerDatas[0].brokerAddrs['0'], queues: queueDatas[0].writeQueueNums };
}

const BUSY = '"code":2,';

/** Asks again while the broker is busy, as every client does. */
async function stored(wire, code, fields, body) {
  for (;;) {
    const { header } = await wire.ask(code, fields, body);
    if (header.includes('"code":0,')) return;
    if (!header.includes(BUSY)) throw new Error(header);
    await pause(20);
  }
}

let turn = 0;
const sendFields = ({ topic, group }, queues, batch, properties) =>
  `"a":"${group}","b":"${topic}","c":"TBW102","d":"4","e":"${turn++ % queues}","f":"0","g":"${Date.now()}",` +
  `"h":"0","i":"${properties}","j":"0","k":"false","m":"${batch}"`;

async function sender(spec) {
  const { address, queues } = await routeOf(spec);
  const wire = await Wire.open(address);
  const body = Buffer.alloc(spec.sizeBytes, 'x');
  const run = Math.random().toString(16).slice(2, 10).padEnd(20, '0').toUpperCase();
  let count = 0;
  const uniqueKey = () => `UNIQ_KEY\\u0001${run}${(++count).toString(16).padStart(12, '0')}\\u0002`;
  return () => stored(wire, SEND, sendFields(spec, queues, false, uniqueKey()), body);
}

function batchBody({ sizeBytes, batchSize }) {
  const properties = Buffer.from(`UNIQ_KEY\u0001${'A'.repeat(32)}\u0002`);
  const entry = Buffer.alloc(22 + sizeBytes + properties.length, 'x');
  entry.fill(0, 0, 20);
  entry.writeInt32BE(entry.length, 0);
  entry.writeInt32BE(sizeBytes, 16);
  entry.writeInt16BE(properties.length, 20 + sizeBytes);
  properties.copy(entry, 22 + sizeBytes);
  return Buffer.concat(Array.from({ length: batchSize }, () => entry));
}

await peer({
  single: async (spec) => flood(spec, await sender(spec)),
  latency: async (spec) => oneByOne(spec, await sender(spec)),
  batch: async (spec) => {
    const { address, queues } = await routeOf(spec);
    const wire = await Wire.open(address);
    const send = () => stored(wire, SEND_BATCH, sendFields(spec, queues, true, ''), batchBody(spec));
    return flood(spec, send, spec.batchSize);
  },
  consume: async (spec) => {
    const { address, queues } = await routeOf(spec);
    const wire = await Wire.open(address);
    const { seen, done } = counter(spec);
    const nothing = Buffer.alloc(0);
    const pull = async (queueId) => {
      for (let offset = 0; ;) {
        const fields =
          `"consumerGroup":"${spec.group}","topic":"${spec.topic}","queueId":"${queueId}","queueOffset":"${offset}",` +
          `"maxMsgNums":"32","sysFlag":"4","commitOffset":"0","suspendTimeoutMillis":"0","subscription":"*",` +
          `"subVersion":"0","expressionType":"TAG"`;
        const { header, body } = await wire.ask(PULL, fields, nothing);
        if (!header.includes('"code":0,')) return;
        let messages = 0;
        for (let at = 0; at < body.length; at += body.readInt32BE(at)) messages++;
        offset += messages;
        seen(messages);
      }
    };
    for (let queueId = 0; queueId < queues; queueId++) void pull(queueId);
    const figures = await done;
    wire.close();
    return figures;
  },
});
