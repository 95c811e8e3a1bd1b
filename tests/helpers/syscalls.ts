/**
 * The system calls of a process, by `strace`: those that reach beyond its own
 * memory and threads, without the numbers that differ from run to run.
 *
 * @module
 */

/** Calls that concern only the memory, threads and time of the process. */
const QUIET = new Set([
  ...["brk", "mmap", "munmap", "mremap", "mprotect", "madvise", "pkey_alloc"],
  ...["clone3", "futex", "sched_yield", "sched_getaffinity", "rseq", "prctl"],
  ...["set_robust_list", "set_tid_address", "arch_prctl", "rt_sigaction"],
  ...["rt_sigprocmask", "rt_sigreturn", "sigaltstack", "restart_syscall"],
  ...["clock_nanosleep", "clock_gettime", "exit", "exit_group", "prlimit64"],
  ...["sysinfo", "uname", "getrandom", "gettid", "getpid", "geteuid", "getcwd"],
  // V8's, when its threads get in each other's way.
  ...["sched_getparam", "sched_getscheduler", "syscall_0x1000"],
  // Of a descriptor that another call has opened.
  ...["close", "read", "pread64", "lseek", "fstat", "fcntl", "poll"],
  ...["epoll_create1", "epoll_ctl", "epoll_wait"],
]);

/** Calls whose texts are not paths. */
const SENDS = new Set(["write", "pwrite64", "sendto", "recvfrom"]);

/** The call in a line of `strace`; `undefined`: one of {@linkcode QUIET}. */
function callOf(line: string): string | undefined {
  const [, name = "", rest = ""] = line.match(/^(\w+)\((.*)/) ?? [];
  if (name === "" || QUIET.has(name)) return undefined;
  // No number of a call: strace met a thread as the process ended.
  if (/^syscall_0x[0-9a-f]{9,}$/.test(name)) return undefined;
  // The process ended before strace could read what it was called with.
  if (/^ *(0x|<unfinished|\?|$)/.test(rest)) return undefined;
  const args = rest.replace(/( <unfinished|\) +=).*/, "").split(", ");
  const file = args[0]!.match(/^-?\d+<(.*)>$/)?.[1]
    ?.replace(/\[.*\]/, "") ?? "";
  const path = rest.match(/"(.*?)"/)?.[1];
  switch (name) {
    case "open":
    case "openat":
      return `${/O_RDONLY/.test(rest) ? "read" : "write"} ${path}`;
    case "socket":
      return `socket ${args.join(" ")}`;
    case "bind":
    case "connect":
      return `${name} ${rest.match(/sa_family=(\w+)/)?.[1]}`;
    case "setsockopt":
      return `setsockopt ${args[1]} ${args[2]}`;
    case "ioctl":
      return `ioctl ${file} ${args[1]}`;
    case "setns":
      return `setns ${args[1]}`;
  }
  return `${name} ${SENDS.has(name) ? file : path ?? file}`;
}

/**
 * What a process does, and all that it starts.
 *
 * @param run Runs it behind the words that it is given.
 */
export function syscallsOf(run: (strace: string[]) => void): Set<string> {
  const folder = Deno.makeTempDirSync({ prefix: "mptcp-" });
  try {
    run(["strace", "-ff", "-y", "-s0", "-o", `${folder}/thread`]);
    const lines = [...Deno.readDirSync(folder)].flatMap(({ name }) =>
      Deno.readTextFileSync(`${folder}/${name}`).split("\n")
    );
    const calls = new Set(
      lines.map(callOf).filter((call) => call !== undefined),
    );
    // Without a socket of ours it is that by which Deno tells its threads of
    // signals, which comes seldom.
    const isOurs = [...calls].some((call) => /^socket AF_NETLINK/.test(call));
    if (!isOurs) calls.delete("recvfrom socket:");
    return calls;
  } finally {
    Deno.removeSync(folder, { recursive: true });
  }
}
