import { parseAmount } from '../wallet/money.ts';
import type { Config } from './schema.ts';

/** The rules of one table with money in minor units. */
export interface TableRuleValues {
  readonly paytable: string;
  readonly bettingSeconds: number;
  readonly minBetMinor: bigint;
  readonly maxBetMinor: bigint;
  readonly maxPlayerRoundMinor: bigint;
  readonly maxRoundLiabilityMinor: bigint;
}

/** The block `game` as the game takes it. */
export interface GameRuleValues {
  readonly default: TableRuleValues;
  /** By room id, each complete: what the table did not say is taken from `default`. */
  readonly tables: Readonly<Record<string, TableRuleValues>>;
}

export function gameRules({ default: common, tables }: Config['game']): GameRuleValues {
  return {
    default: tableRules(common),
    tables: Object.fromEntries(
      Object.entries(tables).map(([room, rules]) => [room, tableRules({ ...common, ...rules })]),
    ),
  };
}

function tableRules(rules: Config['game']['default']): TableRuleValues {
  return {
    paytable: rules.paytable,
    bettingSeconds: rules.betting_seconds,
    minBetMinor: amount(rules.min_bet),
    maxBetMinor: amount(rules.max_bet),
    maxPlayerRoundMinor: amount(rules.max_player_round),
    maxRoundLiabilityMinor: amount(rules.max_round_liability),
  };
}

/** Checked when the configuration was loaded. */
function amount(text: string): bigint {
  const minor = parseAmount(text);
  if (minor === undefined) throw new TypeError(`not an amount: ${text}`);
  return minor;
}
