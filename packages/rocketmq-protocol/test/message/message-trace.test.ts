import { describe, expect, it } from 'vitest';
import { encodeMessageTrace } from '@dt/rocketmq-protocol';

// Texts of TraceDataEncoder of RocketMQ 5.3.0, with <1> and <2> for the two separators.
const golden = {
  pub: 'Pub<1>1700000000000<1>DefaultRegion<1>PG<1>T<1>MSGID<1>A<1>k1 k2<1>127.0.0.1:10911<1>12<1>5<1>0<1>OFFID<1>true<2>',
  before: 'SubBefore<1>1700000000000<1>DefaultRegion<1>PG<1>REQ<1>MSGID<1>2<1>k1 k2<2>',
  after: 'SubAfter<1>REQ<1>MSGID<1>5<1>true<1>k1 k2<1>0<1>1700000000000<1>PG<2>',
};

function shown(text: string): string {
  return text.replaceAll('\u0001', '<1>').replaceAll('\u0002', '<2>');
}

const common = { timestamp: 1700000000000, group: 'PG', messageId: 'MSGID', keys: 'k1 k2' };

describe('a record of a message trace is the text of Java', () => {
  it('for a message that was stored', () => {
    const trace = encodeMessageTrace({
      ...common,
      ...{ type: 'Pub', regionId: 'DefaultRegion', topic: 'T', tag: 'A', storeHost: '127.0.0.1:10911' },
      ...{ bodyBytes: 12, costMs: 5, messageType: 'normal', offsetMessageId: 'OFFID', success: true },
    });
    expect(shown(trace)).toBe(golden.pub);
  });

  it('for a message that is given to a handler', () => {
    const trace = encodeMessageTrace({
      ...common,
      ...{ type: 'SubBefore', regionId: 'DefaultRegion', requestId: 'REQ', reconsumeTimes: 2 },
    });
    expect(shown(trace)).toBe(golden.before);
  });

  it('for a handler that has ended', () => {
    const trace = encodeMessageTrace({
      ...common,
      ...{ type: 'SubAfter', requestId: 'REQ', costMs: 5, success: true, result: 'success' },
    });
    expect(shown(trace)).toBe(golden.after);
  });

  it('where there is no tag and no key', () => {
    const bare = { ...common, keys: '' };
    const pub = encodeMessageTrace({
      ...bare,
      ...{ type: 'Pub', regionId: 'DefaultRegion', topic: 'T', tag: '', storeHost: '127.0.0.1:10911' },
      ...{ bodyBytes: 12, costMs: 5, messageType: 'normal', offsetMessageId: 'OFFID', success: true },
    });
    expect(shown(pub)).toBe(golden.pub.replace('A<1>k1 k2', 'null<1>null'));
    const before = encodeMessageTrace({
      ...bare,
      ...{ type: 'SubBefore', regionId: 'DefaultRegion', requestId: 'REQ', reconsumeTimes: 2 },
    });
    expect(shown(before)).toBe(golden.before.replace('k1 k2', 'null'));
  });
});
