import { assertEquals, assertThrows } from "@std/assert";
import type { Libc } from "../../ffi/libc.ts";

/** The module that is tested. */
interface Module {
  libc(): Libc;
  libcPaths(arch: string, env?: string): string[];
}

let instances = 0;

/** The module once more, with nothing opened yet. */
function fresh(): Promise<Module> {
  return import(`../../ffi/libc.ts?${++instances}`);
}

const bare = ["libc.so.6", `libc.musl-${Deno.build.arch}.so.1`];

/** What there is and what is allowed. */
interface World {
  /** Whether all of FFI is allowed. */
  whole?: boolean;
  /** The paths that are allowed. */
  paths?: string[];
  /** What is said to a prompt. */
  prompted?: boolean;
  /** The libraries that there are. */
  libraries?: string[];
}

/** What was asked for. */
interface Seen {
  opened: [path: string, ...symbols: string[]][];
  prompts: Deno.PermissionDescriptor[];
}

/** Calls something in a world of its own. */
function inWorld<T>(
  { whole = false, paths = [], prompted = false, libraries = [] }: World,
  action: (seen: Seen) => T,
): T {
  const seen: Seen = { opened: [], prompts: [] };
  const { dlopen } = Deno;
  const { querySync, requestSync } = Deno.permissions;
  const state = (isGranted: boolean) =>
    ({ state: isGranted ? "granted" : "prompt" }) as Deno.PermissionStatus;
  Deno.permissions.querySync = (descriptor) =>
    state(
      descriptor.name === "ffi" &&
        (descriptor.path === undefined
          ? whole
          : paths.includes(`${descriptor.path}`)),
    );
  Deno.permissions.requestSync = (descriptor) => {
    seen.prompts.push(descriptor);
    return state(prompted);
  };
  Deno.dlopen = ((path: string, symbols: object) => {
    seen.opened.push([path, ...Object.keys(symbols)]);
    if (!libraries.includes(path)) throw new Error(`no ${path}`);
    return { symbols: { __errno_location: () => "pointer" } };
  }) as unknown as typeof dlopen;
  try {
    return action(seen);
  } finally {
    Deno.dlopen = dlopen;
    Object.assign(Deno.permissions, { querySync, requestSync });
  }
}

const paths = (await fresh()).libcPaths(Deno.build.arch);

Deno.test("`libcPaths()` knows the layouts of the distributions", async () => {
  const { libcPaths } = await fresh();
  assertEquals(libcPaths("aarch64"), [
    "/lib/aarch64-linux-gnu/libc.so.6",
    "/usr/lib/aarch64-linux-gnu/libc.so.6",
    "/lib64/libc.so.6",
    "/usr/lib64/libc.so.6",
    "/usr/lib/libc.so.6",
    "/lib/libc.so.6",
    "/usr/local/lib/libc.so.6",
  ]);
  assertEquals(libcPaths("aarch64", "musl"), [
    "/lib/libc.musl-aarch64.so.1",
    "/lib/ld-musl-aarch64.so.1",
  ]);
});

const CHOICES: readonly (readonly [
  name: string,
  world: World,
  opened: string[],
  prompts?: number,
])[] = [
  [
    "the bare name with the whole permission",
    { whole: true, paths, libraries: bare },
    ["libc.so.6"],
  ],
  [
    "the one of musl where there is no other",
    { whole: true, libraries: bare.slice(1) },
    bare,
  ],
  [
    "the one path that is allowed",
    { paths: [paths[3]!], libraries: paths },
    [paths[3]!],
  ],
  [
    "the first of the allowed paths that is there",
    { paths: paths.slice(1, 4), libraries: paths.slice(3) },
    paths.slice(1, 4),
  ],
  [
    "the bare name when a prompt allows all",
    { prompted: true, libraries: bare },
    ["libc.so.6"],
    1,
  ],
];

for (const [name, world, opened, prompts = 0] of CHOICES) {
  Deno.test(`\`libc()\` opens ${name}`, async () => {
    const { libc } = await fresh();
    inWorld(world, (seen) => {
      assertEquals(libc().errnoPointer as unknown, "pointer");
      assertEquals(seen.opened.map(([path]) => path), opened);
      // Without a path: a prompt for a bare name allows another file.
      assertEquals(seen.prompts, Array(prompts).fill({ name: "ffi" }));
      assertEquals(libc() === libc(), true);
      assertEquals(seen.opened.length, opened.length);
    });
  });
}

Deno.test("`libc()` says how to allow it", async () => {
  const { libc } = await fresh();
  inWorld({}, (seen) => {
    const error = assertThrows(() => libc(), Deno.errors.NotCapable);
    assertEquals(
      error.message,
      "Cannot call libc: run again with --allow-ffi, or, for no more than " +
        `that, with --allow-ffi=${paths[0]}`,
    );
    assertEquals(seen.opened, []);
    assertEquals(seen.prompts.length, 1);
  });
  // Allowed meanwhile.
  inWorld({ whole: true, libraries: bare }, () => {
    assertEquals(libc().errnoPointer as unknown, "pointer");
  });
});

Deno.test("`libc()` opens a path of musl, and names one, where Deno is built for it", async () => {
  const { build } = Deno;
  Object.assign(Deno, { build: { ...build, env: "musl" } });
  try {
    const musl = (await fresh()).libcPaths(Deno.build.arch);
    for (const path of musl) {
      const { libc } = await fresh();
      inWorld({ paths: [path], libraries: [path] }, (seen) => {
        assertEquals(libc().errnoPointer as unknown, "pointer");
        assertEquals(seen.opened.map(([opened]) => opened), [path]);
      });
    }
    const { libc } = await fresh();
    inWorld({}, () => {
      const { message } = assertThrows(() => libc(), Deno.errors.NotCapable);
      assertEquals(message.endsWith(`--allow-ffi=${musl[0]}`), true);
    });
  } finally {
    Object.assign(Deno, { build });
  }
});

Deno.test("`libc()` says what it tried when there is no library", async () => {
  const rows: [World, string[]][] = [
    [{ whole: true }, bare],
    [{ paths: paths.slice(2, 4) }, paths.slice(2, 4)],
  ];
  for (const [world, tried] of rows) {
    const { libc } = await fresh();
    inWorld(world, () => {
      const error = assertThrows(() => libc(), Deno.errors.NotFound);
      assertEquals(
        error.message,
        `Cannot open libc: ${tried.map((path) => `no ${path}`).join("; ")}`,
      );
    });
  }
});

Deno.test("`libc()` binds what not everybody needs at its first use, once", async () => {
  const { libc } = await fresh();
  const world = { paths: [paths[2]!], libraries: [paths[2]!] };
  inWorld(world, (seen) => {
    const { groups, waiting, file, directory, replacing, device, netns } =
      libc();
    assertEquals(seen.opened.length, 1);
    assertEquals(seen.opened[0]!.slice(1), [
      "__errno_location",
      "memcpy",
      "socket",
      "connect",
      "setsockopt",
      "send",
      "recv",
      "close",
    ]);
    const rows: [() => unknown, string[]][] = [
      [groups, ["recvfrom"]],
      [device, ["ioctl"]],
      [waiting, ["poll", "eventfd", "pollAside"]],
      [file, ["open", "read", "write"]],
      [directory, ["getdents64", "readlink"]],
      [replacing, [
        "statx",
        "realpath",
        "create",
        "fchmod",
        "rename",
        "unlink",
      ]],
      [netns, ["setns"]],
    ];
    for (const [bind, symbols] of rows) {
      const before = seen.opened.length;
      assertEquals(bind() === bind(), true);
      assertEquals(seen.opened.slice(before), [[paths[2]!, ...symbols]]);
    }
  });
});

Deno.test("importing `libc` opens nothing and asks for nothing", async () => {
  const { promise } = inWorld({ whole: true, libraries: bare }, (seen) => ({
    promise: fresh().then(() => seen),
  }));
  const seen = await promise;
  assertEquals([seen.opened, seen.prompts], [[], []]);
});

for (const os of ["darwin", "windows", "freebsd", "android"]) {
  Deno.test(`\`libc()\` says that ${os} has no Multipath TCP`, async () => {
    const { libc } = await fresh();
    const { build } = Deno;
    Object.defineProperty(Deno, "build", { value: { ...build, os } });
    try {
      const error = assertThrows(() => libc(), Deno.errors.NotSupported);
      assertEquals(
        error.message,
        `Cannot open mptcp_pm on ${os}: Multipath TCP is a part of Linux`,
      );
    } finally {
      Object.defineProperty(Deno, "build", { value: build });
    }
  });
}

Deno.test("`libc()` says that other runtimes are not Deno", async () => {
  const { libc } = await fresh();
  const descriptor = Object.getOwnPropertyDescriptor(globalThis, "Deno")!;
  Reflect.deleteProperty(globalThis, "Deno");
  let message: string | undefined;
  try {
    libc();
  } catch (error) {
    ({ message } = error as Error);
  } finally {
    Object.defineProperty(globalThis, "Deno", descriptor);
  }
  assertEquals(message, "Cannot call libc: this is not Deno");
});
