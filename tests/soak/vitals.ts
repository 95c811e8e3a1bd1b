/**
 * What this process has of the machine: descriptors, threads, processes,
 * namespaces and memory.
 *
 * @module
 */

import { libc } from "../../ffi/libc.ts";

/** Memory in bytes, after the garbage was collected. */
export interface Memory {
  /** What the program's objects and their buffers take. */
  readonly heap: number;
  /**
   * What the process has written to: all but files that it maps, of which
   * more and more of Deno itself comes into memory as it runs.
   */
  readonly anonymous: number;
}

/**
 * What must be exactly the same whenever the program is at rest, one entry for
 * each: descriptors by what they are, threads by name, processes, namespaces.
 *
 * Threads of Deno's pool are no entries: they end after ten idle seconds. One
 * that waits is: somebody is waiting who should not.
 */
export function possessions(): string[] {
  return [...descriptors(), ...threads(), ...processes(), ...namespaces()]
    .toSorted();
}

/** What one list has and the other has not, with a sign in front. */
export function difference(
  before: readonly string[],
  after: readonly string[],
): string[] {
  const gone = [...before];
  const come = after.filter((one) => {
    const index = gone.indexOf(one);
    if (index >= 0) gone.splice(index, 1);
    return index < 0;
  });
  return [...come.map((one) => `+ ${one}`), ...gone.map((one) => `- ${one}`)];
}

function entries(folder: string): string[] {
  try {
    return Array.from(Deno.readDirSync(folder), ({ name }) => name);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return [];
    throw error;
  }
}

/** The text of a file, or the target of a link; absent if it is gone. */
function look(read: (path: string) => string, path: string): string[] {
  try {
    return [read(path)];
  } catch {
    return [];
  }
}

const [EPOLL, EVENTFD] = ["eventpoll", "eventfd"].map((kind) =>
  `descriptor anon_inode:[${kind}]`
);

/**
 * Without the runtimes of Deno's threads, each an epoll with an eventfd: that of
 * a worker which was terminated may stay until another one is.
 */
function descriptors(): string[] {
  const all = allDescriptors();
  for (const epoll of all.filter((one) => one === EPOLL)) {
    for (const one of [epoll, EVENTFD!]) {
      const at = all.indexOf(one);
      if (at >= 0) all.splice(at, 1);
    }
  }
  return all;
}

function allDescriptors(): string[] {
  const netlink = netlinkSockets();
  return entries("/proc/self/fd").flatMap((fd) =>
    // The descriptor of this list is gone by now.
    look(Deno.readLinkSync, `/proc/self/fd/${fd}`)
  ).map((file) => {
    const [what, inode] = file.split(":[");
    if (inode === undefined || !/^\d+\]$/.test(inode)) {
      return `descriptor ${file}`;
    }
    return netlink.has(parseInt(inode))
      ? "descriptor netlink socket"
      : `descriptor ${what}`;
  });
}

/** The inodes of the netlink sockets of this namespace. */
function netlinkSockets(): Set<number> {
  const rows = Deno.readTextFileSync("/proc/net/netlink").trim().split("\n");
  return new Set(rows.slice(1).map((row) => Number(row.split(/ +/).at(-1))));
}

/** The name of a thread of the pool. */
const POOL = /^tokio/;
/** What a thread does that waits for events. */
const POLL = Deno.build.arch === "x86_64" ? "7" : "73";

function threads(): string[] {
  return entries("/proc/self/task").flatMap((id) => {
    const task = `/proc/self/task/${id}`;
    return look(Deno.readTextFileSync, `${task}/comm`).flatMap((comm) => {
      const name = comm.trim();
      if (!POOL.test(name)) return [`thread ${name}`];
      const call = look(Deno.readTextFileSync, `${task}/syscall`)[0];
      return call?.split(" ")[0] === POLL ? ["thread that waits in poll"] : [];
    });
  });
}

function processes(): string[] {
  return entries("/proc/self/task").flatMap((id) =>
    look(Deno.readTextFileSync, `/proc/self/task/${id}/children`)
  ).flatMap((text) => text.match(/\d+/g) ?? []).flatMap((pid) =>
    look(Deno.readTextFileSync, `/proc/${pid}/comm`)
  ).map((name) => `process ${name.trim()}`);
}

function namespaces(): string[] {
  return entries("/run/netns")
    .filter((name) => name.startsWith(`mptcp-${Deno.pid}-`))
    .map((name) => `namespace ${name}`);
}

/** How many threads there are, those of the pool too. */
export function threadCount(): number {
  return entries("/proc/self/task").length;
}

const { malloc_trim } = libc().bind({
  // int malloc_trim(size_t pad)
  malloc_trim: { parameters: ["usize"], result: "i32" },
});

/** Collects the garbage, and weighs what is left. */
export async function weigh(): Promise<Memory> {
  const { gc } = globalThis as { gc?: () => void };
  if (gc === undefined) throw new Error("--v8-flags=--expose-gc is missing");
  // What is finalized after the first is collected by the second.
  gc();
  await new Promise((resolve) => setTimeout(resolve));
  gc();
  // The allocator keeps what was freed: many times of what is in use.
  malloc_trim(0n);
  const { heapUsed, external } = Deno.memoryUsage();
  const status = Deno.readTextFileSync("/proc/self/status");
  return {
    heap: heapUsed + external,
    anonymous: Number(status.match(/^RssAnon:\s+(\d+) kB$/m)![1]) * 1024,
  };
}
