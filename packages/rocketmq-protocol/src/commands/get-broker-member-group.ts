import { RequestCode } from '../codes/request-codes.ts';
import { header, text } from '../header/fields.ts';
import { JsonReader } from '../json/read.ts';
import { bodyOnly, command, headerOnly, jsonBody } from './command-codec.ts';

const requestHeader = header('GET_BROKER_MEMBER_GROUP request', { clusterName: text(), brokerName: text() });

export type GetBrokerMemberGroupRequest = ReturnType<typeof requestHeader.decode>;

/** The brokers that share a name. */
export interface BrokerMemberGroup {
  cluster: string;
  brokerName: string;
  /** `host:port` by broker id; 0 is the master. Empty for an unknown name. */
  brokerAddrs: Record<string, string>;
}

function encode({ brokerAddrs, brokerName, cluster }: BrokerMemberGroup): Buffer {
  return jsonBody({ brokerMemberGroup: { brokerAddrs, brokerName, cluster } });
}

function decode(body: Buffer): BrokerMemberGroup {
  const group = JsonReader.parse(body, 'GetBrokerMemberGroupResponseBody').object('brokerMemberGroup');
  return {
    cluster: group.string('cluster', ''),
    brokerName: group.string('brokerName', ''),
    brokerAddrs: group.stringMap('brokerAddrs'),
  };
}

/** Real NameServers write the broker ids as bare numbers; here they are quoted. */
export const getBrokerMemberGroup = command<GetBrokerMemberGroupRequest, BrokerMemberGroup>(
  RequestCode.GET_BROKER_MEMBER_GROUP,
  { request: headerOnly(requestHeader), response: bodyOnly({ encode, decode }) },
);
