export {
  ClientInstance,
  type ClientInstanceOptions,
  type Membership,
  type RequestOptions,
} from './client-instance.ts';
export { newClientId } from './client-id.ts';
export { messageIds } from './message-ids.ts';
