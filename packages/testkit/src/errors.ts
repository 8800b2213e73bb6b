/** What went wrong; part of the message's first words, so that a log line alone tells it. */
export type TestkitErrorCode =
  | 'java-missing'
  | 'maven-missing'
  | 'class-path-failed'
  | 'start-failed'
  | 'not-running'
  | 'external-cluster'
  | 'timeout'
  | 'program-exited'
  | 'bad-answer'
  | 'not-supported';

/** Every error of the test kit. */
export class TestkitError extends Error {
  override readonly name = 'TestkitError';
  readonly code: TestkitErrorCode;

  constructor(code: TestkitErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}
