import { ConfigError, type ConfigFault } from '../errors.ts';
import type { Environment } from '../environment.ts';

/** Which document, where, and as whom. All of it comes from the environment: it is needed before any setting is read. */
export interface NacosSettings {
  /** Base addresses, `http://host:8848/nacos`; tried in turn. */
  readonly servers: readonly string[];
  readonly dataId: string;
  readonly group: string;
  /** Empty for the public one. */
  readonly namespace: string;
  readonly login?: { readonly username: string; readonly password: string };
  /** For one call to one server. */
  readonly timeoutMs: number;
  /** Where the last good copy is kept; absent: none is. */
  readonly snapshotFolder?: string;
}

const names = /^[A-Za-z0-9_.:-]{1,256}$/;
const namesAllowed = '1 to 256 of letters, digits, - _ . and :';

/**
 * What `NACOS_*` say.
 *
 * @returns undefined without `NACOS_SERVER_ADDR`: then the others mean nothing
 * @throws ConfigError `config-invalid` with everything that is wrong at once
 */
export function nacosSettings(env: Environment): NacosSettings | undefined {
  const given = (name: string): string | undefined => env.values[name]?.trim() || undefined;
  const addresses = given('NACOS_SERVER_ADDR');
  if (addresses === undefined) return undefined;
  const faults: ConfigFault[] = [];
  const fault = (name: string, text: string): void => {
    faults.push({ path: '', message: `${env.origins.get(name) ?? name} ${text}` });
  };
  const named = (name: string, value: string): string => {
    if (!names.test(value)) fault(name, `is ${JSON.stringify(value)}; allowed: ${namesAllowed}`);
    return value;
  };

  const servers = addresses.split(/[,;]/).map((part) => serverUrl(part.trim()));
  if (servers.includes(undefined)) {
    // An address may hold a password by mistake, so it is not shown.
    fault(
      'NACOS_SERVER_ADDR',
      'is not taken; allowed: host:port or http://host:port/nacos, several joined by ","',
    );
  }
  const dataId = given('NACOS_DATA_ID');
  if (dataId === undefined)
    fault('NACOS_DATA_ID', 'is missing; allowed: the name of the document, such as dt-server.yaml');
  else named('NACOS_DATA_ID', dataId);
  const group = named('NACOS_GROUP', given('NACOS_GROUP') ?? 'DEFAULT_GROUP');
  const namespace = named('NACOS_NAMESPACE', given('NACOS_NAMESPACE') ?? 'public');
  const timeout = given('NACOS_TIMEOUT_MS') ?? '5000';
  const timeoutMs = /^[0-9]{1,6}$/.test(timeout) ? Number(timeout) : 0;
  if (timeoutMs < 100 || timeoutMs > 60_000) {
    fault('NACOS_TIMEOUT_MS', `is ${JSON.stringify(timeout)}; allowed: a whole number from 100 to 60000`);
  }
  const username = given('NACOS_USERNAME');
  // Blanks may be part of a password.
  const password = env.values['NACOS_PASSWORD'] || undefined;
  if (username !== undefined && password === undefined)
    fault('NACOS_PASSWORD', 'is missing; NACOS_USERNAME is given');
  if (username === undefined && password !== undefined)
    fault('NACOS_USERNAME', 'is missing; NACOS_PASSWORD is given');
  if (faults.length > 0) throw new ConfigError('config-invalid', faults);

  const snapshotFolder = given('NACOS_SNAPSHOT');
  return {
    servers: servers.filter((server) => server !== undefined),
    dataId: dataId ?? '',
    group,
    namespace: namespace === 'public' ? '' : namespace,
    timeoutMs,
    ...(username !== undefined && password !== undefined && { login: { username, password } }),
    ...(snapshotFolder !== undefined && { snapshotFolder }),
  };
}

/** How the document is named in messages and origins. */
export function documentName({ namespace, group, dataId }: NacosSettings): string {
  return `nacos:${namespace || 'public'}/${group}/${dataId}`;
}

function serverUrl(text: string): string | undefined {
  const withScheme = /^https?:\/\//.test(text) ? text : `http://${text}`;
  if (!URL.canParse(withScheme)) return undefined;
  const url = new URL(withScheme);
  const plain = url.username === '' && url.password === '' && url.search === '' && url.hash === '';
  if (!plain || url.hostname === '') return undefined;
  if (url.port === '' && !/:(80|443)\b/.test(text)) url.port = '8848';
  return `${url.origin}${url.pathname === '/' ? '/nacos' : url.pathname.replace(/\/+$/, '')}`;
}
