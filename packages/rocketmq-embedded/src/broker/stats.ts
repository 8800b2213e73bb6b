import { TrafficCounters } from './traffic-counters.ts';

/** Length of the window the rates are averaged over. */
const WINDOW_SECONDS = 10;

/** Counts since the start, rates over the last seconds, and what tools ask of single topics and groups. */
export class BrokerStats {
  readonly bootTimestamp = Date.now();
  readonly traffic: TrafficCounters;
  putTotal = 0;
  getTotal = 0;
  readonly #clusterName: string;
  readonly #puts: number[] = [];
  readonly #gets: number[] = [];

  /** `maxCounters` there may be of each kind. */
  constructor(clusterName: string, maxCounters: number) {
    this.#clusterName = clusterName;
    this.traffic = new TrafficCounters(maxCounters);
  }

  /** Messages that one request, or one delivery, has stored. */
  put(topic: string, messages: number, sizeBytes: number): void {
    this.putTotal += messages;
    this.traffic.add('TOPIC_PUT_NUMS', topic, messages);
    this.traffic.add('TOPIC_PUT_SIZE', topic, sizeBytes);
    this.traffic.add('BROKER_PUT_NUMS', this.#clusterName, messages);
  }

  /** Messages that one pull or pop has handed out. */
  got(topic: string, group: string, messages: number, sizeBytes: number): void {
    if (messages === 0) return;
    this.getTotal += messages;
    const key = `${topic}@${group}`;
    this.traffic.add('GROUP_GET_NUMS', key, messages);
    this.traffic.add('GROUP_GET_SIZE', key, sizeBytes);
    this.traffic.add('BROKER_GET_NUMS', this.#clusterName, messages);
  }

  /** A message of a topic that a group could not handle. */
  sentBack(topic: string, group: string): void {
    this.traffic.add('SNDBCK_PUT_NUMS', `${topic}@${group}`, 1);
  }

  /** Called once a second. */
  tick(): void {
    this.#puts.push(this.putTotal);
    this.#gets.push(this.getTotal);
    if (this.#puts.length > WINDOW_SECONDS + 1) {
      this.#puts.shift();
      this.#gets.shift();
    }
    this.traffic.tick(Date.now());
  }

  get putTps(): number {
    return rate(this.#puts);
  }

  get getTps(): number {
    return rate(this.#gets);
  }
}

function rate(totals: readonly number[]): number {
  const [first = 0] = totals;
  const last = totals.at(-1) ?? 0;
  return totals.length < 2 ? 0 : (last - first) / (totals.length - 1);
}
