// Topics and backlogs for a benchmark, and what the operating system says of a broker's process.
import { readFileSync } from 'node:fs';
import { Admin, Producer } from '@dt/rocketmq-client';

const CLOCK_TICKS = 100;

export async function makeTopic(nameServer, topic, queues) {
  const admin = new Admin({ nameServers: nameServer });
  await admin.start();
  try {
    await admin.createTopic({ topic, readQueueNums: queues, writeQueueNums: queues });
  } finally {
    await admin.close();
  }
}

/** Stores `count` messages of `sizeBytes` in a topic; says how far it is. */
export async function fill(nameServer, topic, { count, sizeBytes }, say) {
  const producer = new Producer({ nameServers: nameServer, group: `bench-fill-${topic}` });
  await producer.start();
  const message = { topic, body: Buffer.alloc(sizeBytes, 'x') };
  const batch = Array.from({ length: 1000 }, () => message);
  const batches = count / batch.length;
  let begun = 0;
  const caller = async () => {
    while (begun < batches) {
      if (++begun % Math.ceil(batches / 4) === 0) say(`  stored ${Math.round((begun / batches) * 100)} %`);
      for (let missing = batch; missing.length > 0;) {
        const outcomes = await producer.sendBatch(missing, { timeoutMs: 30_000 });
        missing = missing.filter((_, n) => !outcomes[n].ok);
      }
    }
  };
  try {
    await Promise.all(Array.from({ length: 4 }, caller));
  } finally {
    await producer.close();
  }
}

/** CPU seconds a process has used so far; `undefined` where there is no /proc. */
export function cpuSecondsOf(pid) {
  const stat = proc(pid, 'stat');
  // The name in brackets may hold blanks; user and system time are the 12th and 13th field after it.
  const fields = stat?.slice(stat.lastIndexOf(')') + 2).split(' ');
  return fields && (Number(fields[11]) + Number(fields[12])) / CLOCK_TICKS;
}

/** Resident bytes of a process, without the files it has mapped; `undefined` where there is no /proc. */
export function memoryOf(pid) {
  const match = /^RssAnon:\s+(\d+) kB$/m.exec(proc(pid, 'status') ?? '');
  return match ? Number(match[1]) * 1024 : undefined;
}

function proc(pid, file) {
  try {
    return readFileSync(`/proc/${pid}/${file}`, 'utf8');
  } catch {
    return undefined;
  }
}
