import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { batchEntryBytes } from '@dt/rocketmq-protocol';
import { planRequests } from '../../src/producer/batch-plan.ts';
import type { EncodedMessage } from '../../src/producer/message.ts';

const encoded = fc
  .record({
    bodyBytes: fc.integer({ min: 1, max: 3000 }),
    propertiesBytes: fc.nat(200),
    delayed: fc.boolean(),
  })
  .map(({ bodyBytes, propertiesBytes, delayed }): EncodedMessage => {
    const fixed = { topic: 'T', shardingKey: undefined, messageId: '', properties: '' };
    return { ...fixed, body: Buffer.alloc(bodyBytes), propertiesBytes, delayed };
  });

const bytesOf = ({ body, propertiesBytes }: EncodedMessage): number =>
  batchEntryBytes(body.length, propertiesBytes);

describe('the plan of a batch', () => {
  it('keeps the order and the limits, and wastes no request', () => {
    const limits = { maxBatchMessages: 5, maxBatchBytes: 4000 };
    fc.assert(
      fc.property(fc.array(encoded, { maxLength: 40 }), (list) => {
        const items = list.map((entry) => ({ encoded: entry }));
        const requests = planRequests(items, limits);
        expect(requests.flat()).toEqual(items);
        for (const [index, request] of requests.entries()) {
          const bytes = request.reduce((sum, item) => sum + bytesOf(item.encoded), 0);
          expect(request.length).toBeGreaterThan(0);
          expect(request.length).toBeLessThanOrEqual(limits.maxBatchMessages);
          if (request.length > 1) expect(bytes).toBeLessThanOrEqual(limits.maxBatchBytes);
          expect(request.length === 1 || request.every((item) => !item.encoded.delayed)).toBe(true);
          const next = requests[index + 1]?.[0]?.encoded;
          const alone = request.some((item) => item.encoded.delayed) || next?.delayed === true;
          if (next !== undefined && !alone && request.length < limits.maxBatchMessages) {
            expect(bytes + bytesOf(next)).toBeGreaterThan(limits.maxBatchBytes);
          }
        }
      }),
    );
  });
});
