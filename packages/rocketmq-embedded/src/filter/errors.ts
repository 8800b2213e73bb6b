/** The text is not an expression that can be evaluated. */
export class FilterSyntaxError extends Error {
  override readonly name = 'FilterSyntaxError';
}

/** A message whose values do not go with the expression, as a word that is compared with a number. */
export class FilterEvaluationError extends Error {
  override readonly name = 'FilterEvaluationError';
}
