import type { LoadedConfig } from './load.ts';
import { redactConfig } from './redact.ts';
import { describedPath, describeSettings } from './settings.ts';
import { isTree } from './tree.ts';

/** A setting that may be printed. */
export interface ShownSetting {
  readonly path: string;
  /** Null where nothing holds; `***` for a secret that is set. */
  readonly value: unknown;
  readonly from: string;
}

/** Every setting with its value and origin. Lists are one setting; tables of rooms are one setting a rule. */
export function shownSettings({ config, originOf }: LoadedConfig): ShownSetting[] {
  const known = new Set(describeSettings().map(({ path }) => path));
  const shown: ShownSetting[] = [];
  const add = (path: string, value: unknown): void => {
    const isBlock = isTree(value) && (!known.has(describedPath(path)) || Object.keys(value).length > 0);
    if (!isBlock) shown.push({ path, value: value ?? null, from: originOf(path) });
    else for (const [key, member] of Object.entries(value)) add(path === '' ? key : `${path}.${key}`, member);
  };
  add('', redactConfig(config));
  const seen = new Set(shown.map(({ path }) => describedPath(path)));
  for (const { path, variable } of describeSettings()) {
    if (variable !== undefined && !seen.has(path) && path !== 'game.tables')
      shown.push({ path, value: null, from: originOf(path) });
  }
  const order = [...known];
  return shown.sort(
    (one, other) => order.indexOf(describedPath(one.path)) - order.indexOf(describedPath(other.path)),
  );
}
