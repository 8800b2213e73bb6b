import { type FaultProxy, faultProxy } from './fault-proxy.ts';

export interface ProxiedRocketmq extends AsyncDisposable {
  /** The NameServer to give to a client: the routes it answers lead through `broker`. */
  nameServer: FaultProxy;
  broker: FaultProxy;
}

/**
 * Puts proxies in front of a NameServer and its Broker. A Broker tells clients its own address through the
 * NameServer, so the NameServer's proxy writes the proxy's address in its place.
 */
export async function proxyRocketmq(addresses: {
  nameServer: string;
  brokerAddress: string;
}): Promise<ProxiedRocketmq> {
  const broker = await faultProxy({ target: addresses.brokerAddress });
  const nameServer = await faultProxy({
    target: addresses.nameServer,
    rewriteAnswers: () => bodyRewriter(addresses.brokerAddress, broker.address),
  });
  return {
    nameServer,
    broker,
    [Symbol.asyncDispose]: async () => {
      await Promise.all([nameServer.close(), broker.close()]);
    },
  };
}

/** Replaces a text in the bodies of frames and sets their lengths right. */
function bodyRewriter(from: string, to: string): (chunk: Buffer) => Buffer {
  let rest: Buffer = Buffer.alloc(0);
  return (chunk) => {
    rest = Buffer.concat([rest, chunk]);
    const frames: Buffer[] = [];
    while (rest.length >= 8 && rest.length >= 4 + rest.readInt32BE(0)) {
      const end = 4 + rest.readInt32BE(0);
      const bodyStart = 8 + rest.readUIntBE(5, 3);
      const head = Buffer.from(rest.subarray(0, bodyStart));
      const body = Buffer.from(rest.toString('utf8', bodyStart, end).replaceAll(from, to));
      head.writeInt32BE(bodyStart - 4 + body.length, 0);
      frames.push(head, body);
      rest = rest.subarray(end);
    }
    return Buffer.concat(frames);
  };
}
