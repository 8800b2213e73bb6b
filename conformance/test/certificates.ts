import { fileURLToPath } from 'node:url';

const file = (name: string): string =>
  fileURLToPath(new URL(`support/certificates/${name}`, import.meta.url));

/** PEM files for loopback; `support/certificates/README.md` says what each is. */
export const certificates = {
  caFile: file('authority.pem'),
  server: { certFile: file('server.pem'), keyFile: file('server.key') },
  client: { certFile: file('client.pem'), keyFile: file('client.key') },
  strangerFile: file('stranger.pem'),
} as const;
