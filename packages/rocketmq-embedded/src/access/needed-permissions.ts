import { commands, isRetryTopic, RequestCode, retryTopic, type RemotingCommand } from '@dt/rocketmq-protocol';

export type Permission = 'PUB' | 'SUB';

/** A right a request needs; a group stands for itself as its retry topic. */
export interface NeededPermission {
  resource: string;
  permission: Permission;
}

/**
 * What a request needs beside a good signature. Requests that are not named here need nothing: that is how far the
 * access control of a real broker goes.
 *
 * @throws ProtocolError for a heartbeat that cannot be read
 */
export function neededPermissions(request: RemotingCommand): NeededPermission[] {
  const fields = request.extFields;
  switch (request.code) {
    case RequestCode.SEND_MESSAGE:
      return toSend(fields['topic']);
    case RequestCode.SEND_MESSAGE_V2:
    case RequestCode.SEND_BATCH_MESSAGE:
      return toSend(fields['b']);
    case RequestCode.CONSUMER_SEND_MSG_BACK:
      return toJoin(fields['group']);
    case RequestCode.PULL_MESSAGE:
      return [...toRead(fields['topic']), ...toJoin(fields['consumerGroup'])];
    case RequestCode.QUERY_MESSAGE:
      return toRead(fields['topic']);
    case RequestCode.HEART_BEAT:
      return commands.heartBeat
        .decodeRequest(request)
        .consumers.flatMap((consumer) => [
          ...toJoin(consumer.groupName),
          ...consumer.subscriptions.flatMap(({ topic }) => toRead(topic)),
        ]);
    case RequestCode.UNREGISTER_CLIENT:
    case RequestCode.GET_CONSUMER_LIST_BY_GROUP:
      return toJoin(fields['consumerGroup']);
    case RequestCode.UPDATE_CONSUMER_OFFSET:
      return [...toJoin(fields['consumerGroup']), ...toRead(fields['topic'])];
    default:
      return [];
  }
}

/** To a retry topic sends whoever may read for its group. */
function toSend(topic: string | undefined): NeededPermission[] {
  if (topic === undefined) return [];
  return [{ resource: topic, permission: isRetryTopic(topic) ? 'SUB' : 'PUB' }];
}

function toRead(topic: string | undefined): NeededPermission[] {
  return topic === undefined ? [] : [{ resource: topic, permission: 'SUB' }];
}

function toJoin(group: string | undefined): NeededPermission[] {
  return group === undefined ? [] : [{ resource: retryTopic(group), permission: 'SUB' }];
}
