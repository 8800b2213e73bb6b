export { ConfigError, configErrorCodes, type ConfigErrorCode, type ConfigFault } from './errors.ts';
export { DEFAULT_CONFIG_FILE } from './file.ts';
export { formats, parseIpRange } from './formats.ts';
export { gameRules, type GameRuleValues, type TableRuleValues } from './game-rules.ts';
export type { ConfigOverride } from './layers.ts';
export { loadConfig, type LoadConfigOptions, type LoadedConfig } from './load.ts';
export { redactConfig } from './redact.ts';
export { isLoopbackHost, SAMPLE_ADMIN_TOKEN } from './safety.ts';
export { configSchema, type Config, type PlatformConfig } from './schema.ts';
