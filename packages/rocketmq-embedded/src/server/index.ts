export {
  jsonBody,
  optionalBoolean,
  optionalInteger,
  optionalText,
  requiredInteger,
  requiredText,
  withObjectKeys,
} from './fields.ts';
export { Refusal, success, withDetails } from './answers.ts';
export { Connection, type ConnectionLimits, type RequestHandler } from './connection.ts';
export { encodeHost, hostText, plainIp } from './host.ts';
export { RemotingServer, type Handlers, type ServerTls } from './remoting-server.ts';
