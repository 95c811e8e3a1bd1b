/**
 * What `/proc` shows of netlink sockets, descriptors and threads.
 *
 * @module
 */

import { PathManager } from "../../mod.ts";
import type { Host } from "../../testing/host.ts";

/** A generic netlink socket of a process. */
export interface Socket {
  /** The port id. */
  readonly port: number;
  /** The groups that it has joined, as bits; there are no bits above 32. */
  readonly groups: number;
  /** Bytes that wait to be read. */
  readonly queued: number;
  /** How many messages the kernel has dropped. */
  readonly drops: number;
  /** The number of its file. */
  readonly inode: string;
}

/** The generic netlink sockets of a host, without the kernel's own. */
export function sockets(host: Host): Socket[] {
  return socketsIn(host.exec("cat", "/proc/net/netlink"));
}

function socketsIn(table: string): Socket[] {
  const byPort = new Map<number, Socket>();
  for (const row of table.split("\n")) {
    // Address, protocol, port id, groups, bytes to be read, bytes written,
    // dump, locks, drops, inode. While the table is resized, a row may come twice.
    const [, protocol, id, groups, queued, , , , drops, inode] = row.split(
      / +/,
    );
    const port = Number(id);
    if (protocol !== "16" || port === 0) continue;
    byPort.set(port, {
      port,
      groups: parseInt(groups!, 16),
      queued: Number(queued),
      drops: Number(drops),
      inode: inode!,
    });
  }
  return [...byPort.values()];
}

/** Those that have joined a group: of the streams of events. */
export function listeners(host: Host): Socket[] {
  return sockets(host).filter(({ groups }) => groups !== 0);
}

/** The number of the group of the events on this kernel. */
export function eventsGroup(): number {
  const before = openFiles();
  using pm = PathManager.open();
  using _stream = pm.events();
  const own = openFiles().filter((file) => !before.includes(file));
  const joined = socketsIn(
    Deno.readTextFileSync("/proc/thread-self/net/netlink"),
  ).find(({ groups, inode }) =>
    groups !== 0 && own.includes(`socket:[${inode}]`)
  );
  return 1 + Math.log2(joined!.groups);
}

/** The file of the mode: another one on kernels before 6.15. */
export function modeFile(): "path_manager" | "pm_type" {
  try {
    Deno.statSync("/proc/sys/net/mptcp/path_manager");
    return "path_manager";
  } catch {
    return "pm_type";
  }
}

/** The mode of a namespace, as `sysctl` prints it. */
export function modeOf(host: Host): string {
  const value = host.sysctl(`net.mptcp.${modeFile()}`);
  return ["kernel", "userspace"][Number(value)] ?? value;
}

/** What the open descriptors of this process are for. */
export function openFiles(): string[] {
  return Array.from(Deno.readDirSync("/proc/self/fd"), ({ name }) => {
    try {
      return Deno.readLinkSync(`/proc/self/fd/${name}`);
    } catch {
      return "this list";
    }
  });
}

/** How many threads of a process wait in `poll()`; Deno itself does not. */
export function polling(pid: number | "self" = "self"): number {
  const call = Deno.build.arch === "x86_64" ? "7" : "73";
  const tasks = `/proc/${pid}/task`;
  return Array.from(Deno.readDirSync(tasks), ({ name }) => {
    try {
      return Deno.readTextFileSync(`${tasks}/${name}/syscall`).split(" ")[0];
    } catch {
      return "it has ended";
    }
  }).filter((first) => first === call).length;
}

/** The network namespace that this thread is in. */
export function netnsHere(): string {
  return Deno.readLinkSync("/proc/thread-self/ns/net");
}
