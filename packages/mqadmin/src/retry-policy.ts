import type { GroupRetryPolicy } from '@dt/rocketmq-client';
import { InvalidArgumentError } from 'commander';
import { type Flag, text } from './flags.ts';

const TYPES = ['CUSTOMIZED', 'EXPONENTIAL'] as const;
const ALLOWED =
  'Allowed: {"type":"EXPONENTIAL","exponentialRetryPolicy":{"initial":5000,"max":7200000,"multiplier":2}} ' +
  'or {"type":"CUSTOMIZED","customizedRetryPolicy":{"next":[1000,5000,10000]}}.';

/** A policy of retries as JSON, in RocketMQ's spelling. */
export function retryPolicy(spelling: string): Flag<GroupRetryPolicy> {
  const raw = text(spelling, 'how long failed messages wait for their next delivery, as JSON');
  return { ...raw, absent: { type: 'CUSTOMIZED' }, parse: (value) => parsePolicy(raw.parse(value) ?? '') };
}

function parsePolicy(json: string): GroupRetryPolicy {
  const { type, exponentialRetryPolicy, customizedRetryPolicy, ...others } = objectOf(parseJson(json), 'it');
  const known = TYPES.find((name) => name === type);
  if (known === undefined) throw refusal(`type is not ${TYPES.join(' or ')}`);
  refuseOthers(others);
  return {
    type: known,
    ...(exponentialRetryPolicy !== undefined && {
      exponentialRetryPolicy: exponentialOf(objectOf(exponentialRetryPolicy, 'exponentialRetryPolicy')),
    }),
    ...(customizedRetryPolicy !== undefined && {
      customizedRetryPolicy: customizedOf(objectOf(customizedRetryPolicy, 'customizedRetryPolicy')),
    }),
  };
}

function exponentialOf({ initial = 5_000, max = 7_200_000, multiplier = 2, ...others }: JsonFields) {
  refuseOthers(others);
  const policy = {
    initial: wholeNumber('initial', initial),
    max: wholeNumber('max', max),
    multiplier: wholeNumber('multiplier', multiplier),
  };
  if (policy.max < policy.initial) throw refusal('max is less than initial');
  return policy;
}

function customizedOf({ next, ...others }: JsonFields) {
  refuseOthers(others);
  if (!Array.isArray(next) || next.length === 0) throw refusal('next is no list of delays');
  return { next: next.map((delay: unknown) => wholeNumber('next', delay)) };
}

type JsonFields = Readonly<Record<string, unknown>>;

function parseJson(json: string): unknown {
  try {
    return JSON.parse(json);
  } catch {
    throw refusal('it is not JSON');
  }
}

function objectOf(value: unknown, name: string): JsonFields {
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    throw refusal(`${name} is no object`);
  return value as JsonFields;
}

function wholeNumber(name: string, value: unknown): number {
  if (typeof value !== 'number' || !Number.isSafeInteger(value) || value < 1)
    throw refusal(`${name} has ${JSON.stringify(value)}, which is no whole number from 1`);
  return value;
}

/** A misspelt field would be passed over by the broker. */
function refuseOthers(others: JsonFields): void {
  const [name] = Object.keys(others);
  if (name !== undefined) throw refusal(`there is no field ${name}`);
}

function refusal(reason: string): InvalidArgumentError {
  return new InvalidArgumentError(`${reason}. ${ALLOWED}`);
}

/** As Java shows one. */
export function shownRetryPolicy(policy: GroupRetryPolicy): string {
  const { type, exponentialRetryPolicy: exponential, customizedRetryPolicy: customized } = policy;
  const first =
    exponential &&
    `ExponentialRetryPolicy{initial=${exponential.initial}, max=${exponential.max}, multiplier=${exponential.multiplier}}`;
  const second = customized && `CustomizedRetryPolicy{next=[${customized.next.join(', ')}]}`;
  return `GroupRetryPolicy{type=${type}, exponentialRetryPolicy=${first ?? null}, customizedRetryPolicy=${second ?? null}}`;
}
