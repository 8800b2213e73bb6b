export { NacosClient } from './client.ts';
export { NacosError, nacosErrorCodes, type NacosErrorCode } from './errors.ts';
export { documentName, nacosSettings, type NacosSettings } from './settings.ts';
export { Snapshot } from './snapshot.ts';
export { watchNacos } from './watch.ts';
