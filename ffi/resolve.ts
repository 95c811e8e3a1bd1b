/**
 * Looking up the addresses of a host by its name, as programs do: in
 * `/etc/hosts`, by DNS, and by what else the C library is set to ask.
 *
 * @module
 */

import { ArgumentTypeError } from "../codec/argument_error.ts";
import { readU32, readU64, writeU32 } from "../codec/bytes.ts";
import { MptcpError } from "../codec/mptcp_error.ts";
import { libc } from "./libc.ts";
import { decodeSockaddr } from "./sockaddr.ts";
import { SyscallError } from "./syscall_error.ts";

const SOCK_STREAM = 1;

/** `sizeof(struct addrinfo)`, and where its members are. */
const ADDRINFO_LENGTH = 48;
const [AI_SOCKTYPE, AI_ADDRLEN, AI_ADDR, AI_NEXT] = [8, 16, 24, 40];

const EAI_SYSTEM = -11;
const REASONS: { readonly [code: number]: string } = {
  [-2]: "there is no host of this name (EAI_NONAME)",
  [-3]: "no name server has an answer now (EAI_AGAIN)",
  [-4]: "the name server cannot answer (EAI_FAIL)",
  [-5]: "this name has no address (EAI_NODATA)",
  [-10]: "out of memory (EAI_MEMORY)",
};

const errno = new Int32Array(1);

/** Looks a name up where this thread is, which blocks it. */
export function resolve(name: string): string[] {
  const { symbols: { memcpy }, errnoPointer } = libc();
  const { getaddrinfo } = libc().resolving();
  const [node, hints, result] = [encodeName(name), HINTS, newResult()];
  const code = getaddrinfo(node, null, hints, result);
  memcpy(errno, errnoPointer, 4n);
  if (code === EAI_SYSTEM) {
    throw new SyscallError("getaddrinfo", errno[0]!, lookUp(name));
  }
  return addressesIn(result, code, name);
}

/** Looks a name up in the namespace of the process, on another thread. */
export async function resolveAside(name: string): Promise<string[]> {
  const { getaddrinfoAside } = libc().resolving();
  const [node, hints, result] = [encodeName(name), HINTS, newResult()];
  const code = await getaddrinfoAside(node, null, hints, result);
  return addressesIn(result, code, name);
}

/** Once each address: not for datagrams, too. */
const HINTS = new Uint8Array(ADDRINFO_LENGTH);
writeU32(HINTS, AI_SOCKTYPE, SOCK_STREAM);

function encodeName(name: string): Uint8Array<ArrayBuffer> {
  if (name === "" || name.includes("\0")) {
    throw new ArgumentTypeError(
      `Invalid host ${JSON.stringify(name)}: a name or an address is needed`,
    );
  }
  return new TextEncoder().encode(`${name}\0`);
}

/** A pointer to the first `struct addrinfo`. */
function newResult(): BigUint64Array<ArrayBuffer> {
  return new BigUint64Array(1);
}

/** Reads the list that was found, and frees it. */
function addressesIn(
  result: BigUint64Array<ArrayBuffer>,
  code: number,
  name: string,
): string[] {
  if (code !== 0) {
    const reason = REASONS[code] ?? `getaddrinfo: error ${code}`;
    throw new MptcpError(`Cannot ${lookUp(name)}: ${reason}`);
  }
  const { freeaddrinfo, copyFrom } = libc().resolving();
  const info = new Uint8Array(ADDRINFO_LENGTH);
  const found = new Set<string>();
  for (let next = result[0]!; next !== 0n;) {
    // deno-lint-ignore mptcp/errno -- it cannot fail
    copyFrom(info, next, BigInt(ADDRINFO_LENGTH));
    const sockaddr = new Uint8Array(readU32(info, AI_ADDRLEN));
    const [from, length] = [readU64(info, AI_ADDR), sockaddr.length];
    // deno-lint-ignore mptcp/errno -- it cannot fail
    copyFrom(sockaddr, from, BigInt(length));
    found.add(decodeSockaddr(sockaddr).address);
    next = readU64(info, AI_NEXT);
  }
  // deno-lint-ignore mptcp/errno -- it cannot fail
  freeaddrinfo(result[0]!);
  return [...found];
}

function lookUp(name: string): string {
  return `look up "${name}"`;
}
