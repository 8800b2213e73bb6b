import {
  AUTO_CREATE_TOPIC,
  commands,
  RequestCode,
  ResponseCode,
  type RemotingCommand,
  type TopicRouteData,
} from '@dt/rocketmq-protocol';
import { asRocketMQError, errorOfResponse, messageOf, RocketMQError } from '../errors.ts';
import type { Logger } from '../logger.ts';
import type { NameServers } from './name-servers.ts';
import { routeFromTemplate, sameRoute, topicRouteOf, type TopicRoute } from './topic-route.ts';

export interface RouteCacheOptions {
  requestTimeoutMs: number;
  logger: Logger;
  onChange?: (route: TopicRoute) => void;
}

/** A route made from the template is looked up again after this time: the topic may exist by then. */
const TEMPLATE_TTL_MS = 1000;
/** More topics than one client uses; beyond it the one looked up longest ago is forgotten. */
const MAX_TOPICS = 10_000;

/**
 * A topic that NameServers no longer know is believed gone only after this time: a NameServer that has just started
 * knows nothing until its brokers have registered again, which takes them up to 60 s.
 */
const MISSING_TTL_MS = 120_000;

interface Entry {
  route: TopicRoute;
  /** Since when the NameServers do not know it. */
  missingSince?: number;
  /** Only for routes made from the template. */
  expiresAt: number;
}

/**
 * Routes of the topics in use. One look-up at a time a topic; a failed refresh keeps what was known, because an
 * old route is better than none while NameServers are away.
 */
export class RouteCache {
  readonly #nameServers: NameServers;
  readonly #options: RouteCacheOptions;
  readonly #entries = new Map<string, Entry>();
  readonly #lookups = new Map<string, Promise<TopicRoute>>();

  constructor(nameServers: NameServers, options: RouteCacheOptions) {
    this.#nameServers = nameServers;
    this.#options = options;
  }

  /** All routes known now. */
  known(): TopicRoute[] {
    return [...this.#entries.values()].map((entry) => entry.route);
  }

  /** What is known and still holds, without waiting. */
  peek(topic: string): TopicRoute | undefined {
    const entry = this.#entries.get(topic);
    return entry !== undefined &&
      (entry.expiresAt === Number.POSITIVE_INFINITY || entry.expiresAt > Date.now())
      ? entry.route
      : undefined;
  }

  /** Fails with `topic-not-found` when no NameServer knows the topic. */
  async get(topic: string): Promise<TopicRoute> {
    return this.peek(topic) ?? this.refresh(topic);
  }

  /** Like `get`; for an unknown topic the route it will have when a broker creates it on the first send. */
  async getForSend(topic: string, queueNums: number): Promise<TopicRoute> {
    const known = this.peek(topic);
    if (known !== undefined) return known;
    try {
      return await this.refresh(topic);
    } catch (error) {
      if (asRocketMQError(error).code !== 'topic-not-found') throw error;
      const template = await this.#find(AUTO_CREATE_TOPIC).catch(() => undefined);
      if (template === undefined) throw error;
      const route = routeFromTemplate(topic, template, queueNums);
      this.#store(route, Date.now() + TEMPLATE_TTL_MS);
      return route;
    }
  }

  /** Looks the topic up now. */
  refresh(topic: string): Promise<TopicRoute> {
    let lookup = this.#lookups.get(topic);
    if (lookup === undefined) {
      lookup = this.#lookup(topic).finally(() => this.#lookups.delete(topic));
      this.#lookups.set(topic, lookup);
    }
    return lookup;
  }

  async refreshAll(): Promise<void> {
    for (const topic of [...this.#entries.keys()]) {
      try {
        await this.refresh(topic);
      } catch (error) {
        const failure = asRocketMQError(error);
        if (failure.code === 'closed') return;
        this.#options.logger.warn('route refresh failed', { topic, error: failure.message });
        // Without NameServers every other topic would fail the same way.
        if (failure.code === 'name-server-unreachable') return;
      }
    }
  }

  async #lookup(topic: string): Promise<TopicRoute> {
    const data = await this.#find(topic);
    if (data === undefined) {
      this.#noteMissing(topic);
      throw new RocketMQError('topic-not-found', `topic ${topic} is not known to the NameServers`, {
        retryable: true,
        responseCode: ResponseCode.TOPIC_NOT_EXIST,
      });
    }
    const route = topicRouteOf(topic, data);
    this.#store(route, Number.POSITIVE_INFINITY);
    return route;
  }

  #noteMissing(topic: string): void {
    const entry = this.#entries.get(topic);
    if (entry === undefined) return;
    entry.missingSince ??= Date.now();
    if (Date.now() - entry.missingSince >= MISSING_TTL_MS) this.#entries.delete(topic);
  }

  async #find(topic: string): Promise<TopicRouteData | undefined> {
    const { getRouteInfoByTopic } = commands;
    const response = await this.#nameServers.invoke(
      RequestCode.GET_ROUTEINFO_BY_TOPIC,
      getRouteInfoByTopic.encodeRequest({ topic, acceptStandardJsonOnly: true }),
      { timeoutMs: this.#options.requestTimeoutMs },
    );
    if (response.code === ResponseCode.TOPIC_NOT_EXIST) return undefined;
    if (response.code !== ResponseCode.SUCCESS)
      throw errorOfResponse(response, 'GET_ROUTEINFO_BY_TOPIC', 'NameServer');
    return decode(response, topic);
  }

  #store(route: TopicRoute, expiresAt: number): void {
    const before = this.#entries.get(route.topic)?.route;
    this.#entries.delete(route.topic);
    this.#entries.set(route.topic, { route, expiresAt });
    if (this.#entries.size > MAX_TOPICS) {
      const [oldest] = this.#entries.keys();
      if (oldest !== undefined) this.#entries.delete(oldest);
    }
    if (before === undefined || !sameRoute(before, route)) this.#options.onChange?.(route);
  }
}

function decode(response: RemotingCommand, topic: string): TopicRouteData {
  try {
    return commands.getRouteInfoByTopic.decodeResponse(response);
  } catch (error) {
    throw new RocketMQError('bad-answer', `route of ${topic}: ${messageOf(error)}`, {
      retryable: true,
      cause: error,
    });
  }
}
