/**
 * Files by their descriptors.
 *
 * @module
 */

import { libc } from "./libc.ts";
import { SyscallError } from "./syscall_error.ts";

const EIO = 5;
const EFBIG = 27;

/** No file that is read whole is as large; a device may have no end. */
const MOST_MIB = 256;

const O_CLOEXEC = 0o2000000;
/** Open without waiting. */
export const O_NONBLOCK = 0o4000;
/** Open for reading. */
export const O_RDONLY = 0;
/** Open for writing. */
export const O_WRONLY = 1;

const errno = new Int32Array(1);
/** Kept: a new one for each file fills the memory of who goes on for long. */
let kept: Uint8Array<ArrayBuffer> | undefined;

/** What to say to an error number, besides what it says itself. */
export type Hints = { readonly [errno: number]: string | undefined };

/** Opens a file that exists. */
export function openFile(
  path: string,
  flags: number,
  action: string,
  hints: Hints = {},
): number {
  const { symbols: { memcpy }, errnoPointer } = libc();
  const { open } = libc().file();
  const name = new TextEncoder().encode(`${path}\0`);
  const fd = open(name, flags | O_CLOEXEC);
  memcpy(errno, errnoPointer, 4n);
  if (fd < 0) {
    throw new SyscallError("open", errno[0]!, action, hints[errno[0]!]);
  }
  return fd;
}

/** Reads a text to its end. */
export function readText(fd: number, action: string): string {
  const { symbols: { memcpy }, errnoPointer } = libc();
  const { read } = libc().file();
  const decoder = new TextDecoder();
  // Files of /proc give a page at a time, or a whole record if that is longer.
  const buffer = kept ??= new Uint8Array(16384);
  let text = "";
  for (;;) {
    const got = read(fd, buffer, 16384n);
    memcpy(errno, errnoPointer, 4n);
    if (got < 0) throw new SyscallError("read", errno[0]!, action);
    if (got === 0) return text + decoder.decode();
    text += decoder.decode(buffer.subarray(0, got), { stream: true });
    if (text.length > MOST_MIB * 2 ** 20) {
      const hint = `more than ${MOST_MIB} MiB are not read`;
      throw new SyscallError("read", EFBIG, action, hint);
    }
  }
}

/** Writes text at once, as files of /proc want to be written. */
export function writeText(fd: number, text: string, action: string): void {
  const { symbols: { memcpy }, errnoPointer } = libc();
  const { write } = libc().file();
  const bytes = new TextEncoder().encode(text);
  const length = BigInt(bytes.length);
  const written = write(fd, bytes, length);
  memcpy(errno, errnoPointer, 4n);
  if (written < 0) throw new SyscallError("write", errno[0]!, action);
  if (written < bytes.length) {
    const hint = `${written} of ${bytes.length} bytes were taken`;
    throw new SyscallError("write", EIO, action, hint);
  }
}

/** Closes a file; Linux frees the number whatever `close` returns. */
export function closeFd(fd: number): void {
  if (fd >= 0) libc().symbols.close(fd);
}
