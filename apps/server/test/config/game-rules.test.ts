import { expect, it } from 'vitest';
import { gameRules } from '../../src/config/index.ts';

it('fills a table with what is said for all, in minor units', () => {
  const rules = gameRules({
    default: {
      paytable: 'classic',
      betting_seconds: 45,
      min_bet: '1.00',
      max_bet: '100.5',
      max_player_round: '200',
      max_round_liability: '1000.01',
    },
    tables: { vip: { paytable: 'standard', max_bet: '7.50' } },
  });
  expect(rules.default).toEqual({
    paytable: 'classic',
    bettingSeconds: 45,
    minBetMinor: 100n,
    maxBetMinor: 10_050n,
    maxPlayerRoundMinor: 20_000n,
    maxRoundLiabilityMinor: 100_001n,
  });
  expect(rules.tables).toEqual({ vip: { ...rules.default, paytable: 'standard', maxBetMinor: 750n } });
});
