// One piece of work in a process of its own, so that its CPU and its memory are its own; see peers/lib/harness.mjs.
import { peer } from '../../peers/lib/harness.mjs';
import { business } from './business.mjs';
import { inboxFromBroker, plainInbox } from './inbox.mjs';
import { idleLatency, steadyLatency } from './latency.mjs';
import { plainBacklog, plainWaves, relayBacklog, relayWaves } from './relay.mjs';

await peer({
  relayBacklog,
  relayWaves,
  plainBacklog,
  plainWaves,
  inboxFromBroker,
  plainInbox,
  business,
  idleLatency,
  steadyLatency,
});
