import { attributes, shownMap } from '../attributes.ts';
import { mastersOf } from '../cluster.ts';
import { defineCommand } from '../command.ts';
import { address, integer, orElse, required, text, trueOrFalse } from '../flags.ts';
import { retryPolicy, shownRetryPolicy } from '../retry-policy.ts';

export const updateSubGroup = defineCommand({
  name: 'updateSubGroup',
  summary: 'Create a consumer group, or change it',
  flags: {
    groupName: required(text('-g, --groupName <group>', 'consumer group')),
    clusterName: text('-c, --clusterName <cluster>', 'on every broker of this cluster'),
    brokerAddr: address('-b, --brokerAddr <address>', 'on this broker, host:port'),
    consumeEnable: orElse(trueOrFalse('-s, --consumeEnable <true|false>', 'it may consume'), true),
    consumeFromMinEnable: orElse(
      trueOrFalse('-m, --consumeFromMinEnable <true|false>', 'it may start at the oldest message'),
      false,
    ),
    consumeBroadcastEnable: orElse(
      trueOrFalse('-d, --consumeBroadcastEnable <true|false>', 'it may consume as a broadcast'),
      false,
    ),
    consumeMessageOrderly: orElse(
      trueOrFalse('-o, --consumeMessageOrderly <true|false>', 'it consumes in order (for pop consumers)'),
      false,
    ),
    retryQueueNums: orElse(
      integer('-q, --retryQueueNums <count>', 'queues of its retry topic', { min: 0, max: 65_536 }),
      1,
    ),
    retryMaxTimes: orElse(
      integer('-r, --retryMaxTimes <count>', 'deliveries after the first, then a message is a dead letter', {
        min: 0,
        max: 0x7fffffff,
      }),
      16,
    ),
    groupRetryPolicy: retryPolicy('-p, --groupRetryPolicy <json>'),
    brokerId: orElse(integer('-i, --brokerId <id>', 'the broker it consumes from: 0 is the master'), 0),
    whichBrokerWhenConsumeSlowly: orElse(
      integer('-w, --whichBrokerWhenConsumeSlowly <id>', 'the broker it consumes old messages from'),
      1,
    ),
    notifyConsumerIdsChanged: orElse(
      trueOrFalse('-a, --notifyConsumerIdsChanged <true|false>', 'tell members when others come and go'),
      true,
    ),
    attributes: attributes('--attributes <list>'),
  },
  oneOf: ['clusterName', 'brokerAddr'],
  examples: [
    '-c DefaultCluster -g game-consumer',
    '-b 127.0.0.1:10911 -g game-consumer -r 3',
    `-c DefaultCluster -g game-consumer -p '{"type":"CUSTOMIZED","customizedRetryPolicy":{"next":[1000,5000,10000]}}'`,
  ],
  notes:
    'What is not given takes its default, also for a group that is there already.\n' +
    'A retry policy is {"type":"EXPONENTIAL","exponentialRetryPolicy":{"initial":5000,"max":7200000,"multiplier":2}}\n' +
    'or {"type":"CUSTOMIZED","customizedRetryPolicy":{"next":[1000,5000,10000]}}, in milliseconds. The broker keeps it\n' +
    'for clients of the proxy; other clients go by the delay levels of the broker.',
  async run({ flags, out, signal, connect }) {
    const { groupName, clusterName, brokerAddr, notifyConsumerIdsChanged, ...rest } = flags;
    const admin = await connect();
    const brokers =
      brokerAddr === undefined
        ? mastersOf(await admin.clusterInfo({ signal }), clusterName).map(({ address }) => address)
        : [brokerAddr];
    const settings = {
      consumeEnable: rest.consumeEnable,
      consumeFromMinEnable: rest.consumeFromMinEnable,
      consumeBroadcastEnable: rest.consumeBroadcastEnable,
      consumeMessageOrderly: rest.consumeMessageOrderly,
      retryQueueNums: rest.retryQueueNums,
      retryMaxTimes: rest.retryMaxTimes,
      groupRetryPolicy: rest.groupRetryPolicy,
      brokerId: rest.brokerId,
      whichBrokerWhenConsumeSlowly: rest.whichBrokerWhenConsumeSlowly,
      notifyConsumerIdsChangedEnable: notifyConsumerIdsChanged,
      groupSysFlag: 0,
      consumeTimeoutMinute: 15,
      attributes: rest.attributes ?? {},
    };
    for (const brokerAddress of brokers) {
      await admin.createSubscriptionGroup({ group: groupName, brokerAddress, ...settings }, { signal });
      if (!out.json) out.line(`create subscription group to ${brokerAddress} success.`);
    }
    const config = { groupName, ...settings };
    if (out.json) {
      const { type, exponentialRetryPolicy = null, customizedRetryPolicy = null } = rest.groupRetryPolicy;
      const groupRetryPolicy = { type, exponentialRetryPolicy, customizedRetryPolicy };
      out.document({ brokers, config: { ...config, groupRetryPolicy } });
      return;
    }
    const { attributes: map, ...shown } = {
      ...config,
      groupRetryPolicy: shownRetryPolicy(config.groupRetryPolicy),
    };
    // Java shows the subscriptions here, which this command cannot set.
    const fields = Object.entries({ ...shown, subscriptionDataSet: null, attributes: shownMap(map) }).map(
      ([name, value]) => `${name}=${value}`,
    );
    out.line(`SubscriptionGroupConfig{${fields.join(', ')}}`);
  },
});
