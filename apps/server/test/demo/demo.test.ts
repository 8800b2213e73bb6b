import { afterEach, describe, expect, it } from 'vitest';
import { Inbox, type Publisher, Relay } from '@dt/outbox';
import { eventually } from '@dt/testkit';
import { type Config, loadConfig } from '../../src/config/index.ts';
import { formatSummary, type RoundSummary, startDemo, type DemoTable } from '../../src/demo/index.ts';
import { createLog } from '../../src/log/index.ts';
import { projectionHandlers } from '../../src/projections/index.ts';
import { ADMIN_TOKEN } from '../http/door.ts';
import { type LiveServer, openLiveServer } from '../play/live-server.ts';

const closing: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close();
});

function configOf(settings: Record<string, string> = {}): Config {
  const all = {
    'auth.admin.token': ADMIN_TOKEN,
    'demo.betting_seconds': '1',
    'demo.pause_seconds': '0',
    'demo.players': '4',
    ...settings,
  };
  const overrides = Object.entries(all).map(([path, value]) => ({ path, value }));
  return loadConfig({ file: 'config/dev.json', env: {}, overrides }).config;
}
const config = configOf();

async function serve(): Promise<LiveServer> {
  const server = await openLiveServer();
  closing.push(() => server.close());
  return server;
}

function demo(
  server: LiveServer,
  withDatabase = true,
  of = config,
): { table: DemoTable; rounds: RoundSummary[]; log: string[] } {
  const rounds: RoundSummary[] = [];
  const log: string[] = [];
  const table = startDemo({
    baseUrl: server.baseUrl,
    config: of,
    log: createLog({ destination: { write: (line: string) => log.push(line) } }),
    ...(withDatabase ? { database: server.door.table.database } : {}),
    onRound: (round) => rounds.push(round),
  });
  closing.push(() => table.close());
  return { table, rounds, log };
}

/** The way of a message without a broker between. */
const straightInto = (inbox: Inbox): Publisher => ({
  async publish(messages) {
    await inbox.receive(messages);
    return messages.map(({ id }) => ({ status: 'sent', messageId: String(id) }));
  },
});

describe('the demo table', () => {
  it('settles round after round with players of its own', async () => {
    const server = await serve();
    const { rounds, log } = demo(server, false);
    await eventually(() => rounds.length >= 2, { timeoutMs: 20_000 });
    expect(log).toEqual([]);
    for (const round of rounds) {
      expect(round).toMatchObject({ bets: 4, resumed: false, outbox: undefined });
      expect(round.stakeMinor).toBeGreaterThanOrEqual(400n);
    }
  });

  it('tells how many messages of the round wait when nothing carries them', async () => {
    const server = await serve();
    const { rounds } = demo(server);
    await eventually(() => rounds.length >= 1, { timeoutMs: 20_000 });
    // game_started, game_draw_ready, game_drawn, game_ended; and for each bet bet_placed and order_settled.
    expect(rounds[0]).toMatchObject({ outbox: { sent: 0, of: 12 }, inboxApplied: 0 });
  });

  it('tells that all messages of the round are sent and applied when they are carried', async () => {
    const server = await serve();
    const { database } = server.door.table;
    const inbox = new Inbox({
      database,
      consumerGroup: config.rocketmq.consumer_group,
      handlers: projectionHandlers(),
    });
    const relay = new Relay({ database, publisher: straightInto(inbox), pollMs: 20 });
    await relay.start();
    closing.push(
      () => inbox.close(),
      () => relay.close(),
    );
    const { rounds } = demo(server);
    await eventually(() => rounds.length >= 2, { timeoutMs: 20_000 });
    for (const round of rounds)
      expect(round).toMatchObject({ outbox: { sent: 12, of: 12 }, inboxApplied: 12 });
  });

  it('takes a round that an earlier run left open to its end, then plays on', async () => {
    const server = await serve();
    const api = server.connect();
    const left = { roundId: 'left: open', gameId: config.demo.game_id, roomId: config.demo.room_id };
    await api.event(left, 1);
    const player = { platformUserId: 'demo_player_1', userName: 'Demo player 1' };
    await api.deposit(player, 'before', 5_000n);
    await api.bet(left, { player, playType: 3, stakeMinor: 300n, idempotencyKey: 'left' });
    const { rounds } = demo(server, false);
    await eventually(() => rounds.length >= 2, { timeoutMs: 20_000 });
    expect(rounds[0]).toMatchObject({ roundId: 'left: open', bets: 1, stakeMinor: 300n, resumed: true });
    expect(rounds[1]).toMatchObject({ bets: 4, resumed: false });
  });

  it('keeps to the rules of its table', async () => {
    const server = await serve();
    const rules = { 'game.tables.demo.min_bet': '5.00', 'game.tables.demo.max_bet': '6.00' };
    const { rounds } = demo(server, false, configOf(rules));
    await eventually(() => rounds.length >= 1, { timeoutMs: 20_000 });
    expect(rounds[0]!.stakeMinor).toBeGreaterThanOrEqual(2_000n);
    expect(rounds[0]!.stakeMinor).toBeLessThanOrEqual(2_400n);
  });

  it('says that it needs demo mode, and stays empty without', async () => {
    const server = await serve();
    const { log, table } = demo(server, false, configOf({ 'auth.demo_mode': 'false' }));
    expect(log).toEqual(['[WARN] demo: no table is played: it needs auth.demo_mode: true\n']);
    await table.close();
  });

  it('says what is wrong and tries again more and more seldom', async () => {
    const server = await serve();
    const { log } = demo(server, false, configOf({ 'auth.admin.token': 'another-token' }));
    await eventually(() => log.length >= 2, { timeoutMs: 20_000 });
    expect(log[0]).toMatch(/^\[WARN\] demo: round interrupted err=.*401\/3000 .* retryInMs=1000\n$/);
    expect(log[1]).toMatch(/ retryInMs=2000\n$/);
  });

  it('closes at once in the middle of a round and goes on with it at the next start', async () => {
    const server = await serve();
    const first = demo(server, false);
    const { database } = server.door.table;
    await eventually(async () => (await database.query('SELECT FROM orders')).rowCount !== 0, {
      timeoutMs: 20_000,
    });
    const started = performance.now();
    await first.table.close();
    expect(performance.now() - started).toBeLessThan(3_000);
    expect(first.rounds).toEqual([]);
    const second = demo(server, false);
    await eventually(() => second.rounds.length >= 1, { timeoutMs: 20_000 });
    expect(second.rounds[0]).toMatchObject({ resumed: true });
  });
});

it('writes a round as one line that names cards, result, bets, payout and deliveries', () => {
  const lines: string[] = [];
  const log = createLog({ destination: { write: (line: string) => lines.push(line) } });
  const summary: RoundSummary = {
    roundId: 'demo-1',
    cardList: 'D12s,T4h,Rdragon',
    result: 'dragon',
    bets: 8,
    stakeMinor: 82_050n,
    payoutMinor: 61_200n,
    outbox: { sent: 20, of: 20 },
    inboxApplied: 19,
    resumed: false,
  };
  log.info(formatSummary(summary), 'round settled');
  expect(lines).toEqual([
    '[INFO] round settled round=demo-1 cards="D12s T4h" result=dragon bets=8 stakes=820.50 payout=612.00 outbox_sent=20/20 inbox_applied=19/20\n',
  ]);
});
