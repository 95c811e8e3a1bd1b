/**
 * One network namespace: opens sockets in it, reads and writes its files, and
 * knows the names of its network devices.
 *
 * @module
 */

import { ArgumentRangeError } from "../codec/argument_error.ts";
import { familyOf } from "../codec/inet.ts";
import {
  closeFd,
  O_NONBLOCK,
  O_RDONLY,
  O_WRONLY,
  openFile,
  readText,
  writeText,
} from "./file.ts";
import { readDirectory, readLink } from "./directory.ts";
import { libc } from "./libc.ts";
import { NetlinkSocket, openFd } from "./netlink_socket.ts";
import { inOpenNetns, type Netns, type OpenNetns, openNetns } from "./netns.ts";
import { resolve, resolveAside } from "./resolve.ts";
import { openStream, StreamSocket } from "./stream_socket.ts";
import { SyscallError } from "./syscall_error.ts";
import { bindAddress, unixAddress } from "./unix_socket.ts";

const NETLINK_ROUTE = 0;
const SIOCGIFNAME = 0x8910n;
const SIOCGIFINDEX = 0x8933n;
const IFNAMSIZ = 16;

const EACCES = 13;
const ENODEV = 19;
const EROFS = 30;

/** Instead of a file descriptor. */
const ABSENT = -1;

const errno = new Int32Array(1);

/** A network namespace of the running kernel. */
export class NetworkNamespace implements Disposable {
  /** Absent: the namespace that this thread is in. */
  readonly #netns: OpenNetns | undefined;
  /** The socket that device names are looked up with; -1: none yet. */
  #deviceSocket = -1;
  #closed = false;

  private constructor(netns: OpenNetns | undefined) {
    this.#netns = netns;
  }

  /**
   * Opens a namespace. It is entered for one system call at a time.
   *
   * @param netns Which one; absent: the one that this thread is in.
   */
  static open(netns?: Netns): NetworkNamespace {
    return new NetworkNamespace(
      netns === undefined ? undefined : openNetns(netns),
    );
  }

  /** Opens a socket for requests; it outlives the namespace object. */
  open(protocol: number): NetlinkSocket {
    return NetlinkSocket.forRequests(this.#openFd(protocol));
  }

  /** Opens a socket that is a member of groups; it outlives this object. */
  subscribe(protocol: number, groups: readonly number[]): NetlinkSocket {
    return NetlinkSocket.forGroups(this.#openFd(protocol), groups);
  }

  #openFd(protocol: number): number {
    return this.#within(() => openFd(protocol));
  }

  /** Opens a descriptor in the namespace. */
  #within(open: () => number): number {
    if (this.#closed) {
      throw new Deno.errors.BadResource("The network namespace is closed");
    }
    return inOpenNetns(this.#netns, open, closeFd);
  }

  /** Opens a socket for a connection; it outlives the namespace object. */
  stream(address: string, isMptcp: boolean): StreamSocket {
    const family = familyOf(address);
    return new StreamSocket(this.#within(() => openStream(family, isMptcp)));
  }

  /**
   * Looks up the addresses of a host. In the namespace of the process another
   * thread does it; in another namespace it blocks.
   */
  async resolve(name: string): Promise<string[]> {
    if (this.#netns === undefined && !this.#closed) {
      return await resolveAside(name);
    }
    let addresses: string[] = [];
    this.#within(() => {
      addresses = resolve(name);
      return ABSENT;
    });
    return addresses;
  }

  /** Reads a file as it is in this namespace; `undefined`: there is none. */
  readFile(path: string): string | undefined {
    return this.#read(path, `read ${path}`, O_RDONLY, readText);
  }

  /**
   * The names in a directory, as it is in this namespace; `undefined`: there is
   * none.
   */
  listDirectory(path: string): string[] | undefined {
    const flags = O_RDONLY | O_NONBLOCK;
    return this.#read(path, `list ${path}`, flags, readDirectory);
  }

  /** What a symbolic link says, as it is here; `undefined`: there is none. */
  readLink(path: string): string | undefined {
    let text: string | undefined;
    this.#within(() => {
      text = readLink(path);
      return ABSENT;
    });
    return text;
  }

  /** Opens what may be absent, reads it, and closes it. */
  #read<T>(
    path: string,
    action: string,
    flags: number,
    read: (fd: number, action: string) => T,
  ): T | undefined {
    const fd = this.#within(() => {
      try {
        return openFile(path, flags, action);
      } catch (error) {
        const { code } = error as SyscallError;
        if (code === "ENOENT") return ABSENT;
        throw error;
      }
    });
    if (fd === ABSENT) return undefined;
    try {
      return read(fd, action);
    } finally {
      closeFd(fd);
    }
  }

  /** Writes to a file that exists, as it is in this namespace. */
  writeFile(path: string, text: string): void {
    const action = `write "${text}" to ${path}`;
    const fd = this.#within(() =>
      openFile(path, O_WRONLY, action, {
        [EACCES]:
          "CAP_NET_ADMIN is needed in the user namespace that owns this " +
          "network namespace",
        [EROFS]: "as in a container, or by ProtectKernelTunables of systemd",
      })
    );
    try {
      writeText(fd, text, action);
    } finally {
      closeFd(fd);
    }
  }

  /** The index of a network device; `undefined`: there is no such device. */
  ifNameToIndex(name: string): number | undefined {
    const bytes = new TextEncoder().encode(name);
    // The kernel would cut an alias at its colon, and find the device.
    if (bytes.length >= IFNAMSIZ || /[\0:]/.test(name)) return undefined;
    const request = new Uint8Array(40);
    request.set(bytes);
    if (!this.#ifreq(SIOCGIFINDEX, request)) return undefined;
    return new Int32Array(request.buffer)[IFNAMSIZ / 4];
  }

  /** The name of a network device; `undefined`: there is no such device. */
  ifIndexToName(index: number): string | undefined {
    const request = new Uint8Array(40);
    new Int32Array(request.buffer)[IFNAMSIZ / 4] = index;
    if (!this.#ifreq(SIOCGIFNAME, request)) return undefined;
    return new TextDecoder().decode(request.subarray(0, request.indexOf(0)));
  }

  /**
   * `dev_ioctl()` of the kernel answers on any socket, for the namespace that
   * the socket is in.
   */
  #ifreq(command: bigint, request: Uint8Array<ArrayBuffer>): boolean {
    if (this.#deviceSocket < 0) {
      this.#deviceSocket = this.#openFd(NETLINK_ROUTE);
    }
    const { symbols: { memcpy }, errnoPointer } = libc();
    const { ioctl } = libc().device();
    const result = ioctl(this.#deviceSocket, command, request);
    memcpy(errno, errnoPointer, 4n);
    if (result >= 0) return true;
    if (errno[0] === ENODEV) return false;
    throw new SyscallError("ioctl", errno[0]!, "look up the network device");
  }

  /**
   * Claims a name here until it is disposed of, or the process ends; `undefined`:
   * another one has it. It is an abstract name of `AF_UNIX`.
   */
  claim(name: string): Disposable | undefined {
    const address = unixAddress(`@${name}`);
    if (address === undefined) {
      throw new ArgumentRangeError(
        `Invalid name "${name}": it has more than 107 bytes`,
      );
    }
    let fd = this.#within(() => bindAddress(address, `claim "${name}"`));
    return fd === ABSENT ? undefined : {
      [Symbol.dispose]() {
        closeFd(fd);
        fd = ABSENT;
      },
    };
  }

  /** Ends it; sockets that it opened go on. Doing it again does nothing. */
  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    closeFd(this.#deviceSocket);
    // The number may soon be that of another file.
    this.#deviceSocket = -1;
    if (this.#netns !== undefined) closeFd(this.#netns.fd);
  }

  /** Ends it at the end of a `using` block. */
  [Symbol.dispose](): void {
    this.close();
  }
}
