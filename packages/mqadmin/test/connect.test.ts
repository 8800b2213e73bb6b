import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, it } from 'vitest';
import { clientOptionsOf, connectionFlags, type ConnectionFlagValues } from '../src/connect.ts';

const folder = mkdtempSync(join(tmpdir(), 'mqadmin-'));
afterAll(() => rmSync(folder, { recursive: true }));

const absent = Object.fromEntries(
  Object.entries(connectionFlags).map(([name, flag]) => [name, flag.absent]),
) as ConnectionFlagValues;

function optionsOf(flags: Partial<ConnectionFlagValues>, env: NodeJS.ProcessEnv = {}) {
  return clientOptionsOf({ ...absent, nameServers: 'h:1', ...flags }, env, () => ({}));
}

it('takes the account from flags before the environment', () => {
  const env = { ROCKETMQ_ACCESS_KEY: 'env', ROCKETMQ_SECRET_KEY: 'hidden', ROCKETMQ_SECURITY_TOKEN: ' ' };
  expect(optionsOf({}, env).credentials).toEqual({ accessKey: 'env', secretKey: 'hidden' });
  expect(optionsOf({ accessKey: 'flag', securityToken: 't' }, env).credentials).toEqual({
    accessKey: 'flag',
    secretKey: 'hidden',
    securityToken: 't',
  });
  expect(optionsOf({}).credentials).toBeUndefined();
});

it('keeps the account of a configuration from other servers', () => {
  const account = { accessKey: 'configured', secretKey: 'hidden' };
  const defaults = () => ({ nameServers: 'own:9876', credentials: account });
  expect(clientOptionsOf(absent, {}, defaults)).toMatchObject({
    nameServers: 'own:9876',
    credentials: account,
  });
  expect(clientOptionsOf({ ...absent, nameServers: 'h:1' }, {}, defaults)).not.toHaveProperty('credentials');
  expect(clientOptionsOf(absent, { NAMESRV_ADDR: 'h:1' }, defaults)).not.toHaveProperty('credentials');
});

it('speaks TLS where any part of it is given', () => {
  const file = join(folder, 'ca.pem');
  writeFileSync(file, 'authority');
  expect(optionsOf({}).tls).toBeUndefined();
  expect(optionsOf({ tls: true }).tls).toEqual({});
  expect(optionsOf({}, { ROCKETMQ_TLS: 'true' }).tls).toEqual({});
  expect(optionsOf({ tlsInsecure: true, tlsServername: 'mq' }).tls).toEqual({
    servername: 'mq',
    rejectUnauthorized: false,
  });
  expect(optionsOf({}, { ROCKETMQ_TLS_CA: file }).tls).toEqual({ ca: Buffer.from('authority') });
});
