import { ResponseCode, type SubscriptionData } from '@dt/rocketmq-protocol';
import { compileSql, FilterSyntaxError, type MessageFilter } from '../filter/index.ts';
import { Refusal } from '../server/index.ts';

/** As many as a real broker keeps compiled. */
const MAX_COMPILED = 100;

export function isTagType(expressionType: string | undefined): boolean {
  return expressionType === undefined || expressionType === '' || expressionType === 'TAG';
}

/** The filters of subscriptions by property, each expression compiled once. */
export class Filters {
  readonly #enabled: boolean;
  readonly #compiled = new Map<string, MessageFilter | string>();

  constructor(enabled: boolean) {
    this.#enabled = enabled;
  }

  refuseWhenOff(expressionType: string | undefined): void {
    if (this.#enabled) return;
    throw new Refusal(
      ResponseCode.SYSTEM_ERROR,
      `The broker does not support consumer to filter message by ${expressionType}`,
    );
  }

  /** A text says why there is none. */
  get({
    expressionType,
    subString,
  }: Pick<SubscriptionData, 'expressionType' | 'subString'>): MessageFilter | string {
    if (expressionType !== 'SQL92') return `unknown expression type ${expressionType}`;
    let filter = this.#compiled.get(subString);
    if (filter === undefined) {
      filter = compiled(subString);
      const [oldest] = this.#compiled.keys();
      if (oldest !== undefined && this.#compiled.size >= MAX_COMPILED) this.#compiled.delete(oldest);
      this.#compiled.set(subString, filter);
    }
    return filter;
  }
}

function compiled(expression: string): MessageFilter | string {
  try {
    return compileSql(expression);
  } catch (error) {
    if (error instanceof FilterSyntaxError) return `Invalid MessageSelector. ${error.message}`;
    throw error;
  }
}
