import { type Configuration, type DataVersion, ResponseCode } from '@dt/rocketmq-protocol';
import { Refusal } from '../server/index.ts';
import { firstVersion, nextVersion } from './data-version.ts';

const CLOSED = ['brokerConfigPath', 'rocketmqHome', 'configBlackList'];

/**
 * The configuration as tools see it: what this broker has options for, and the values of 5.3.0 that tools read. A
 * change lasts as long as the process; nothing here acts on it.
 */
export class BrokerConfig {
  #values: Configuration;
  #version: DataVersion = firstVersion();

  constructor(values: Configuration) {
    this.#values = {
      clientManageThreadPoolNums: '16',
      consumerFallbehindThreshold: '17179869184',
      defaultQueryMaxNum: '32',
      deleteWhen: '04',
      diskMaxUsedSpaceRatio: '75',
      fileReservedTime: '72',
      maxMessageFilterMemory: '52428800',
      maxTransferBytesOnMessageInMemory: '262144',
      maxTransferCountOnMessageInMemory: '32',
      msgTraceTopicName: 'RMQ_SYS_TRACE_TOPIC',
      namesrvAddr: '',
      regionId: 'DefaultRegion',
      slaveReadEnable: 'false',
      traceOn: 'true',
      traceTopicEnable: 'false',
      ...values,
    };
  }

  get values(): Configuration {
    return this.#values;
  }

  get version(): DataVersion {
    return this.#version;
  }

  /** Names that are not known are passed over. */
  update(changes: Configuration): void {
    if (CLOSED.some((name) => Object.hasOwn(changes, name)))
      throw new Refusal(ResponseCode.NO_PERMISSION, 'Can not update config in black list.');
    const known = Object.entries(changes).filter(([name]) => Object.hasOwn(this.#values, name));
    this.#values = { ...this.#values, ...Object.fromEntries(known) };
    this.#version = nextVersion(this.#version);
  }
}
