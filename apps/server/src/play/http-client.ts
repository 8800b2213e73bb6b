import { Agent as HttpAgent, type IncomingHttpHeaders, request as httpRequest } from 'node:http';
import { Agent as HttpsAgent, request as httpsRequest } from 'node:https';
import { CallError } from './call-error.ts';

export interface HttpClientOptions {
  readonly baseUrl: string;
  /** Connections at once; calls beyond wait for one. @default 64 */
  readonly maxConnections?: number;
  /** For one whole exchange. @default 10000 */
  readonly timeoutMs?: number;
}

export interface HttpExchange {
  readonly method: 'GET' | 'POST';
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: string;
}

export interface HttpAnswer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
}

/** An answer longer than this is not one of this API. */
const MAX_ANSWER_BYTES = 4 * 1024 * 1024;
/** Idle connections that the server had already closed, passed over before it counts as a failure. */
const MAX_STALE_CONNECTIONS = 3;

/** One server over keep-alive connections. Redirects are not followed: a game server sends none. */
export class HttpClient {
  readonly #base: URL;
  readonly #timeoutMs: number;
  readonly #agent: HttpAgent;
  readonly #request: typeof httpRequest;

  constructor(options: HttpClientOptions) {
    this.#base = new URL(options.baseUrl);
    this.#timeoutMs = options.timeoutMs ?? 10_000;
    const pool = { keepAlive: true, maxSockets: options.maxConnections ?? 64, scheduling: 'lifo' as const };
    const isHttps = this.#base.protocol === 'https:';
    this.#agent = isHttps ? new HttpsAgent(pool) : new HttpAgent(pool);
    this.#request = isHttps ? httpsRequest : httpRequest;
  }

  /** @throws CallError `transport` when no whole answer came */
  async send(exchange: HttpExchange, signal?: AbortSignal): Promise<HttpAnswer> {
    for (let stale = 0; ; stale++) {
      const answer = await this.#once(exchange, signal);
      if (answer !== 'stale') return answer;
      if (stale === MAX_STALE_CONNECTIONS)
        throw new CallError('connection closed by the server', { failure: 'transport' });
    }
  }

  close(): void {
    this.#agent.destroy();
  }

  #once({ method, path, headers, body }: HttpExchange, signal?: AbortSignal): Promise<HttpAnswer | 'stale'> {
    return new Promise((resolve, reject) => {
      const fail = (cause: Error): void => {
        clearTimeout(timer);
        if (signal?.aborted === true) reject(signal.reason as Error);
        else
          reject(
            new CallError(`${method} ${path}: ${cause.message || cause.name}`, {
              failure: 'transport',
              cause,
            }),
          );
      };
      const request = this.#request(
        new URL(path, this.#base),
        {
          method,
          agent: this.#agent,
          headers: body === undefined ? headers : { ...headers, 'content-length': Buffer.byteLength(body) },
          ...(signal === undefined ? {} : { signal }),
        },
        (response) => {
          const chunks: Buffer[] = [];
          let sizeBytes = 0;
          response.on('data', (chunk: Buffer) => {
            chunks.push(chunk);
            sizeBytes += chunk.length;
            if (sizeBytes > MAX_ANSWER_BYTES)
              response.destroy(new Error(`answer exceeds ${MAX_ANSWER_BYTES} bytes`));
          });
          response.once('error', fail);
          response.once('end', () => {
            clearTimeout(timer);
            const { statusCode: status = 0, headers } = response;
            resolve({ status, headers, body: Buffer.concat(chunks).toString('utf8') });
          });
        },
      );
      const timer = setTimeout(
        () => request.destroy(new Error(`no answer within ${this.#timeoutMs} ms`)),
        this.#timeoutMs,
      );
      request.once('error', (cause: NodeJS.ErrnoException) => {
        // The server may close an idle connection in the very moment it is used again; that is no failure of the call.
        if (request.reusedSocket && cause.code === 'ECONNRESET' && signal?.aborted !== true) {
          clearTimeout(timer);
          resolve('stale');
        } else {
          fail(cause);
        }
      });
      request.end(body);
    });
  }
}
