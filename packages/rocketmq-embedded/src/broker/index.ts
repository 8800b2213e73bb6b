export { Broker, type BrokerOptions } from './broker.ts';
export { firstVersion } from './data-version.ts';
