import { nearestName } from '@dt/mqadmin';
import { describedPath, describeSettings, type SettingDescription } from '../../config/index.ts';
import { WrongCallError } from '../exit.ts';

/**
 * The settings that a name stands for: one, or all of a block.
 *
 * @throws WrongCallError with the nearest name
 */
export function requireSetting(name: string): readonly SettingDescription[] {
  const all = describeSettings();
  const path = describedPath(name);
  const found = all.filter((setting) => setting.path === path || setting.path.startsWith(`${path}.`));
  if (found.length > 0) return found;
  const blocks = all.flatMap((setting) => {
    const keys = setting.path.split('.');
    return keys.map((_, at) => keys.slice(0, at + 1).join('.'));
  });
  const nearest = nearestName(path, [...new Set(blocks)]);
  const hint = nearest === undefined ? 'dt config show lists all of them' : `did you mean ${nearest}?`;
  throw new WrongCallError(`there is no setting ${name}; ${hint}`);
}
