import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { RequestCode, signRequest } from '@dt/rocketmq-protocol';
import { expect, it, vi } from 'vitest';
import { startRocketMQ } from '../../src/index.ts';
import { silentLogger } from '../../src/logger.ts';
import { temporaryFolder } from '../support/folders.ts';
import { startBroker } from '../support/server.ts';

const rules = (secretKey: string): string =>
  `accounts: [ { accessKey: application, secretKey: ${secretKey} } ]`;

it('a broken file keeps the last good rules and says so; a good one counts without a restart', async () => {
  const acl = path.join(temporaryFolder(), 'plain_acl.yml');
  writeFileSync(acl, rules('first-secret'));
  const error = vi.fn();
  const { broker } = await startBroker({ acl, logger: { ...silentLogger, error } });
  const remark = async (secretKey: string): Promise<string | undefined> => {
    const extFields = signRequest({}, Buffer.alloc(0), { accessKey: 'application', secretKey });
    return (await broker.request(RequestCode.GET_BROKER_RUNTIME_INFO, { extFields })).remark;
  };
  expect(await remark('first-secret')).toBeUndefined();

  writeFileSync(acl, 'accounts: [');
  await vi.waitFor(() => expect(error).toHaveBeenCalledOnce(), { timeout: 10_000 });
  expect(error.mock.lastCall).toEqual([
    expect.objectContaining({ file: acl }),
    'rocketmq access rules are broken, the last good ones stay',
  ]);
  expect(await remark('first-secret')).toBeUndefined();

  writeFileSync(acl, rules('second-secret'));
  await vi.waitFor(async () => expect(await remark('second-secret')).toBeUndefined(), { timeout: 10_000 });
  expect(await remark('first-secret')).toBe(
    'org.apache.rocketmq.acl.common.AclException: Check signature failed for accessKey=application',
  );

  writeFileSync(acl, 'accounts: []');
  // As a real broker, which tells an account that it had from one that it never had.
  const removed =
    'org.apache.rocketmq.acl.common.AclException: No PlainAccessResource for accessKey=application';
  await vi.waitFor(async () => expect(await remark('second-secret')).toBe(removed), { timeout: 10_000 });
});

it('a file that is missing or broken is refused at the start, by name', async () => {
  const folder = temporaryFolder();
  const acl = path.join(folder, 'plain_acl.yml');
  const start = () =>
    startRocketMQ({ dataDir: path.join(folder, 'data'), nameServerPort: 0, brokerPort: 0, acl });
  await expect(start()).rejects.toMatchObject({
    code: 'option-invalid',
    message: expect.stringContaining(acl) as string,
  });
  writeFileSync(acl, 'accounts: nobody');
  await expect(start()).rejects.toThrow('accounts: expected a list');
});
