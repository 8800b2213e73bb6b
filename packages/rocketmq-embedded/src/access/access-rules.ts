import { isRetryTopic, RequestCode, RETRY_TOPIC_PREFIX, verifyRequest } from '@dt/rocketmq-protocol';
import type { RemotingCommand } from '@dt/rocketmq-protocol';
import { neededPermissions, type Permission } from './needed-permissions.ts';
import type { AddressPattern } from './remote-address.ts';

export interface Account {
  accessKey: string;
  secretKey: string;
  /** From here the account needs no signature and has every right. */
  whiteAddress: AddressPattern | undefined;
  admin: boolean;
  defaultTopicPermissions: ReadonlySet<Permission>;
  defaultGroupPermissions: ReadonlySet<Permission>;
  /** By topic; a group stands here as its retry topic. */
  permissions: ReadonlyMap<string, ReadonlySet<Permission>>;
}

export interface AccessRules {
  whiteAddresses: readonly AddressPattern[];
  /** By access key. */
  accounts: ReadonlyMap<string, Account>;
  /** Access keys that had an account in the file as it was before. */
  formerKeys: ReadonlySet<string>;
}

const ADMIN_CODES: ReadonlySet<number> = new Set([
  RequestCode.UPDATE_AND_CREATE_TOPIC,
  RequestCode.UPDATE_BROKER_CONFIG,
  RequestCode.DELETE_TOPIC_IN_BROKER,
  RequestCode.UPDATE_AND_CREATE_SUBSCRIPTIONGROUP,
  RequestCode.DELETE_SUBSCRIPTIONGROUP,
  RequestCode.UPDATE_AND_CREATE_STATIC_TOPIC,
  RequestCode.UPDATE_AND_CREATE_ACL_CONFIG,
  RequestCode.DELETE_ACL_CONFIG,
  RequestCode.GET_BROKER_CLUSTER_ACL_INFO,
]);

/** Message traces of all clients go there: it is open to every account. */
const TRACE_TOPIC = 'RMQ_SYS_TRACE_TOPIC';
const UNIQUE_KEY_QUERY = '_UNIQUE_KEY_QUERY';
/** Clients up to this version (V4_9_3) do not sign the field above. */
const UNSIGNED_UNIQUE_KEY_QUERY_VERSION = 399;

/** Why a request is refused, in the words of a real broker; undefined when it may pass. */
export function refusalOf(rules: AccessRules, request: RemotingCommand, ip: string): string | undefined {
  if (rules.whiteAddresses.some((pattern) => pattern(ip))) return undefined;
  const accessKey = field(request, 'AccessKey');
  if (accessKey === undefined) return 'No accessKey is configured';
  const account = rules.accounts.get(accessKey);
  if (account === undefined) {
    return rules.formerKeys.has(accessKey)
      ? `No PlainAccessResource for accessKey=${accessKey}`
      : `No acl config for ${accessKey}`;
  }
  if (account.whiteAddress?.(ip) === true) return undefined;
  if (!verifyRequest(signedFields(request), request.body, account.secretKey))
    return `Check signature failed for accessKey=${accessKey}`;
  if (account.admin) return undefined;
  if (ADMIN_CODES.has(request.code))
    return `Need admin permission for request code=${request.code}, but accessKey=${accessKey} is not`;
  for (const { resource, permission } of neededPermissions(request)) {
    if (resource === TRACE_TOPIC) continue;
    const isGroup = isRetryTopic(resource);
    const granted = account.permissions.get(resource);
    const byDefault = isGroup ? account.defaultGroupPermissions : account.defaultTopicPermissions;
    if ((granted ?? byDefault).has(permission)) continue;
    const shown = isGroup ? `group:${resource.slice(RETRY_TOPIC_PREFIX.length)}` : `topic:${resource}`;
    return `No ${granted === undefined ? 'default ' : ''}permission for ${shown}`;
  }
  return undefined;
}

function field(request: RemotingCommand, name: string): string | undefined {
  return Object.hasOwn(request.extFields, name) ? request.extFields[name] : undefined;
}

function signedFields(request: RemotingCommand): Record<string, string> {
  // The header itself must stay as it is: handlers read the field.
  if (request.version > UNSIGNED_UNIQUE_KEY_QUERY_VERSION || !(UNIQUE_KEY_QUERY in request.extFields))
    return request.extFields;
  const signed = { ...request.extFields };
  delete signed[UNIQUE_KEY_QUERY];
  return signed;
}
