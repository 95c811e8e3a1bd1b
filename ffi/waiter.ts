/**
 * Waiting for any number of descriptors with one thread. A call that waits
 * occupies a thread of Deno's pool, which has 32 for everything: so all who
 * wait share one `poll`, and an eventfd wakes it when there is more to wait
 * for, or less.
 *
 * @module
 */

import { closeFd } from "./file.ts";
import { libc } from "./libc.ts";
import { SyscallError } from "./syscall_error.ts";

const EFD_NONBLOCK_CLOEXEC = 0o2004000;
const POLLIN = 1;
const EINTR = 4;

const errno = new Int32Array(1);
const counter = new BigUint64Array(1);

/** A wait under way. */
export interface Wait {
  /** Settles when the descriptor is ready, or the wait was cancelled. */
  readonly ended: Promise<void>;
  /**
   * Ends the wait. The descriptor may be closed when `ended` has settled, and
   * not before: its number could belong to another file by then.
   */
  readonly cancel: () => void;
}

interface Entry {
  readonly fd: number;
  readonly events: number;
  readonly end: (error?: Error) => void;
  cancelled: boolean;
}

const entries = new Set<Entry>();
/** The eventfd of the `poll` under way; -1: there is none. */
let eventfd = -1;

/**
 * Waits until something can be read from a descriptor, or it fails.
 *
 * @param fd The descriptor.
 * @param events What to wait for; 0 is a failure alone, such as a pipe that
 * has no reader.
 */
export function waitFor(fd: number, events: number = POLLIN): Wait {
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  const entry: Entry = {
    fd,
    events,
    end(error) {
      entries.delete(entry);
      if (error === undefined) resolve();
      else reject(error);
    },
    cancelled: false,
  };
  entries.add(entry);
  if (eventfd < 0) void pollAll();
  else wake();
  return {
    ended: promise,
    cancel() {
      entry.cancelled = true;
      wake();
    },
  };
}

/** Closes a descriptor when nothing waits for it any more. */
export function closeWaited(fd: number, wait: Wait | undefined): void {
  if (wait === undefined) return closeFd(fd);
  wait.cancel();
  const close = () => closeFd(fd);
  wait.ended.then(close, close);
}

/**
 * An array of `struct pollfd`: `int fd`, `short events`, `short revents`. The
 * last is 0 until `poll` writes it.
 */
export function pollFds(
  entries: readonly { readonly fd: number; readonly events: number }[],
): Int16Array<ArrayBuffer> {
  const fds = new Int16Array(4 * entries.length);
  const descriptors = new Int32Array(fds.buffer);
  for (const [index, { fd, events }] of entries.entries()) {
    descriptors[2 * index] = fd;
    fds[4 * index + 2] = events;
  }
  return fds;
}

/** Whether that is so already: then there is nothing to wait for. */
export function isReady(fd: number, events: number = POLLIN): boolean {
  return pollNow(pollFds([{ fd, events }])) > 0;
}

async function pollAll(): Promise<void> {
  try {
    const { pollAside } = libc().waiting();
    eventfd = openEventfd();
    while (entries.size > 0) {
      const polled = [...entries];
      const fds = pollFds([{ fd: eventfd, events: POLLIN }, ...polled]);
      const ready = await pollAside(fds, BigInt(polled.length + 1), -1);
      // deno-lint-ignore mptcp/errno -- it fails only if the counter is 0
      libc().file().read(eventfd, counter, 8n);
      if (ready < 0) pollNow(fds);
      polled.forEach(({ end }, index) => {
        if (fds[4 * index + 7] !== 0) end();
      });
      // Not only those of `polled`: a wait may come and go while it polls.
      for (const { cancelled, end } of entries) if (cancelled) end();
    }
  } catch (error) {
    for (const { end } of entries) end(error as Error);
  } finally {
    if (eventfd >= 0) libc().symbols.close(eventfd);
    eventfd = -1;
  }
}

/** errno belongs to the thread: a call on this one finds out what is wrong. */
function pollNow(fds: Int16Array<ArrayBuffer>): number {
  const { symbols: { memcpy }, errnoPointer } = libc();
  const { poll } = libc().waiting();
  const count = BigInt(fds.length / 4);
  const ready = poll(fds, count, 0);
  memcpy(errno, errnoPointer, 4n);
  if (ready < 0 && errno[0] !== EINTR) {
    throw new SyscallError("poll", errno[0]!, "wait for the kernel");
  }
  return ready;
}

function openEventfd(): number {
  const { symbols: { memcpy }, errnoPointer } = libc();
  const { eventfd } = libc().waiting();
  const fd = eventfd(0, EFD_NONBLOCK_CLOEXEC);
  memcpy(errno, errnoPointer, 4n);
  if (fd < 0) throw new SyscallError("eventfd", errno[0]!, "make an eventfd");
  return fd;
}

function wake(): void {
  if (eventfd < 0) return;
  counter[0] = 1n;
  // deno-lint-ignore mptcp/errno -- it fails only if the counter is full
  libc().file().write(eventfd, counter, 8n);
}
