import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import { findFreePort } from '@dt/testkit';
import { afterEach, describe, expect, it } from 'vitest';
import { NacosClient, NacosError } from '../../../src/config/nacos/index.ts';

const opened: { close(): void }[] = [];
afterEach(() => opened.splice(0).forEach((one) => one.close()));

interface Call {
  readonly url: URL;
  readonly body: string;
}

async function server(answer: (call: Call, response: ServerResponse) => void) {
  const calls: Call[] = [];
  const http = createServer((request: IncomingMessage, response) => {
    void text(request).then((body) => {
      const call = { url: new URL(request.url ?? '', 'http://fake'), body };
      calls.push(call);
      answer(call, response);
    });
  });
  http.listen(0, '127.0.0.1');
  await once(http, 'listening');
  opened.push({ close: () => (http.close(), http.closeAllConnections()) });
  return { calls, url: `http://127.0.0.1:${(http.address() as AddressInfo).port}/nacos` };
}

const client = (servers: string[], login?: { username: string; password: string }, timeoutMs = 2000) =>
  new NacosClient({
    servers,
    dataId: 'dt.yaml',
    group: 'g',
    namespace: '',
    timeoutMs,
    ...(login !== undefined && { login }),
  });

async function failure(work: Promise<unknown>): Promise<NacosError> {
  const error: unknown = await work.catch((reason: unknown) => reason);
  if (error instanceof NacosError) return error;
  throw new Error('it did not fail', { cause: error });
}

describe("a login to Nacos, against a small fake of Nacos's login call", () => {
  const login = { username: 'dt', password: 'hush-hush' };
  const path = ({ url }: Call): string => url.pathname.replace('/nacos/v1', '');

  /** Gives tokens t1, t2, … and takes the newest only. */
  async function fake(tokenTtl = 18_000) {
    let tokens = 0;
    const state = { revoked: 0 };
    const { calls, url } = await server((call, response) => {
      if (path(call) === '/auth/login') {
        const form = new URLSearchParams(call.body);
        if (form.get('username') !== login.username || form.get('password') !== login.password) {
          response.writeHead(403).end('unknown user!');
          return;
        }
        tokens += 1;
        response.end(JSON.stringify({ accessToken: `t${tokens}`, tokenTtl, globalAdmin: false }));
        return;
      }
      const isGood = tokens > state.revoked && call.url.searchParams.get('accessToken') === `t${tokens}`;
      response.writeHead(isGood ? 200 : 403).end(isGood ? 'a: 1' : 'no right');
    });
    return { calls, url, state };
  }

  it('is made once, and its token goes with every call; the password is never part of an address', async () => {
    const { calls, url } = await fake();
    const nacos = client([url], login);
    expect((await nacos.read())?.text).toBe('a: 1');
    await nacos.read();
    expect(calls.map(path)).toEqual(['/auth/login', '/cs/configs', '/cs/configs']);
    expect(calls.map((call) => call.url.href).join()).not.toContain('hush');
  });

  it('is made again when the token is refused, once', async () => {
    const { calls, url, state } = await fake();
    const nacos = client([url], login);
    await nacos.read();
    state.revoked = 1;
    await nacos.read();
    expect(calls.map(path).filter((one) => one === '/auth/login')).toHaveLength(2);
    state.revoked = 1000;
    expect((await failure(nacos.read())).code).toBe('nacos-denied');
    expect(calls.map(path).filter((one) => one === '/auth/login')).toHaveLength(3);
  });

  it('is made again before the token ends', async () => {
    const { calls, url } = await fake(0.001);
    const nacos = client([url], login);
    await nacos.read();
    await new Promise((resolve) => setTimeout(resolve, 5));
    await nacos.read();
    expect(calls.map(path).filter((one) => one === '/auth/login')).toHaveLength(2);
  });

  it('that is wrong, or missing, is named with what to do, and without the password', async () => {
    const { url } = await fake();
    const wrong = await failure(client([url], { username: 'dt', password: 'hush-other' }).read());
    expect(wrong).toMatchObject({ code: 'nacos-denied', retryable: false });
    expect(wrong.message).toBe(
      `Nacos at ${url} refuses the user dt (status 403): check NACOS_USERNAME and NACOS_PASSWORD, and that the user may read the namespace public`,
    );
    expect((await failure(client([url]).read())).message).toContain('set NACOS_USERNAME and NACOS_PASSWORD');
  });
});

describe('a Nacos that is not well', () => {
  it('is left for the next server, which is asked first from then on', async () => {
    const ill = await server((_, response) => response.writeHead(503).end());
    const well = await server((_, response) => response.end('a: 1'));
    const nacos = client([ill.url, well.url]);
    await nacos.read();
    await nacos.read();
    expect([ill.calls.length, well.calls.length]).toEqual([1, 2]);
  });

  it('is asked once a call, and every reason is told', async () => {
    const ill = await server((_, response) => response.writeHead(500).end('secret words'));
    const silent = await server(() => undefined);
    const away = `127.0.0.1:${await findFreePort()}`;
    const servers = [ill.url, silent.url, `http://${away}/nacos`];
    const error = await failure(client(servers, undefined, 200).read());
    expect(error).toMatchObject({ code: 'nacos-away', retryable: true });
    expect(error.message).toBe(
      `Nacos does not answer (${ill.url}: status 500; ${silent.url}: no answer within 200 ms; ` +
        `http://${away}/nacos: connect ECONNREFUSED ${away})`,
    );
    expect(ill.calls).toHaveLength(1);
  });

  it('does not send us elsewhere, nor anything without end', async () => {
    const elsewhere = await server((_, response) =>
      response.writeHead(302, { location: 'http://127.0.0.1:1/' }).end(),
    );
    expect((await failure(client([elsewhere.url]).read())).message).toContain('with status 302');
    const huge = await server((_, response) => response.end('x'.repeat(1024 * 1024 + 1)));
    expect((await failure(client([huge.url]).read())).code).toBe('nacos-refused');
  });

  it('is not waited for once the call is aborted', async () => {
    const silent = await server(() => undefined);
    const stop = new AbortController();
    const waiting = client([silent.url]).hasChanged('', stop.signal);
    stop.abort(new Error('enough'));
    await expect(waiting).rejects.toThrow('enough');
  });
});
