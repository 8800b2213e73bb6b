import type { Config } from '../../config/index.ts';
import type { Database } from '../../database/index.ts';
import { examineConfiguration } from './configuration.ts';
import { examineConsumer } from './consumer.ts';
import { examineInbox } from './inbox.ts';
import { examineOutbox } from './outbox.ts';
import { oneLine, refusalOf } from './probe.ts';
import { examineProducer } from './producer.ts';
import { examineProduction } from './production.ts';
import { examineRocketMQ } from './rocketmq.ts';
import { examineTopic } from './topic.ts';
import { type Examination, fault, type Fault, type Point, type Surroundings } from './types.ts';

export { DOCTOR_CASES, type DoctorCase, type Fault, type Point } from './types.ts';

export interface DoctorOptions {
  readonly config: Config;
  /** Where the value at a path of the configuration came from. @default 'given' for all */
  readonly originOf?: (path: string) => string;
  /** Opens the server's database; what it throws is a fault of the points that need it. */
  readonly database: () => Promise<Database>;
  /** Create a topic or a group that is missing. @default false */
  readonly fix?: boolean;
  /** Messages that may wait for the group. @default 10000 */
  readonly maxLag?: number;
  /** Warnings fail their point, too. @default false */
  readonly production?: boolean;
  /** Clock of this process. @default Date.now */
  readonly now?: () => number;
}

/** Of the points after the first together: what takes longer is a fault of its point. */
const POINT_MS = 5000;

const POINTS = [
  ['topic', examineTopic],
  ['producer', examineProducer],
  ['outbox', examineOutbox],
  ['consumer', examineConsumer],
  ['inbox', examineInbox],
  ['production', examineProduction],
] as const;

/**
 * Looks at the eight points, in less than 15 s whatever does not answer. Reads only, but for `fix`, and sends no
 * message.
 */
export async function examine(options: DoctorOptions): Promise<Point[]> {
  const {
    config,
    originOf = () => 'given',
    fix = false,
    maxLag = 10_000,
    production = false,
    now = Date.now,
  } = options;
  const [seen, opened] = await Promise.all([
    examineRocketMQ(config.rocketmq, now),
    options.database().then(
      (database) => ({ database }),
      (error: unknown) => ({ databaseFault: noDatabase(error) }),
    ),
  ]);
  const { examination, ...rocketmq } = seen;
  const around: Surroundings = { config, originOf, ...rocketmq, ...opened, fix, maxLag, now };
  const points: [string, Examination][] = [
    ['rocketmq', examination],
    ['configuration', examineConfiguration(around)],
  ];
  try {
    points.push(
      ...(await Promise.all(
        POINTS.map(async ([name, look]): Promise<[string, Examination]> => [
          name,
          await bounded(look(around)),
        ]),
      )),
    );
  } finally {
    await rocketmq.admin?.close();
  }
  return points.map(([name, point], at) => ({
    point: at + 1,
    name,
    state: stateOf(point, production),
    ...point,
  }));
}

function stateOf({ skipped, faults }: Examination, production: boolean): Point['state'] {
  if (skipped !== undefined) return 'skipped';
  const open = faults.filter(({ fixed }) => fixed === undefined);
  if (open.some(({ severity }) => severity === 'fault')) return 'failed';
  if (open.length === 0) return 'ok';
  return production ? 'failed' : 'warning';
}

async function bounded(work: Promise<Examination>): Promise<Examination> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`no answer within ${POINT_MS} ms`)), POINT_MS);
  });
  try {
    return await Promise.race([work, late]);
  } catch (error) {
    return { lookedAt: 'the point as a whole', found: '', faults: [refusalOf(error) ?? failed(error)] };
  } finally {
    clearTimeout(timer);
  }
}

const failed = (error: unknown): Fault =>
  fault('probe-failed', oneLine(error), 'look at points 1 and 2 first; then run dt doctor again');

const noDatabase = (error: unknown): Fault =>
  fault(
    'database',
    `the database cannot be asked: ${oneLine(error)}`,
    'start PostgreSQL or correct database.url (DATABASE_URL); run dt migrate once',
  );
