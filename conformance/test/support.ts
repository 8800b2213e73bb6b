import {
  Admin,
  PopConsumer,
  Producer,
  PullConsumer,
  PushConsumer,
  type ReceivedMessage,
  SendError,
} from '@dt/rocketmq-client';
import { type ProxiedRocketmq, proxyRocketmq, RawConnection, type Rewrite, uniqueName } from '@dt/testkit';
import { expect, onTestFinished } from 'vitest';
import { makeTopic, rocketmq } from './wire.ts';

export { readQueue, readTopic } from './wire.ts';
export { rocketmq };

type ProducerOptions = ConstructorParameters<typeof Producer>[0];
type ConsumerOptions = ConstructorParameters<typeof PushConsumer>[0];
type PullOptions = ConstructorParameters<typeof PullConsumer>[0];
type PopOptions = ConstructorParameters<typeof PopConsumer>[0];
type AdminOptions = ConstructorParameters<typeof Admin>[0];

/** Starts a part and sees to it that it is closed when the test is over, however it ends. */
async function started<T extends { start(): Promise<void>; close(): Promise<void> }>(part: T): Promise<T> {
  onTestFinished(() => part.close());
  await part.start();
  return part;
}

export function startProducer(options: Partial<ProducerOptions> = {}): Promise<Producer> {
  return started(
    new Producer({ nameServers: rocketmq.nameServer, group: uniqueName('producer'), ...options }),
  );
}

export function startConsumer(
  options: Pick<ConsumerOptions, 'subscriptions' | 'handler'> & Partial<ConsumerOptions>,
): Promise<PushConsumer> {
  return started(
    new PushConsumer({
      nameServers: rocketmq.nameServer,
      group: uniqueName('group'),
      from: 'first',
      ...options,
    }),
  );
}

export function startPulling(options: Partial<PullOptions> = {}): Promise<PullConsumer> {
  return started(
    new PullConsumer({
      ...{ nameServers: rocketmq.nameServer, group: uniqueName('group'), from: 'first' },
      ...options,
    }),
  );
}

export function startPopping(
  options: Pick<PopOptions, 'subscriptions'> & Partial<PopOptions>,
): Promise<PopConsumer> {
  return started(
    new PopConsumer({
      ...{ nameServers: rocketmq.nameServer, group: uniqueName('group'), from: 'first' },
      ...options,
    }),
  );
}

export function startAdmin(
  nameServer = rocketmq.nameServer,
  options: Partial<AdminOptions> = {},
): Promise<Admin> {
  return started(new Admin({ nameServers: nameServer, ...options }));
}

/** The RocketMQ of this run behind proxies, for as long as the test runs. */
export async function proxied(changeAnswers?: () => Rewrite): Promise<ProxiedRocketmq> {
  const proxies = await proxyRocketmq(rocketmq, changeAnswers);
  onTestFinished(() => proxies[Symbol.asyncDispose]());
  return proxies;
}

/** The error of a send that must fail. */
export async function failure(work: Promise<unknown>): Promise<SendError> {
  const error: unknown = await work.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  expect(error).toBeInstanceOf(SendError);
  return error as SendError;
}

/** A new topic with a name of its own; made by hand, so that tests of producers and consumers need no admin. */
export async function createTopic(queues: number, brokerAddress = rocketmq.brokerAddress): Promise<string> {
  await using broker = await RawConnection.open(brokerAddress);
  return await makeTopic(broker, queues);
}

/** Keeps what a consumer was given, in the order of its coming. */
export class Received {
  readonly messages: ReceivedMessage[] = [];
  readonly handler = async (messages: readonly ReceivedMessage[]): Promise<void> => {
    this.messages.push(...messages);
  };

  get bodies(): string[] {
    return this.messages.map((message) => message.body.toString());
  }

  get queueIds(): number[] {
    return [...new Set(this.messages.map((message) => message.queue.queueId))].sort((a, b) => a - b);
  }
}
