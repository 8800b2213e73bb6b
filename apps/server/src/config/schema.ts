import Type, { type Static, type TProperties } from 'typebox';
import { formats } from './formats.ts';

/** What a setting's schema says beyond JSON Schema. */
export interface SettingNotes {
  /** What is allowed, in words, for the error of a wrong value. */
  readonly allowed?: string;
  /** Never printed. */
  readonly secret?: boolean;
}

// Every object has a default, so that a block that is left out is filled with the defaults inside it.
const block = <P extends TProperties>(properties: P) => Type.Object(properties, { default: {} });

const text = (allowed: string, options: { default?: string; minLength?: number; maxLength?: number } = {}) =>
  Type.String({ maxLength: 255, allowed, ...options });
const secret = (options: { default?: string; minLength?: number } = {}) =>
  Type.String({ maxLength: 255, allowed: 'a text', secret: true, ...options });
const flag = (value: boolean) => Type.Boolean({ default: value, allowed: 'true or false' });
const whole = (minimum: number, maximum: number, value: number) =>
  Type.Integer({ minimum, maximum, default: value, allowed: `a whole number from ${minimum} to ${maximum}` });
const formatted = (format: keyof typeof formats, options: { default?: string; secret?: boolean } = {}) =>
  Type.String({ format, allowed: formats[format].allowed, ...options });
const oneOf = <const V extends readonly string[]>(values: V, value: V[number]) =>
  Type.Unsafe<V[number]>({
    type: 'string',
    enum: values,
    default: value,
    allowed: `one of ${values.join(', ')}`,
  });
const list = (items: ReturnType<typeof Type.String>, allowed: string, value: readonly string[]) =>
  Type.Array(items, { default: [...value], maxItems: 1000, allowed });

const ranges = 'IP addresses or ranges such as 10.0.0.0/8';

const name = { maxLength: 127, pattern: '^[%A-Za-z0-9_-]+$' } as const;
const rocketmqName = (value: string) =>
  Type.String({ ...name, default: value, allowed: '1 to 127 of letters, digits, - _ and %' });

const platform = Type.Object({
  platform_id: Type.Integer({ minimum: 0, maximum: 32767, allowed: 'a whole number from 0 to 32767' }),
  app_key: text('1 to 64 characters', { minLength: 1, maxLength: 64 }),
  app_secret: secret({ minLength: 1 }),
  name: text('a text', { default: '' }),
  status: Type.Integer({ minimum: 0, maximum: 1, default: 1, allowed: '1 (enabled) or 0 (disabled)' }),
  allowed_ips: list(formatted('ipRange'), `a list of ${ranges}; empty allows all`, []),
});

const tableProperties = {
  paytable: oneOf(['classic', 'standard', 'full'], 'classic'),
  betting_seconds: whole(1, 3600, 45),
  min_bet: formatted('money', { default: '1.00' }),
  max_bet: formatted('money', { default: '1000000.00' }),
  max_player_round: formatted('money', { default: '2000000.00' }),
  max_round_liability: formatted('money', { default: '100000000.00' }),
};

const windowLimit = (requestsPerSecond: number) =>
  block({
    requests_per_second: whole(1, 10_000_000, requestsPerSecond),
    window_seconds: whole(1, 86_400, 60),
  });

export const logLevels: readonly string[] = ['debug', 'info', 'warn', 'error'];

/** The configuration document. Names are those of the file; defaults are what holds when nothing is said. */
export const configSchema = Type.Object({
  server: block({
    host: text('a host name or an IP address', { default: 'localhost', minLength: 1 }),
    port: whole(0, 65_535, 8087),
    log_level: oneOf(['debug', 'info', 'warn', 'error'], 'info'),
    trust_proxy: Type.Unsafe<boolean | string[]>({
      anyOf: [
        { type: 'boolean' },
        {
          type: 'array',
          maxItems: 1000,
          items: { type: 'string', format: 'ipRange', allowed: formats.ipRange.allowed },
        },
      ],
      default: false,
      allowed: `true, false, or the proxies as a list of ${ranges}`,
    }),
    close_timeout_seconds: whole(1, 600, 10),
  }),
  log: block({
    format: oneOf(['text', 'json'], 'text'),
    timestamps: flag(false),
  }),
  database: block({
    url: Type.Optional(formatted('postgresUrl', { secret: true })),
    max_connections: whole(1, 1000, 20),
  }),
  rocketmq: block({
    name_server: formatted('addressList', { default: '' }),
    producer_group: rocketmqName('game-producer'),
    consumer_group: rocketmqName('game-consumer'),
    topic_settle: rocketmqName('dt_settle'),
    access_key: text('a text', { default: '' }),
    secret_key: secret({ default: '' }),
  }),
  outbox: block({
    retention_hours: whole(0, 876_000, 168),
  }),
  inbox: block({
    retention_hours: whole(0, 876_000, 720),
  }),
  auth: block({
    demo_mode: flag(false),
    demo_listen: text('the value of server.host', { default: '' }),
    admin: block({
      enabled: flag(true),
      token: secret({ default: '' }),
    }),
    demo_platform: block({
      platform_id: whole(0, 32_767, 99),
      app_key: text('1 to 64 characters', { default: 'demo_platform', minLength: 1, maxLength: 64 }),
      app_secret: secret({ default: '' }),
      name: text('a text', { default: 'Demo Platform' }),
    }),
    platforms: Type.Array(platform, { default: [], maxItems: 1000, allowed: 'a list of platforms' }),
  }),
  rate_limit: block({
    enabled: flag(false),
    global: block({ requests_per_second: whole(1, 10_000_000, 1000) }),
    by_ip: windowLimit(100),
    by_user: windowLimit(50),
    by_platform: windowLimit(500),
  }),
  cors: block({
    enabled: flag(false),
    allowed_origins: list(formatted('origin'), 'a list of origins such as http://localhost:3000, or *', []),
    allowed_methods: list(formatted('token'), 'a list of HTTP methods', [
      'GET',
      'POST',
      'PUT',
      'DELETE',
      'OPTIONS',
    ]),
    allowed_headers: list(formatted('token'), 'a list of header names', [
      'Content-Type',
      'Authorization',
      'X-Platform-Key',
      'X-Timestamp',
      'X-Nonce',
      'X-Signature',
      'X-Platform-User-Id',
      'X-Platform-User-Name',
      'X-Signature-Version',
      'X-Request-Id',
    ]),
    exposed_headers: list(formatted('token'), 'a list of header names', ['X-Request-Id']),
    allow_credentials: flag(true),
    max_age: whole(0, 86_400, 3600),
  }),
  game: block({
    default: block(tableProperties),
    tables: Type.Record(
      Type.String(),
      Type.Partial(Type.Object(withoutDefaults(tableProperties)), { allowed: 'the rules of one table' }),
      { default: {}, allowed: 'rules by room id' },
    ),
  }),
  demo: block({
    game_id: text('1 to 64 characters', { default: 'dt_game', minLength: 1, maxLength: 64 }),
    room_id: text('1 to 64 characters', { default: 'demo', minLength: 1, maxLength: 64 }),
    players: whole(1, 1000, 8),
    betting_seconds: whole(1, 3600, 5),
    pause_seconds: whole(0, 3600, 2),
  }),
});

/** What a table does not say is taken from `game.default`, so nothing may be filled in for it. */
function withoutDefaults<P extends TProperties>(properties: P): P {
  const bare = Object.entries(properties).map(([key, schema]) => {
    const copy: Record<string, unknown> = { ...schema };
    delete copy['default'];
    return [key, copy];
  });
  return Object.fromEntries(bare) as P;
}

type DeepReadonly<T> = T extends readonly (infer E)[]
  ? readonly DeepReadonly<E>[]
  : T extends object
    ? { readonly [K in keyof T]: DeepReadonly<T[K]> }
    : T;

/** The checked configuration; frozen, with the names of the file. */
export type Config = DeepReadonly<Static<typeof configSchema>>;
export type PlatformConfig = Config['auth']['platforms'][number];
