/**
 * Netlink datagrams from this process instead of the kernel.
 *
 * @module
 */

import { inNetns, type Netns } from "../../ffi/netns.ts";

const AF_NETLINK = 16;
const SOCK_RAW = 3;
const SOCK_CLOEXEC = 0o2000000;
const NETLINK_GENERIC = 16;

const { symbols } = Deno.dlopen("libc.so.6", {
  // int socket(int domain, int type, int protocol)
  socket: { parameters: ["i32", "i32", "i32"], result: "i32" },
  // ssize_t sendto(int fd, const void *buf, size_t len, int flags,
  //                const struct sockaddr *to, socklen_t tolen)
  sendto: {
    parameters: ["i32", "buffer", "usize", "i32", "buffer", "u32"],
    result: "i32",
  },
  // int close(int fd)
  close: { parameters: ["i32"], result: "i32" },
});

/** Sends a datagram to the netlink socket with a port id. */
export function sendAsForeigner(
  netns: Netns,
  port: number,
  bytes: Uint8Array<ArrayBuffer>,
): void {
  const { socket, sendto, close } = symbols;
  const open = () =>
    socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_GENERIC);
  const fd = inNetns(netns, open, close);
  const to = Uint32Array.of(AF_NETLINK, port, 0);
  const sent = sendto(fd, bytes, BigInt(bytes.length), 0, to, to.byteLength);
  close(fd);
  if (sent !== bytes.length) throw new Error("Cannot send the datagram");
}
