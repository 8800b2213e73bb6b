import fs from 'node:fs';
import path from 'node:path';
import {
  commands,
  decodeStoredMessages,
  encodeProperties,
  RequestCode,
  ResponseCode,
} from '@dt/rocketmq-protocol';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { startRocketMQ, type RocketMQOptions, type RocketMQServer } from '../src/index.ts';
import { sendAll, pop } from './pop/support.ts';
import { filesOf, flipBit, flipBits } from './support/damage.ts';
import { temporaryFolder } from './support/folders.ts';
import { recordingLogger } from './support/recording-logger.ts';
import { WireClient } from './support/wire-client.ts';

const BODIES = Array.from({ length: 40 }, (_, i) => `message ${i}`);

function start(dataDir: string, options: Partial<RocketMQOptions> = {}): Promise<RocketMQServer> {
  return startRocketMQ({ dataDir, nameServerPort: 0, brokerPort: 0, ...options });
}

/** A folder with plain, half, delayed, timed and popped messages, and with offsets of a group. */
async function populate(dataDir: string): Promise<void> {
  const server = await start(dataDir);
  const client = await WireClient.connect(server.brokerAddress);
  await sendAll(client, 'T', BODIES);
  await sendAll(client, 'P', BODIES);
  const properties = [
    { sysFlag: 4, properties: encodeProperties({ TRAN_MSG: 'true', PGROUP: 'PG', UNIQ_KEY: 'half' }) },
    { properties: encodeProperties({ DELAY: '5' }) },
    { properties: encodeProperties({ TIMER_DELAY_SEC: '60' }) },
  ];
  for (const fields of properties)
    expect((await client.send({ topic: 'W', bornTimestamp: Date.now(), ...fields })).code).toBe(0);
  expect((await pop(client, 'P', { maxMsgNums: 5 })).length).toBeGreaterThan(0);
  const offset = { consumerGroup: 'G', topic: 'T', queueId: 0, commitOffset: 7 };
  await client.request(
    RequestCode.UPDATE_CONSUMER_OFFSET,
    commands.updateConsumerOffset.encodeRequest(offset),
  );
  client.close();
  await server.close();
}

/** Bodies in the queues of a topic. */
async function served(client: WireClient, topic: string): Promise<string[]> {
  const found: string[] = [];
  for (let queueId = 0; queueId < 4; queueId++) {
    for (let queueOffset = 0; ;) {
      const answer = await client.pull({ topic, queueId, queueOffset, consumerGroup: 'Check' });
      // A topic that was made again has only the queues with messages.
      if (answer.code === ResponseCode.SYSTEM_ERROR) break;
      found.push(...decodeStoredMessages(answer.body).map(({ body }) => body.toString()));
      const { nextBeginOffset } = commands.pullMessage.decodeResponse(answer);
      if (nextBeginOffset <= queueOffset) break;
      queueOffset = nextBeginOffset;
    }
  }
  return found;
}

describe('a server', () => {
  it('starts on files with flipped bits, serves what is healthy, names what is not, and goes on', async () => {
    const original = temporaryFolder();
    await populate(original);
    const fraction = fc.double({ min: 0, max: 0.999_999, noNaN: true });
    const flip = fc.record({ file: fraction, position: fraction, bit: fc.integer({ min: 0, max: 7 }) });
    await fc.assert(
      fc.asyncProperty(fc.array(flip, { minLength: 1, maxLength: 4 }), async (flips) => {
        const dataDir = temporaryFolder();
        fs.cpSync(original, dataDir, { recursive: true });
        // The lock is no data: a damaged one is waited for, like one that is being written.
        const files = filesOf(dataDir).filter((file) => !path.basename(file).startsWith('lock.'));
        const flipped = flipBits(files, flips);
        const logger = recordingLogger();
        const server = await start(dataDir, { logger });
        const client = await WireClient.connect(server.brokerAddress);
        const lost = flipped.filter((file) => file.endsWith('.log')).length;
        for (const topic of ['T', 'P']) {
          const bodies = await served(client, topic);
          expect(bodies.every((body) => BODIES.includes(body))).toBe(true);
          expect(bodies.length).toBeGreaterThanOrEqual(BODIES.length - lost);
        }
        for (const file of flipped) {
          // The same bit twice is no damage.
          if (flipped.filter((each) => each === file).length > 1) continue;
          expect(logger.lines.map(({ fields }) => fields['file'])).toContain(file);
        }
        expect((await client.send({ topic: 'T' })).code).toBe(ResponseCode.SUCCESS);
        client.close();
        await server.close();
      }),
      { numRuns: 12 },
    );
  }, 120_000);

  it('starts on a flipped bit in each of its files, one by one, and names the file', async () => {
    const original = temporaryFolder();
    await populate(original);
    const names = filesOf(original).map((file) => path.relative(original, file));
    const data = names.filter((name) => !name.startsWith('lock.'));
    // All that a server keeps: a new kind of file is damaged here, too.
    expect(data.filter((name) => name.endsWith('.json')).length).toBeGreaterThanOrEqual(5);
    expect(data.filter((name) => name.endsWith('.log'))).toHaveLength(1);
    for (const name of data) {
      const dataDir = temporaryFolder();
      fs.cpSync(original, dataDir, { recursive: true });
      const file = path.join(dataDir, name);
      flipBit(file, fs.statSync(file).size >> 1, 3);
      const logger = recordingLogger();
      const server = await start(dataDir, { logger });
      const client = await WireClient.connect(server.brokerAddress);
      expect([name, logger.lines.some(({ fields }) => fields['file'] === file)]).toEqual([name, true]);
      const lost = name.endsWith('.log') ? 1 : 0;
      const bodies = [...(await served(client, 'T')), ...(await served(client, 'P'))];
      expect([name, bodies.length >= 2 * BODIES.length - lost]).toEqual([name, true]);
      client.close();
      await server.close();
    }
  }, 60_000);

  it('has topics again that have messages when their file and its copy are lost', async () => {
    const dataDir = temporaryFolder();
    await populate(dataDir);
    for (const name of ['topics.json', 'topics.json.bak'])
      flipBit(path.join(dataDir, 'config', name), 100, 0);
    const server = await start(dataDir);
    const client = await WireClient.connect(server.brokerAddress);
    expect((await served(client, 'T')).sort()).toEqual([...BODIES].sort());
    client.close();
    await server.close();
  });

  it("does not start on damage with onDamage 'refuse', and leaves the files as they are", async () => {
    const dataDir = temporaryFolder();
    await populate(dataDir);
    const file = path.join(dataDir, 'config', 'consumer-offsets.json');
    flipBit(file, 30, 0);
    const before = fs.readFileSync(file);
    await expect(start(dataDir, { onDamage: 'refuse' })).rejects.toMatchObject({ code: 'store-corrupt' });
    expect(fs.readFileSync(file).equals(before)).toBe(true);
    await (await start(dataDir)).close();
    await (await start(dataDir, { onDamage: 'refuse' })).close();
  });
});
