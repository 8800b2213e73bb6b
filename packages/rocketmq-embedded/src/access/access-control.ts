import fs from 'node:fs';
import { readFile } from 'node:fs/promises';
import { ResponseCode, type RemotingCommand } from '@dt/rocketmq-protocol';
import { EmbeddedError, systemCode } from '../errors.ts';
import type { Logger } from '../logger.ts';
import { Refusal, type Connection } from '../server/index.ts';
import { refusalOf, type AccessRules } from './access-rules.ts';
import { parseAccessRules } from './acl-file.ts';

/** Clients tell a refusal of access control, which no repetition helps, by this name: its code is that of any error. */
const EXCEPTION = 'org.apache.rocketmq.acl.common.AclException';
const RELOAD_MS = 1_000;

/** The rules of a file in the format of plain_acl.yml, as it is now. */
export class AccessControl {
  readonly #file: string;
  readonly #logger: Logger;
  readonly #timer: NodeJS.Timeout;
  #rules: AccessRules;
  /** The file as it was last looked at; undefined when it could not be read. */
  #seen: string | undefined;
  #looking = false;

  private constructor(file: string, text: string, rules: AccessRules, logger: Logger) {
    this.#file = file;
    this.#seen = text;
    this.#rules = rules;
    this.#logger = logger;
    // The text is compared, not its time: two changes within one tick of the file system's clock are two.
    this.#timer = setInterval(() => void this.#look(), RELOAD_MS);
    this.#timer.unref();
  }

  /** @throws EmbeddedError `option-invalid` for a file that cannot be read or is not good */
  static open(file: string, logger: Logger): AccessControl {
    try {
      const text = fs.readFileSync(file, 'utf8');
      return new AccessControl(file, text, parseAccessRules(text), logger);
    } catch (error) {
      throw new EmbeddedError(
        'option-invalid',
        `acl: ${file} holds no rules of access: ${messageOf(error)}. Expected the format of plain_acl.yml`,
        { cause: error },
      );
    }
  }

  /** Throws the refusal when the request may not pass. */
  check(request: RemotingCommand, connection: Connection): void {
    const reason = this.#refusal(request, connection.remoteIp);
    if (reason !== undefined) throw new Refusal(ResponseCode.SYSTEM_ERROR, `${EXCEPTION}: ${reason}`);
  }

  close(): void {
    clearInterval(this.#timer);
  }

  #refusal(request: RemotingCommand, ip: string): string | undefined {
    try {
      return refusalOf(this.#rules, request, ip);
    } catch (error) {
      return messageOf(error);
    }
  }

  /** A file that is broken, or away, changes nothing: who had access keeps it, and nobody else gets any. */
  async #look(): Promise<void> {
    if (this.#looking) return;
    this.#looking = true;
    try {
      const text = await readFile(this.#file, 'utf8');
      if (text === this.#seen) return;
      this.#seen = text;
      this.#rules = parseAccessRules(text, this.#rules);
      this.#logger.info(
        { file: this.#file, accounts: this.#rules.accounts.size },
        'rocketmq access rules read again',
      );
    } catch (error) {
      const unreadable = systemCode(error) !== undefined;
      if (unreadable && this.#seen === undefined) return;
      if (unreadable) this.#seen = undefined;
      this.#logger.error(
        { file: this.#file, reason: messageOf(error) },
        'rocketmq access rules are broken, the last good ones stay',
      );
    } finally {
      this.#looking = false;
    }
  }
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
