/**
 * Where a TCP socket goes that is bound to an address and a device: the kernel
 * is asked by sending.
 *
 * @module
 */

import { NetworkNamespace } from "../../ffi/namespace.ts";
import type { StreamSource } from "../../ffi/stream_socket.ts";
import { SyscallError } from "../../ffi/syscall_error.ts";

/**
 * Connects, without waiting for the answer.
 *
 * @returns 0, or why nothing can be sent.
 */
export function connectFrom(
  netns: string,
  to: string,
  from: StreamSource,
): number {
  using namespace = NetworkNamespace.open(netns);
  using socket = namespace.stream(to, false);
  try {
    socket.connect({ address: to, port: 9 }, from);
    return 0;
  } catch (error) {
    if (!(error instanceof SyscallError)) throw error;
    return error.errno;
  }
}
