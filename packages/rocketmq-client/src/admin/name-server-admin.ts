import { commands, ResponseCode, type TopicRouteData } from '@dt/rocketmq-protocol';
import type { RequestOptions } from '../client/index.ts';
import { asRocketMQError, RocketMQError } from '../errors.ts';
import { AdminBase } from './admin-base.ts';

/** What NameServers keep. */
export abstract class NameServerAdmin extends AdminBase {
  /** The route of a topic as the NameServer tells it. Fails with `topic-not-found`. */
  async topicRouteData(topic: string, options: RequestOptions = {}): Promise<TopicRouteData> {
    const request = { topic, acceptStandardJsonOnly: true };
    try {
      return await this.client.requestNameServer(commands.getRouteInfoByTopic, request, options);
    } catch (error) {
      const { responseCode } = asRocketMQError(error);
      if (responseCode !== ResponseCode.TOPIC_NOT_EXIST) throw error;
      throw new RocketMQError('topic-not-found', `topic ${topic} is not known to the NameServers`, {
        retryable: true,
        responseCode,
        cause: error,
      });
    }
  }

  /** A text that NameServers keep under a name; `undefined` when there is none. */
  async kvConfig(namespace: string, key: string, options: RequestOptions = {}): Promise<string | undefined> {
    try {
      return (await this.client.requestNameServer(commands.getKvConfig, { namespace, key }, options)).value;
    } catch (error) {
      if (asRocketMQError(error).responseCode === ResponseCode.QUERY_NOT_FOUND) return undefined;
      throw error;
    }
  }

  /** Keeps a text under a name, at every NameServer: they do not tell each other. */
  async putKvConfig(
    namespace: string,
    key: string,
    value: string,
    options: RequestOptions = {},
  ): Promise<void> {
    for (const address of this.client.nameServers.addresses) {
      await this.client.request(address, commands.putKvConfig, { namespace, key, value }, options);
    }
  }
}
