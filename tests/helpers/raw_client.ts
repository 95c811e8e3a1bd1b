/**
 * Requests that the public API does not let pass, to the running kernel: what
 * it answers is read by the library's own client.
 *
 * @module
 */

import { NLMSG_HDRLEN } from "../../codec/nlmsghdr.ts";
import {
  type Netns,
  openNamespace,
  type Transport,
  type Warning,
} from "../../mod.ts";
import {
  ForwardingNamespace,
  ForwardingTransport,
} from "../../netlink/forwarding.ts";
import { Client } from "../../ops/client.ts";

/** A request, to be spoiled. Offsets count from its netlink header. */
export class Request {
  /** All bytes of the request. */
  bytes: Uint8Array<ArrayBuffer>;

  constructor(bytes: Uint8Array<ArrayBuffer>) {
    this.bytes = bytes;
  }

  /** Replaces the flags of the netlink header. */
  flags(flags: number): void {
    this.#setUint16(6, flags);
  }

  /** Replaces the command. */
  command(cmd: number): void {
    this.bytes[NLMSG_HDRLEN] = cmd;
  }

  /** Replaces the length that the attribute at an offset says it has. */
  length(offset: number, length: number): void {
    this.#setUint16(offset, length);
  }

  /** Replaces the type of the attribute at an offset. */
  type(offset: number, type: number): void {
    this.#setUint16(offset + 2, type);
  }

  /** Appends zeros behind the last attribute. */
  append(count: number): void {
    const bytes = new Uint8Array(this.bytes.length + count);
    bytes.set(this.bytes);
    new Uint32Array(bytes.buffer, 0, 1)[0] = bytes.length;
    this.bytes = bytes;
  }

  #setUint16(offset: number, value: number): void {
    const { buffer, byteOffset } = this.bytes;
    new Uint16Array(buffer, byteOffset + offset, 1)[0] = value;
  }
}

/** A namespace whose requests can be changed before they leave. */
class RawNamespace extends ForwardingNamespace {
  spoil: (request: Request) => void = () => {};

  override open(protocol: number): Transport {
    const transport = super.open(protocol);
    const send = (datagram: Uint8Array<ArrayBuffer>) => {
      const request = new Request(datagram);
      this.spoil(request);
      transport.send(request.bytes);
    };
    return Object.assign(new ForwardingTransport(transport), { send });
  }
}

/** A client of `mptcp_pm` whose requests can be changed before they leave. */
export class RawClient extends Client {
  /** The warnings that came. */
  readonly warnings: Warning[];
  readonly #namespace: RawNamespace;

  private constructor(namespace: RawNamespace, warnings: Warning[]) {
    super(namespace, (warning) => warnings.push(warning));
    this.warnings = warnings;
    this.#namespace = namespace;
  }

  /** Opens one. */
  static open(netns: Netns): RawClient {
    return new RawClient(new RawNamespace(openNamespace(netns)), []);
  }

  /** Changes each request. */
  set spoil(spoil: (request: Request) => void) {
    this.#namespace.spoil = spoil;
  }

  override close(): void {
    super.close();
    this.#namespace.close();
  }
}
