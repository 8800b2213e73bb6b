import { formatAmount } from '../wallet/index.ts';

/** One finished round of the demo table. */
export interface RoundSummary {
  readonly roundId: string;
  /** As the server stored them. */
  readonly cardList: string;
  readonly result: string;
  readonly bets: number;
  readonly stakeMinor: bigint;
  readonly payoutMinor: bigint;
  /** Messages of the round that are in the outbox, and how many of them are sent; undefined without a database. */
  readonly outbox: { readonly sent: number; readonly of: number } | undefined;
  /** How many of them are applied from the inbox. */
  readonly inboxApplied: number | undefined;
  /** The round had been left open by an earlier run and was taken to its end. */
  readonly resumed: boolean;
}

/** The fields of a round's line in the log, in the order a reader wants them. */
export function formatSummary(summary: RoundSummary): Record<string, string | number> {
  const { outbox, inboxApplied } = summary;
  return {
    round: summary.roundId,
    cards: summary.cardList.replace(/,R.*$/i, '').replace(',', ' '),
    result: summary.result,
    bets: summary.bets,
    stakes: formatAmount(summary.stakeMinor),
    payout: formatAmount(summary.payoutMinor),
    ...(outbox === undefined ? {} : { outbox_sent: `${outbox.sent}/${outbox.of}` }),
    ...(outbox === undefined || inboxApplied === undefined
      ? {}
      : { inbox_applied: `${inboxApplied}/${outbox.of}` }),
    ...(summary.resumed ? { resumed: 'true' } : {}),
  };
}
