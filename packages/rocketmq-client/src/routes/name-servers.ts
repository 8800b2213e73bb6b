import type { CommandPayload, RemotingCommand } from '@dt/rocketmq-protocol';
import { requestCodeName } from '@dt/rocketmq-protocol';
import { asRocketMQError, RocketMQError } from '../errors.ts';
import type { InvokeOptions, RemotingClient } from '../transport/index.ts';

/**
 * The NameServers of a cluster. They know the same, so one is asked: chosen by chance at first, kept while it
 * answers, and left for the next one when it fails.
 */
export class NameServers {
  #addresses: readonly string[];
  readonly #remoting: RemotingClient;
  #current: number;

  constructor(remoting: RemotingClient, addresses: readonly string[], random: () => number = Math.random) {
    this.#addresses = addresses;
    this.#remoting = remoting;
    this.#current = Math.floor(random() * addresses.length);
  }

  get addresses(): readonly string[] {
    return this.#addresses;
  }

  /** Another list; the one in use stays in use when it is in it. */
  replace(addresses: readonly string[], random: () => number = Math.random): void {
    const inUse = addresses.indexOf(this.#addresses[this.#current] ?? '');
    this.#addresses = addresses;
    this.#current = inUse >= 0 ? inUse : Math.floor(random() * addresses.length);
  }

  /**
   * The first answer of any code. Fails with `name-server-unreachable` when none of them answers, and with
   * `tls-failed` when it is TLS that fails with all: another try would end the same way.
   */
  async invoke(code: number, payload: CommandPayload, options: InvokeOptions): Promise<RemotingCommand> {
    const failures: RocketMQError[] = [];
    // One list to the end, also when another one comes meanwhile.
    const addresses = this.#addresses;
    for (let tried = 0; tried < addresses.length; tried++) {
      const index = this.#current % addresses.length;
      const address = addresses[index] ?? '';
      try {
        return await this.#remoting.invoke(address, code, payload, options);
      } catch (error) {
        const failure = asRocketMQError(error);
        if (failure.code === 'aborted' || failure.code === 'closed') throw failure;
        failures.push(failure);
        // Another call may have moved on already.
        if (this.#current === index && this.#addresses === addresses)
          this.#current = (index + 1) % addresses.length;
      }
    }
    const byTls = failures.every((failure) => failure.code === 'tls-failed');
    const text = `${requestCodeName(code)}: no NameServer answers: ${failures.map((failure) => failure.message).join('; ')}`;
    throw new RocketMQError(byTls ? 'tls-failed' : 'name-server-unreachable', text, {
      retryable: !byTls,
      outcome: failures.some((failure) => failure.outcome === 'unknown') ? 'unknown' : 'not-sent',
      cause: failures.length === 1 ? failures[0] : new AggregateError(failures),
    });
  }
}
