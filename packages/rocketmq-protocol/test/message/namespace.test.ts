import { describe, expect, it } from 'vitest';
import { withNamespace, withoutNamespace } from '@dt/rocketmq-protocol';

// What NamespaceUtil of RocketMQ 5.3.0 answers for the namespace NS: name, with it, and that without it again.
const golden = [
  ['T', 'NS%T', 'T'],
  ['%RETRY%G', '%RETRY%NS%G', '%RETRY%G'],
  ['%DLQ%G', '%DLQ%NS%G', '%DLQ%G'],
  ['NS%T', 'NS%T', 'T'],
  ['%RETRY%NS%G', '%RETRY%NS%G', '%RETRY%G'],
  ['RMQ_SYS_TRACE_TOPIC', 'RMQ_SYS_TRACE_TOPIC', 'RMQ_SYS_TRACE_TOPIC'],
  ['RMQ_SYS_TRANS_HALF_TOPIC', 'RMQ_SYS_TRANS_HALF_TOPIC', 'RMQ_SYS_TRANS_HALF_TOPIC'],
  ['rmq_sys_x', 'rmq_sys_x', 'rmq_sys_x'],
  ['TBW102', 'TBW102', 'TBW102'],
  ['SCHEDULE_TOPIC_XXXX', 'SCHEDULE_TOPIC_XXXX', 'SCHEDULE_TOPIC_XXXX'],
  ['CID_RMQ_SYS_x', 'CID_RMQ_SYS_x', 'CID_RMQ_SYS_x'],
  ['TOOLS_CONSUMER', 'NS%TOOLS_CONSUMER', 'TOOLS_CONSUMER'],
  ['OTHER%T', 'NS%OTHER%T', 'OTHER%T'],
] as const;

describe('a namespace', () => {
  it.each(golden)('makes of %s %s', (name, wrapped, unwrapped) => {
    expect(withNamespace(name, 'NS')).toBe(wrapped);
    expect(withoutNamespace(wrapped, 'NS')).toBe(unwrapped);
  });

  it('that is none changes nothing', () => {
    expect(withNamespace('T', undefined)).toBe('T');
    expect(withoutNamespace('NS%T', undefined)).toBe('NS%T');
  });
});
