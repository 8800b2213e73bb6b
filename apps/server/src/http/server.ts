import type { Socket } from 'node:net';
import { fastify, type FastifyInstance } from 'fastify';
import './fastify-types.ts';
import { adminGuard } from './auth/admin.ts';
import { Nonces } from './auth/nonces.ts';
import { platformGuard } from './auth/platform.ts';
import { clientAddressReader } from './client-address.ts';
import { allowOrigins } from './cors.ts';
import { drainable } from './drain.ts';
import { JSON_TYPE, renderEnvelope } from './envelope.ts';
import { answerErrors, sendError } from './errors.ts';
import { meterRequests } from './metrics.ts';
import type { Door, HttpOptions } from './parts.ts';
import { BetLimiter } from './rate-limit.ts';
import { betRoute } from './routes/bet.ts';
import { healthRoutes } from './routes/health.ts';
import { roundEventRoutes } from './routes/round-events.ts';
import { roundRoute } from './routes/round.ts';
import { userRoutes } from './routes/user.ts';
import { walletRoutes } from './routes/wallet.ts';
import { traceIdOf } from './trace.ts';

const maxBodyBytes = 1024 * 1024;
/** A request that has not come whole by then is dropped, so that slow senders hold no connection. */
const requestTimeoutMs = 30_000;
const purgeEveryMs = 60_000;

/** The HTTP side of the server, not listening yet; `close()` ends it in bounded time, `drain()` comes before it. */
export function buildHttp(options: HttpOptions): FastifyInstance {
  const { config, database, log, registry } = options;
  const app = fastify({
    logger: false,
    bodyLimit: maxBodyBytes,
    requestTimeout: requestTimeoutMs,
    routerOptions: { maxParamLength: 512 },
    requestIdHeader: false,
    genReqId: (request) => traceIdOf(request.headers),
    forceCloseConnections: 'idle',
    // While closing, what is on its way in is still answered.
    return503OnClosing: false,
    frameworkErrors: (error, request, reply) => void sendError(error, request, reply, log),
    clientErrorHandler: refuseGarbage,
  });
  app.decorateReply('businessCode', -1);
  readBodiesRaw(app);
  meterRequests(app, registry);
  allowOrigins(app, config.cors);
  app.addHook('onRequest', (request, reply, done) => {
    void reply.header('x-request-id', request.id);
    done();
  });
  answerErrors(app, log);
  boundClose(app, config.server.close_timeout_seconds * 1000);

  if (options.calls !== undefined) answerCalls(app, options.calls, options);
  const asksDatabase = async (): Promise<{ ready: true }> => {
    await database.query('SELECT 1');
    return { ready: true };
  };
  const drain = drainable(app, options.readiness ?? asksDatabase);
  app.decorate('drain', () => drain.begin());
  healthRoutes(app, {
    readiness: drain.readiness,
    outboxHealth: options.outboxHealth ?? (async () => ({ healthy: true, text: 'ok: not watched' })),
    registry,
  });
  return app;
}

function answerCalls(
  app: FastifyInstance,
  { game, wallet }: NonNullable<HttpOptions['calls']>,
  { config, database, log, limiter }: HttpOptions,
): void {
  const nonces = new Nonces(database);
  const clientAddress = clientAddressReader(config.server.trust_proxy);
  const door: Door = {
    app,
    game,
    wallet,
    admin: adminGuard(config.auth.admin),
    platform: platformGuard({ auth: config.auth, nonces, clientAddress }),
    limiter: limiter ?? new BetLimiter(config.rate_limit),
    clientAddress,
  };
  betRoute(door);
  roundEventRoutes(door);
  userRoutes(door);
  walletRoutes(door);
  roundRoute(door);
  if (!config.auth.demo_mode)
    purgeRegularly(app, nonces, (err) => log.warn({ err }, 'http: purging nonces failed'));
}

/** Signatures cover the bytes as they came, and who calls is checked before a body is read as anything. */
function readBodiesRaw(app: FastifyInstance): void {
  app.removeAllContentTypeParsers();
  app.addContentTypeParser('*', { parseAs: 'buffer' }, (_request, body, done) => done(null, body));
}

/**
 * Requests under way have this long to end; then their connections are cut. A connection that was busy when the
 * close began is ended as soon as it is idle: its client does not know that nothing more will be answered on it.
 */
function boundClose(app: FastifyInstance, timeoutMs: number): void {
  let timer: NodeJS.Timeout | undefined;
  app.addHook('preClose', async () => {
    const deadline = performance.now() + timeoutMs;
    timer = setInterval(() => {
      if (performance.now() < deadline) app.server.closeIdleConnections();
      else app.server.closeAllConnections();
    }, 50);
    timer.unref();
  });
  app.addHook('onClose', async () => clearInterval(timer));
}

function purgeRegularly(app: FastifyInstance, nonces: Nonces, onError: (error: unknown) => void): void {
  let running: Promise<unknown> | undefined;
  const timer = setInterval(() => {
    running ??= nonces
      .purge()
      .catch(onError)
      .finally(() => (running = undefined));
  }, purgeEveryMs);
  timer.unref();
  app.addHook('onClose', async () => {
    clearInterval(timer);
    await running;
  });
}

/** What is not HTTP at all has no request to answer; it gets the envelope and the connection ends. */
function refuseGarbage(error: Error & { code?: string }, socket: Socket): void {
  if (socket.destroyed || error.code === 'ECONNRESET' || !socket.writable) {
    socket.destroy();
    return;
  }
  const traceId = traceIdOf({});
  const body = renderEnvelope(1000, 'invalid request', undefined, traceId, Date.now());
  socket.end(
    `HTTP/1.1 400 Bad Request\r\nContent-Type: ${JSON_TYPE}\r\nX-Request-Id: ${traceId}\r\n` +
      `Content-Length: ${Buffer.byteLength(body)}\r\nConnection: close\r\n\r\n${body}`,
  );
}
