import type { AdminCommand } from '../command.ts';
import { allocateMQ } from './allocate-mq.ts';
import { brokerStatus } from './broker-status.ts';
import { clusterList } from './cluster-list.ts';
import { consumerConnection } from './consumer-connection.ts';
import { consumerProgress } from './consumer-progress.ts';
import { consumerStatus } from './consumer-status.ts';
import { deleteSubGroup } from './delete-sub-group.ts';
import { deleteTopic } from './delete-topic.ts';
import { getBrokerConfig } from './get-broker-config.ts';
import { printMsg } from './print-msg.ts';
import { producerConnection } from './producer-connection.ts';
import { queryMsgById } from './query-msg-by-id.ts';
import { queryMsgByKey } from './query-msg-by-key.ts';
import { queryMsgByOffset } from './query-msg-by-offset.ts';
import { queryMsgByUniqueKey } from './query-msg-by-unique-key.ts';
import { resetOffsetByTime } from './reset-offset-by-time.ts';
import { sendMessage } from './send-message.ts';
import { skipAccumulatedMessage } from './skip-accumulated-message.ts';
import { topicClusterList } from './topic-cluster-list.ts';
import { topicList } from './topic-list.ts';
import { topicRoute } from './topic-route.ts';
import { topicStatus } from './topic-status.ts';
import { updateBrokerConfig } from './update-broker-config.ts';
import { updateSubGroup } from './update-sub-group.ts';
import { updateTopic } from './update-topic.ts';

/** Every command there is. */
export const commands: readonly AdminCommand[] = [
  allocateMQ,
  brokerStatus,
  clusterList,
  consumerConnection,
  consumerProgress,
  consumerStatus,
  deleteSubGroup,
  deleteTopic,
  getBrokerConfig,
  printMsg,
  producerConnection,
  queryMsgById,
  queryMsgByKey,
  queryMsgByOffset,
  queryMsgByUniqueKey,
  resetOffsetByTime,
  sendMessage,
  skipAccumulatedMessage,
  topicClusterList,
  topicList,
  topicRoute,
  topicStatus,
  updateBrokerConfig,
  updateSubGroup,
  updateTopic,
];
