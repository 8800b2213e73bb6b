import { commands, RequestCode } from '@dt/rocketmq-protocol';
import { success, type RequestHandler } from '../server/index.ts';
import type { BrokerContext } from './context.ts';

/** What tools ask about messages for a time of their own. */
export function timerHandlers({ timers }: BrokerContext): [number, RequestHandler][] {
  return [
    [
      RequestCode.GET_TIMER_CHECK_POINT,
      (request) => success(request, commands.getTimerCheckPoint.encodeResponse(timers.checkPoint)),
    ],
    [
      RequestCode.GET_TIMER_METRICS,
      (request) => success(request, commands.getTimerMetrics.encodeResponse(timers.counts.metrics)),
    ],
  ];
}
