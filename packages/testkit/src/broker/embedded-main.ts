// The program of the child process: one embedded RocketMQ with the settings of the command line.
import { startRocketMQ } from '@dt/rocketmq-embedded';

const settings = JSON.parse(process.argv[2] ?? '{}') as Parameters<typeof startRocketMQ>[0];
const running = await startRocketMQ(settings);
process.stdout.write('embedded RocketMQ ready\n');

const end = (): void => {
  running.close().then(
    () => process.exit(0),
    (error: unknown) => {
      process.stderr.write(`${error instanceof Error ? (error.stack ?? error.message) : String(error)}\n`);
      process.exit(1);
    },
  );
};
process.once('SIGTERM', end);
process.once('SIGINT', end);
