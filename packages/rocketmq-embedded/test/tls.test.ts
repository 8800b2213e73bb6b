import { expect, it } from 'vitest';
import { startRocketMQ } from '../src/index.ts';
import { temporaryFolder } from './support/folders.ts';

it.each([
  [{ cert: 'no certificate', key: 'no key' }, 'tls: cert, key or ca cannot be used'],
  [{ cert: '', key: '', requestCert: true }, 'tls.ca: missing'],
])('certificates that cannot be used are refused at the start: %j', async (tls, text) => {
  const starting = startRocketMQ({ dataDir: temporaryFolder(), nameServerPort: 0, brokerPort: 0, tls });
  await expect(starting).rejects.toMatchObject({
    code: 'option-invalid',
    message: expect.stringContaining(text) as string,
  });
});
