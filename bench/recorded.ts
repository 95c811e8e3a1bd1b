/**
 * What a kernel said once, again and again: decoding without the kernel.
 *
 * The bytes are those of each socket in the order of opening: its datagrams one
 * after the other, each behind its length in 32 bits; a length of 0 ends it.
 *
 * @module
 */

import { readU32 } from "../codec/bytes.ts";
import {
  ForwardingNamespace,
  ForwardingTransport,
} from "../netlink/forwarding.ts";
import type { Namespace, Transport } from "../netlink/transport.ts";

type Datagrams = Uint8Array<ArrayBuffer>[];

/** Records what is received of a namespace while something is done with it. */
export function record(
  namespace: Namespace,
  action: (recorder: Namespace) => void,
): Uint8Array<ArrayBuffer> {
  const recorder = new Recorder(namespace);
  action(recorder);
  return join(recorder.sockets.flatMap((datagrams) => [
    ...datagrams.flatMap((datagram) => [lengthOf(datagram), datagram]),
    lengthOf([]),
  ]));
}

class Recorder extends ForwardingNamespace {
  readonly sockets: Datagrams[] = [];

  override open(protocol: number): Transport {
    const datagrams: Datagrams = [];
    this.sockets.push(datagrams);
    return new RecordingTransport(super.open(protocol), datagrams);
  }
}

class RecordingTransport extends ForwardingTransport {
  readonly #datagrams: Datagrams;

  constructor(to: Transport, datagrams: Datagrams) {
    super(to);
    this.#datagrams = datagrams;
  }

  override receive(): Uint8Array | undefined {
    const datagram = super.receive();
    if (datagram !== undefined) this.#datagrams.push(datagram.slice());
    return datagram;
  }
}

function lengthOf({ length }: ArrayLike<number>): Uint8Array {
  return new Uint8Array(Uint32Array.of(length).buffer);
}

function join(parts: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  const length = parts.reduce((sum, { length }) => sum + length, 0);
  const bytes = new Uint8Array(length);
  let at = 0;
  for (const part of parts) {
    bytes.set(part, at);
    at += part.length;
  }
  return bytes;
}

/**
 * A namespace that answers the same questions with the same bytes: a socket
 * numbers its requests from 1, so they are the right ones. No device has a name.
 */
export function replay(bytes: Uint8Array<ArrayBuffer>): Namespace {
  const sockets: Uint8Array[][] = [];
  let datagrams: Uint8Array[] = [];
  for (let at = 0; at < bytes.length;) {
    const length = readU32(bytes, at);
    at += 4;
    if (length === 0) {
      sockets.push(datagrams);
      datagrams = [];
    } else datagrams.push(bytes.subarray(at, at += length));
  }
  let opened = 0;
  const open = (): Transport => {
    const datagrams = sockets[opened++ % sockets.length]!;
    let next = 0;
    return {
      send() {},
      receive: () => datagrams[next++],
      wait: () => false,
      close() {},
      [Symbol.dispose]() {},
    };
  };
  const absent = (): never => {
    throw new Error("That is not recorded");
  };
  return {
    open,
    ...{ subscribe: absent, readFile: absent, writeFile: absent },
    ...{ stream: absent, resolve: absent, claim: absent },
    ...{ listDirectory: absent, readLink: absent, ifNameToIndex: absent },
    ifIndexToName: () => undefined,
    close() {},
    [Symbol.dispose]() {},
  };
}
