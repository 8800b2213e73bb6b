import { commands } from '@dt/rocketmq-protocol';
import type { RequestOptions } from '../client/index.ts';
import { MessageAdmin } from './message-admin.ts';

/** Looks at a cluster and changes its topics, groups and brokers. One class an area, each on top of the one before. */
export class Admin extends MessageAdmin {
  /** Figures of one broker; all values are texts. */
  async brokerRuntimeInfo(
    brokerAddress: string,
    options: RequestOptions = {},
  ): Promise<Record<string, string>> {
    return (await this.client.request(brokerAddress, commands.getBrokerRuntimeInfo, {}, options)).table;
  }
}
