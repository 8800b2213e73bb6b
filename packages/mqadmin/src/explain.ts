import { RocketMQError, type RocketMQErrorCode } from '@dt/rocketmq-client';
import { exitCodes, type ExitCode, FaultError, WrongCallError } from './exit.ts';

/** What helps against a failure of the client, where something is known to. */
const advice: Partial<Record<RocketMQErrorCode, string>> = {
  'name-server-unreachable':
    'Check the address (-n or NAMESRV_ADDR) and that a NameServer listens there; one with TLS needs --tls.',
  'connect-failed':
    'Check that the broker runs and that its address, as clusterList shows it, can be reached from here.',
  'connection-lost': 'The server ended the connection: check its log, and whether it wants TLS (--tls).',
  'tls-failed':
    'Check --tlsCa (whom to trust), --tlsServername, and --tlsCert with --tlsKey where the server wants to know us; ' +
    'or whether the port speaks TLS at all.',
  'topic-not-found': 'topicList shows the topics there are; a group is known by its topic %RETRY%GROUP.',
  'broker-not-found': 'clusterList shows the clusters and brokers there are.',
  'access-denied':
    'Give an account that may do this, with its own secret: --accessKey and --secretKey, or ROCKETMQ_ACCESS_KEY and ' +
    'ROCKETMQ_SECRET_KEY. To change topics, groups and settings it must be an admin.',
  timeout: 'The server was slower than that; --timeout gives it more.',
};

/** Nothing was asked of anybody: a value of the call is not allowed. */
const wrongCalls: ReadonlySet<RocketMQErrorCode> = new Set(['options-invalid', 'message-invalid']);

export interface Explanation {
  readonly exitCode: ExitCode;
  readonly lines: readonly string[];
}

/** A broker tells refusals with the class that made them, and the line of its source. */
function withoutJava(message: string): string {
  return message
    .replaceAll(/\b(?:org|com|java)\.[\w.]+(?:Exception|Error): /g, '')
    .replaceAll(/, (?:org|com|java)\.[\w.$]+\(\w+\.java:\d+\)/g, '');
}

/** What to tell about a failure, and how the program then ends. */
export function explain(error: unknown): Explanation {
  if (error instanceof RocketMQError) {
    const message = withoutJava(error.message);
    if (wrongCalls.has(error.code)) return { exitCode: exitCodes.wrongCall, lines: [message] };
    const hint = advice[error.code];
    return { exitCode: exitCodes.fault, lines: hint === undefined ? [message] : [message, hint] };
  }
  if (error instanceof WrongCallError) return { exitCode: exitCodes.wrongCall, lines: [error.message] };
  if (error instanceof FaultError) return { exitCode: exitCodes.fault, lines: [error.message] };
  return { exitCode: exitCodes.fault, lines: [error instanceof Error ? error.message : String(error)] };
}
