import type { Stage } from './stage.ts';

export const CLUSTER = 'DefaultCluster';

type Calls = [string, (stage: Stage & { own: string }) => string[]][];

/** Every command that changes nothing that is of the stage. */
export const reading: Calls = [
  ['topicList', () => ['-c']],
  ['topicStatus', ({ topic }) => ['-t', topic]],
  ['topicRoute', ({ topic }) => ['-t', topic]],
  ['topicClusterList', ({ topic }) => ['-t', topic]],
  ['consumerProgress', ({ group }) => ['-g', group, '-s', 'true']],
  ['consumerStatus', ({ group }) => ['-g', group, '-s']],
  ['consumerConnection', ({ group }) => ['-g', group]],
  ['producerConnection', ({ producerGroup, topic }) => ['-g', producerGroup, '-t', topic]],
  ['clusterList', () => ['-c', CLUSTER]],
  ['brokerStatus', () => ['-c', CLUSTER]],
  ['getBrokerConfig', () => ['-c', CLUSTER]],
  ['updateBrokerConfig', () => ['-c', CLUSTER, '-k', 'defaultTopicQueueNums', '-v', '8']],
  ['queryMsgById', ({ topic, sent }) => ['-t', topic, '-i', sent[0]?.offsetMessageId ?? '']],
  ['queryMsgByKey', ({ topic }) => ['-t', topic, '-k', 'key-3']],
  ['queryMsgByUniqueKey', ({ topic, sent }) => ['-t', topic, '-i', sent[1]?.messageId ?? '']],
  ['queryMsgByOffset', ({ topic }) => ['-t', topic, '-b', 'broker-a', '-i', '0', '-o', '0']],
  ['allocateMQ', ({ topic }) => ['-t', topic, '-i', '10.0.0.1,10.0.0.2']],
];

/** In this order: some make what others need. */
export const changing: Calls = [
  ['updateTopic', ({ own }) => ['-c', CLUSTER, '-t', own, '-o', 'true']],
  ['sendMessage', ({ own }) => ['-t', own, '-p', 'hello', '-c', 'T', '-k', 'key']],
  ['printMsg', ({ own }) => ['-t', own]],
  ['updateSubGroup', ({ own }) => ['-c', CLUSTER, '-g', own]],
  ['resetOffsetByTime', ({ own, topic }) => ['-g', own, '-t', topic, '-s', 'now']],
  ['skipAccumulatedMessage', ({ own, topic }) => ['-g', own, '-t', topic]],
  ['deleteSubGroup', ({ own }) => ['-c', CLUSTER, '-g', own, '-r', 'true']],
  ['deleteTopic', ({ own }) => ['-c', CLUSTER, '-t', own, '--yes']],
];
