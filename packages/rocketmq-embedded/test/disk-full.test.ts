import { spawnSync } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { decodeStoredMessages, ResponseCode } from '@dt/rocketmq-protocol';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { bundleCli, startChild } from './support/child.ts';
import { failWrites } from './support/failing-writes.ts';
import { temporaryFolder } from './support/folders.ts';
import { startBroker } from './support/server.ts';
import { WireClient } from './support/wire-client.ts';

const MIB = 1024 * 1024;
/** A file system of its own, for one process: only where the kernel lets everybody make one. */
const OWN_MOUNTS = ['unshare', '--user', '--map-root-user', '--mount'];
const canMount =
  spawnSync(OWN_MOUNTS[0] ?? '', [...OWN_MOUNTS.slice(1), 'mount', '-t', 'tmpfs', 'tmpfs', '/mnt']).status ===
  0;

/** The offset of every message that was acknowledged, until the broker says that it has no room. */
async function sendUntilFull(client: WireClient): Promise<number[]> {
  const acknowledged: number[] = [];
  for (let i = 0; i < 200; i++) {
    const answer = await client.send({ topic: 'T', body: Buffer.alloc(MIB, i) });
    if (answer.code !== ResponseCode.SUCCESS) {
      expect([answer.code, answer.remark]).toEqual([
        ResponseCode.SERVICE_NOT_AVAILABLE,
        expect.stringContaining('service not available now'),
      ]);
      return acknowledged;
    }
    acknowledged.push(Number(answer.extFields['queueOffset']));
  }
  throw new Error('the disk never filled up');
}

async function offsetsOf(client: WireClient): Promise<number[]> {
  const found: number[] = [];
  for (;;) {
    const answer = await client.pull({ topic: 'T', consumerGroup: 'G', queueOffset: found.length });
    const messages = decodeStoredMessages(answer.body);
    if (messages.length === 0) return found;
    for (const { queueOffset, body } of messages) {
      expect(body.every((byte) => byte === body[0])).toBe(true);
      found.push(queueOffset);
    }
  }
}

/** Sends are refused now; everything else goes on, and sends too when there is room. */
async function checkFullAndAgain(
  client: WireClient,
  makeRoom: () => void,
  acknowledged: number[],
): Promise<void> {
  expect(await offsetsOf(client)).toEqual(acknowledged);
  for (let i = 0; i < 3; i++)
    expect((await client.send({ topic: 'T', body: Buffer.alloc(MIB) })).code).toBe(
      ResponseCode.SERVICE_NOT_AVAILABLE,
    );
  makeRoom();
  await expect
    .poll(async () => (await client.send({ topic: 'T', body: Buffer.alloc(MIB) })).code, { timeout: 10_000 })
    .toBe(ResponseCode.SUCCESS);
  const more = await client.send({ topic: 'T', body: Buffer.alloc(MIB) });
  const all = await offsetsOf(client);
  expect(all).toEqual(Array.from({ length: acknowledged.length + 2 }, (_, i) => i));
  expect(Number(more.extFields['queueOffset'])).toBe(all.length - 1);
}

afterEach(() => vi.restoreAllMocks());

describe('a full disk', () => {
  it('has sends answered with code 14, what is stored served on, and sends taken again when there is room', async () => {
    const { broker } = await startBroker();
    const acknowledged: number[] = [];
    for (let i = 0; i < 3; i++)
      acknowledged.push(
        Number((await broker.send({ topic: 'T', body: Buffer.alloc(9) })).extFields['queueOffset']),
      );
    const makeRoom = failWrites('ENOSPC');
    await checkFullAndAgain(broker, makeRoom, acknowledged);
  });

  it.runIf(canMount)(
    'that really is one does so, too',
    async () => {
      const folder = temporaryFolder();
      const script = await bundleCli(folder);
      const disk = path.join(folder, 'disk');
      fs.mkdirSync(disk);
      // 40 MiB, half of them taken by somebody else.
      const mount = `mount -t tmpfs -o size=40m tmpfs ${disk} && head -c ${20 * MIB} /dev/zero > ${disk}/ballast && exec "$0" "$@"`;
      const args = ['--data', path.join(disk, 'data'), '--port', '0', '--broker-port', '0'];
      const child = await startChild(script, args, [...OWN_MOUNTS, 'sh', '-c', mount]);
      const client = await WireClient.connect(child.broker);
      const acknowledged = await sendUntilFull(client);
      expect(acknowledged.length).toBeGreaterThan(10);
      // Seen from outside, its disk lies here.
      const ballast = path.join(`/proc/${child.process.pid}/root`, disk, 'ballast');
      await checkFullAndAgain(client, () => fs.rmSync(ballast), acknowledged);
      client.close();
    },
    60_000,
  );
});
