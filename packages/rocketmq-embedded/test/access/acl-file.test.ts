import { readFile } from 'node:fs/promises';
import { createRequest, RequestCode, signRequest } from '@dt/rocketmq-protocol';
import { describe, expect, it } from 'vitest';
import { refusalOf } from '../../src/access/access-rules.ts';
import { parseAccessRules } from '../../src/access/acl-file.ts';

const account = (more: string): string => `accounts:
  - accessKey: application
    secretKey: 12345678
${more}`;

/** What the account `application` is told when it sends to a topic. */
function sending(text: string, topic = 'T', ip = '10.0.0.1'): string | undefined {
  const credentials = { accessKey: 'application', secretKey: '12345678' };
  const extFields = signRequest({ b: topic }, Buffer.from('x'), credentials);
  const request = createRequest(
    RequestCode.SEND_MESSAGE_V2,
    { extFields, body: Buffer.from('x') },
    { opaque: 1 },
  );
  return refusalOf(parseAccessRules(text), request, ip);
}

describe('rules of access', () => {
  it('of the containers are good ones', async () => {
    const rules = parseAccessRules(
      await readFile(new URL('../../../../docker/plain_acl.yml', import.meta.url), 'utf8'),
    );
    expect([...rules.accounts.values()].map(({ accessKey, admin }) => [accessKey, admin])).toEqual([
      ['rocketmq-admin', true],
      ['rocketmq', false],
    ]);
  });

  it('deny what they do not name', () => {
    expect(sending(account(''))).toBe('No default permission for topic:T');
  });

  it.each([
    ['    topicPerms: [ "T=PUB" ]', undefined],
    ['    topicPerms: [ "T=SUB|PUB" ]', undefined],
    ['    topicPerms: [ "T=SUB" ]', 'No permission for topic:T'],
    ['    topicPerms: [ "T=DENY" ]\n    defaultTopicPerm: PUB', 'No permission for topic:T'],
    ['    topicPerms: [ "T=EVERYTHING" ]', 'No permission for topic:T'],
    ['    defaultTopicPerm: PUB|SUB', undefined],
    ['    topicPerms: [ "T=DENY" ]\n    admin: true', undefined],
    ['    whiteRemoteAddress: 10.0.0.*', undefined],
    ['    whiteRemoteAddress: 10.0.1.*', 'No default permission for topic:T'],
  ])('with %j answer a send with %j', (rules, answer) => {
    expect(sending(account(rules))).toBe(answer);
  });

  it('let a global white address in without an account', () => {
    const rules = parseAccessRules('globalWhiteRemoteAddresses: [ 10.0.0.1-3 ]');
    const request = createRequest(RequestCode.UPDATE_AND_CREATE_TOPIC, {}, { opaque: 1 });
    expect(refusalOf(rules, request, '10.0.0.2')).toBeUndefined();
    expect(refusalOf(rules, request, '10.0.0.4')).toBe('No accessKey is configured');
  });

  it('open the topic of message traces to every account', () => {
    expect(sending(account(''), 'RMQ_SYS_TRACE_TOPIC')).toBeUndefined();
  });

  it.each([
    ['', 'the file: expected fields with values'],
    ['accounts: [', 'Flow sequence'],
    ['accounts: {}', 'accounts: expected a list'],
    ['account: []', 'the file: account is not known'],
    [
      'accounts: [ { accessKey: short, secretKey: "12345678" } ]',
      'accounts[0].accessKey: expected at least 7',
    ],
    [
      'accounts: [ { accessKey: application, secretKey: s3cr3t } ]',
      'accounts[0].secretKey: expected at least 7',
    ],
    [account('    admin: yes'), 'accounts[0].admin: expected true or false'],
    [account('    topicPerm: []'), 'accounts[0]: topicPerm is not known'],
    [account('    topicPerms: [ T ]'), 'accounts[0].topicPerms[0]: expected NAME='],
    [account('    whiteRemoteAddress: 10.0'), 'accounts[0].whiteRemoteAddress: "10.0" is not an address'],
    ['globalWhiteRemoteAddresses: [ nowhere ]', 'globalWhiteRemoteAddresses[0]: "nowhere" is not an address'],
    [`${account('')}  - { accessKey: application, secretKey: abcdefgh }`, 'application is there twice'],
  ])('%j are refused: %s', (text, reason) => {
    expect(() => parseAccessRules(text)).toThrow(reason);
  });

  it('are refused without their secrets in the text', () => {
    expect(() => parseAccessRules('accounts: [ { accessKey: application, secretKey: s3cr3t } ]')).toThrow(
      expect.not.objectContaining({ message: expect.stringContaining('s3cr3t') as string }),
    );
  });
});
