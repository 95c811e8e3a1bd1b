/**
 * Requests that the public API does not let pass, to the running kernel: what
 * it answers is read by the module's own `Connection`.
 *
 * @module
 */

import { NLMSG_HDRLEN } from "../../codec/nlmsghdr.ts";
import { NetlinkSocket } from "../../ffi/netlink_socket.ts";
import type { Netns } from "../../ffi/netns.ts";
import { Connection, type Warning } from "../../ops/connection.ts";
import type { Transport } from "../../ops/transport.ts";

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

/** A `Connection` whose requests can be spoiled before they leave. */
export class RawConnection extends Connection implements Disposable {
  /** Spoils each request. */
  spoil: (request: Request) => void = () => {};
  /** The warnings that came. */
  readonly warnings: Warning[] = [];

  private constructor(socket: NetlinkSocket) {
    const warnings: Warning[] = [];
    // The connection talks to the kernel before `this` is there.
    let spoil = (_: Request) => {};
    const transport: Transport = {
      send(datagram) {
        const request = new Request(datagram);
        spoil(request);
        socket.send(request.bytes);
      },
      receive: () => socket.receive(),
      wait: (timeoutMs) => socket.wait(timeoutMs),
      subscribe: (group) => socket.subscribe(group),
      readSysctl: (name) => socket.readSysctl(name),
      writeSysctl: (name, value) => socket.writeSysctl(name, value),
      ifNameToIndex: (name) => socket.ifNameToIndex(name),
      ifIndexToName: (index) => socket.ifIndexToName(index),
      close: () => socket.close(),
      [Symbol.dispose]: () => socket.close(),
    };
    super(transport, (warning) => warnings.push(warning));
    this.warnings = warnings;
    spoil = (request) => this.spoil(request);
  }

  /** Opens one. */
  static open(netns: Netns): RawConnection {
    return new RawConnection(NetlinkSocket.open(netns));
  }

  [Symbol.dispose](): void {
    this.transport.close();
  }
}
