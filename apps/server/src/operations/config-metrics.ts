import { Counter, Gauge, type Registry } from 'prom-client';
import { changeOutcomes, type ChangeOutcome } from '../config/index.ts';

/** How changes of the configuration went, and whether Nacos is there. */
export function configMetrics(registry: Registry): {
  onChange(outcome: ChangeOutcome): void;
  onNacosReachable(reachable: boolean): void;
} {
  const registers = [registry];
  const changes = new Counter({
    name: 'config_changes_total',
    help: 'Changes of the configuration while running, by outcome: applied, unchanged, refused, invalid',
    labelNames: ['outcome'],
    registers,
  });
  // Present from the start, so that an alarm on the first refusal sees it rise.
  for (const outcome of changeOutcomes) changes.inc({ outcome }, 0);
  const reachable = new Gauge({
    name: 'config_nacos_up',
    help: '1 while the document in Nacos is followed; 0 while Nacos is away, or not used',
    registers,
  });
  return {
    onChange: (outcome) => changes.inc({ outcome }),
    onNacosReachable: (isReachable) => reachable.set(isReachable ? 1 : 0),
  };
}
