export {
  jsonBody,
  optionalBoolean,
  optionalInteger,
  optionalText,
  requiredInt32,
  requiredInteger,
  requiredText,
  withObjectKeys,
} from './fields.ts';
export { noRoom, Refusal, success, withDetails } from './answers.ts';
export { Connection, type ConnectionLimits, type RequestHandler } from './connection.ts';
export { readingLeniently } from './lenient-fields.ts';
export { encodeHost, hostText, plainIp } from './host.ts';
export { RemotingServer, type Handlers, type ServerTls } from './remoting-server.ts';
