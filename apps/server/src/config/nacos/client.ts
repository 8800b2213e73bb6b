import { createHash } from 'node:crypto';
import { describeError } from '../../log/index.ts';
import { NacosError } from './errors.ts';
import type { NacosSettings } from './settings.ts';

export interface NacosDocument {
  readonly text: string;
  /** As the server counts it, which is what it compares. */
  readonly md5: string;
}

/** How long a server holds a question for changes. */
const holdMs = 30_000;
const maxDocumentChars = 1024 * 1024;
/** Between the fields of a question, and behind it. */
const word = '\u0002';
const line = '\u0001';

/**
 * One document of a Nacos configuration server, by its HTTP API v1 (Nacos 1 and 2). Servers are tried in turn, each
 * once a call, beginning with the one that answered last.
 */
export class NacosClient {
  readonly #settings: NacosSettings;
  #current = 0;
  #token: { text: string; renewAtMs: number } | undefined;

  constructor(settings: NacosSettings) {
    this.#settings = settings;
  }

  /**
   * @returns undefined when there is no such document
   * @throws NacosError `nacos-away`, `nacos-denied`, `nacos-refused`
   */
  async read(signal?: AbortSignal): Promise<NacosDocument | undefined> {
    const { dataId, group, namespace, timeoutMs } = this.#settings;
    const query = { dataId, group, ...(namespace !== '' && { tenant: namespace }) };
    const response = await this.#call('GET', '/v1/cs/configs', query, { timeoutMs, signal });
    if (response.status === 404) return undefined;
    const { text } = response;
    return { text, md5: response.headers.get('content-md5') ?? createHash('md5').update(text).digest('hex') };
  }

  /**
   * Waits until the document is another one than that with this MD5 (empty: until there is one), or half a minute.
   *
   * @throws NacosError as `read`
   */
  async hasChanged(md5: string, signal: AbortSignal): Promise<boolean> {
    const { dataId, group, namespace, timeoutMs } = this.#settings;
    const tenant = namespace === '' ? '' : `${word}${namespace}`;
    const form = { 'Listening-Configs': `${dataId}${word}${group}${word}${md5}${tenant}${line}` };
    const { text } = await this.#call('POST', '/v1/cs/configs/listener', form, {
      timeoutMs: holdMs + timeoutMs,
      signal,
      headers: { 'Long-Pulling-Timeout': String(holdMs) },
    });
    return text.trim() !== '';
  }

  async #call(method: Method, path: string, fields: Fields, options: CallOptions): Promise<Answer> {
    const { servers } = this.#settings;
    const reasons: string[] = [];
    for (let tried = 0; tried < servers.length; tried++) {
      const server = servers[this.#current % servers.length] ?? '';
      try {
        return await this.#ask(server, method, path, fields, options);
      } catch (error) {
        if (options.signal?.aborted === true || (error instanceof NacosError && !error.retryable))
          throw error;
        reasons.push(`${server}: ${reasonOf(error, options.timeoutMs)}`);
        this.#current = (this.#current + 1) % servers.length;
      }
    }
    throw new NacosError('nacos-away', `Nacos does not answer (${reasons.join('; ')})`);
  }

  async #ask(
    server: string,
    method: Method,
    path: string,
    fields: Fields,
    options: CallOptions,
  ): Promise<Answer> {
    const { login } = this.#settings;
    for (let again = false; ; again = true) {
      const token = login === undefined ? undefined : await this.#login(server, login, options.signal);
      const query = token === undefined ? {} : { accessToken: token };
      const answer = await request(server, method, path, query, fields, options);
      const denied = answer.status === 401 || answer.status === 403;
      if (denied && token !== undefined && !again) {
        // The token may have been taken back, by a restart of the server for one.
        this.#token = undefined;
        continue;
      }
      if (denied) throw this.#denied(server, answer.status);
      if (answer.status >= 500) throw new Error(`status ${answer.status}`);
      if (answer.status !== 200 && !(answer.status === 404 && method === 'GET')) {
        throw new NacosError(
          'nacos-refused',
          `Nacos at ${server} answers ${path} with status ${answer.status}: check NACOS_SERVER_ADDR; the HTTP API v1 of Nacos 1 and 2 is needed`,
        );
      }
      return answer;
    }
  }

  async #login(server: string, login: Login, signal: AbortSignal | undefined): Promise<string> {
    if (this.#token !== undefined && Date.now() < this.#token.renewAtMs) return this.#token.text;
    const { timeoutMs } = this.#settings;
    const fields = { username: login.username, password: login.password };
    const answer = await request(server, 'POST', '/v1/auth/login', {}, fields, { timeoutMs, signal });
    if (answer.status >= 500) throw new Error(`status ${answer.status} to the login`);
    if (answer.status === 404) {
      throw new NacosError(
        'nacos-denied',
        `Nacos at ${server} knows no login: take NACOS_USERNAME and NACOS_PASSWORD away, or turn its access control on`,
      );
    }
    const token = answer.status === 200 ? readToken(answer.text) : undefined;
    if (token === undefined) throw this.#denied(server, answer.status);
    // Renewed before it ends, so that no call meets its end.
    this.#token = { text: token.accessToken, renewAtMs: Date.now() + token.tokenTtl * 900 };
    return token.accessToken;
  }

  #denied(server: string, status: number): NacosError {
    const { login, namespace } = this.#settings;
    const who = login === undefined ? 'a caller without a name' : `the user ${login.username}`;
    const fix =
      login === undefined
        ? 'set NACOS_USERNAME and NACOS_PASSWORD'
        : `check NACOS_USERNAME and NACOS_PASSWORD, and that the user may read the namespace ${namespace || 'public'}`;
    return new NacosError('nacos-denied', `Nacos at ${server} refuses ${who} (status ${status}): ${fix}`);
  }
}

type Method = 'GET' | 'POST';
type Fields = Readonly<Record<string, string>>;
type Login = NonNullable<NacosSettings['login']>;

interface CallOptions {
  readonly timeoutMs: number;
  readonly signal: AbortSignal | undefined;
  readonly headers?: Fields;
}

interface Answer {
  readonly status: number;
  readonly headers: Headers;
  readonly text: string;
}

/** Fields travel in the query of a GET and in the body of a POST: a password is never part of an address. */
async function request(
  server: string,
  method: Method,
  path: string,
  query: Fields,
  fields: Fields,
  { timeoutMs, signal, headers }: CallOptions,
): Promise<Answer> {
  const search = new URLSearchParams(method === 'GET' ? { ...fields, ...query } : query).toString();
  const timeout = AbortSignal.timeout(timeoutMs);
  const response = await fetch(`${server}${path}${search === '' ? '' : `?${search}`}`, {
    method,
    // What is sent may be a password, so nobody sends us elsewhere with it.
    redirect: 'manual',
    signal: signal === undefined ? timeout : AbortSignal.any([signal, timeout]),
    ...(headers !== undefined && { headers }),
    ...(method === 'POST' && { body: new URLSearchParams(fields) }),
  });
  const text = await response.text();
  if (text.length > maxDocumentChars) {
    throw new NacosError(
      'nacos-refused',
      `Nacos at ${server} answers with more than ${maxDocumentChars} characters`,
    );
  }
  return { status: response.status, headers: response.headers, text };
}

function readToken(text: string): { accessToken: string; tokenTtl: number } | undefined {
  try {
    const { accessToken, tokenTtl } = JSON.parse(text) as { accessToken?: unknown; tokenTtl?: unknown };
    if (typeof accessToken !== 'string' || accessToken === '') return undefined;
    return { accessToken, tokenTtl: typeof tokenTtl === 'number' && tokenTtl > 0 ? tokenTtl : 300 };
  } catch {
    return undefined;
  }
}

function reasonOf(error: unknown, timeoutMs: number): string {
  if (error instanceof Error && error.name === 'TimeoutError') return `no answer within ${timeoutMs} ms`;
  // "fetch failed" says nothing; its cause does.
  return describeError(error instanceof TypeError && error.cause !== undefined ? error.cause : error);
}
