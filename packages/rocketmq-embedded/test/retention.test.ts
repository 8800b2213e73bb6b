import fs from 'node:fs';
import path from 'node:path';
import {
  commands,
  decodeOffsetMessageId,
  encodeProperties,
  RequestCode,
  ResponseCode,
} from '@dt/rocketmq-protocol';
import { describe, expect, it } from 'vitest';
import { temporaryFolder } from './support/folders.ts';
import { startBroker } from './support/server.ts';

const MIB = 1024 * 1024;
const QUICK = { segmentBytes: 8 * MIB, retentionIntervalMs: 50 };

function logBytes(dataDir: string): number {
  const folder = path.join(dataDir, 'log');
  return fs
    .readdirSync(folder)
    .filter((name) => name.endsWith('.log'))
    .reduce((sum, name) => sum + fs.statSync(path.join(folder, name)).size, 0);
}

describe('a server lets go of old messages', () => {
  it('by their age, consumed or not, and serves what comes after them', async () => {
    const dataDir = temporaryFolder();
    const { broker } = await startBroker({ dataDir, ...QUICK, retentionMs: 500 });
    await broker.send({ topic: 'T', body: Buffer.from('old') });
    expect((await broker.pull({ topic: 'T', consumerGroup: 'G' })).code).toBe(ResponseCode.SUCCESS);
    // The file that is written to stays: with what comes later another one begins.
    await expect
      .poll(
        async () => {
          await broker.send({ topic: 'Other' });
          return (await broker.pull({ topic: 'T', consumerGroup: 'G' })).code;
        },
        // Longer than a message may be old.
        { timeout: 20_000, interval: 1000 },
      )
      .toBe(ResponseCode.PULL_OFFSET_MOVED);
    expect(fs.existsSync(path.join(dataDir, 'log', '00000000000000000000.log'))).toBe(false);
    const sent = await broker.send({ topic: 'T', body: Buffer.from('new') });
    expect(sent.extFields['queueOffset']).toBe('1');
    const pulled = await broker.pull({ topic: 'T', consumerGroup: 'G', queueOffset: 1 });
    expect(pulled.code).toBe(ResponseCode.SUCCESS);
    expect(pulled.body.includes('new')).toBe(true);
  });

  it('by the size of the log, the oldest first, but not while a transaction has not ended', async () => {
    const dataDir = temporaryFolder();
    const { broker } = await startBroker({
      ...{ dataDir, ...QUICK, maxLogBytes: 8 * MIB },
      ...{ transactionCheckIntervalMs: 50, transactionTimeOutMs: 600_000 },
    });
    // One file is written to, another is being closed: neither can go.
    const MOST = (8 + 16) * MIB;
    const fill = async (): Promise<void> => {
      for (let i = 0; i < 32; i++)
        expect((await broker.send({ topic: 'T', body: Buffer.alloc(MIB, i) })).code).toBe(0);
    };
    const shrinks = (): Promise<void> =>
      expect.poll(() => logBytes(dataDir), { timeout: 15_000 }).toBeLessThan(MOST);
    await fill();
    await shrinks();
    expect((await broker.pull({ topic: 'T', consumerGroup: 'G' })).code).toBe(ResponseCode.PULL_OFFSET_MOVED);
    expect((await broker.pull({ topic: 'T', consumerGroup: 'G', queueOffset: 31 })).code).toBe(0);

    const properties = encodeProperties({ TRAN_MSG: 'true', PGROUP: 'PG', UNIQ_KEY: 'half' });
    const half = commands.sendMessageV2.decodeResponse(
      await broker.send({ topic: 'T', sysFlag: 4, bornTimestamp: Date.now(), properties }),
    );
    await fill();
    await broker.request(RequestCode.DELETE_EXPIRED_COMMITLOG);
    expect(logBytes(dataDir)).toBeGreaterThan(32 * MIB);
    const end = commands.endTransaction.encodeRequest({
      ...{ producerGroup: 'PG', commitOrRollback: 12, msgId: 'half', fromTransactionCheck: false },
      tranStateTableOffset: half.queueOffset,
      commitLogOffset: decodeOffsetMessageId(half.msgId).physicalOffset,
    });
    expect((await broker.request(RequestCode.END_TRANSACTION, end)).code).toBe(ResponseCode.SUCCESS);
    await shrinks();
  }, 60_000);
});
