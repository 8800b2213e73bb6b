import { type Configuration, ResponseCode } from '@dt/rocketmq-protocol';
import { Refusal } from '../server/index.ts';

/** Names whose values are files and folders. */
const CLOSED = ['configBlackList', 'configStorePath', 'kvConfigPath', 'rocketmqHome'];

/**
 * What a NameServer of 5.3.0 is configured with. Tools may read and change it; it lasts as long as the process, and
 * nothing here acts on it but `orderMessageEnable`.
 */
export class NameServerConfig {
  #values: Configuration;

  constructor(listenPort: number, kvConfigPath: string) {
    this.#values = {
      bindAddress: '0.0.0.0',
      clusterTest: 'false',
      configBlackList: 'configBlackList;configStorePath;kvConfigPath',
      deleteTopicWithBrokerRegistration: 'false',
      enableAllTopicList: 'true',
      enableTopicList: 'true',
      kvConfigPath,
      listenPort: String(listenPort),
      notifyMinBrokerIdChanged: 'false',
      orderMessageEnable: 'false',
      productEnvName: 'center',
      returnOrderTopicConfigToBroker: 'true',
      scanNotActiveBrokerInterval: '5000',
      supportActingMaster: 'false',
    };
  }

  get values(): Configuration {
    return this.#values;
  }

  get ordersMessages(): boolean {
    return this.#values['orderMessageEnable'] === 'true';
  }

  /** Names that are not known are passed over. */
  update(changes: Configuration): void {
    if (CLOSED.some((name) => Object.hasOwn(changes, name)))
      throw new Refusal(ResponseCode.NO_PERMISSION, 'Can not update config in black list.');
    const known = Object.entries(changes).filter(([name]) => Object.hasOwn(this.#values, name));
    this.#values = { ...this.#values, ...Object.fromEntries(known) };
  }
}
