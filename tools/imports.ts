/**
 * The directories, what each may import, and what it does import.
 *
 * @module
 */

import denoJson from "../deno.json" with { type: "json" };

/** The entry points of the package, except that of the program. */
const ENTRY_POINTS = [
  ...["mod.ts", "codec/mod.ts", "diag/mod.ts", "doctor/mod.ts"],
  ...["config/mod.ts", "policy/mod.ts"],
];
const LIBRARY = [
  ...["codec/", "ffi/", "netlink/", "ops/", "mod.ts"],
  ...["diag/", "doctor/", "config/", "policy/"],
];
const PUBLISHED = [
  ...LIBRARY,
  "testing/",
  "lab/",
  "cli/",
  "cli.ts",
  "deno.json",
];

/**
 * Each directory and each file beside them: what it holds, the units, files and
 * packages that it may import, and those that it may load when they are used, or
 * for their types. The lowest come first: each imports only what comes before it.
 */
export const UNITS: Readonly<
  Record<string, readonly [string, string[], string[]?]>
> = {
  "deno.json": ["version, entry points, tasks", []],
  "codec/": ["pure: bytes to values and back", []],
  "ffi/": ["libc: sockets, waiting, namespaces, files", ["codec/"]],
  "netlink/": ["requests, event streams, errors", ["codec/", "ffi/"]],
  "diag/": ["connections, counters, links", ["codec/", "netlink/"]],
  "ops/": [
    "mptcp_pm: a file for each command",
    ["codec/", "netlink/"],
    ["diag/"],
  ],
  "mod.ts": [
    "the library: PathManager and its types",
    [
      ...["codec/", "ffi/libc.ts", "ffi/output.ts"],
      ...["ffi/replace_file.ts", "ffi/service.ts", "ffi/signal.ts"],
      "ffi/syscall_error.ts",
      ...["netlink/", "ops/"],
    ],
  ],
  "doctor/": [
    "a snapshot, and checks that diagnose it",
    ["codec/", "netlink/", "diag/", "ops/"],
  ],
  "config/": [
    "the configuration file: plan, apply, watch",
    ["codec/", "netlink/", "diag/", "ops/", "@std/yaml"],
  ],
  "policy/": [
    "the tracker, ready path managers",
    ["codec/", "netlink/", "diag/", "ops/"],
  ],
  "testing/": ["fake kernel, simulator, lab of namespaces", LIBRARY],
  "lab/": ["a demonstration, and a laboratory", ["mod.ts", "testing/"]],
  "cli/": [
    "the command line: a file for each object",
    [
      ...ENTRY_POINTS,
      "codec/nearest.ts",
      "codec/thrown.ts",
      "deno.json",
      "@std/cli",
    ],
  ],
  "cli.ts": ["the program", ["cli/", "mod.ts"]],
  "examples/": ["programs to copy", [...ENTRY_POINTS, "testing/"]],
  "tests/golden/": ["captured bytes", []],
  "tests/helpers/": [
    "what several tests import",
    [...PUBLISHED, "tests/golden/", "@std/assert"],
  ],
  "tools/": [
    "generator, package, older kernels",
    [...PUBLISHED, "tests/helpers/", "@std/yaml", "node:", "npm:"],
  ],
  "bench/": [
    "measurements, against C and others",
    [...PUBLISHED, "tests/helpers/"],
  ],
  "tests/": [
    "the same tree; live/ fuzz/ soak/ programs/",
    [
      ...[...PUBLISHED, "examples/", "tests/golden/", "tests/helpers/"],
      ...["tools/", "bench/", "@std/", "npm:"],
    ],
  ],
};

/** One module that imports another. Paths count from the root. */
export interface Import {
  readonly from: string;
  /** A path, or the specifier of a package. */
  readonly to: string;
  /** Whether it is loaded at once, later by `import()`, or for its types. */
  readonly kind: "static" | "dynamic" | "type";
}

/** The unit that a file is in. */
export function unitOf(path: string): string | undefined {
  return Object.keys(UNITS).filter((unit) => isIn(path, unit))
    .toSorted((one, other) => other.length - one.length)[0];
}

/** Whether a path or specifier is a unit, a file or a package, or in it. */
function isIn(path: string, place: string): boolean {
  return path === place ||
    path.startsWith(/[/:]$/.test(place) ? place : `${place}/`);
}

/** Whether the table allows an import. */
export function isAllowed({ from, to, kind }: Import): boolean {
  const unit = unitOf(from);
  if (unit === undefined) return false;
  const [, imports, later = []] = UNITS[unit]!;
  const places = kind === "static" ? imports : [...imports, ...later];
  return unitOf(to) === unit || places.some((place) => isIn(to, place));
}

/** What `deno info --json` says of a module. */
interface Info {
  readonly specifier: string;
  readonly dependencies?: readonly {
    readonly specifier: string;
    readonly code?: { readonly specifier?: string };
    readonly type?: { readonly specifier?: string };
    readonly isDynamic?: boolean;
  }[];
}

/** All modules in a folder and below. */
function modulesIn(folder: URL): string[] {
  return [...Deno.readDirSync(folder)].flatMap(({ name, isDirectory }) => {
    if (isDirectory && !/^\.|^(coverage|node_modules)$/.test(name)) {
      return modulesIn(new URL(`${name}/`, folder));
    }
    return /\.[cm]?[jt]sx?$/.test(name) ? [new URL(name, folder).href] : [];
  });
}

/**
 * Reads the imports of all modules, as Deno understands them.
 *
 * @param root The folder of the modules; its URL ends with a slash.
 */
export function readImports(
  root: URL = new URL("../", import.meta.url),
): Import[] {
  const entry = modulesIn(root).map((url) => `import "${url}";`).join("");
  const { success, stdout, stderr } = new Deno.Command(Deno.execPath(), {
    // Without a configuration the names of packages stay as they are.
    args: [
      ...["info", "--json", "--no-config", "--no-lock", "--no-remote"],
      ...["--no-npm", `data:text/javascript,${encodeURIComponent(entry)}`],
    ],
    env: { NO_COLOR: "1" },
  }).outputSync();
  const text = new TextDecoder();
  if (!success) throw new Error(text.decode(stderr));
  const modules: Info[] = JSON.parse(text.decode(stdout)).modules;
  return modules.filter(({ specifier }) => specifier.startsWith(root.href))
    .flatMap(({ specifier: from, dependencies = [] }) =>
      dependencies.map(({ specifier, code, type, isDynamic }) => ({
        from: from.replace(root.href, ""),
        to: (code ?? type)?.specifier?.replace(root.href, "") ??
          entryPoint(specifier),
        kind: isDynamic ? "dynamic" : code ? "static" : "type",
      } as const))
    );
}

/** The file of an import of this package by its own name. */
function entryPoint(specifier: string): string {
  const { name, exports } = denoJson;
  const [, file] = Object.entries(exports)
    .find(([path]) => specifier === name + path.slice(1)) ?? [];
  return file?.replace("./", "") ?? specifier;
}
