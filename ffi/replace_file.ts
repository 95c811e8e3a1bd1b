/**
 * Writing a file as a whole.
 *
 * @module
 */

import {
  ArgumentRangeError,
  ArgumentTypeError,
} from "../codec/argument_error.ts";
import { readU16 } from "../codec/bytes.ts";
import { closeFd, O_WRONLY, writeText } from "./file.ts";
import { libc } from "./libc.ts";
import { SyscallError } from "./syscall_error.ts";

const ENOENT = 2;
const EEXIST = 17;

const O_CREAT = 0o100;
const O_EXCL = 0o200;
const O_CLOEXEC = 0o2000000;

const PATH_MAX = 4096;

/** The number of the system call. */
const STATX = Deno.build.arch === "aarch64" ? 291n : 332n;
const AT_FDCWD = -100;
const AT_SYMLINK_NOFOLLOW = 0x100;
const STATX_TYPE = 1;
const STATX_MODE = 2;
/** The size of `struct statx`, and the offset of `stx_mode`. */
const SIZE = 256;
const MODE = 28;
const S_IFMT = 0o170000;
const S_IFREG = 0o100000;
const S_IFLNK = 0o120000;

const errno = new Int32Array(1);

/**
 * Writes a file as a whole: who reads it meanwhile gets what was there before,
 * or the new text, never a part. The text is written to a file beside it, which
 * then takes its place; if that fails, nothing has changed. A symbolic link is
 * followed. Needs the right to write to the directory, and `--allow-ffi`.
 *
 * @param path The file.
 * @param text All that it is to hold.
 * @param mode Its permissions, whatever the process's umask is.
 * @default {those of the file that is there, else 0o644}
 * @throws {SyscallError} `EACCES`, `EROFS`, `ENOENT`: nothing can be written to
 * the directory, or it does not exist; `ENOSPC`: the disk is full.
 * @throws {TypeError | RangeError} It is no path, or what is there is no regular
 * file, such as a directory, a device, an open file (`/dev/stdout`), or a link to
 * nothing.
 *
 * @example Never half of a list
 * ```ts
 * import { PathManager, replaceFile } from "@mptcp/pm";
 *
 * using pm = PathManager.open();
 * replaceFile("/run/endpoints.json", JSON.stringify(pm.dumpAddrs()));
 * ```
 */
export function replaceFile(path: string, text: string, mode?: number): void {
  const { symbols: { memcpy }, errnoPointer } = libc();
  const { fchmod, rename, unlink } = libc().replacing();
  const action = `write ${path}`;
  const { target, permissions } = targetOf(path, action);
  const name = toName(target);
  const { fd, beside } = createBeside(target, action);
  try {
    try {
      writeText(fd, text, action);
      const changed = fchmod(fd, mode ?? permissions);
      memcpy(errno, errnoPointer, 4n);
      if (changed < 0) throw new SyscallError("fchmod", errno[0]!, action);
    } finally {
      closeFd(fd);
    }
    const renamed = rename(beside, name);
    memcpy(errno, errnoPointer, 4n);
    if (renamed < 0) throw new SyscallError("rename", errno[0]!, action);
  } catch (error) {
    // deno-lint-ignore mptcp/errno -- what went wrong before is what counts
    unlink(beside);
    throw error;
  }
}

/**
 * Checks that {@linkcode replaceFile} can write a file, as far as that can be
 * known before: it makes the file beside it, and removes it again. For programs
 * that take long to find what they write. Needs what {@linkcode replaceFile}
 * needs.
 *
 * @param path The file.
 * @throws {SyscallError} `EACCES`, `EROFS`, `ENOENT`: nothing can be written to
 * the directory, or it does not exist.
 * @throws {TypeError | RangeError} It is no path, or what is there is no regular
 * file, such as a directory or a device.
 *
 * @example Know it before the work
 * ```ts
 * import { checkReplaceable, replaceFile } from "@mptcp/pm";
 *
 * export function write(path: string, work: () => string): void {
 *   checkReplaceable(path);
 *   replaceFile(path, work());
 * }
 * ```
 */
export function checkReplaceable(path: string): void {
  const { symbols: { memcpy }, errnoPointer } = libc();
  const { unlink } = libc().replacing();
  const action = `write ${path}`;
  const { fd, beside } = createBeside(targetOf(path, action).target, action);
  closeFd(fd);
  const removed = unlink(beside);
  memcpy(errno, errnoPointer, 4n);
  if (removed < 0) throw new SyscallError("unlink", errno[0]!, action);
}

function toName(path: string): Uint8Array<ArrayBuffer> {
  return new TextEncoder().encode(`${path}\0`);
}

/** The file behind symbolic links. Who uses a device would find it gone. */
function targetOf(path: string, action: string) {
  if (path === "" || path.includes("\0")) {
    throw new ArgumentTypeError(`Invalid path ${JSON.stringify(path)}`);
  }
  const { symbols: { memcpy }, errnoPointer } = libc();
  const { realpath } = libc().replacing();
  const mode = modeOf(path, 0, action);
  if (mode === undefined) {
    const own = modeOf(path, AT_SYMLINK_NOFOLLOW, action) ?? 0;
    if ((own & S_IFMT) === S_IFLNK) {
      throw refused(path, "it is a link to a file that is not there");
    }
    return { target: path, permissions: 0o644 };
  }
  if ((mode & S_IFMT) !== S_IFREG) {
    throw refused(path, "it is not a regular file");
  }
  // Such as /dev/stdout, where others go on to write.
  if (/^\/+(dev|proc)\//.test(path)) {
    throw refused(path, "what is in /dev and /proc stands for another file");
  }
  const target = new Uint8Array(PATH_MAX);
  const pointer = realpath(toName(path), target);
  memcpy(errno, errnoPointer, 4n);
  if (pointer === null) throw new SyscallError("realpath", errno[0]!, action);
  return {
    target: new TextDecoder().decode(target.subarray(0, target.indexOf(0))),
    permissions: mode & 0o777,
  };
}

function refused(path: string, reason: string): ArgumentRangeError {
  return new ArgumentRangeError(`Cannot replace ${path}: ${reason}`);
}

/** Type and permissions; `undefined`: there is no such file. */
function modeOf(
  path: string,
  flags: number,
  action: string,
): number | undefined {
  const { symbols: { memcpy }, errnoPointer } = libc();
  const { statx } = libc().replacing();
  const status = new Uint8Array(SIZE);
  const result = statx(
    ...[STATX, AT_FDCWD, toName(path), flags] as const,
    ...[STATX_TYPE | STATX_MODE, status] as const,
  );
  memcpy(errno, errnoPointer, 4n);
  if (result < 0 && errno[0] === ENOENT) return undefined;
  if (result < 0) throw new SyscallError("statx", errno[0]!, action);
  return readU16(status, MODE);
}

/** Makes a file of a new name in the same directory. */
function createBeside(path: string, action: string) {
  const { symbols: { memcpy }, errnoPointer } = libc();
  const { create } = libc().replacing();
  const flags = O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC;
  for (let count = 0;; count++) {
    // Collectors read the files of a directory that end in a certain way.
    const beside = toName(path.replace(/[^/]*$/, `.mptcp-${count}.tmp`));
    const fd = create(beside, flags, 0o600);
    memcpy(errno, errnoPointer, 4n);
    if (fd >= 0) return { fd, beside };
    if (errno[0] === EEXIST) continue;
    throw new SyscallError("open", errno[0]!, action);
  }
}
