import type { Listen } from './configuration.ts';
import { PostgresError, type PostgresErrorCode } from './errors.ts';
import type { Layout } from './layout.ts';
import { USE_DATABASE_URL } from './platform.ts';

/** The server's words (always English: it runs in the C locale), and what they mean here. */
const CAUSES: readonly {
  said: RegExp;
  code: PostgresErrorCode;
  meaning: (layout: Layout, listen: Listen) => string;
}[] = [
  {
    said: /No space left on device|Disk quota exceeded/,
    code: 'disk-full',
    meaning: ({ dataDir }) => `no space is left for ${dataDir}: make room, then start again`,
  },
  {
    said: /Address already in use|could not create any TCP\/IP sockets/,
    code: 'port-in-use',
    meaning: (_, { port }) => `port ${port} is in use: name another one, or leave it out to get a free one`,
  },
  {
    said: /lock file "\S+" already exists|pre-existing shared memory block/,
    code: 'data-dir-locked',
    meaning: ({ dataDir }) => `another PostgreSQL uses ${dataDir}: stop it, or name another data folder`,
  },
  {
    said: /database files are incompatible with server|data directory was initialized by PostgreSQL version/,
    code: 'data-dir-version',
    meaning: ({ cluster }) => `${cluster} was made by another major version`,
  },
  {
    said: /could not \w+ (file|directory)[^\n]*: (Permission denied|Read-only file system)|has invalid permissions|has wrong ownership/,
    code: 'data-dir-not-writable',
    meaning: ({ dataDir }) => `${dataDir} cannot be read and written by the account that it runs as`,
  },
  {
    said: /error while loading shared libraries|symbol not found|version `GLIBC/,
    code: 'platform-unsupported',
    meaning: () => `the binaries do not run on this system. ${USE_DATABASE_URL}`,
  },
];

/** Names the cause that the end of a log shows, and quotes it. */
export function startFailure(logTail: string, layout: Layout, listen: Listen): PostgresError {
  const cause = CAUSES.find(({ said }) => said.test(logTail));
  const meaning = cause?.meaning(layout, listen) ?? `see ${layout.log}`;
  const quoted = logTail === '' ? '(it has written nothing)' : logTail;
  return new PostgresError(
    cause?.code ?? 'start-failed',
    `PostgreSQL did not start: ${meaning}. The end of its log:\n${quoted}`,
  );
}

/** The same for the program that makes a cluster, which has no port yet. */
export function initdbFailure(
  stderr: string,
  status: number | NodeJS.Signals | null,
  layout: Layout,
): PostgresError {
  const cause = CAUSES.find(({ said }) => said.test(stderr));
  const meaning =
    cause?.meaning(layout, { transport: 'unix', socketDir: '', port: 0 }) ?? `exit ${String(status)}`;
  return new PostgresError(
    cause?.code ?? 'initdb-failed',
    `initdb could not make a database in ${layout.dataDir}: ${meaning}. What it said:\n${stderr.trim().slice(-2000)}`,
  );
}
