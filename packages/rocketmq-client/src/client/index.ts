export {
  ClientInstance,
  type ClientInstanceOptions,
  type Membership,
  type RequestOptions,
} from './client-instance.ts';
export { localIp, newClientId } from './client-id.ts';
