import type { Admin } from '@dt/rocketmq-client';
import { FaultError } from './exit.ts';

type ClusterInfo = Awaited<ReturnType<Admin['clusterInfo']>>;

/** One server of a cluster. */
export interface BrokerNode {
  readonly cluster: string;
  readonly brokerName: string;
  /** 0 is the master. */
  readonly brokerId: number;
  readonly address: string;
}

/** Masters and slaves, sorted; of one cluster, or of all. */
export function nodesOf({ clusters, brokers }: ClusterInfo, cluster?: string): BrokerNode[] {
  if (cluster !== undefined && clusters[cluster] === undefined) {
    const known = Object.keys(clusters).sort().join(', ');
    throw new FaultError(
      `there is no cluster ${cluster}; the NameServer knows: ${known === '' ? 'none' : known}`,
    );
  }
  return (cluster === undefined ? Object.keys(clusters).sort() : [cluster]).flatMap((name) =>
    [...(clusters[name] ?? [])].sort().flatMap((brokerName) =>
      Object.entries(brokers[brokerName]?.brokerAddrs ?? {})
        .map(([id, address]) => ({ cluster: name, brokerName, brokerId: Number(id), address }))
        .sort((a, b) => a.brokerId - b.brokerId),
    ),
  );
}

export function mastersOf(info: ClusterInfo, cluster?: string): BrokerNode[] {
  const masters = nodesOf(info, cluster).filter(({ brokerId }) => brokerId === 0);
  if (masters.length === 0) throw new FaultError(`${cluster ?? 'the cluster'} has no master broker`);
  return masters;
}
