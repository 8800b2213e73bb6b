import { CommanderError } from 'commander';
import { Inbox, type Publisher, Relay } from '@dt/outbox';
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { playCommand } from '../../src/cli/play.ts';
import { projectionHandlers } from '../../src/projections/index.ts';
import { ADMIN_TOKEN } from '../http/door.ts';
import { type LiveServer, openLiveServer } from '../play/live-server.ts';

let server: LiveServer;
let relay: Relay;
let inbox: Inbox;
beforeAll(async () => {
  server = await openLiveServer();
  const { database } = server.door.table;
  inbox = new Inbox({ database, consumerGroup: 'game-consumer', handlers: projectionHandlers() });
  const publisher: Publisher = {
    async publish(messages) {
      await inbox.receive(messages);
      return messages.map(({ id }) => ({ status: 'sent', messageId: String(id) }));
    },
  };
  relay = new Relay({ database, publisher, pollMs: 20 });
  await relay.start();
});
afterAll(async () => {
  await relay.close();
  await inbox.close();
  await server.close();
});
afterEach(() => {
  vi.restoreAllMocks();
  process.exitCode = undefined;
});

/** Runs the command as the shell would, in this process. */
async function dtPlay(...args: string[]): Promise<{ code: unknown; stdout: string }> {
  let stdout = '';
  vi.spyOn(process.stdout, 'write').mockImplementation((text) => {
    stdout += String(text);
    return true;
  });
  vi.spyOn(process.stderr, 'write').mockReturnValue(true);
  const settings = [
    ['--url', server.baseUrl],
    ['--admin-token', ADMIN_TOKEN],
    ['--set', `database.url=${server.door.table.connectionString}`],
  ].flat();
  await playCommand()
    .exitOverride()
    .parseAsync([...settings, ...args], { from: 'user' });
  const code = process.exitCode;
  process.exitCode = undefined;
  return { code, stdout };
}

describe('dt play', () => {
  it('shows a line a round and its verdicts, and exits 0 when every order is in outbox and inbox', async () => {
    const { code, stdout } = await dtPlay('--rounds', '2', '--players', '4', '--bets', '3');
    expect(code).toBe(0);
    const lines = stdout.trimEnd().split('\n');
    expect(lines).toHaveLength(8);
    expect(lines[0]).toMatch(
      /^round 1 {2}D\S+ T\S+ +(dragon|tiger|tie) +bets 12 {2}stakes [\d.]+ {2}payout [\d.]+/,
    );
    expect(lines[4]).toMatch(/^orders +24 accepted in 2 rounds$/);
    expect(lines[5]).toMatch(/^money .* ok$/);
    expect(lines[6]).toMatch(/^outbox +24\/24 orders sent {2}ok$/);
    expect(lines[7]).toMatch(/^inbox +24\/24 orders applied after [\d.]+ s {2}ok$/);
  });

  it('prints the report as one line of JSON and nothing else on stdout when asked', async () => {
    const { code, stdout } = await dtPlay('--rounds', '1', '--json', '--seed', 'known');
    expect(code).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject({
      good: true,
      seed: 'known',
      orders: 10,
      refused: {},
      moneyFaults: [],
      delivery: { orders: 10, outboxSent: 10, inboxApplied: 10 },
    });
  });

  it('exits 1 and names orders when settlements do not arrive in time', async () => {
    const { code, stdout } = await dtPlay(
      '--rounds',
      '1',
      '--set',
      'rocketmq.consumer_group=nobody',
      '--drain-timeout',
      '1',
    );
    expect(code).toBe(1);
    expect(stdout).toMatch(/inbox +0\/10 orders applied after .* FAULT\n .*for example: DT\d+/);
  });

  it('exits 1 when no bet is accepted', async () => {
    const { code, stdout } = await dtPlay('--rounds', '1', '--min-stake', '0.01', '--max-stake', '0.02');
    expect(code).toBe(1);
    expect(stdout).toMatch(/FAULT: none was accepted\nrefused +10 with 1000: /);
  });

  it('says that deliveries were not checked when it is told not to', async () => {
    const { code, stdout } = await dtPlay('--rounds', '1', '--no-delivery');
    expect(code).toBe(0);
    expect(stdout).toMatch(/delivery +not checked/);
  });

  it.each([
    ['--rounds', '0'],
    ['--players', 'many'],
    ['--max-stake', '1.001'],
    ['--unknown', '1'],
  ])('refuses %s %s as a wrong call', async (...args) => {
    await expect(dtPlay(...args)).rejects.toThrow(CommanderError);
  });

  it.each([
    [['--url', 'localhost:8087'], /--url takes/],
    [['--min-stake', '5', '--max-stake', '4'], /--min-stake/],
    [['--platform-key', 'nobody'], /--platform-secret is needed/],
    [['--platform-secret', 's'], /needs --platform-key/],
  ])('refuses %j with what is allowed', async (args, message) => {
    await expect(dtPlay(...args)).rejects.toMatchObject({
      name: 'WrongCallError',
      message: expect.stringMatching(message) as string,
    });
  });
});
