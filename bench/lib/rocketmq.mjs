// Topics and backlogs for a benchmark.
import { Admin, Producer } from '@dt/rocketmq-client';

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
