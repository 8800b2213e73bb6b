import path from 'node:path';

/** What lies in the data folder, and nothing else does. */
export interface Layout {
  dataDir: string;
  /** PostgreSQL's own data directory. */
  cluster: string;
  postmasterPid: string;
  /** One file a handle that uses the server. */
  users: string;
  startLock: string;
  log: string;
  password: string;
  /** How the running server can be reached, written by whoever has started it. */
  server: string;
}

/** Unfinished clusters: `initdb` fills such a folder, which then gets its name by one rename. */
export const UNFINISHED_PREFIX = 'initdb-';

export function layoutOf(dataDir: string): Layout {
  const at = (...names: string[]): string => path.join(dataDir, ...names);
  return {
    dataDir,
    cluster: at('cluster'),
    postmasterPid: at('cluster', 'postmaster.pid'),
    users: at('users'),
    startLock: at('start.lock'),
    log: at('postgres.log'),
    password: at('password'),
    server: at('server.json'),
  };
}
