import {
  type CommandCodec,
  type CommandPayload,
  commands,
  type ConsumerData,
  type RemotingCommand,
  RequestCode,
  requestCodeName,
  ResponseCode,
} from '@dt/rocketmq-protocol';
import { asRocketMQError, errorOfResponse, messageOf, RocketMQError } from '../errors.ts';
import type { CheckedClientOptions } from '../options.ts';
import {
  fetchNameServerList,
  consumerAddress,
  masterAddress,
  NameServers,
  RouteCache,
  type TopicRoute,
} from '../routes/index.ts';
import { Coalesced } from '../timing/coalesced.ts';
import { endsWithin } from '../timing/pause.ts';
import { repeat } from '../timing/repeat.ts';
import {
  type AnswerReceiver,
  type InvokeOptions,
  RemotingClient,
  type RequestHandler,
} from '../transport/index.ts';
import { newClientId } from './client-id.ts';

/** What a client says of itself in its heartbeats. */
export interface Membership {
  readonly producerGroups: readonly string[];
  readonly consumers: readonly ConsumerData[];
}

export interface ClientInstanceOptions extends CheckedClientOptions {
  membership?: Membership;
  /** Heartbeats go to every master of the cluster, not only to those of topics in use. @default false */
  everyMaster?: boolean;
  /** Requests that brokers start. */
  onRequest?: RequestHandler;
  onRouteChange?: (route: TopicRoute) => void;
  onDisconnect?: (address: string) => void;
}

export interface RequestOptions {
  /** @default requestTimeoutMs of the client */
  timeoutMs?: number | undefined;
  signal?: AbortSignal | undefined;
}

const NO_MEMBERSHIP: Membership = { producerGroups: [], consumers: [] };

/**
 * What producers, consumers and admin clients stand on: connections, NameServers, routes, heartbeats and the
 * timers that keep them fresh.
 */
export class ClientInstance {
  readonly clientId: string;
  readonly nameServers: NameServers;
  readonly routes: RouteCache;
  readonly #options: ClientInstanceOptions;
  readonly #remoting: RemotingClient;
  readonly #membership: Membership;
  readonly #heartbeats = new Coalesced(() => this.#sendHeartbeats());
  #clusterMasters: readonly string[] = [];
  readonly #stopTimers: (() => void)[] = [];
  readonly #closing = new AbortController();
  #ending: Promise<void> | undefined;

  constructor(options: ClientInstanceOptions) {
    this.#options = options;
    this.clientId = newClientId(options.unitName);
    this.#membership = options.membership ?? NO_MEMBERSHIP;
    this.#remoting = new RemotingClient({
      connectTimeoutMs: options.connectTimeoutMs,
      maxInFlightRequests: options.maxInFlightRequests,
      silenceTimeoutMs: options.silenceTimeoutMs,
      credentials: options.credentials,
      openSocket: options.openSocket,
      ...(options.onRequest && { onRequest: options.onRequest }),
      onConnect: (address) => this.#onConnect(address),
      onDisconnect: (address, error) => this.#onDisconnect(address, error),
    });
    this.nameServers = new NameServers(this.#remoting, options.nameServers);
    this.routes = new RouteCache(this.nameServers, {
      requestTimeoutMs: options.requestTimeoutMs,
      logger: options.logger,
      ...(options.onRouteChange && { onChange: options.onRouteChange }),
    });
  }

  /** Fails with `name-server-unreachable` when none answers. */
  async start(): Promise<void> {
    await this.#askForNameServers();
    const cluster = await this.nameServers.invoke(
      RequestCode.GET_BROKER_CLUSTER_INFO,
      commands.getBrokerClusterInfo.encodeRequest({}),
      this.#invokeOptions({}),
    );
    if (this.#stopTimers.length > 0) return;
    this.#assertOpen();
    if (this.#options.everyMaster === true) {
      const { brokers } = decodeAnswer(commands.getBrokerClusterInfo, cluster, 'NameServer');
      this.#noteMasters(brokers);
      await this.heartbeat();
      this.#assertOpen();
    }
    const { logger, routeRefreshMs, heartbeatMs } = this.#options;
    const warn = (what: string) => (error: unknown) =>
      logger.warn(`${what} failed`, { error: messageOf(error) });
    if (this.#options.nameServerUrl !== undefined) {
      const ask = (): Promise<void> => this.#askForNameServers();
      this.#stopTimers.push(repeat(this.#options.nameServerListRefreshMs, ask, warn('list of NameServers')));
    }
    this.#stopTimers.push(repeat(routeRefreshMs, () => this.routes.refreshAll(), warn('route refresh')));
    if (this.#isMember)
      this.#stopTimers.push(repeat(heartbeatMs, () => this.#heartbeatRound(), warn('heartbeat')));
  }

  /**
   * Sends a heartbeat to all known brokers; resolves when one that began after the call has ended, with the failures.
   */
  heartbeat(): Promise<RocketMQError[]> {
    return this.#isMember && !this.#closed ? this.#heartbeats.run() : Promise.resolve([]);
  }

  /** Any answer. */
  invoke(
    address: string,
    code: number,
    payload: CommandPayload,
    options: InvokeOptions,
  ): Promise<RemotingCommand> {
    return this.#remoting.invoke(address, code, payload, options);
  }

  /** The same without a promise; who is answered GO_AWAY may ask once more. */
  ask(
    address: string,
    code: number,
    payload: CommandPayload,
    options: InvokeOptions,
    receiver: AnswerReceiver,
  ): void {
    this.#remoting.request(address, code, payload, options, receiver);
  }

  /** Resolves when the request is on its way; no answer comes. */
  sendOneway(address: string, code: number, payload: CommandPayload, options: InvokeOptions): Promise<void> {
    return this.#remoting.sendOneway(address, code, payload, options);
  }

  /** The decoded answer of a broker; every code but success is an error. */
  async request<Request, Response>(
    address: string,
    codec: CommandCodec<Request, Response>,
    request: Request,
    options: RequestOptions = {},
  ): Promise<Response> {
    const payload = codec.encodeRequest(request);
    const response = await this.#remoting.invoke(address, codec.code, payload, this.#invokeOptions(options));
    return decodeAnswer(codec, response, address);
  }

  /** The same for whichever NameServer answers. */
  async requestNameServer<Request, Response>(
    codec: CommandCodec<Request, Response>,
    request: Request,
    options: RequestOptions = {},
  ): Promise<Response> {
    const payload = codec.encodeRequest(request);
    const response = await this.nameServers.invoke(codec.code, payload, this.#invokeOptions(options));
    return decodeAnswer(codec, response, 'NameServer');
  }

  /** Address of the master of a broker of this topic; a fresh look-up when the known route has none. */
  async masterOf(topic: string, brokerName: string): Promise<string> {
    const known = masterAddress(await this.routes.get(topic), brokerName);
    const address = known ?? masterAddress(await this.routes.refresh(topic), brokerName);
    if (address !== undefined) return address;
    throw new RocketMQError('broker-not-found', `broker ${brokerName} of topic ${topic} has no master`, {
      retryable: true,
    });
  }

  /** The same for a consumer, which a slave can serve while the master is away. */
  async consumerBrokerOf(topic: string, brokerName: string): Promise<string> {
    const known = consumerAddress(await this.routes.get(topic), brokerName);
    const address = known ?? consumerAddress(await this.routes.refresh(topic), brokerName);
    if (address !== undefined) return address;
    throw new RocketMQError('broker-not-found', `broker ${brokerName} of topic ${topic} is gone`, {
      retryable: true,
    });
  }

  /** Takes the client out of its groups, within `timeoutMs`, and closes every connection; once. */
  close(timeoutMs: number): Promise<void> {
    this.#ending ??= this.#close(timeoutMs);
    return this.#ending;
  }

  async #close(timeoutMs: number): Promise<void> {
    this.#closing.abort();
    for (const stop of this.#stopTimers) stop();
    if (this.#isMember) await endsWithin(this.#unregister(timeoutMs), timeoutMs);
    this.#remoting.close();
  }

  get #closed(): boolean {
    return this.#closing.signal.aborted;
  }

  #assertOpen(): void {
    if (this.#closed) throw new RocketMQError('closed', 'the client is closed');
  }

  get #isMember(): boolean {
    return this.#membership.producerGroups.length > 0 || this.#membership.consumers.length > 0;
  }

  /** Only with an address server. A list that cannot be had or read changes nothing. */
  async #askForNameServers(): Promise<void> {
    const { nameServerUrl, requestTimeoutMs } = this.#options;
    if (nameServerUrl === undefined) return;
    const addresses = await fetchNameServerList(nameServerUrl, requestTimeoutMs, this.#closing.signal);
    this.nameServers.replace(addresses);
  }

  #invokeOptions(options: RequestOptions): InvokeOptions {
    return { timeoutMs: options.timeoutMs ?? this.#options.requestTimeoutMs, signal: options.signal };
  }

  async #heartbeatRound(): Promise<void> {
    if (this.#options.everyMaster === true) {
      try {
        this.#noteMasters((await this.requestNameServer(commands.getBrokerClusterInfo, {})).brokers);
      } catch (error) {
        this.#options.logger.warn('look-up of the brokers failed', { error: messageOf(error) });
      }
    }
    await this.heartbeat();
  }

  #noteMasters(brokers: commands.ClusterInfo['brokers']): void {
    this.#clusterMasters = Object.values(brokers).flatMap((broker) => broker.brokerAddrs['0'] ?? []);
  }

  async #sendHeartbeats(): Promise<RocketMQError[]> {
    const failures = await Promise.all(this.#brokers().map((address) => this.#sendHeartbeat(address)));
    return failures.filter((failure) => failure !== undefined);
  }

  async #sendHeartbeat(address: string): Promise<RocketMQError | undefined> {
    const { producerGroups, consumers } = this.#membership;
    const heartbeat = {
      clientId: this.clientId,
      producerGroups: [...producerGroups],
      consumers: [...consumers],
    };
    try {
      await this.request(address, commands.heartBeat, heartbeat);
      return undefined;
    } catch (error) {
      if (!this.#closed) this.#options.logger.warn('heartbeat failed', { address, error: messageOf(error) });
      return asRocketMQError(error);
    }
  }

  async #unregister(timeoutMs: number): Promise<void> {
    const groups = [
      ...this.#membership.consumers.map((consumer) => ({ consumerGroup: consumer.groupName })),
      ...this.#membership.producerGroups.map((producerGroup) => ({ producerGroup })),
    ];
    const requests = this.#brokers().flatMap((address) =>
      groups.map((group) =>
        this.request(
          address,
          commands.unregisterClient,
          { clientID: this.clientId, ...group },
          { timeoutMs },
        ),
      ),
    );
    for (const result of await Promise.allSettled(requests)) {
      if (result.status === 'rejected') {
        this.#options.logger.debug('unregister failed', { error: messageOf(result.reason) });
      }
    }
  }

  /** Consumers are known to every broker, producers only to masters. */
  #brokers(): string[] {
    const addresses = this.routes
      .known()
      .flatMap((route) =>
        [...route.brokers.values()].flatMap((broker) =>
          this.#membership.consumers.length > 0
            ? Object.values(broker.brokerAddrs)
            : (masterAddress(route, broker.brokerName) ?? []),
        ),
      );
    return [...new Set([...addresses, ...this.#clusterMasters])];
  }

  /** A broker that was away has forgotten its members: it is told at once, not at the next round. */
  #onConnect(address: string): void {
    if (this.#isMember && !this.#closed && this.#brokers().includes(address))
      void this.#sendHeartbeat(address);
  }

  #onDisconnect(address: string, error: RocketMQError): void {
    // Servers close connections that were idle; those without a group have nothing to lose by it.
    const level = this.#isMember ? 'warn' : 'debug';
    this.#options.logger[level]('connection lost', { address, error: error.message });
    this.#options.onDisconnect?.(address);
  }
}

function decodeAnswer<Request, Response>(
  codec: CommandCodec<Request, Response>,
  response: RemotingCommand,
  peer: string,
): Response {
  const name = requestCodeName(codec.code);
  if (response.code !== ResponseCode.SUCCESS) throw errorOfResponse(response, name, peer);
  try {
    return codec.decodeResponse(response);
  } catch (error) {
    throw new RocketMQError('bad-answer', `${name} at ${peer}: ${asRocketMQError(error).message}`, {
      cause: error,
      outcome: 'unknown',
    });
  }
}
