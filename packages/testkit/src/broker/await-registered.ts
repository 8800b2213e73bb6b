import { TestkitError } from '../errors.ts';
import { eventually } from '../eventually.ts';
import { askOnce, type TlsPeer } from '../net/raw-connection.ts';

const GET_BROKER_CLUSTER_INFO = 106;

/**
 * Waits until the NameServer lists the Broker. A Broker that says "boot success" is not there yet: for
 * up to a second after it no topic can be created and no route is found.
 *
 * @param stillRunning throws when waiting has become pointless
 */
export async function awaitRegistered(
  nameServer: string,
  brokerAddress: string,
  timeoutMs: number,
  stillRunning: () => void,
  tls?: TlsPeer,
): Promise<void> {
  let over: unknown;
  await eventually(
    async () => {
      try {
        stillRunning();
      } catch (error) {
        over = error;
        return true;
      }
      const answer = await clusterInfo(nameServer, tls);
      return answer.includes(`"${brokerAddress}"`);
    },
    {
      timeoutMs,
      intervalMs: 50,
      what: `the registration of Broker ${brokerAddress} at NameServer ${nameServer}`,
    },
  );
  if (over !== undefined) {
    throw over instanceof Error ? over : new TestkitError('start-failed', 'the start was given up');
  }
}

/** The address of the first master that a NameServer lists. */
export async function firstMasterOf(nameServer: string): Promise<string> {
  const answer = await clusterInfo(nameServer);
  // The real NameServer writes the broker id without quotes, which is not JSON.
  const address = /"brokerAddrs":\{"?0"?:"([^"]+)"/.exec(answer)?.[1];
  if (address === undefined) {
    throw new TestkitError(
      'bad-answer',
      `NameServer ${nameServer} lists no master Broker; it says: ${answer}`,
    );
  }
  return address;
}

async function clusterInfo(nameServer: string, tls?: TlsPeer): Promise<string> {
  return (await askOnce(nameServer, GET_BROKER_CLUSTER_INFO, {}, tls)).body.toString();
}
