import { X509Certificate } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { isIP } from 'node:net';
import { connect, createSecureContext, type SecureContext } from 'node:tls';
import { messageOf, RocketMQError } from '../errors.ts';
import { onAbort } from '../timing/on-abort.ts';
import { parseAddress } from './address.ts';
import type { OpenSocket } from './socket.ts';

/** How connections are encrypted. */
export interface TlsOptions {
  /** Certificates of the authorities to trust, contents of PEM files. @default those that Node trusts */
  ca?: string | Buffer | readonly (string | Buffer)[];
  /** Certificate of this client, for servers that ask for one; with `key`. @default none */
  cert?: string | Buffer;
  /** Private key of `cert`. @default none */
  key?: string | Buffer;
  /** In place of `ca`: the name of a PEM file, read again for every new connection. */
  caFile?: string;
  /** In place of `cert`, likewise; with `keyFile`. */
  certFile?: string;
  /** In place of `key`, likewise. */
  keyFile?: string;
  /** Name that the certificates of all servers must have, and that they are asked for. @default the host of each address */
  servername?: string;
  /** False takes any certificate: encrypted, but with whom is not known. @default true */
  rejectUnauthorized?: boolean;
}

/** Asked for every new connection, so that certificates can change while the client runs. */
export type TlsSource = () => TlsOptions | Promise<TlsOptions>;

export interface CheckedTls {
  readonly context: SecureContext;
  readonly servername: string | undefined;
  readonly rejectUnauthorized: boolean;
}

/** Gives what the next connection is encrypted with. */
export type LoadTls = () => Promise<CheckedTls>;

/** Throws `options-invalid` for what can never make a connection; what is read later fails later. */
export function checkTls(value: true | TlsOptions | TlsSource): LoadTls {
  if (typeof value === 'function')
    return keepingLastGood(async () => contextOf(await withFiles(await value())));
  const options = value === true ? {} : value;
  checkFields(options);
  const { caFile, certFile, keyFile } = options;
  if (caFile !== undefined || certFile !== undefined || keyFile !== undefined)
    return keepingLastGood(async () => contextOf(await withFiles(options)));
  const context = contextOf(options);
  return () => Promise.resolve(context);
}

/** Files that are just being replaced may not fit each other for a moment: then the ones before are still good. */
function keepingLastGood(load: LoadTls): LoadTls {
  let lastGood: CheckedTls | undefined;
  return async () => {
    try {
      lastGood = await load();
      return lastGood;
    } catch (error) {
      if (lastGood !== undefined) return lastGood;
      throw new RocketMQError('tls-failed', messageOf(error), { cause: error });
    }
  };
}

async function withFiles(options: TlsOptions): Promise<TlsOptions> {
  checkFields(options);
  const { caFile, certFile, keyFile } = options;
  const read = async (file: string | undefined): Promise<Buffer | undefined> =>
    file === undefined ? undefined : readFile(file);
  const [ca, cert, key] = await Promise.all([read(caFile), read(certFile), read(keyFile)]);
  return { ...options, ...(ca && { ca }), ...(cert && { cert }), ...(key && { key }) };
}

function checkFields(options: TlsOptions): void {
  const { servername, rejectUnauthorized = true } = options;
  for (const name of ['ca', 'cert', 'key'] as const) {
    if (options[name] !== undefined && options[`${name}File`] !== undefined)
      throw new RocketMQError('options-invalid', `tls: ${name} and ${name}File are not allowed together`);
  }
  if (((options.cert ?? options.certFile) === undefined) !== ((options.key ?? options.keyFile) === undefined))
    throw new RocketMQError('options-invalid', 'tls: cert and key are only allowed together');
  if (typeof rejectUnauthorized !== 'boolean')
    throw new RocketMQError('options-invalid', 'tls.rejectUnauthorized: expected true or false');
  if (servername !== undefined && (typeof servername !== 'string' || servername === ''))
    throw new RocketMQError('options-invalid', 'tls.servername: expected a text that is not empty');
}

function contextOf({ ca, cert, key, servername, rejectUnauthorized = true }: TlsOptions): CheckedTls {
  try {
    const authorities =
      ca === undefined ? [] : typeof ca === 'string' || Buffer.isBuffer(ca) ? [ca] : [...ca];
    // A context takes any text for an authority, and then trusts nobody.
    for (const authority of authorities) new X509Certificate(authority);
    const context = createSecureContext({
      ...(ca !== undefined && { ca: authorities }),
      ...(cert !== undefined && { cert }),
      ...(key !== undefined && { key }),
    });
    return { context, servername, rejectUnauthorized };
  } catch (error) {
    throw new RocketMQError(
      'options-invalid',
      `tls: ca, cert or key cannot be used, expected PEM: ${reasonOf(error)}`,
      { cause: error },
    );
  }
}

/** Opens connections with TLS; resolves when the server has shown a certificate that is trusted. */
export function tlsSocketOpener(load: LoadTls): OpenSocket {
  return async (address, timeoutMs, signal) => {
    const tls = await load();
    return new Promise((resolve, reject) => {
      const target = parseAddress(address);
      if (target === undefined) {
        reject(new RocketMQError('connect-failed', `${JSON.stringify(address)} is not host:port`));
        return;
      }
      const { context, rejectUnauthorized } = tls;
      // An address is no name: servers are told none, and certificates must then name the address.
      const servername = tls.servername ?? (isIP(target.host) === 0 ? target.host : undefined);
      const socket = connect({
        host: target.host,
        port: target.port,
        secureContext: context,
        rejectUnauthorized,
        ...(servername !== undefined && { servername }),
      });
      let unlisten = (): void => undefined;
      const fail = (error: RocketMQError): void => {
        clearTimeout(timer);
        unlisten();
        socket.removeAllListeners();
        // A late error of a socket nobody waits for must not end the process.
        socket.on('error', () => undefined);
        socket.destroy();
        reject(error);
      };
      let reached = false;
      const timer = setTimeout(() => {
        const text = `connection to ${address}: ${reached ? 'no TLS handshake' : 'no answer'} within ${timeoutMs} ms`;
        fail(new RocketMQError('connect-failed', text, { retryable: true }));
      }, timeoutMs);
      unlisten = onAbort(signal, () =>
        fail(new RocketMQError('connect-failed', `connection to ${address}: closed`)),
      );
      socket.once('connect', () => (reached = true));
      socket.once('error', (error: Error) => fail(failureOf(error, address, reached)));
      socket.once('secureConnect', () => {
        clearTimeout(timer);
        unlisten();
        socket.removeAllListeners('error');
        socket.setNoDelay(true);
        socket.setKeepAlive(true, 30_000);
        resolve(socket);
      });
    });
  };
}

/**
 * The error of a connection whose TLS failed for a reason that time does not heal: a certificate, a version, a peer
 * without TLS. Undefined for all others.
 */
export function tlsFailure(error: Error, address: string): RocketMQError | undefined {
  const code = codeOf(error);
  if (code.startsWith('ERR_SSL_')) {
    const hint = code === 'ERR_SSL_WRONG_VERSION_NUMBER' ? ': the port answers without TLS' : '';
    return new RocketMQError('tls-failed', `connection to ${address}: TLS: ${reasonOf(error)}${hint}`, {
      cause: error,
    });
  }
  if (!CERTIFICATE_CODES.test(code)) return undefined;
  const text = `connection to ${address}: the certificate of the server is refused: ${error.message} (${code})`;
  return new RocketMQError('tls-failed', text, { cause: error });
}

const CERTIFICATE_CODES =
  /CERT|^UNABLE_TO_(?:GET|VERIFY|DECRYPT|DECODE)_|^CRL_|^INVALID_(?:CA|PURPOSE)$|^HOSTNAME_MISMATCH$|^PATH_LENGTH_EXCEEDED$/;

function failureOf(error: Error, address: string, reached: boolean): RocketMQError {
  const tlsError = tlsFailure(error, address);
  if (tlsError !== undefined) return tlsError;
  const text = reached
    ? `connection to ${address}: it ended during the TLS handshake, perhaps the port has no TLS: ${error.message}`
    : `connection to ${address}: ${error.message}`;
  return new RocketMQError('connect-failed', text, { retryable: true, cause: error });
}

function codeOf(error: Error): string {
  return 'code' in error && typeof error.code === 'string' ? error.code : '';
}

/** OpenSSL's own words without its file names and numbers. */
function reasonOf(error: unknown): string {
  if (error instanceof Error && 'reason' in error && typeof error.reason === 'string') return error.reason;
  return messageOf(error);
}
