/**
 * Installs and builds the peers: Debian packages, a program of ours in C, and
 * of the kernel's source the netlink client that is written in Python.
 *
 * @module
 */

import { run } from "../../testing/host.ts";

const here = decodeURIComponent(new URL("./", import.meta.url).pathname);
/** What is built and downloaded, and not part of the repository. */
const build = `${here}.build/`;

const SOURCE = "linux-source-6.12";
const PYTHON = "/usr/bin/python3";

/** A peer that is not in Deno. */
export interface PeerProgram {
  /** What it is called in tables. */
  readonly name: string;
  /** The version that is installed, and what it was built with. */
  readonly version: string;
  /** Starts it as a {@linkcode Peer}. */
  readonly serve: readonly string[];
  /** Has it list the endpoints, and end. Absent: that is not its purpose. */
  readonly show?: readonly string[];
}

type PeerName = "C" | "pyroute2" | "ynl";

/** How each is installed. */
const INSTALL: Readonly<Record<PeerName, () => PeerProgram>> = {
  C: libmnl,
  pyroute2,
  ynl,
};

const installed: { [Name in PeerName]?: PeerProgram | undefined } = {};

/**
 * Installs peers, each once; what cannot be had is told on standard error.
 *
 * @param names Which. @default {all}
 */
export function peers(
  ...names: readonly PeerName[]
): readonly PeerProgram[] {
  const wanted = names.length > 0 ? names : Object.keys(INSTALL) as PeerName[];
  return wanted.flatMap((name) => {
    if (!(name in installed)) installed[name] = install(name);
    return installed[name] ?? [];
  });
}

function install(name: PeerName): PeerProgram | undefined {
  try {
    return INSTALL[name]();
  } catch (error) {
    console.error(`NOT MEASURED: ${name}: ${(error as Error).message}`);
    return undefined;
  }
}

function libmnl(): PeerProgram {
  const version = packages("libmnl-dev", "gcc", "libc6-dev");
  const program = compile("libmnl", "libmnl.c", "sock_diag.c");
  const compiler = run("gcc", "--version").split("\n")[0];
  return {
    name: "C",
    version: `libmnl ${version}, ${compiler}, -O2`,
    serve: [program],
  };
}

/**
 * Builds a program in C.
 *
 * @param name What to call it.
 * @param sources Files beside this one.
 * @returns Its path.
 */
export function compile(name: string, ...sources: string[]): string {
  Deno.mkdirSync(build, { recursive: true });
  const program = `${build}${name}`;
  const files = sources.map((source) => `${here}${source}`);
  run("gcc", "-O2", "-Wall", "-o", program, ...files, "-lmnl");
  return program;
}

function pyroute2(): PeerProgram {
  const version = packages("python3-pyroute2");
  return {
    name: "pyroute2",
    version: `${version}, ${run(PYTHON, "--version").trim()}`,
    serve: [PYTHON, `${here}pyroute2_peer.py`],
    show: [
      ...[PYTHON, "-c"],
      "from pyroute2.netlink.generic.mptcp import MPTCP\n" +
      "for endpoint in MPTCP().endpoint('show'): print(endpoint)",
    ],
  };
}

function ynl(): PeerProgram {
  packages("python3-yaml", "python3-jsonschema");
  const source = `${build}${SOURCE}`;
  const spec = `${source}/Documentation/netlink/specs/mptcp_pm.yaml`;
  const tool = `${source}/tools/net/ynl/cli.py`;
  if (!isFile(spec) || !isFile(tool)) download(source);
  return {
    name: "ynl",
    version: `of ${SOURCE} ${Deno.readTextFileSync(`${source}/version`)}`,
    serve: [PYTHON, `${here}ynl_peer.py`, source],
    show: [PYTHON, tool, "--spec", spec, "--dump", "get-addr"],
  };
}

/** Takes of the kernel's source, which is large, what is needed. */
function download(source: string): void {
  Deno.mkdirSync(build, { recursive: true });
  const folder = Deno.makeTempDirSync({ dir: build });
  try {
    console.error(`Downloading ${SOURCE}, some 150 MB`);
    run(
      "sh",
      "-euc",
      `
      cd ${folder}
      apt-get download ${SOURCE}
      dpkg-deb --fsys-tarfile *.deb |
        tar -xO ./usr/src/${SOURCE}.tar.xz |
        tar -xJ ${SOURCE}/tools/net/ynl ${SOURCE}/Documentation/netlink
      printf %s "$(dpkg-deb -f *.deb Version)" >${SOURCE}/version
    `,
    );
    Deno.renameSync(`${folder}/${SOURCE}`, source);
  } finally {
    Deno.removeSync(folder, { recursive: true });
  }
}

/** Installs the packages that are missing. Gives the version of the first. */
function packages(...names: string[]): string {
  const missing = names.filter((name) => versionOf(name) === "");
  if (missing.length > 0) {
    console.error(`Installing ${missing.join(", ")}`);
    run("apt-get", "install", "--yes", "--no-install-recommends", ...missing);
  }
  return versionOf(names[0]!);
}

/** The version of a package; `""`: it is not installed. */
function versionOf(name: string): string {
  try {
    return run("dpkg-query", "--show", "--showformat=${Version}", name);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) throw error;
    return "";
  }
}

function isFile(path: string): boolean {
  try {
    return Deno.statSync(path).isFile;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return false;
    throw error;
  }
}
