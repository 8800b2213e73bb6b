import { afterEach, expect, test, vi } from 'vitest';

afterEach(() => vi.unstubAllEnvs());

test('without Java the error names what to install and the ways around', async () => {
  vi.stubEnv('PATH', '/nonexistent');
  vi.stubEnv('JAVA_HOME', undefined);
  vi.stubEnv('ROCKETMQ_NAMESRV', undefined);
  vi.resetModules();
  const { startBroker } = await import('../../src/index.ts');
  const error = await startBroker('real').catch((reason: unknown) => reason);
  expect(error).toMatchObject({ name: 'TestkitError', code: 'java-missing' });
  expect((error as Error).message).toMatch(
    /install a JDK.*ROCKETMQ_NAMESRV=host:port.*ROCKETMQ_TARGET=embedded/,
  );
});

test('a cluster given by ROCKETMQ_NAMESRV that does not answer is named', async () => {
  vi.stubEnv('ROCKETMQ_NAMESRV', '127.0.0.1:1');
  const { startBroker } = await import('../../src/index.ts');
  const error = await startBroker('real').catch((reason: unknown) => reason);
  expect(error).toMatchObject({ code: 'start-failed' });
  expect((error as Error).message).toContain('ROCKETMQ_NAMESRV=127.0.0.1:1');
});

test('ROCKETMQ_TARGET takes its two values only', async () => {
  const { brokerTargetFromEnvironment } = await import('../../src/index.ts');
  vi.stubEnv('ROCKETMQ_TARGET', '');
  expect(brokerTargetFromEnvironment()).toBe('embedded');
  vi.stubEnv('ROCKETMQ_TARGET', 'real');
  expect(brokerTargetFromEnvironment()).toBe('real');
  vi.stubEnv('ROCKETMQ_TARGET', 'fake');
  expect(() => brokerTargetFromEnvironment()).toThrow(
    'ROCKETMQ_TARGET: "fake", allowed are embedded and real',
  );
});
