import Type, { type Static, type TProperties } from 'typebox';
import { formats } from './formats.ts';

/** What a setting's schema says beyond JSON Schema. */
export interface SettingNotes {
  /** What is allowed, in words, for the error of a wrong value. */
  readonly allowed?: string;
  /** Never printed. */
  readonly secret?: boolean;
  /** Holds for itself and everything below: a running server takes a change. Others need a restart. */
  readonly live?: boolean;
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
const live = <S extends object>(schema: S): S => Object.assign(schema, { live: true });
/** What a setting is for; becomes the reference, `dt config explain` and what an editor shows. */
const about = <S extends object>(description: string, schema: S): S => Object.assign(schema, { description });
const list = (items: ReturnType<typeof Type.String>, allowed: string, value: readonly string[]) =>
  Type.Array(items, { default: [...value], maxItems: 1000, allowed });

const ranges = 'IP addresses or ranges such as 10.0.0.0/8';

const name = { maxLength: 127, pattern: '^[%A-Za-z0-9_-]+$' } as const;
const rocketmqName = (value: string) =>
  Type.String({ ...name, default: value, allowed: '1 to 127 of letters, digits, - _ and %' });

const platform = Type.Object({
  platform_id: about(
    "Part of a player's identity: never change it. Each once",
    Type.Integer({ minimum: 0, maximum: 32767, allowed: 'a whole number from 0 to 32767' }),
  ),
  app_key: about(
    'What the platform calls itself by. Each once',
    text('1 to 64 characters', { minLength: 1, maxLength: 64 }),
  ),
  app_secret: about('What its calls are signed with', secret({ minLength: 1 })),
  name: about('For people', text('a text', { default: '' })),
  status: about(
    '0 refuses its calls',
    Type.Integer({ minimum: 0, maximum: 1, default: 1, allowed: '1 (enabled) or 0 (disabled)' }),
  ),
  allowed_ips: about(
    'From where it may call; empty lets every address call',
    list(formatted('ipRange'), `a list of ${ranges}; empty allows all`, []),
  ),
});

const tableProperties = {
  paytable: about('What bets pay', oneOf(['classic', 'standard', 'full'], 'classic')),
  betting_seconds: about(
    'How long a round takes bets; then the server seals it by itself',
    whole(1, 3600, 45),
  ),
  min_bet: about('The least stake of one bet', formatted('money', { default: '1.00' })),
  max_bet: about(
    'The highest stake of one bet, at least min_bet; never above 1000000',
    formatted('money', { default: '1000000.00' }),
  ),
  max_player_round: about(
    'Stakes of one player in one round, at least max_bet',
    formatted('money', { default: '2000000.00' }),
  ),
  max_round_liability: about(
    'What the house may lose in one round, over every result',
    formatted('money', { default: '100000000.00' }),
  ),
};

const windowLimit = (requestsPerSecond: number) =>
  block({
    requests_per_second: about(
      'Calls in one window (the name is the one of the earlier server)',
      whole(1, 10_000_000, requestsPerSecond),
    ),
    window_seconds: about('Length of a window', whole(1, 86_400, 60)),
  });

export const logLevels: readonly string[] = ['debug', 'info', 'warn', 'error'];

/** The configuration document. Names are those of the file; defaults are what holds when nothing is said. */
export const configSchema = Type.Object({
  server: block({
    host: about(
      'Where HTTP listens. localhost is 127.0.0.1 and ::1',
      text('a host name or an IP address', { default: 'localhost', minLength: 1 }),
    ),
    port: about('Where HTTP listens; 0 takes a free one', whole(0, 65_535, 8087)),
    health_port: about(
      'Where an instance without the role http answers health and metrics; 0 takes a free port. Left out: nowhere',
      Type.Optional(Type.Integer({ minimum: 0, maximum: 65_535, allowed: 'a whole number from 0 to 65535' })),
    ),
    log_level: about(
      'The least level that is written',
      live(oneOf(['debug', 'info', 'warn', 'error'], 'info')),
    ),
    trust_proxy: about(
      'Whose X-Real-IP and X-Forwarded-For are believed',
      Type.Unsafe<boolean | string[]>({
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
    ),
    close_timeout_seconds: about(
      'How long requests under way may take once the server stops; then their connections are cut',
      whole(1, 600, 10),
    ),
    drain_seconds: about(
      'How long the server still answers after it was told to stop, with /readyz at 503 and Connection: close in its answers: a little more than load balancers take to notice',
      whole(0, 600, 0),
    ),
  }),
  log: block({
    format: about('[LEVEL] message key=value, or one JSON object a line', oneOf(['text', 'json'], 'text')),
    timestamps: about('An ISO time in front of each text line; JSON lines always have one', flag(false)),
  }),
  database: block({
    url: about(
      'Without it the embedded PostgreSQL is used, where it was asked for',
      Type.Optional(formatted('postgresUrl', { secret: true })),
    ),
    max_connections: about('Of this instance', whole(1, 1000, 20)),
  }),
  rocketmq: block({
    name_server: about(
      'Where RocketMQ is found; empty: nothing is sent, rows wait',
      formatted('addressList', { default: '' }),
    ),
    producer_group: about('As whom messages are sent', rocketmqName('game-producer')),
    consumer_group: about(
      'As whom messages are received; names the rows of the inbox',
      rocketmqName('game-consumer'),
    ),
    topic_settle: about('The topic of all messages', rocketmqName('dt_settle')),
    access_key: about('Who calls; empty: nothing is sent, rows wait', text('a text', { default: '' })),
    secret_key: about(
      'What calls are signed with; empty: nothing is sent, rows wait',
      secret({ default: '' }),
    ),
  }),
  outbox: block({
    oldest_pending_limit_seconds: about(
      'Age of the oldest message to be sent from which `/healthz/outbox` is bad; 0 is no limit',
      whole(0, 31_536_000, 300),
    ),
    retention_hours: about(
      'Age at which sent messages are dropped from the outbox; 0 keeps them',
      whole(0, 876_000, 168),
    ),
  }),
  inbox: block({
    retention_hours: about(
      'Age at which applied messages are dropped from the inbox; 0 keeps them',
      whole(0, 876_000, 720),
    ),
    short_memory: about(
      'When `inbox.retention_hours` is shorter than what RocketMQ can deliver again: `refuse` drops nothing at all, `warn` drops all the same',
      oneOf(['refuse', 'warn'], 'refuse'),
    ),
  }),
  auth: block({
    demo_mode: about('Players call without a signature, all of the demo platform', flag(false)),
    demo_listen: about(
      'Says that demo mode on that wildcard address is meant',
      text('the value of server.host', { default: '' }),
    ),
    admin: block({
      enabled: about('Whether dealer calls need the token', flag(true)),
      token: about('What dealer calls carry; empty: every one is refused', secret({ default: '' })),
    }),
    demo_platform: block({
      platform_id: about('The platform of all players in demo mode', whole(0, 32_767, 99)),
      app_key: about(
        'For pages that show it; not checked',
        text('1 to 64 characters', { default: 'demo_platform', minLength: 1, maxLength: 64 }),
      ),
      app_secret: about('Not used; kept for old files', secret({ default: '' })),
      name: about('For people', text('a text', { default: 'Demo Platform' })),
    }),
    platforms: about(
      'Who may speak for players',
      Type.Array(platform, { default: [], maxItems: 1000, allowed: 'a list of platforms' }),
    ),
  }),
  rate_limit: live(
    block({
      enabled: about('Whether the bet call is limited', flag(false)),
      global: block({ requests_per_second: about('All calls of one second', whole(1, 10_000_000, 1000)) }),
      by_ip: windowLimit(100),
      by_user: windowLimit(50),
      by_platform: windowLimit(500),
    }),
  ),
  cors: block({
    enabled: about('Whether pages of other origins may call', flag(false)),
    allowed_origins: about(
      'A listed origin is echoed; * echoes every one',
      list(formatted('origin'), 'a list of origins such as http://localhost:3000, or *', []),
    ),
    allowed_methods: about(
      'What pages may call with',
      list(formatted('token'), 'a list of HTTP methods', ['GET', 'POST', 'PUT', 'DELETE', 'OPTIONS']),
    ),
    allowed_headers: about(
      'What pages may send',
      list(formatted('token'), 'a list of header names', [
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
    ),
    exposed_headers: about(
      'What pages may read',
      list(formatted('token'), 'a list of header names', ['X-Request-Id']),
    ),
    allow_credentials: about('Whether their calls may carry credentials', flag(true)),
    max_age: about('Seconds a browser may keep a preflight', whole(0, 86_400, 3600)),
  }),
  game: live(
    block({
      default: block(tableProperties),
      tables: about(
        'What differs in one room',
        Type.Record(
          Type.String(),
          Type.Partial(Type.Object(withoutDefaults(tableProperties)), { allowed: 'the rules of one table' }),
          { default: {}, allowed: 'rules by room id' },
        ),
      ),
    }),
  ),
  demo: block({
    game_id: about(
      'The game of the demo table',
      text('1 to 64 characters', { default: 'dt_game', minLength: 1, maxLength: 64 }),
    ),
    room_id: about('Its room', text('1 to 64 characters', { default: 'demo', minLength: 1, maxLength: 64 })),
    players: about('How many bet', whole(1, 1000, 8)),
    betting_seconds: about('How long its dealer takes bets', whole(1, 3600, 5)),
    pause_seconds: about('Between two rounds', whole(0, 3600, 2)),
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
