import { commands, type Configuration, ResponseCode, type TopicRouteData } from '@dt/rocketmq-protocol';
import type { RequestOptions } from '../client/index.ts';
import { asRocketMQError, RocketMQError } from '../errors.ts';
import { AdminBase, requireText } from './admin-base.ts';

export type { Configuration } from '@dt/rocketmq-protocol';

/** What NameServers keep. They do not tell each other: every change goes to all of them. */
export abstract class NameServerAdmin extends AdminBase {
  /** The route of a topic as the NameServer tells it. Fails with `topic-not-found`. */
  async topicRouteData(topic: string, options: RequestOptions = {}): Promise<TopicRouteData> {
    const request = { topic: this.names.onWire(topic), acceptStandardJsonOnly: true };
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

  /** All texts of a namespace; empty when there are none. */
  async kvConfigs(namespace: string, options: RequestOptions = {}): Promise<Record<string, string>> {
    try {
      return (await this.client.requestNameServer(commands.getKvListByNamespace, { namespace }, options))
        .table;
    } catch (error) {
      if (asRocketMQError(error).responseCode === ResponseCode.QUERY_NOT_FOUND) return {};
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
    const request = {
      namespace: requireText('namespace', namespace),
      key: requireText('key', key),
      value: requireText('value', value),
    };
    for (const address of this.client.nameServers.addresses) {
      await this.client.request(address, commands.putKvConfig, request, options);
    }
  }

  /** Also for a text that is not there. */
  async deleteKvConfig(namespace: string, key: string, options: RequestOptions = {}): Promise<void> {
    const request = { namespace: requireText('namespace', namespace), key: requireText('key', key) };
    for (const address of this.client.nameServers.addresses) {
      await this.client.request(address, commands.deleteKvConfig, request, options);
    }
  }

  /** What one NameServer is configured with; whichever answers, when none is named. */
  nameServerConfig(nameServer?: string, options: RequestOptions = {}): Promise<Configuration> {
    return nameServer === undefined
      ? this.client.requestNameServer(commands.getNameServerConfig, {}, options)
      : this.client.request(nameServer, commands.getNameServerConfig, {}, options);
  }

  /** Changes values of all NameServers, or of one. Names that they do not know are passed over without a word. */
  async updateNameServerConfig(
    changes: Configuration,
    nameServer?: string,
    options: RequestOptions = {},
  ): Promise<void> {
    const addresses = nameServer === undefined ? this.client.nameServers.addresses : [nameServer];
    for (const address of addresses) {
      await this.client.request(address, commands.updateNameServerConfig, changes, options);
    }
  }

  /**
   * Takes a broker out of the way of producers before it is stopped: its topics can no longer be written to, by the
   * routes of all NameServers. Gives the number of topics. The broker's next change of a topic brings that one back.
   */
  async wipeWritePermission(brokerName: string, options: RequestOptions = {}): Promise<number> {
    const request = { brokerName: requireText('brokerName', brokerName) };
    const answers: number[] = [];
    for (const address of this.client.nameServers.addresses) {
      const answer = await this.client.request(address, commands.wipeWritePermOfBroker, request, options);
      answers.push(answer.wipeTopicCount);
    }
    return Math.max(...answers);
  }

  /** Undoes it. All topics of the broker become readable and writable, whatever they were before. */
  async addWritePermission(brokerName: string, options: RequestOptions = {}): Promise<number> {
    const request = { brokerName: requireText('brokerName', brokerName) };
    const answers: number[] = [];
    for (const address of this.client.nameServers.addresses) {
      const answer = await this.client.request(address, commands.addWritePermOfBroker, request, options);
      answers.push(answer.addTopicCount);
    }
    return Math.max(...answers);
  }
}
