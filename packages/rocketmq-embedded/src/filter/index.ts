import type { MessageProperties } from '@dt/rocketmq-protocol';
import { FilterSyntaxError } from './errors.ts';
import { fulfils } from './sql-expression.ts';
import { SqlParser } from './sql-parser.ts';

export { FilterSyntaxError } from './errors.ts';

/** Whether a message with these properties is wanted. Never throws. */
export type MessageFilter = (properties: MessageProperties) => boolean;

/** Characters of an expression. */
export const MAX_EXPRESSION_LENGTH = 16_384;

/**
 * Makes a filter of a condition in the SQL92 dialect of RocketMQ 5.3.0. Values are compared by the rules of its
 * `rocketmq-filter`, the surprising ones included.
 *
 * @throws FilterSyntaxError when it is not one, or is longer or deeper than is allowed.
 */
export function compileSql(expression: string): MessageFilter {
  if (expression.length > MAX_EXPRESSION_LENGTH) {
    throw new FilterSyntaxError(
      `an expression of ${expression.length} characters, allowed are ${MAX_EXPRESSION_LENGTH}`,
    );
  }
  const condition = new SqlParser(expression).parse();
  return (properties) => fulfils(condition, properties);
}
