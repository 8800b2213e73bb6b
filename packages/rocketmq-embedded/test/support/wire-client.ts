import { once } from 'node:events';
import net from 'node:net';
import {
  commands,
  createRequest,
  encodeCommand,
  FrameDecoder,
  isResponse,
  RequestCode,
  subscriptionOf,
  type CommandPayload,
  type EncodeOptions,
  type RemotingCommand,
} from '@dt/rocketmq-protocol';

export type SendFields = Partial<commands.SendMessageRequest> & { topic: string };

/** A client that speaks raw frames: what the tests send is what is on the wire. */
export class WireClient {
  readonly socket: net.Socket;
  readonly #decoder = new FrameDecoder();
  readonly #waiting = new Map<number, (response: RemotingCommand) => void>();
  /** Requests the server sent by itself, in order. */
  readonly pushed: RemotingCommand[] = [];
  /** Responses and pushed requests in the order they came. */
  readonly received: RemotingCommand[] = [];
  #opaque = 0;

  private constructor(socket: net.Socket) {
    this.socket = socket;
    socket.on('data', (chunk: Buffer) => {
      for (const command of this.#decoder.push(chunk)) {
        this.received.push(command);
        if (!isResponse(command)) this.pushed.push(command);
        else this.#waiting.get(command.opaque)?.(command);
      }
    });
    socket.on('error', () => undefined);
  }

  static async connect(address: string): Promise<WireClient> {
    const at = address.lastIndexOf(':');
    const socket = net.connect({
      host: address.slice(0, at).replace(/[[\]]/g, ''),
      port: Number(address.slice(at + 1)),
    });
    await once(socket, 'connect');
    return new WireClient(socket);
  }

  request(
    code: number,
    payload: Partial<CommandPayload> = {},
    options: { version?: number } & EncodeOptions = {},
  ): Promise<RemotingCommand> {
    const opaque = ++this.#opaque;
    const { version, ...encode } = options;
    const command = createRequest(code, payload, version === undefined ? { opaque } : { opaque, version });
    return new Promise((resolve, reject) => {
      const failed = (): void => reject(new Error(`connection closed while request ${code} waited`));
      this.socket.once('close', failed);
      this.#waiting.set(opaque, (response) => {
        this.#waiting.delete(opaque);
        this.socket.off('close', failed);
        resolve(response);
      });
      this.socket.setMaxListeners(0);
      this.socket.write(encodeCommand(command, encode));
    });
  }

  oneway(code: number, payload: Partial<CommandPayload> = {}): void {
    this.socket.write(encodeCommand(createRequest(code, payload, { opaque: ++this.#opaque, oneway: true })));
  }

  send(fields: SendFields): Promise<RemotingCommand> {
    return this.request(
      RequestCode.SEND_MESSAGE_V2,
      commands.sendMessageV2.encodeRequest(sendRequest(fields)),
    );
  }

  pull(
    fields: Partial<commands.PullMessageRequest> & { topic: string; consumerGroup: string },
  ): Promise<RemotingCommand> {
    return this.request(
      RequestCode.PULL_MESSAGE,
      commands.pullMessage.encodeRequest({
        queueId: 0,
        queueOffset: 0,
        maxMsgNums: 32,
        sysFlag: 4,
        commitOffset: 0,
        suspendTimeoutMillis: 0,
        subVersion: 0,
        subscription: '*',
        ...fields,
      }),
    );
  }

  heartBeat(
    group: string,
    topic: string,
    expression = '*',
    subVersion = Date.now(),
  ): Promise<RemotingCommand> {
    return this.request(
      RequestCode.HEART_BEAT,
      commands.heartBeat.encodeRequest({
        clientId: `client-${this.socket.localPort}`,
        producerGroups: [],
        consumers: [
          {
            groupName: group,
            consumeType: 'CONSUME_PASSIVELY',
            messageModel: 'CLUSTERING',
            consumeFromWhere: 'CONSUME_FROM_FIRST_OFFSET',
            unitMode: false,
            subscriptions: [subscriptionOf(topic, expression, subVersion)],
          },
        ],
      }),
    );
  }

  createTopic(topic: string, queues = 1): Promise<RemotingCommand> {
    return this.request(
      RequestCode.UPDATE_AND_CREATE_TOPIC,
      commands.updateAndCreateTopic.encodeRequest({
        topic,
        defaultTopic: 'TBW102',
        readQueueNums: queues,
        writeQueueNums: queues,
        perm: 6,
        topicFilterType: 'SINGLE_TAG',
        order: false,
      }),
    );
  }

  close(): void {
    this.socket.destroy();
  }
}

export function sendRequest(fields: SendFields): commands.SendMessageRequest {
  return {
    producerGroup: 'P',
    defaultTopic: 'TBW102',
    defaultTopicQueueNums: 4,
    queueId: 0,
    sysFlag: 0,
    bornTimestamp: 1_700_000_000_000,
    flag: 0,
    properties: '',
    body: Buffer.from('hello'),
    ...fields,
  };
}
