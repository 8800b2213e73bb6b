import { uniqueName } from '@dt/testkit';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { rocketmq } from '../support.ts';
import { CLUSTER } from './calls.ts';
import { openStage, type ProgramResult, runHere, runProgram, type Stage } from './stage.ts';

const CTRL_C = '\u0003';
const CTRL_D = '\u0004';

let stage: Stage;
beforeAll(async () => {
  stage = await openStage(rocketmq.nameServer, rocketmq.brokerAddress);
});
afterAll(() => stage?.[Symbol.asyncDispose]());

const deleteTopic = (...args: string[]): string[] => ['deleteTopic', '-c', CLUSTER, ...args];
const deleteGroup = (...args: string[]): string[] => ['deleteSubGroup', '-c', CLUSTER, ...args];

/** At a terminal, where this is typed when it asks. */
function at(answer: string, args: readonly string[]): Promise<ProgramResult> {
  return runHere(rocketmq.nameServer, args, { answer });
}

describe('a topic that somebody needs', () => {
  test('is not deleted where nobody can be asked', async () => {
    const { code, stdout, stderr } = await runProgram(rocketmq.nameServer, deleteTopic('-t', stage.topic));
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
    expect(stderr).toContain(
      `${stage.topic} has 10 messages and consumers online (${stage.group}): nothing was deleted`,
    );
    expect(stderr).toContain('--yes');
    expect(await stage.admin.topicList()).toContain(stage.topic);
  });

  test('is asked about at a terminal, and stays after anything but a yes', async () => {
    const args = deleteTopic('-t', stage.topic);
    for (const answer of ['\n', 'n\n', CTRL_D]) {
      const { code, stdout, stderr } = await at(answer, args);
      expect(stderr).toContain('Delete it? [y/N]');
      expect(stderr).toContain('mqadmin: nothing was deleted\n');
      expect({ code, stdout }).toEqual({ code: 1, stdout: '' });
    }
    const interrupted = await at(CTRL_C, args);
    expect(interrupted).toMatchObject({ code: 130, stdout: '' });
    expect(interrupted.stderr).toMatch(/mqadmin: interrupted\n$/);
    expect(await stage.admin.topicList()).toContain(stage.topic);
  });

  test('is deleted after a yes', async () => {
    const topic = uniqueName('topic');
    await stage.admin.createTopic({ topic });
    await runHere(rocketmq.nameServer, ['sendMessage', '-t', topic, '-p', 'x']);
    // A real broker can crash when a topic is deleted milliseconds after a message was stored in it.
    await new Promise((resolve) => setTimeout(resolve, 1_500));
    const { code, stdout, stderr } = await at('y\n', deleteTopic('-t', topic));
    expect(stderr).toContain(`topic ${topic} has 1 message. Delete it? [y/N]`);
    expect(stdout).toContain(`delete topic [${topic}] from NameServer success.`);
    expect(code).toBe(0);
    expect(await stage.admin.topicList()).not.toContain(topic);
  });
});

test('what is not there cannot be deleted, whatever was answered before', async () => {
  const near = await runHere(rocketmq.nameServer, deleteTopic('-t', `${stage.topic}x`, '--yes'));
  expect(near).toMatchObject({ code: 1, stdout: '' });
  expect(near.stderr).toContain(`there is no topic ${stage.topic}x; did you mean`);
  const group = await runHere(rocketmq.nameServer, deleteGroup('-g', 'no-such-group', '--yes'));
  expect(group).toMatchObject({ code: 1, stdout: '' });
  expect(group.stderr).toContain(`there is no consumer group no-such-group at ${rocketmq.brokerAddress}`);
});

describe('a consumer group', () => {
  test('with members online is not deleted where nobody can be asked', async () => {
    const { code, stderr } = await runHere(rocketmq.nameServer, deleteGroup('-g', stage.group));
    expect(stderr).toContain(`consumer group ${stage.group} has members online: nothing was deleted`);
    expect(code).toBe(2);
    expect(await stage.admin.subscriptionGroup(rocketmq.brokerAddress, stage.group)).toBeDefined();
  });

  test('with dead letters is asked about, and deleted with them', async () => {
    const group = uniqueName('group');
    const deadLetters = `%DLQ%${group}`;
    await stage.admin.createSubscriptionGroup({ group });
    await stage.admin.createTopic({ topic: deadLetters, readQueueNums: 1, writeQueueNums: 1 });
    await runHere(rocketmq.nameServer, ['sendMessage', '-t', deadLetters, '-p', 'x']);
    await new Promise((resolve) => setTimeout(resolve, 1_500));
    const { code, stderr } = await at('yes\n', deleteGroup('-g', group));
    expect(stderr).toContain(`consumer group ${group} has 1 dead-letter message. Delete it? [y/N]`);
    expect(code).toBe(0);
    expect(await stage.admin.topicList()).not.toContain(deadLetters);
    expect(await stage.admin.subscriptionGroup(rocketmq.brokerAddress, group)).toBeUndefined();
  });

  test('that nobody misses is deleted without a question', async () => {
    const group = uniqueName('group');
    await stage.admin.createSubscriptionGroup({ group });
    expect(await runHere(rocketmq.nameServer, deleteGroup('-g', group))).toMatchObject({
      code: 0,
      stderr: '',
    });
  });
});
