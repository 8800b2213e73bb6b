import {
  commands,
  encodeStoredMessage,
  isOneway,
  type MessageProperties,
  type RemotingCommand,
  RequestCode,
  ResponseCode,
} from '@dt/rocketmq-protocol';
import { type Peer, ScriptedServer } from './scripted-server.ts';

type Handler = (request: RemotingCommand, peer: Peer) => void;

/**
 * NameServer and broker in one scripted server, with answers that let clients start. Each answer can be replaced
 * by the test: `cluster.on(code, handler)`.
 */
export class ScriptedCluster implements AsyncDisposable {
  readonly server: ScriptedServer;
  readonly topics = new Map<string, number>();
  /** What pulls find, by queue id; the index is the offset. */
  readonly stored: { body: string; properties?: MessageProperties }[][] = [];
  readonly committed: { topic: string; queueId: number; commitOffset: number }[] = [];
  members: string[] = [];
  /** Who owns a queue, by `topic:queueId`. */
  readonly lockOwners = new Map<string, string>();
  readonly #handlers = new Map<number, Handler>();
  #sent = 0;

  private constructor(server: ScriptedServer) {
    this.server = server;
    server.script = (request, peer) => this.#answer(request, peer);
  }

  static async start(topics: Record<string, number>): Promise<ScriptedCluster> {
    const cluster = new ScriptedCluster(await ScriptedServer.start());
    for (const [topic, queues] of Object.entries(topics)) cluster.topics.set(topic, queues);
    return cluster;
  }

  get address(): string {
    return this.server.address;
  }

  on(code: number, handler: Handler): void {
    this.#handlers.set(code, handler);
  }

  /** Back to the cluster's own answer. */
  off(code: number): void {
    this.#handlers.delete(code);
  }

  /** Offsets told for a topic, in the order they came. */
  commitsOf(topic: string): number[] {
    return this.committed.filter((commit) => commit.topic === topic).map((commit) => commit.commitOffset);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.server.close();
  }

  #answer(request: RemotingCommand, peer: Peer): void {
    const handler = this.#handlers.get(request.code);
    if (handler !== undefined) return handler(request, peer);
    switch (request.code) {
      case RequestCode.GET_BROKER_CLUSTER_INFO:
        return peer.respond(
          request,
          0,
          commands.getBrokerClusterInfo.encodeResponse({ brokers: {}, clusters: {} }),
        );
      case RequestCode.GET_ROUTEINFO_BY_TOPIC:
        return this.#route(request, peer);
      case RequestCode.HEART_BEAT:
        this.members = [commands.heartBeat.decodeRequest(request).clientId];
        return peer.respond(request, 0);
      case RequestCode.GET_CONSUMER_LIST_BY_GROUP:
        return peer.respond(
          request,
          0,
          commands.getConsumerListByGroup.encodeResponse({ clientIds: this.members }),
        );
      case RequestCode.GET_MIN_OFFSET:
      case RequestCode.GET_MAX_OFFSET:
      case RequestCode.QUERY_CONSUMER_OFFSET:
        return peer.respond(request, 0, { extFields: { offset: '0' } });
      case RequestCode.UPDATE_CONSUMER_OFFSET:
        this.committed.push(commands.updateConsumerOffset.decodeRequest(request));
        return peer.respond(request, 0);
      case RequestCode.LOCK_BATCH_MQ:
        return this.lock(request, peer);
      case RequestCode.UNLOCK_BATCH_MQ: {
        const { clientId, queues } = commands.unlockQueues.decodeRequest(request);
        for (const { topic, queueId } of queues) {
          const key = `${topic}:${queueId}`;
          if (this.lockOwners.get(key) === clientId) this.lockOwners.delete(key);
        }
        return peer.respond(request, 0);
      }
      case RequestCode.PULL_MESSAGE:
        return this.pull(request, peer);
      case RequestCode.SEND_MESSAGE_V2:
      case RequestCode.SEND_BATCH_MESSAGE:
        return this.accept(request, peer);
      default:
        if (!isOneway(request)) peer.respond(request, 0);
    }
  }

  /** Stores nothing and answers as if. */
  accept(request: RemotingCommand, peer: Peer): void {
    const { queueId } = commands.sendMessageV2.decodeRequest(request);
    const response = { msgId: '7F00000100002A9F0000000000000001', queueId, queueOffset: this.#sent++ };
    peer.respond(request, 0, commands.sendMessageV2.encodeResponse(response));
  }

  lock(request: RemotingCommand, peer: Peer): void {
    const { clientId, queues } = commands.lockQueues.decodeRequest(request);
    const lockedQueues = queues.filter(({ topic, queueId }) => {
      const key = `${topic}:${queueId}`;
      if (!this.lockOwners.has(key)) this.lockOwners.set(key, clientId);
      return this.lockOwners.get(key) === clientId;
    });
    peer.respond(request, 0, commands.lockQueues.encodeResponse({ lockedQueues }));
  }

  pull(request: RemotingCommand, peer: Peer): void {
    const { topic, queueId, queueOffset, maxMsgNums } = commands.pullMessage.decodeRequest(request);
    const queue = topic.startsWith('%RETRY%') ? [] : (this.stored[queueId] ?? []);
    const found = queue.slice(queueOffset, queueOffset + maxMsgNums);
    // Nothing new: held, as a broker does.
    if (found.length === 0) return;
    const body = Buffer.concat(
      found.map((message, n) =>
        encodeStoredMessage({
          topic,
          queueId,
          flag: 0,
          queueOffset: queueOffset + n,
          physicalOffset: (queueOffset + n) * 1000,
          sysFlag: 0,
          bornTimestamp: 1,
          bornHost: { ip: '127.0.0.1', port: 1 },
          storeTimestamp: 2,
          storeHost: { ip: '127.0.0.1', port: 10911 },
          reconsumeTimes: 0,
          preparedTransactionOffset: 0,
          body: Buffer.from(message.body),
          properties: message.properties ?? {},
        }),
      ),
    );
    this.pulled(request, peer, ResponseCode.SUCCESS, queueOffset + found.length, body);
  }

  pulled(
    request: RemotingCommand,
    peer: Peer,
    code: number,
    nextBeginOffset: number,
    body: Buffer = Buffer.alloc(0),
  ): void {
    const header = { suggestWhichBrokerId: 0, nextBeginOffset, minOffset: 0, maxOffset: nextBeginOffset };
    peer.respond(request, code, commands.pullMessage.encodeResponse({ ...header, body }));
  }

  #route(request: RemotingCommand, peer: Peer): void {
    const { topic } = commands.getRouteInfoByTopic.decodeRequest(request);
    const queues = topic.startsWith('%RETRY%') ? 1 : this.topics.get(topic);
    if (queues === undefined)
      return peer.respond(request, ResponseCode.TOPIC_NOT_EXIST, { remark: 'No topic route' });
    const payload = commands.getRouteInfoByTopic.encodeResponse({
      brokerDatas: [{ cluster: 'C', brokerName: 'broker-a', brokerAddrs: { '0': this.address } }],
      queueDatas: [
        { brokerName: 'broker-a', readQueueNums: queues, writeQueueNums: queues, perm: 6, topicSysFlag: 0 },
      ],
    });
    peer.respond(request, 0, payload);
  }
}
