export { parseAddress } from './address.ts';
export { Connection, type InvokeOptions, type RequestHandler } from './connection.ts';
export type { AnswerReceiver } from './pending-requests.ts';
export { RemotingClient, type RemotingClientOptions } from './remoting-client.ts';
export { checkTls, type TlsOptions, type TlsSource, tlsSocketOpener } from './tls.ts';
export { type OpenSocket, openTcpSocket } from './socket.ts';
