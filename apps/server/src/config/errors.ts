export const configErrorCodes = ['config-file', 'config-syntax', 'config-invalid'] as const;
export type ConfigErrorCode = (typeof configErrorCodes)[number];

/** One fault of a configuration, as the operator sees it. */
export interface ConfigFault {
  /** Dotted path of the setting, `server.port`; empty when the fault is not of one setting. */
  readonly path: string;
  /** The whole sentence: where the value came from, path, value (secrets masked) and what is allowed. */
  readonly message: string;
}

/** The configuration cannot be used. `faults` lists everything that is wrong, `message` the same as text. */
export class ConfigError extends Error {
  override readonly name = 'ConfigError';
  readonly code: ConfigErrorCode;
  readonly retryable = false;
  readonly faults: readonly ConfigFault[];

  constructor(code: ConfigErrorCode, faults: readonly ConfigFault[], options?: ErrorOptions) {
    super(
      faults.length === 1
        ? (faults[0]?.message ?? '')
        : `${faults.length} settings are wrong:\n${faults.map((fault) => `  - ${fault.message}`).join('\n')}`,
      options,
    );
    this.code = code;
    this.faults = faults;
  }
}
