import { ownerOf, readJson, writeWhole } from './files.ts';
import type { Layout } from './layout.ts';
import { isProcessIdentity, type ProcessIdentity } from './process-identity.ts';

/** What whoever starts a server leaves for those who come later. */
export interface ServerRecord {
  postmaster: ProcessIdentity;
  transport: 'unix' | 'tcp';
  /** For clients: the folder of the socket, or an IP address. */
  host: string;
  port: number;
}

export async function writeServerRecord(layout: Layout, record: ServerRecord): Promise<void> {
  await writeWhole(layout.server, `${JSON.stringify(record)}\n`, await ownerOf(layout.dataDir));
}

/** Undefined when there is none, or none that can be understood. */
export async function readServerRecord(layout: Layout): Promise<ServerRecord | undefined> {
  const record = await readJson(layout.server);
  if (typeof record !== 'object' || record === null) return undefined;
  const { postmaster, transport, host, port } = record as Record<string, unknown>;
  if (!isProcessIdentity(postmaster) || typeof host !== 'string' || typeof port !== 'number')
    return undefined;
  if (transport !== 'unix' && transport !== 'tcp') return undefined;
  return { postmaster, transport, host, port };
}
