import { describe, expect, it } from 'vitest';
import { documentName, nacosSettings } from '../../../src/config/nacos/index.ts';

const read = (values: Record<string, string>) => nacosSettings({ values, origins: new Map() });
const least = { NACOS_SERVER_ADDR: 'nacos:8848', NACOS_DATA_ID: 'dt-server.yaml' };

describe('the variables of Nacos', () => {
  it('mean nothing without an address', () => {
    expect(read({})).toBeUndefined();
    expect(read({ NACOS_SERVER_ADDR: ' ', NACOS_DATA_ID: 'x', NACOS_TIMEOUT_MS: 'soon' })).toBeUndefined();
  });

  it('have defaults', () => {
    expect(read(least)).toEqual({
      servers: ['http://nacos:8848/nacos'],
      dataId: 'dt-server.yaml',
      group: 'DEFAULT_GROUP',
      namespace: '',
      timeoutMs: 5000,
    });
  });

  it.each([
    ['a:8848, b:1', ['http://a:8848/nacos', 'http://b:1/nacos']],
    ['a', ['http://a:8848/nacos']],
    ['a:80;https://b:443', ['http://a/nacos', 'https://b/nacos']],
    ['https://a:9/own/path/', ['https://a:9/own/path']],
    ['[::1]:8848', ['http://[::1]:8848/nacos']],
  ])('take addresses as they are written: %s', (NACOS_SERVER_ADDR, servers) => {
    expect(read({ ...least, NACOS_SERVER_ADDR })?.servers).toEqual(servers);
  });

  it('name namespace, group and a login', () => {
    const settings = read({
      ...least,
      NACOS_NAMESPACE: 'blue',
      NACOS_GROUP: 'games',
      NACOS_USERNAME: 'dt',
      NACOS_PASSWORD: ' p w ',
      NACOS_TIMEOUT_MS: '750',
      NACOS_SNAPSHOT: '/var/lib/dt',
    });
    expect(settings).toMatchObject({
      namespace: 'blue',
      group: 'games',
      login: { username: 'dt', password: ' p w ' },
      timeoutMs: 750,
      snapshotFolder: '/var/lib/dt',
    });
    expect(settings && documentName(settings)).toBe('nacos:blue/games/dt-server.yaml');
  });

  it('are refused all at once, and secrets are not shown', () => {
    const wrong = {
      NACOS_SERVER_ADDR: 'http://u:hush-hush@nacos:8848',
      NACOS_GROUP: 'a/b',
      NACOS_TIMEOUT_MS: '5s',
      NACOS_PASSWORD: 'hush-hush',
    };
    expect(() => read(wrong)).toThrowError(
      expect.objectContaining({
        code: 'config-invalid',
        faults: [
          'NACOS_SERVER_ADDR is not taken; allowed: host:port or http://host:port/nacos, several joined by ","',
          'NACOS_DATA_ID is missing; allowed: the name of the document, such as dt-server.yaml',
          'NACOS_GROUP is "a/b"; allowed: 1 to 256 of letters, digits, - _ . and :',
          'NACOS_TIMEOUT_MS is "5s"; allowed: a whole number from 100 to 60000',
          'NACOS_USERNAME is missing; NACOS_PASSWORD is given',
        ].map((message) => ({ path: '', message })),
      }) as Error,
    );
    expect(() => read(wrong)).not.toThrow('hush');
  });
});
