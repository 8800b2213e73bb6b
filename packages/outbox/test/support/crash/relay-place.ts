import { setTimeout as pause } from 'node:timers/promises';
import { Incarnation, QueueLogPublisher, type Random } from '@dt/testkit';
import { Relay } from '../../../src/index.ts';
import { type History } from './history.ts';
import { LEASE_MS, type PlannedLife } from './plan.ts';
import { type StepOf } from './steps.ts';

/** Runs the relays of one place, one after the other; resolves with the last, which stays. */
export async function runRelays(
  history: History,
  lives: readonly PlannedLife<'relay'>[],
  place: number,
  random: Random,
): Promise<void> {
  const { world } = history;
  for (const [index, life] of lives.entries()) {
    await pause(life.startAfterMs);
    const incarnation = new Incarnation(life.fate);
    const name = `${place}.${index}`;
    const relay = newRelay(history, incarnation, name, random.fork(name));
    history.relays.add(relay);
    try {
      await relay.start();
    } catch (error) {
      if (!incarnation.dead) throw error;
    }
    if (life.end !== undefined) {
      await history.live(incarnation, life.end);
      if (life.end.how === 'leave' && !incarnation.dead) await relay.close();
      else incarnation.kill();
      history.relays.delete(relay);
      history.buried.push(relay.close());
      if (incarnation.dead) {
        history.note('a relay died');
        await world.endLease(name);
      }
    }
    history.noteDeath('relay', incarnation);
  }
}

function newRelay(
  history: History,
  incarnation: Incarnation<StepOf<'relay'>>,
  name: string,
  random: Random,
): Relay {
  const { plan, world } = history;
  const database = history.fence.watch(world.database('relay', incarnation));
  if (!plan.listens) delete database.listen;
  return new Relay({
    database,
    publisher: new QueueLogPublisher({
      log: history.log,
      incarnation,
      random,
      fault: () => history.nextSendFault(),
      isRejected: (messageKey) => history.isRejected(messageKey),
      slowestMs: plan.slowestSendMs,
      onLate: (stored) => history.late.push(stored),
    }),
    schema: world.schema,
    instanceId: name,
    batchSize: plan.relayBatch,
    concurrency: plan.relayConcurrency,
    pollMs: 200,
    leaseMs: LEASE_MS,
    // Far away: what the positions pass by is to be lost for good, and found out.
    fullScanMs: 1_000_000,
    retry: { initialMs: 5, maxMs: 40 },
    outage: { initialMs: 5, maxMs: 40 },
    onError: (_error, during) => {
      if (during === 'lease' || during === 'mark') history.note(`trouble with ${during}`);
    },
  });
}
