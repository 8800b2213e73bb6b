import { BusinessError, type BusinessCode } from '../wallet/errors.ts';

export {
  BusinessError,
  badParameter,
  balanceTooLow,
  duplicateRequest,
  playerDisabled,
} from '../wallet/errors.ts';
export type { BusinessCode, BusinessErrorOptions } from '../wallet/errors.ts';

type Details = Readonly<Record<string, unknown>>;

const refusal =
  (code: BusinessCode, httpStatus: number, message: string) =>
  (details?: Details): BusinessError =>
    new BusinessError({ code, httpStatus, message, ...(details === undefined ? {} : { details }) });

/**
 * An event out of order, a second open round in a room, a bet on a round that does not take bets.
 * @param openRoundId the round that is in the way; the text names it
 */
export function stateRefused(details?: Details, openRoundId?: string): BusinessError {
  const message = '当前状态不允许此操作';
  return refusal(2003, 409, openRoundId === undefined ? message : `${message}: ${openRoundId}`)(details);
}
export const windowNotOpen = refusal(2004, 409, '投注窗口未开始');
export const windowClosed = refusal(2005, 409, '投注窗口已关闭');
export const dragonAndTiger = refusal(2006, 409, '不能同时投注龙和虎');
export const drawRefused = refusal(2008, 409, '当前状态不允许开奖');
export const roundNotFound = refusal(4004, 404, '游戏回合不存在');
