/**
 * Directories and symbolic links.
 *
 * @module
 */

import { readU16 } from "../codec/bytes.ts";
import { libc } from "./libc.ts";
import { SyscallError } from "./syscall_error.ts";

const ENOENT = 2;

/** The number of the system call. */
const GETDENTS64 = Deno.build.arch === "aarch64" ? 61n : 217n;

/** The offsets of `d_reclen` and `d_name` in a `struct linux_dirent64`. */
const RECLEN = 16;
const NAME = 19;

const PATH_MAX = 4096;

/** Kept: a new one for each call fills the memory of who goes on for long. */
let buffer: Uint8Array<ArrayBuffer> | undefined;

const errno = new Int32Array(1);

/** The names in a directory, without `.` and `..`. */
export function readDirectory(fd: number, action: string): string[] {
  const { symbols: { memcpy }, errnoPointer } = libc();
  const { getdents64 } = libc().directory();
  const decoder = new TextDecoder();
  const entries = buffer ??= new Uint8Array(32768);
  const names: string[] = [];
  for (;;) {
    const got = getdents64(GETDENTS64, fd, entries, 32768n);
    memcpy(errno, errnoPointer, 4n);
    if (got < 0) throw new SyscallError("getdents64", errno[0]!, action);
    if (got === 0) return names.filter((name) => !/^\.\.?$/.test(name));
    for (let at = 0; at < got; at += readU16(entries, at + RECLEN)) {
      const end = entries.indexOf(0, at + NAME);
      names.push(decoder.decode(entries.subarray(at + NAME, end)));
    }
  }
}

/** What a symbolic link says; `undefined`: there is none. */
export function readLink(path: string): string | undefined {
  const { symbols: { memcpy }, errnoPointer } = libc();
  const { readlink } = libc().directory();
  const name = new TextEncoder().encode(`${path}\0`);
  const target = new Uint8Array(PATH_MAX);
  const length = readlink(name, target, 4096n);
  memcpy(errno, errnoPointer, 4n);
  if (length >= 0) return new TextDecoder().decode(target.subarray(0, length));
  if (errno[0] === ENOENT) return undefined;
  throw new SyscallError("readlink", errno[0]!, `read the link ${path}`);
}
