import { execFile } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);

/** PEM files for one test, made by openssl, good for a day. */
export interface Certificates extends AsyncDisposable {
  caFile: string;
  /** For 127.0.0.1 and localhost, both as a server and as a client. */
  server: { certFile: string; keyFile: string };
  client: { certFile: string; keyFile: string };
  /** An authority that signed none of them. */
  strangerFile: string;
}

export async function makeCertificates(): Promise<Certificates> {
  const folder = await mkdtemp(join(tmpdir(), 'dt-certificates-'));
  const file = (name: string): string => join(folder, name);
  const newKey = ['req', '-newkey', 'rsa:2048', '-nodes'];

  async function authority(name: string): Promise<string> {
    await run('openssl', [
      ...newKey,
      ...['-x509', '-days', '1', '-subj', `/CN=${name}`],
      ...['-keyout', file(`${name}.key`), '-out', file(`${name}.pem`)],
    ]);
    return file(`${name}.pem`);
  }

  async function signed(name: string, extensions: string): Promise<{ certFile: string; keyFile: string }> {
    const [keyFile, request, certFile] = [file(`${name}.key`), file(`${name}.csr`), file(`${name}.pem`)];
    await writeFile(file(`${name}.ext`), extensions);
    await run('openssl', [...newKey, '-subj', `/CN=${name}`, '-keyout', keyFile, '-out', request]);
    await run('openssl', [
      ...['x509', '-req', '-days', '1', '-in', request, '-out', certFile],
      ...['-CA', file('authority.pem'), '-CAkey', file('authority.key'), '-CAcreateserial'],
      ...['-extfile', file(`${name}.ext`)],
    ]);
    return { certFile, keyFile };
  }

  const caFile = await authority('authority');
  return {
    caFile,
    server: await signed('server', 'subjectAltName=IP:127.0.0.1,DNS:localhost\n'),
    client: await signed('client', 'extendedKeyUsage=clientAuth\n'),
    strangerFile: await authority('stranger'),
    [Symbol.asyncDispose]: () => rm(folder, { recursive: true, force: true }),
  };
}
