import { type AddressInfo, createServer, type Server, type Socket } from 'node:net';
import {
  type CommandPayload,
  createResponse,
  encodeCommand,
  FrameDecoder,
  type RemotingCommand,
} from '@dt/rocketmq-protocol';

export interface Peer {
  socket: Socket;
  send(command: RemotingCommand): void;
  respond(
    request: RemotingCommand,
    code: number,
    payload?: Partial<CommandPayload> & { remark?: string },
  ): void;
}

export type Script = (request: RemotingCommand, peer: Peer) => void;

/** A TCP server that reads frames and does with them what the test says. */
export class ScriptedServer implements AsyncDisposable {
  readonly requests: RemotingCommand[] = [];
  readonly peers: Peer[] = [];
  script: Script;
  readonly #server: Server;

  private constructor(server: Server, script: Script) {
    this.#server = server;
    this.script = script;
  }

  static async start(script: Script = () => undefined, port = 0): Promise<ScriptedServer> {
    const server = createServer();
    const scripted = new ScriptedServer(server, script);
    server.on('connection', (socket) => scripted.#onConnection(socket));
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject);
      server.listen(port, '127.0.0.1', resolve);
    });
    return scripted;
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  get address(): string {
    return `127.0.0.1:${this.port}`;
  }

  requestsOf(code: number): RemotingCommand[] {
    return this.requests.filter((request) => request.code === code);
  }

  async close(): Promise<void> {
    for (const { socket } of this.peers) socket.destroy();
    if (this.#server.listening) await new Promise((resolve) => this.#server.close(resolve));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  #onConnection(socket: Socket): void {
    const decoder = new FrameDecoder();
    const peer: Peer = {
      socket,
      send: (command) => void socket.write(encodeCommand(command)),
      respond: (request, code, payload) =>
        void socket.write(encodeCommand(createResponse(request, code, payload))),
    };
    this.peers.push(peer);
    socket.on('error', () => undefined);
    socket.on('data', (chunk) => {
      for (const request of decoder.push(chunk)) {
        this.requests.push(request);
        this.script(request, peer);
      }
    });
  }
}

/** An address where nobody listens. */
export async function deadAddress(): Promise<string> {
  const server = await ScriptedServer.start();
  const { address } = server;
  await server.close();
  return address;
}
