import {
  AUTO_CREATE_TOPIC,
  type CommandPayload,
  commands,
  type MessageQueue,
  type RemotingCommand,
  ResponseCode,
  withoutNamespace,
} from '@dt/rocketmq-protocol';
import type { ClientInstance } from '../client/index.ts';
import { channels } from '../diagnostics.ts';
import {
  asRocketMQError,
  errorOfResponse,
  RocketMQError,
  type RequestOutcome,
  SendError,
} from '../errors.ts';
import type { MetricsHook } from '../metrics.ts';
import { masterAddress, type TopicRoute } from '../routes/index.ts';
import type { QueueSelector } from './queue-selector.ts';
import { type SendStatus, sendStatusOf } from './send-result.ts';

export interface SenderOptions {
  group: string;
  maxAttempts: number;
  retryPauseMs: number;
  defaultTopicQueueNums: number;
  metrics?: MetricsHook | undefined;
  namespace?: string | undefined;
}

/** One request to a broker: a message, or several in a batch body. */
export interface SendRequest {
  topic: string;
  /** Where it must go; without it the next queue in turn, and on a repetition another broker if there is one. */
  queue?: MessageQueue | undefined;
  /** Without `queue`: where the first try goes. */
  firstQueue?: MessageQueue | undefined;
  /** A batch has a body of many messages and its own request code. */
  batch: boolean;
  messages: number;
  body: Buffer;
  properties?: string | undefined;
  sysFlag?: number | undefined;
  reconsumeTimes?: number | undefined;
  maxReconsumeTimes?: number | undefined;
}

export interface Sent {
  status: SendStatus;
  queue: MessageQueue;
  /** Of the first message. */
  queueOffset: number;
  /** One a message. */
  offsetMessageIds: string[];
  /** Of the broker, `host:port`. */
  address: string;
  regionId: string;
  /** The broker's switch for message traces. */
  isTraced: boolean;
  /** When the try began that stored it. */
  startedAt: number;
}

export interface SendLimits {
  /** For all tries together. */
  timeoutMs: number;
  signal?: AbortSignal | undefined;
}

/** Where a try goes. */
export interface SendTarget {
  readonly queue: MessageQueue;
  readonly address: string;
}

/** What every try is made of, with one answer or without. */
export class SendSteps {
  readonly #client: ClientInstance;
  readonly #options: SenderOptions;
  readonly #selector: QueueSelector;
  readonly #closing: AbortSignal;

  constructor(client: ClientInstance, selector: QueueSelector, options: SenderOptions, closing: AbortSignal) {
    this.#client = client;
    this.#selector = selector;
    this.#options = options;
    this.#closing = closing;
  }

  target(request: SendRequest, route: TopicRoute, queue: MessageQueue | undefined): SendTarget {
    if (queue === undefined) {
      throw new RocketMQError('topic-not-found', `topic ${request.topic} has no writable queue`, {
        retryable: true,
      });
    }
    const address = masterAddress(route, queue.brokerName);
    if (address !== undefined) return { queue, address };
    const text = `broker ${queue.brokerName} of topic ${request.topic} has no master`;
    throw new RocketMQError('broker-not-found', text, { retryable: true });
  }

  /** Tells the selector and the diagnostics channel how a request went. */
  note(request: SendRequest, queue: MessageQueue, startedAt: number, error: unknown): void {
    const durationMs = Date.now() - startedAt;
    this.#selector.note(queue.brokerName, durationMs, error !== undefined);
    const { metrics } = this.#options;
    if (metrics !== undefined) {
      const invocation_status = error === undefined ? 'success' : 'failure';
      const labels = { topic: request.topic, client_id: this.#client.clientId, invocation_status };
      for (let n = 0; n < request.messages; n++)
        metrics.observe('rocketmq_send_cost_time', durationMs, labels);
    }
    if (!channels.send.hasSubscribers) return;
    const { topic, queueId, brokerName } = queue;
    const { messages, body } = request;
    channels.send.publish({
      topic,
      queueId,
      brokerName,
      messages,
      sizeBytes: body.length,
      durationMs,
      error,
    });
  }

  payload(request: SendRequest, queue: MessageQueue): CommandPayload {
    const codec = request.batch ? commands.sendBatchMessage : commands.sendMessageV2;
    return codec.encodeRequest({
      producerGroup: this.#options.group,
      topic: request.topic,
      defaultTopic: AUTO_CREATE_TOPIC,
      defaultTopicQueueNums: this.#options.defaultTopicQueueNums,
      queueId: queue.queueId,
      sysFlag: request.sysFlag ?? 0,
      bornTimestamp: Date.now(),
      flag: 0,
      properties: request.properties ?? '',
      reconsumeTimes: request.reconsumeTimes ?? 0,
      unitMode: false,
      maxReconsumeTimes: request.maxReconsumeTimes,
      batch: request.batch,
      brokerName: queue.brokerName,
      body: request.body,
    });
  }

  /** The broker may have gone, or the topic moved: the next try should know. */
  refreshRoute(topic: string, failure: RocketMQError): void {
    const { code, responseCode } = failure;
    const moved =
      code === 'connect-failed' ||
      code === 'connection-lost' ||
      code === 'broker-not-found' ||
      responseCode === ResponseCode.TOPIC_NOT_EXIST ||
      responseCode === ResponseCode.NO_PERMISSION ||
      responseCode === ResponseCode.SERVICE_NOT_AVAILABLE ||
      responseCode === ResponseCode.GO_AWAY;
    // Its own failure is told by the next try.
    if (moved && !this.#closing.aborted) this.#client.routes.refresh(topic).catch(() => undefined);
  }

  /** What an answer says. Throws for one that means the message is not stored. */
  sentOf(response: RemotingCommand, request: SendRequest, to: SendTarget, startedAt: number): Sent {
    const status = sendStatusOf(response.code);
    if (status === undefined)
      throw errorOfResponse(response, request.batch ? 'SEND_BATCH_MESSAGE' : 'SEND_MESSAGE_V2', to.address);
    const { topic, brokerName } = to.queue;
    try {
      const { msgId, queueId, queueOffset, MSG_REGION, TRACE_ON } =
        commands.sendMessageV2.decodeResponse(response);
      // Written out: this runs for every send.
      return {
        status,
        queue: { topic: withoutNamespace(topic, this.#options.namespace), brokerName, queueId },
        queueOffset,
        offsetMessageIds: msgId.split(','),
        address: to.address,
        regionId: MSG_REGION ?? 'DefaultRegion',
        isTraced: TRACE_ON !== 'false',
        startedAt,
      };
    } catch (error) {
      // The message is stored, only its place is not known; a repetition would store it twice.
      throw new RocketMQError('bad-answer', asRocketMQError(error).message, {
        cause: error,
        outcome: 'unknown',
      });
    }
  }

  finalError(
    request: SendRequest,
    failure: RocketMQError,
    outcome: RequestOutcome,
    attempts: number,
  ): SendError {
    const what = request.batch ? `batch of ${request.messages} messages` : 'message';
    return new SendError(
      failure.code,
      `${what} to ${request.topic}: ${failure.message} (tries: ${attempts})`,
      {
        // Whoever gave up or closed may send it again.
        retryable: failure.retryable || failure.code === 'aborted' || failure.code === 'closed',
        outcome,
        attempts,
        cause: failure,
        ...(failure.responseCode !== undefined && { responseCode: failure.responseCode }),
      },
    );
  }
}
