import { existsSync } from 'node:fs';
import path from 'node:path';
import { decodeStoredMessages, encodeProperties, ResponseCode } from '@dt/rocketmq-protocol';
import { describe, expect, it } from 'vitest';
import { TimerSlots } from '../src/broker/timer-slots.ts';
import { startRocketMQ } from '../src/index.ts';
import { bundleCli, killChild, startChild } from './support/child.ts';
import { temporaryFolder } from './support/folders.ts';
import { startBroker } from './support/server.ts';
import { WireClient, type SendFields } from './support/wire-client.ts';

const timed = (body: string, properties: Record<string, string>): SendFields => ({
  topic: 'T',
  body: Buffer.from(body),
  properties: encodeProperties(properties),
});

/** Everything in queue 0 of T, once there are so many messages. */
async function bodies(broker: WireClient, atLeast: number): Promise<string[]> {
  for (;;) {
    const response = await broker.pull({
      ...{ consumerGroup: 'G', topic: 'T', sysFlag: 4, maxMsgNums: 32 },
    });
    const found = response.code === ResponseCode.SUCCESS ? decodeStoredMessages(response.body) : [];
    if (found.length >= atLeast) return found.map((message) => message.body.toString());
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

describe('timed messages', () => {
  it('survive kill -9 while they wait, and come once', async () => {
    const folder = temporaryFolder();
    const script = await bundleCli(folder);
    const args = ['--data', path.join(folder, 'data'), '--port', '0', '--broker-port', '0'];
    const first = await startChild(script, args);
    const before = await WireClient.connect(first.broker);
    await before.send(timed('now', {}));
    await before.send(timed('soon', { TIMER_DELAY_MS: '1100' }));
    expect(await bodies(before, 2)).toEqual(['now', 'soon']);
    await before.send(timed('while it is away', { TIMER_DELAY_MS: '1500' }));
    await before.send(timed('after', { TIMER_DELIVER_MS: String(Date.now() + 4000) }));
    // Once it is noted what was delivered, it does not come again.
    const noted = path.join(folder, 'data', 'config', 'timers.json');
    while (!existsSync(noted)) await new Promise((resolve) => setTimeout(resolve, 20));
    await killChild(first);
    before.close();
    const second = await startChild(script, args);
    const after = await WireClient.connect(second.broker);
    expect(await bodies(after, 4)).toEqual(['now', 'soon', 'while it is away', 'after']);
    after.close();
  });

  it('come once over stops and starts', async () => {
    const dataDir = temporaryFolder();
    for (let round = 0; round < 3; round++) {
      const server = await startRocketMQ({ dataDir, nameServerPort: 0, brokerPort: 0 });
      const broker = await WireClient.connect(server.brokerAddress);
      await broker.send(timed(String(round), { TIMER_DELAY_MS: '1100' }));
      expect(await bodies(broker, round + 1)).toEqual(['0', '1', '2'].slice(0, round + 1));
      broker.close();
      await server.close();
    }
  });

  it('are refused when too many wait', async () => {
    const { broker } = await startBroker({ limits: { maxWaitingTimers: 1 } });
    const first = await broker.send(timed('a', { TIMER_DELAY_SEC: '60' }));
    expect(first.code).toBe(ResponseCode.SUCCESS);
    const second = await broker.send(timed('b', { TIMER_DELAY_SEC: '60' }));
    expect(second).toMatchObject({ code: ResponseCode.SYSTEM_ERROR });
    expect(second.remark).toContain('flow control');
    expect((await broker.send(timed('c', {}))).code).toBe(ResponseCode.SUCCESS);
  });
});

describe('the table of what waits', () => {
  const timer = (queueOffset: number, takesBack = false): Parameters<TimerSlots['add']>[1] => ({
    ...{ queueOffset, physicalOffset: queueOffset * 100, takesBack },
  });

  it('gives the messages of a time in the order they came, and forgets them', () => {
    const slots = new TimerSlots();
    for (let offset = 0; offset < 20; offset++) slots.add(2000, timer(offset, offset === 0));
    slots.add(1000, timer(20));
    expect(slots.count).toBe(21);
    expect(slots.earliest()).toBe(1000);
    expect(slots.due(1999)).toEqual([1000]);
    expect(slots.due(5000)).toEqual([1000, 2000]);
    expect(slots.lowest()).toEqual({ queueOffset: 0, physicalOffset: 0 });
    slots.remove(2000, 500);
    const taken = slots.take(2000);
    expect(taken.map(({ queueOffset }) => queueOffset)).toEqual(
      Array.from({ length: 20 }, (_, i) => i).filter((offset) => offset !== 5),
    );
    expect(taken[0]).toEqual(timer(0, true));
    expect(slots.count).toBe(1);
    expect(slots.take(2000)).toEqual([]);
    slots.take(1000);
    expect(slots.earliest()).toBe(Number.POSITIVE_INFINITY);
    expect(slots.lowest().physicalOffset).toBe(Number.POSITIVE_INFINITY);
  });
});
