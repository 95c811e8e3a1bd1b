import type { Lab } from "../testing/lab.ts";

/** What bash reads when it starts; some systems have given it another prompt. */
const RC = `unset HISTFILE
PS1='$MPTCP_LAB_HOST# '
eval "$(mptcp completion bash 2>/dev/null)"
`;

const PREFIX = "mptcp-lab-";

/** The folder with the commands of a laboratory, which are scripts. */
export class Commands implements Disposable {
  readonly folder: string;
  readonly #lock: Deno.FsFile;

  /**
   * Writes them, for a laboratory of so many paths, and removes those of
   * laboratories whose process was killed.
   */
  constructor({ client, server }: Lab, paths: number) {
    [this.folder, this.#lock] = makeFolder();
    removeLeftovers(this.folder.replace(/\/[^/]*$/, ""));
    Deno.writeTextFileSync(`${this.folder}/rc`, RC);
    this.#write("mptcp", `exec ${mptcp().map(quote).join(" ")} "$@"`);
    for (const { netns } of [client, server]) {
      const name = netns.replace(/.*-/, "");
      this.#write(name, this.#host(name, netns));
    }
    const numbers = Array.from({ length: paths }, (_, index) => 1 + index);
    const there = paths < 2
      ? `there is ${paths === 0 ? "none" : "path 1"}`
      : `there are 1 to ${paths}`;
    this.#write(
      "lab",
      `case "$1 $2" in
  'cut '?*) state=down ;;
  'restore '?*) state=up ;;
  *) echo 'usage: lab cut PATH, lab restore PATH' >&2; exit 255 ;;
esac
case ${quote(` ${numbers.join(" ")} `)} in
  *" $2 "*) exec ip -n ${server.netns} link set "server$2" "$state" ;;
esac
echo "lab: no path $2; ${there}" >&2
exit 255`,
    );
  }

  /** Runs a command on a host, or else a shell. */
  #host(name: string, netns: string): string {
    return `if [ $# -eq 0 ] && [ ! -t 0 ]; then set -- sh
elif [ $# -eq 0 ] && command -v bash >/dev/null; then
  set -- bash --rcfile ${quote(`${this.folder}/rc`)} -i
elif [ $# -eq 0 ]; then set -- sh -i
fi
PS1='$MPTCP_LAB_HOST# ' MPTCP_LAB_HOST=${name} exec ip netns exec ${netns} "$@"`;
  }

  #write(name: string, script: string): void {
    const path = `${this.folder}/${name}`;
    Deno.writeTextFileSync(path, `#!/bin/sh\n${script}\n`, { mode: 0o755 });
  }

  /** Removes them. */
  [Symbol.dispose](): void {
    Deno.removeSync(this.folder, { recursive: true });
    this.#lock.close();
  }
}

/** A folder of this process. */
function makeFolder(): [path: string, lock: Deno.FsFile] {
  for (;;) {
    const path = Deno.makeTempDirSync({ prefix: PREFIX });
    const lock = lockFolder(path);
    // Another process may have taken it for a leftover already.
    if (lock !== undefined) return [path, lock];
  }
}

/** Removes the folders that were made here, and belong to no process. */
function removeLeftovers(temporary: string): void {
  for (const { name } of Deno.readDirSync(temporary)) {
    if (!name.startsWith(PREFIX)) continue;
    const path = `${temporary}/${name}`;
    using lock = lockFolder(path);
    if (lock === undefined || !hasCommands(path)) continue;
    Deno.removeSync(path, { recursive: true });
  }
}

/** Whether a folder is one of these: somebody else's may be called so. */
function hasCommands(path: string): boolean {
  try {
    return Deno.readTextFileSync(`${path}/rc`) === RC;
  } catch {
    return false;
  }
}

/**
 * Locks a folder of this user; absent: another process has done so, or removed
 * it. The kernel unlocks it when the process ends, in whatever PID namespace
 * that is.
 */
function lockFolder(path: string): Deno.FsFile | undefined {
  try {
    const { isDirectory, uid } = Deno.lstatSync(path);
    if (!isDirectory || uid !== Deno.uid()) return undefined;
    using opened = new DisposableStack();
    const lock = opened.use(Deno.openSync(path));
    if (!lock.tryLockSync(true)) return undefined;
    // It may have been removed before.
    Deno.lstatSync(path);
    opened.move();
    return lock;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return undefined;
    throw error;
  }
}

/** The command line that came with this module. */
function mptcp(): string[] {
  const { pathname, href } = new URL(import.meta.url);
  const [, version] = href.match(/\/@mptcp\/pm\/([^/]+)\/lab\//) ?? [];
  if (version === undefined) {
    return [decodeURIComponent(pathname).replace(/lab\/[^/]*$/, "bin/mptcp")];
  }
  return [
    ...["env", "DENO_NO_UPDATE_CHECK=1", Deno.execPath(), "run", "--quiet"],
    ...["--allow-ffi", `jsr:@mptcp/pm@${version}/cli`],
  ];
}

function quote(word: string): string {
  return `'${word.replaceAll("'", `'\\''`)}'`;
}
