export { nameServerHandlers } from './handlers.ts';
export { NameServerConfig } from './name-server-config.ts';
export { KvTable } from './kv-table.ts';
export { RouteTable, type BrokerRegistration } from './route-table.ts';
