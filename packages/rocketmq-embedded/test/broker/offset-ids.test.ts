import { encodeOffsetMessageId } from '@dt/rocketmq-protocol';
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { offsetIdsOf } from '../../src/broker/offset-ids.ts';
import { encodeHost } from '../../src/server/index.ts';

it('the ids of a batch are those of its messages, separated by commas', () => {
  const ips = fc.constantFrom('127.0.0.1', '10.0.255.3', '2001:db8::1');
  const offsets = fc.array(fc.maxSafeNat(), { minLength: 1, maxLength: 40 });
  fc.assert(
    fc.property(ips, fc.integer({ min: 1, max: 65_535 }), offsets, (ip, port, physicalOffsets) => {
      const ids = physicalOffsets.map((physicalOffset) =>
        encodeOffsetMessageId({ storeHost: { ip, port }, physicalOffset }),
      );
      expect(offsetIdsOf(encodeHost(ip, port))(physicalOffsets)).toBe(ids.join(','));
    }),
  );
});
