import { runMqadmin, type RunOptions } from '@dt/mqadmin';
import { createServer } from 'node:net';
import { describe, expect, it } from 'vitest';
import { commands } from '../src/commands/index.ts';
import { fakeTerminal } from './support/screen.ts';

async function run(
  args: string,
  options: RunOptions = {},
): Promise<{ code: number; stdout: string; stderr: string }> {
  const { terminal, stdout, stderr } = fakeTerminal();
  const code = await runMqadmin(args === '' ? [] : args.split(' '), { env: {}, terminal, ...options });
  return { code, stdout: stdout(), stderr: stderr() };
}

/** An address where nothing listens. */
async function deadAddress(): Promise<string> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  await new Promise((resolve) => server.close(resolve));
  return `127.0.0.1:${typeof address === 'object' ? address?.port : 0}`;
}

describe('a wrong call', () => {
  it.each([
    ['topicLst', 'Did you mean topicList?'],
    ['-n h:1 topicList', 'Flags go behind the command: mqadmin COMMAND -n'],
    ['--json topicList', 'Flags go behind the command: mqadmin COMMAND --json'],
    ['topicStatus --tpoic x', 'Did you mean --topic?'],
    ['topicStatus -T x', 'Did you mean -t?'],
    ['topicStatus -t x -y', 'Allowed are -t, -c, -n and -h'],
    ['topicStatus', '-t, --topic <topic> is missing'],
    ['topicStatus -t x y', 'too many arguments'],
    ['topicStatus -t x', 'where is the NameServer?'],
    ['topicStatus -t x -n nowhere', 'expected host:port'],
    ['updateTopic -t x -n h:1', 'give -c, --clusterName or -b, --brokerAddr'],
    ['updateTopic -t x -n h:1 -c C -b h:2', 'not more than one of them'],
    ['updateTopic -t x -c C -n h:1 -r 0', 'a whole number from 1 to 65536'],
    ['updateTopic -t x -c C -n h:1 -o maybe', 'true or false'],
    ['updateTopic -t x -c C -n h:1 -a message.type=FIFO', '+name=value or -name'],
    ['printMsg -t x -n h:1 -b 2026-02-30#00:00:00:000', 'yyyy-MM-dd#HH:mm:ss:SSS'],
    ['printMsg -t x -n h:1 -b 2 -e 1', '--beginTimestamp must not be behind --endTimestamp'],
    ['printMsg -t x -n h:1 -b 2026-01-31#18:60:00:000', 'yyyy-MM-dd#HH:mm:ss:SSS'],
    ['resetOffsetByTime -g g -t x -n h:1 -s 1767225600', 'in milliseconds they are 1767225600000'],
    ['resetOffsetByTime -g g -t x -n h:1 -s yesterday', 'Allowed: now, milliseconds since 1970'],
    ['brokerStatus -b broker-a -n h:1', 'host:port'],
    ['brokerStatus -b h:65536 -n h:1', 'host:port'],
    ['updateSubGroup -g g -c C -n h:1 -p {"type":', 'it is not JSON'],
    ['updateSubGroup -g g -c C -n h:1 -p [1]', 'it is no object'],
    ['updateSubGroup -g g -c C -n h:1 -p {}', 'type is not CUSTOMIZED or EXPONENTIAL'],
    ['updateSubGroup -g g -c C -n h:1 -p {"type":"CUSTOMIZED","next":[1]}', 'there is no field next'],
    [
      'updateSubGroup -g g -c C -n h:1 -p {"type":"CUSTOMIZED","customizedRetryPolicy":{"next":[-1]}}',
      'next has -1, which is no whole number from 1',
    ],
    [
      'updateSubGroup -g g -c C -n h:1 -p {"type":"EXPONENTIAL","exponentialRetryPolicy":{"max":1}}',
      'max is less than initial',
    ],
    ['queryMsgByOffset -t x -b b -i -1 -o 0 -n h:1', 'a whole number from 0'],
    ['queryMsgById -t x -i y -f klingon -n h:1', 'the name of a character set'],
    ['consumerProgress -t x -n h:1', '--topicName needs --groupName'],
    ['allocateMQ -t x -i a,a -n h:1', 'client ids that all differ'],
    ['clusterList --accessKey rocketmq -n h:1', '--secretKey or ROCKETMQ_SECRET_KEY is missing'],
    ['clusterList --tlsCa /no/such.pem -n h:1', '--tlsCa: the file cannot be read'],
  ])('%s: says %s', async (args, hint) => {
    const { code, stdout, stderr } = await run(args);
    expect(stderr).toContain(hint);
    expect(stderr).toMatch(/^mqadmin: /);
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
  });
});

describe('help', () => {
  it('names every command', async () => {
    const { code, stdout } = await run('--help');
    expect(code).toBe(0);
    for (const { name } of commands) expect(stdout).toMatch(new RegExp(`^  ${name} `, 'm'));
  });

  it.each(commands.map(({ name }) => name))('of %s has examples', async (name) => {
    const { code, stdout } = await run(`${name} --help`);
    expect(code).toBe(0);
    expect(stdout).toContain(`Examples:\n  $ mqadmin ${name}`);
    expect(await run(`help ${name}`)).toMatchObject({ code: 0, stdout });
  });

  it('is what a call without a command gets', async () => {
    expect(await run('')).toMatchObject({ code: 2, stdout: '' });
  });
});

describe('where RocketMQ is', () => {
  it('is said by the flag, else by the environment, else by the defaults', async () => {
    const [flag, env, fallback] = [await deadAddress(), await deadAddress(), await deadAddress()];
    const defaults = () => ({ nameServers: fallback });
    const asked = { env: { NAMESRV_ADDR: env }, defaults };
    expect((await run(`topicList -n ${flag}`, asked)).stderr).toContain(flag);
    expect((await run('topicList', asked)).stderr).toContain(env);
    expect((await run('topicList', { defaults })).stderr).toContain(fallback);
  });

  it('is a fault with advice where nobody answers', async () => {
    const address = await deadAddress();
    const { code, stdout, stderr } = await run(
      `TOPICLIST -n ${address} --secretKey s3cret --accessKey rocketmq`,
    );
    expect({ code, stdout }).toEqual({ code: 1, stdout: '' });
    expect(stderr).toContain(`connect ECONNREFUSED ${address}`);
    expect(stderr).toContain('Check the address (-n or NAMESRV_ADDR)');
    expect(stderr).not.toContain('s3cret');
  });
});

it('ends at once when it is interrupted, also while it connects', async () => {
  // Takes connections and never answers.
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  const port = typeof address === 'object' ? address?.port : 0;
  const connected = new Promise((resolve) => server.once('connection', resolve));
  const before = process.listenerCount('SIGINT');
  const running = run(`topicList -n 127.0.0.1:${port} --timeout 60000`);
  await connected;
  process.emit('SIGINT');
  expect(await running).toMatchObject({ code: 130, stdout: '', stderr: 'mqadmin: interrupted\n' });
  expect(process.listenerCount('SIGINT')).toBe(before);
  server.close();
});
