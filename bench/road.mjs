// The main road: bets, settlement, outbox, broker, inbox, each against the plainest way to do the same work.
import { rocketmqPublisher } from '@dt/outbox';
import { Producer } from '@dt/rocketmq-client';
import { copyTables, playRounds } from './lib/bets.mjs';
import { commitToInbox, sampleInTurn, sendToReceive } from './lib/latency.mjs';
import { fill, nullSink, plainRowsPerSecond, prepare, relayRowsPerSecond } from './lib/relay.mjs';
import { mean, quantile } from './lib/report.mjs';
import { Stage } from './lib/stage.mjs';

const ROUNDS = 2;
const RELAY_ROWS = 20_000;
const BROKER_ROWS = 10_000;

export async function bench({ broker: wanted, say }) {
  const stage = new Stage(say);
  try {
    await stage.open();
    return [...(await betsAndSettlement(stage, say)), ...(await relayAndLatency(stage, wanted, say))];
  } finally {
    await stage.close();
  }
}

async function betsAndSettlement(stage, say) {
  say('bets over HTTP and settlement of rounds of 10,000 orders (server with the role http alone)');
  const { url, connection } = await stage.database();
  const server = await stage.server(url, 'http', { 'game.default.betting_seconds': '600' });
  const pool = stage.pool(connection, 20);
  await copyTables(pool);
  const figures = await playRounds({ baseUrl: server.baseUrl, pool, rounds: ROUNDS, say });
  await server.close();
  const of = (figure) => mean(figures.map((round) => round[figure]));
  return [
    {
      work: 'bets over HTTP',
      value: of('betsPerSecond'),
      unit: 'bets/s',
      baseline: of('plainBetsPerSecond'),
      against: 'the same rows by plain SQL, a transaction a bet, 20 connections',
      better: 'more',
    },
    {
      work: 'settle 10,000 orders',
      value: of('settleMs'),
      unit: 'ms',
      baseline: of('plainSettleMs'),
      against: 'the same rows by plain set-based SQL',
      better: 'less',
    },
  ];
}

async function relayAndLatency(stage, wanted, say) {
  const { connection } = await stage.database();
  const pool = stage.pool(connection, 10);
  await prepare(pool);
  say(`relay of ${RELAY_ROWS} rows to a null sink`);
  await fill(pool, RELAY_ROWS, 'bench_null');
  const toNull = await relayRowsPerSecond(pool, nullSink, RELAY_ROWS);
  const plain = await plainRowsPerSecond(pool, RELAY_ROWS);
  const against = 'plain SQL that claims and marks batches of 1,000';

  const broker = await stage.broker(wanted, { jvm: 'throughput' });
  const brokerName = broker.target === 'real' ? 'RocketMQ 5.3.0' : 'the embedded broker';
  const run = Date.now().toString(36);
  say(`relay of ${BROKER_ROWS} rows to ${brokerName}`);
  await pool.query('TRUNCATE outbox');
  const producer = new Producer({ nameServers: broker.nameServer, group: `bench-${run}` });
  await producer.start();
  stage.defer(() => producer.close());
  // The first message of a topic makes it and finds its route; that is not what is measured.
  const topic = `bench_relay_${run}`;
  await producer.send({ topic, shardingKey: 'first', body: '{}' });
  await fill(pool, BROKER_ROWS, topic);
  const toBroker = await relayRowsPerSecond(pool, rocketmqPublisher(producer), BROKER_ROWS);

  say(`commit to inbox over ${brokerName}, one message at a time`);
  const [raw, whole] = await sampleInTurn(
    await sendToReceive(stage, broker.nameServer, `bench_raw_${run}`),
    await commitToInbox(stage, broker.nameServer, `bench_idle_${run}`),
  );
  const latency = (part, name) => ({
    work: `commit to inbox, idle, ${name}, over ${brokerName}`,
    value: quantile(whole, part),
    unit: 'ms',
    baseline: quantile(raw, part),
    against: `send to receive on the same broker, ${name}`,
    better: 'less',
  });
  return [
    { work: 'relay to a null sink', value: toNull, unit: 'rows/s', baseline: plain, against, better: 'more' },
    {
      work: `relay to ${brokerName}`,
      value: toBroker,
      unit: 'rows/s',
      baseline: plain,
      against,
      better: 'more',
    },
    latency(0.5, 'p50'),
    latency(0.99, 'p99'),
  ];
}
