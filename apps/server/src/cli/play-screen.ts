import { formatCardList, resultOf } from '@dt/dragon-tiger';
import type { CallError, DeliveryReport, RunProgress, RunReport, RunRound } from '../play/index.ts';
import { isDelivered } from '../play/index.ts';
import { formatAmount } from '../wallet/index.ts';
import { bar } from './bar.ts';

export interface PlayScreenOptions {
  readonly stream: NodeJS.WriteStream;
}

const REDRAW_EVERY_MS = 100;

/** What `dt play` shows: a line a round; on a terminal also a bar that is redrawn in place. */
export class PlayScreen {
  readonly #stream: NodeJS.WriteStream;
  #drawnAt = 0;
  #barShown = false;
  #retrySaidAt = 0;

  constructor({ stream }: PlayScreenOptions) {
    this.#stream = stream;
  }

  progress(progress: RunProgress): void {
    const what = progress.phase === 'funding' ? 'players' : `round ${progress.round}: bets`;
    this.#bar(what, progress.done, progress.of);
  }

  draining(report: DeliveryReport): void {
    this.#bar('messages applied', report.inboxApplied, report.orders);
  }

  /** At most a line a second: a server that restarts fails every call under way. */
  retrying(error: CallError, attempt: number): void {
    const now = performance.now();
    if (this.#retrySaidAt !== 0 && now - this.#retrySaidAt < 1_000) return;
    this.#retrySaidAt = now;
    this.#line(`retrying (attempt ${attempt}): ${error.message}`);
  }

  round(round: RunRound): void {
    const orders = round.accepted.length;
    const perSecond = orders === 0 ? 0 : Math.round((orders * 1000) / round.bettingMs);
    this.#line(
      [
        `round ${round.number}`,
        formatCardList(round.cards).replace(/,R.*$/, '').replace(',', ' ').padEnd(9),
        resultOf(round.cards).padEnd(6),
        `bets ${orders}${round.refused.length === 0 ? '' : ` (${round.refused.length} refused)`}`,
        `stakes ${formatAmount(round.stakeMinor)}`,
        `payout ${formatAmount(round.payoutMinor)}`,
        `${perSecond} bets/s`,
        `${Math.round(round.elapsedMs)} ms`,
      ].join('  '),
    );
  }

  report(report: RunReport, delivery: DeliveryReport | undefined): void {
    const orders = report.billNos.length;
    this.#line('');
    this.#line(`run       ${report.runId}  seed ${report.seed}  ${(report.elapsedMs / 1000).toFixed(1)} s`);
    this.#line(
      `orders    ${orders} accepted in ${report.rounds} rounds${orders === 0 ? '  FAULT: none was accepted' : ''}`,
    );
    for (const [code, { count, message }] of report.refused)
      this.#line(`refused   ${count} with ${code}: ${message}`);
    const stakes = formatAmount(report.stakeMinor);
    const payouts = formatAmount(report.payoutMinor);
    this.#line(
      `money     stakes ${stakes}, payouts ${payouts}, balances moved by ${formatAmount(report.balanceChangeMinor)}  ${verdict(report.moneyFaults.length === 0)}`,
    );
    for (const fault of report.moneyFaults.slice(0, 5)) {
      const { platformUserId, expectedChangeMinor, actualChangeMinor } = fault;
      this.#line(
        `          ${platformUserId}: moved by ${formatAmount(actualChangeMinor)}, the cards say ${formatAmount(expectedChangeMinor)}`,
      );
    }
    if (delivery === undefined) {
      this.#line('delivery  not checked: no database is known here (set DATABASE_URL)');
      return;
    }
    this.#line(
      `outbox    ${delivery.outboxSent}/${orders} orders sent  ${verdict(delivery.outboxSent === orders)}`,
    );
    this.#line(
      `inbox     ${delivery.inboxApplied}/${orders} orders applied after ${(delivery.waitedMs / 1000).toFixed(1)} s  ${verdict(delivery.inboxApplied === orders)}`,
    );
    if (isDelivered(delivery)) return;
    this.#line(
      `          ${delivery.doubled} doubled, ${delivery.dead} given up; for example: ${delivery.missing.join(', ')}`,
    );
  }

  /** Leaves the terminal as it should be. */
  close(): void {
    this.#clearBar();
  }

  #line(text: string): void {
    this.#clearBar();
    this.#stream.write(`${text}\n`);
  }

  #bar(what: string, done: number, of: number): void {
    if (!this.#stream.isTTY) return;
    const now = performance.now();
    if (done < of && now - this.#drawnAt < REDRAW_EVERY_MS) return;
    this.#drawnAt = now;
    this.#barShown = true;
    this.#stream.write(`\r\x1b[K${bar(done, of)} ${what} ${done}/${of}`);
  }

  #clearBar(): void {
    if (this.#barShown) this.#stream.write('\r\x1b[K');
    this.#barShown = false;
  }
}

function verdict(good: boolean): string {
  return good ? 'ok' : 'FAULT';
}
