import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { TlsPeer } from '../net/raw-connection.ts';
import { formatProperties } from './broker-conf.ts';
import type { BrokerTls } from './target.ts';

/**
 * Arguments for a JVM that takes TLS connections only. The Broker is a client of the NameServer, too: the same
 * certificate serves for both directions.
 */
export async function tlsJvmArgs(home: string, tls: BrokerTls): Promise<string[]> {
  const file = join(home, 'tls.properties');
  const asked = tls.requireClientCertificate === true;
  await writeFile(
    file,
    formatProperties({
      // The test mode would make a certificate of its own and trust everybody.
      'tls.test.mode.enable': 'false',
      'tls.server.certPath': tls.certFile,
      'tls.server.keyPath': tls.keyFile,
      'tls.server.trustCertPath': tls.caFile,
      'tls.server.authClient': String(asked),
      'tls.server.need.client.auth': asked ? 'require' : 'none',
      'tls.client.certPath': tls.certFile,
      'tls.client.keyPath': tls.keyFile,
      'tls.client.trustCertPath': tls.caFile,
      'tls.client.authServer': 'true',
    }),
  );
  return ['-Dtls.server.mode=enforcing', '-Dtls.enable=true', `-Dtls.config.file=${file}`];
}

/** A peer such a server lets in. */
export async function tlsPeerOf(tls: BrokerTls): Promise<TlsPeer> {
  const [cert, key] = await Promise.all([readFile(tls.certFile), readFile(tls.keyFile)]);
  return { cert, key, rejectUnauthorized: false };
}

/** The same for the embedded one, as its option `tls`. */
export async function embeddedTls(tls: BrokerTls): Promise<object> {
  const files = [tls.certFile, tls.keyFile, tls.caFile];
  const [cert, key, ca] = await Promise.all(files.map((file) => readFile(file, 'utf8')));
  return { cert, key, ca, requestCert: tls.requireClientCertificate === true };
}
