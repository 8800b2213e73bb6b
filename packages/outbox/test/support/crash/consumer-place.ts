import { setTimeout as pause } from 'node:timers/promises';
import { Incarnation, QueueLogConsumer, type QueueLogEntry, type Random } from '@dt/testkit';
import { type Handlers, Inbox, type InboxMessage, type Queryable } from '../../../src/index.ts';
import { type History } from './history.ts';
import { INBOX_ATTEMPTS, type PlannedLife } from './plan.ts';
import { effectSql, type StepOf } from './steps.ts';
import { type Payload } from './writer.ts';

export interface RunningConsumer {
  close(): Promise<void>;
}

/** Runs the consumers of one place, one after the other; resolves with the last, which stays. */
export async function runConsumers(
  history: History,
  lives: readonly PlannedLife<'consumer'>[],
  place: number,
  random: Random,
): Promise<void> {
  for (const [index, life] of lives.entries()) {
    await pause(life.startAfterMs);
    const incarnation = new Incarnation(life.fate);
    const name = `${place}.${index}`;
    const consumer = startConsumer(history, incarnation, name, random.fork(name));
    if (life.end === undefined) {
      history.consumers.add(consumer);
    } else {
      await history.live(incarnation, life.end);
      if (life.end.how === 'leave' && !incarnation.dead) await consumer.close();
      else incarnation.kill();
      history.buried.push(consumer.close());
    }
    history.noteDeath('consumer', incarnation);
  }
}

function startConsumer(
  history: History,
  incarnation: Incarnation<StepOf<'consumer'>>,
  name: string,
  random: Random,
): RunningConsumer {
  const { plan, world, log } = history;
  const inbox = new Inbox({
    database: world.database('consumer', incarnation),
    consumerGroup: 'statement',
    handlers: plan.setBased ? { '*': { batch: project(world.schema) } } : { '*': one(project(world.schema)) },
    schema: world.schema,
    maxAttempts: INBOX_ATTEMPTS,
    retry: { initialMs: 5, maxMs: 40 },
    pollMs: 60,
  });
  inbox.start();
  const consumer = new QueueLogConsumer({
    log,
    incarnation,
    name,
    random,
    batchSize: plan.consumerBatch,
    duplicateChance: plan.duplicateChance,
    receive: async (batch) => {
      await inbox.receive(batch.map(toReceived));
    },
  });
  return {
    close: async () => {
      await consumer.stop();
      await inbox.close();
    },
  };
}

type Project = (
  tx: Queryable,
  messages: readonly InboxMessage[],
  context: { readonly attempt: number },
) => Promise<void>;

function project(schema: string): Project {
  const sql = effectSql({ schema });
  return async (tx, messages, { attempt }) => {
    const payloads = messages.map((message) => message.payload as Payload);
    const failing = payloads.findIndex((payload) => attempt <= payload.handlerFailures);
    // What stands before the failing one is written, and must not stay.
    const upTo = failing < 0 ? messages.length : failing;
    if (upTo > 0) {
      await tx.query(sql, [
        messages.slice(0, upTo).map((message) => message.messageKey),
        messages.slice(0, upTo).map((message) => message.shardingKey),
        payloads.slice(0, upTo).map((payload) => payload.number),
        payloads.slice(0, upTo).map((payload) => payload.amount),
      ]);
    }
    if (failing >= 0) throw new Error('the handler fails');
  };
}

const one =
  (all: Project): Handlers[string] =>
  (tx, message, context) =>
    all(tx, [message], context);

const toReceived = ({ messageKey, shardingKey, body }: QueueLogEntry) => ({
  topic: 't',
  tag: 'moved',
  messageKey,
  shardingKey,
  body,
});
