import { type FaultProxy, faultProxy, type Rewrite } from './fault-proxy.ts';

export interface ProxiedRocketmq extends AsyncDisposable {
  /** The NameServer to give to a client: the routes it answers lead through `broker`. */
  nameServer: FaultProxy;
  broker: FaultProxy;
}

/**
 * Puts proxies in front of a NameServer and its Broker. A Broker tells clients its own address through the
 * NameServer, so the NameServer's proxy writes the proxy's address in its place. `changeAnswers`, called for each
 * connection, gets each frame of the Broker as a whole.
 */
export async function proxyRocketmq(
  addresses: { nameServer: string; brokerAddress: string },
  changeAnswers?: () => Rewrite,
): Promise<ProxiedRocketmq> {
  const broker = await faultProxy({
    target: addresses.brokerAddress,
    ...(changeAnswers && { rewriteAnswers: () => byFrame(changeAnswers()) }),
  });
  const nameServer = await faultProxy({
    target: addresses.nameServer,
    rewriteAnswers: () => byFrame((frame) => withBodyText(frame, addresses.brokerAddress, broker.address)),
  });
  return {
    nameServer,
    broker,
    [Symbol.asyncDispose]: async () => {
      await Promise.all([nameServer.close(), broker.close()]);
    },
  };
}

/** Changes whole frames, whatever pieces they come in. */
function byFrame(change: Rewrite): Rewrite {
  let rest: Buffer = Buffer.alloc(0);
  return (chunk, write) => {
    rest = Buffer.concat([rest, chunk]);
    const frames: Buffer[] = [];
    while (rest.length >= 8 && rest.length >= 4 + rest.readInt32BE(0)) {
      const end = 4 + rest.readInt32BE(0);
      const changed = change(rest.subarray(0, end), write);
      rest = rest.subarray(end);
      if ('last' in changed) return { last: Buffer.concat([...frames, changed.last]) };
      frames.push(changed);
    }
    return Buffer.concat(frames);
  };
}

/** Replaces a text in the body of a frame and sets the lengths right. */
function withBodyText(frame: Buffer, from: string, to: string): Buffer {
  const bodyStart = 8 + frame.readUIntBE(5, 3);
  const head = Buffer.from(frame.subarray(0, bodyStart));
  const body = Buffer.from(frame.toString('utf8', bodyStart).replaceAll(from, to));
  head.writeInt32BE(bodyStart - 4 + body.length, 0);
  return Buffer.concat([head, body]);
}
