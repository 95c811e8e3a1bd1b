/**
 * The C library, opened at the first use and kept: it is part of the process
 * anyway. Only `Deno.dlopen` is used, no `Deno.Unsafe*`, so that
 * `--allow-ffi=<path of libc>` is all the permission that is needed.
 *
 * Each synchronous symbol costs 0.2 ms when it is bound. What every command
 * needs is in one table; the rest is bound when it is first called.
 *
 * **errno**: the statement that follows a call is always
 * `memcpy(errno, errnoPointer, 4n)`, in the same function. Between two calls
 * in one function V8 runs nothing; a helper function, a `new` or a getter in
 * between lets it in, and its own system calls change errno.
 *
 * @module
 */

const CORE = {
  // int *__errno_location(void)
  __errno_location: { parameters: [], result: "pointer" },
  memcpy: {
    parameters: [
      "buffer", // void *dest
      "pointer", // const void *src
      "usize", // size_t n
    ],
    result: "void", // void * (the destination, which the caller has)
  },
  socket: {
    parameters: [
      "i32", // int domain
      "i32", // int type
      "i32", // int protocol
    ],
    result: "i32", // int
  },
  connect: {
    parameters: [
      "i32", // int sockfd
      "buffer", // const struct sockaddr *addr
      "u32", // socklen_t addrlen
    ],
    result: "i32", // int
  },
  setsockopt: {
    parameters: [
      "i32", // int sockfd
      "i32", // int level
      "i32", // int optname
      "buffer", // const void *optval
      "u32", // socklen_t optlen
    ],
    result: "i32", // int
  },
  send: {
    parameters: [
      "i32", // int sockfd
      "buffer", // const void *buf
      "usize", // size_t len
      "i32", // int flags
    ],
    // ssize_t: a datagram is shorter than 2 GiB, and -1 is -1 in both widths.
    result: "i32",
  },
  recv: {
    parameters: [
      "i32", // int sockfd
      "buffer", // void *buf
      "usize", // size_t len
      "i32", // int flags
    ],
    result: "i32", // ssize_t, as for send
  },
  close: {
    parameters: [
      "i32", // int fd
    ],
    result: "i32", // int
  },
} as const;

const GROUPS = {
  recvfrom: {
    parameters: [
      "i32", // int sockfd
      "buffer", // void *buf
      "usize", // size_t len
      "i32", // int flags
      "buffer", // struct sockaddr *src_addr
      "buffer", // socklen_t *addrlen
    ],
    result: "i32", // ssize_t, as for send
  },
} as const;

const WAITING = {
  poll: {
    parameters: [
      "buffer", // struct pollfd *fds
      "u64", // nfds_t nfds
      "i32", // int timeout, in milliseconds
    ],
    result: "i32", // int
  },
  eventfd: {
    parameters: [
      "u32", // unsigned int initval
      "i32", // int flags
    ],
    result: "i32", // int
  },
  // On a thread of Deno's pool: errno stays there.
  pollAside: {
    name: "poll",
    nonblocking: true,
    parameters: [
      "buffer", // struct pollfd *fds
      "u64", // nfds_t nfds
      "i32", // int timeout, in milliseconds
    ],
    result: "i32", // int
  },
} as const;

const FILE = {
  // Variadic in C: the third argument, a mode, counts only for new files.
  open: {
    parameters: [
      "buffer", // const char *pathname
      "i32", // int flags
    ],
    result: "i32", // int
  },
  read: {
    parameters: [
      "i32", // int fd
      "buffer", // void *buf
      "usize", // size_t count
    ],
    result: "i32", // ssize_t, as for send
  },
  write: {
    parameters: [
      "i32", // int fd
      "buffer", // const void *buf
      "usize", // size_t count
    ],
    result: "i32", // ssize_t, as for send
  },
} as const;

const DIRECTORY = {
  // glibc has the function of this name since 2.30, musl calls it `getdents`.
  // `long syscall(long number, ...)` is variadic, as `ioctl` below.
  getdents64: {
    name: "syscall",
    parameters: [
      "i64", // long number
      "i32", // int fd
      "buffer", // void *dirp
      "usize", // size_t count
    ],
    result: "i32", // long: 32 KiB at the most, and -1 is -1 in both widths
  },
  readlink: {
    parameters: [
      "buffer", // const char *pathname
      "buffer", // char *buf
      "usize", // size_t bufsiz
    ],
    result: "i32", // ssize_t, as for send
  },
} as const;

const REPLACING = {
  // musl has the function since 1.2.4 only; variadic, as `ioctl` below.
  statx: {
    name: "syscall",
    parameters: [
      "i64", // long number
      "i32", // int dirfd
      "buffer", // const char *pathname
      "i32", // int flags
      "u32", // unsigned int mask
      "buffer", // struct statx *statxbuf
    ],
    result: "i32", // long: 0 or -1
  },
  realpath: {
    parameters: [
      "buffer", // const char *path
      "buffer", // char *resolved_path
    ],
    result: "pointer", // char * (the second, or NULL)
  },
  // Variadic in C, as `ioctl` below.
  create: {
    name: "open",
    parameters: [
      "buffer", // const char *pathname
      "i32", // int flags
      "u32", // mode_t mode
    ],
    result: "i32", // int
  },
  fchmod: {
    parameters: [
      "i32", // int fd
      "u32", // mode_t mode
    ],
    result: "i32", // int
  },
  rename: {
    parameters: [
      "buffer", // const char *oldpath
      "buffer", // const char *newpath
    ],
    result: "i32", // int
  },
  unlink: {
    parameters: [
      "buffer", // const char *pathname
    ],
    result: "i32", // int
  },
} as const;

const DEVICE = {
  // Variadic in C; on x86_64 and aarch64 Linux a pointer travels the same way.
  ioctl: {
    parameters: [
      "i32", // int fd
      "u64", // unsigned long request
      "buffer", // struct ifreq *ifr
    ],
    result: "i32", // int
  },
} as const;

const NETNS = {
  setns: {
    parameters: [
      "i32", // int fd
      "i32", // int nstype
    ],
    result: "i32", // int
  },
} as const;

const SERVICE = {
  getenv: {
    parameters: [
      "buffer", // const char *name
    ],
    result: "pointer", // char *
  },
  strlen: {
    parameters: [
      "pointer", // const char *s
    ],
    result: "usize", // size_t
  },
  clock_gettime: {
    parameters: [
      "i32", // clockid_t clockid
      "buffer", // struct timespec *tp
    ],
    result: "i32", // int
  },
} as const;

const SIGNALS = {
  signal: {
    parameters: [
      "i32", // int signum
      "u64", // sighandler_t handler
    ],
    result: "void", // sighandler_t (the one before)
  },
  sigaction: {
    parameters: [
      "i32", // int signum
      "buffer", // const struct sigaction *act
      "buffer", // struct sigaction *oldact
    ],
    result: "i32", // int
  },
} as const;

const SUSPENDING = {
  raise: {
    parameters: [
      "i32", // int sig
    ],
    result: "i32", // int
  },
} as const;

const STREAMS = {
  bind: {
    parameters: [
      "i32", // int sockfd
      "buffer", // const struct sockaddr *addr
      "u32", // socklen_t addrlen
    ],
    result: "i32", // int
  },
  getsockname: {
    parameters: [
      "i32", // int sockfd
      "buffer", // struct sockaddr *addr
      "buffer", // socklen_t *addrlen
    ],
    result: "i32", // int
  },
  getsockopt: {
    parameters: [
      "i32", // int sockfd
      "i32", // int level
      "i32", // int optname
      "buffer", // void *optval
      "buffer", // socklen_t *optlen
    ],
    result: "i32", // int
  },
} as const;

const RESOLVING = {
  getaddrinfo: {
    parameters: [
      "buffer", // const char *node
      "pointer", // const char *service
      "buffer", // const struct addrinfo *hints
      "buffer", // struct addrinfo **res
    ],
    result: "i32", // int
  },
  // On a thread of Deno's pool.
  getaddrinfoAside: {
    name: "getaddrinfo",
    nonblocking: true,
    parameters: [
      "buffer", // const char *node
      "pointer", // const char *service
      "buffer", // const struct addrinfo *hints
      "buffer", // struct addrinfo **res
    ],
    result: "i32", // int
  },
  freeaddrinfo: {
    parameters: [
      "u64", // struct addrinfo *res
    ],
    result: "void",
  },
  // From an address that is known as a number.
  copyFrom: {
    name: "memcpy",
    parameters: [
      "buffer", // void *dest
      "u64", // const void *src
      "usize", // size_t n
    ],
    result: "void", // void *, as for memcpy
  },
} as const;

type Symbols<Table extends Deno.ForeignLibraryInterface> =
  Deno.StaticForeignLibraryInterface<Table>;

/** The C library. `memcpy` and the rest are called as C calls them. */
export interface Libc {
  /** The functions that every command needs. */
  readonly symbols: Symbols<typeof CORE>;
  /** Where this thread's errno is; an isolate keeps its thread. */
  readonly errnoPointer: Deno.PointerValue;
  /** Binds functions that only the caller needs; to be called once for each. */
  readonly bind: <Table extends Deno.ForeignLibraryInterface>(
    table: Table,
  ) => Symbols<Table>;
  /** What members of multicast groups need. */
  readonly groups: () => Symbols<typeof GROUPS>;
  /** What waiting needs. */
  readonly waiting: () => Symbols<typeof WAITING>;
  /** What files need. */
  readonly file: () => Symbols<typeof FILE>;
  /** What listing directories and reading links needs. */
  readonly directory: () => Symbols<typeof DIRECTORY>;
  /** What replacing a file needs. */
  readonly replacing: () => Symbols<typeof REPLACING>;
  /** What looking up network devices needs. */
  readonly device: () => Symbols<typeof DEVICE>;
  /** What visiting network namespaces needs. */
  readonly netns: () => Symbols<typeof NETNS>;
  /** What sockets that are not of netlink need. */
  readonly streams: () => Symbols<typeof STREAMS>;
  /** What looking up names of hosts needs. */
  readonly resolving: () => Symbols<typeof RESOLVING>;
  /** What talking to the service manager needs. */
  readonly service: () => Symbols<typeof SERVICE>;
  /** What ignoring signals needs. */
  readonly signals: () => Symbols<typeof SIGNALS>;
  /** What stopping this process needs. */
  readonly suspending: () => Symbols<typeof SUSPENDING>;
}

let opened: Libc | undefined;

/**
 * The C library, bound at the first call.
 *
 * @throws {Deno.errors.NotSupported} This is not Linux, or not Deno.
 * @throws {Deno.errors.NotCapable} There is no permission to call it.
 */
export function libc(): Libc {
  return opened ??= open();
}

/**
 * Binds all that the library ever calls in libc, which stays bound: else each
 * part is when it is first used, 0.2 ms a function. Where `deno test` checks for
 * leaked resources, call it before the first test; needs `--allow-ffi`.
 *
 * @throws {Deno.errors.NotSupported} This is not Linux.
 * @throws {Deno.errors.NotCapable} There is no permission to call libc.
 *
 * @example No leak in a test
 * ```ts
 * import { PathManager, preload } from "@mptcp/pm";
 *
 * preload();
 * Deno.test("the mode can be read", () => {
 *   using pm = PathManager.open();
 *   pm.getMode();
 * });
 * ```
 */
export function preload(): void {
  const { groups, waiting, file, directory, replacing } = libc();
  groups(), waiting(), file(), directory(), replacing();
  const { device, netns, streams, resolving } = libc();
  device(), netns(), streams(), resolving();
  const { service, signals, suspending } = libc();
  service(), signals(), suspending();
}

function open(): Libc {
  if (typeof Deno === "undefined") {
    throw new Error("Cannot call libc: this is not Deno");
  }
  if (Deno.build.os !== "linux") {
    throw new Deno.errors.NotSupported(
      `Cannot open mptcp_pm on ${Deno.build.os}: Multipath TCP is a part of Linux`,
    );
  }
  const { path, symbols } = openFirst(permittedPaths());
  const bind: Libc["bind"] = (table) => Deno.dlopen(path, table).symbols;
  return {
    symbols,
    errnoPointer: symbols.__errno_location(),
    bind,
    groups: once(() => bind(GROUPS)),
    waiting: once(() => bind(WAITING)),
    file: once(() => bind(FILE)),
    directory: once(() => bind(DIRECTORY)),
    replacing: once(() => bind(REPLACING)),
    device: once(() => bind(DEVICE)),
    netns: once(() => bind(NETNS)),
    streams: once(() => bind(STREAMS)),
    resolving: once(() => bind(RESOLVING)),
    service: once(() => bind(SERVICE)),
    signals: once(() => bind(SIGNALS)),
    suspending: once(() => bind(SUSPENDING)),
  };
}

function once<T>(make: () => T): () => T {
  let made: T | undefined;
  return () => made ??= make();
}

/**
 * Where the C library may be, the commonest first: Debian and Ubuntu; Fedora,
 * RHEL and SUSE; Arch; the Alpine image of Deno. Those of musl are for a Deno
 * that is built for it, as in Alpine's own package.
 */
export function libcPaths(
  arch: string,
  env: string | undefined = Deno.build.env,
): string[] {
  if (env === "musl") {
    return [`/lib/libc.musl-${arch}.so.1`, `/lib/ld-musl-${arch}.so.1`];
  }
  return [
    `/lib/${arch}-linux-gnu`,
    `/usr/lib/${arch}-linux-gnu`,
    "/lib64",
    "/usr/lib64",
    "/usr/lib",
    "/lib",
    "/usr/local/lib",
  ].map((folder) => `${folder}/libc.so.6`);
}

/**
 * The names to try: with the whole permission the bare name, which is the copy
 * that the process already uses; else each path that was allowed.
 */
function permittedPaths(): string[] {
  const whole = { name: "ffi" } as const;
  const granted = (descriptor: Deno.FfiPermissionDescriptor) =>
    Deno.permissions.querySync(descriptor).state === "granted";
  const bare = ["libc.so.6", `libc.musl-${Deno.build.arch}.so.1`];
  if (granted(whole)) return bare;
  const paths = libcPaths(Deno.build.arch)
    .filter((path) => granted({ name: "ffi", path }));
  if (paths.length > 0) return paths;
  // A prompt for a bare name grants a file of the working directory instead
  // (denoland/deno#29246): ask for the whole permission.
  if (Deno.permissions.requestSync(whole).state === "granted") return bare;
  throw new Deno.errors.NotCapable(
    "Cannot call libc: run again with --allow-ffi, or, for no more than " +
      `that, with --allow-ffi=${libcPaths(Deno.build.arch)[0]}`,
  );
}

function openFirst(paths: string[]) {
  const failures: string[] = [];
  for (const path of paths) {
    try {
      return { path, symbols: Deno.dlopen(path, CORE).symbols };
    } catch (error) {
      failures.push((error as Error).message);
    }
  }
  throw new Deno.errors.NotFound(
    `Cannot open libc: ${failures.join("; ")}`,
  );
}
