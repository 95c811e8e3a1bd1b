/**
 * The path manager of new connections while a policy runs, beside other
 * programs.
 *
 * @module
 */

import { MptcpError } from "../codec/mptcp_error.ts";
import type { Diag } from "../diag/diag.ts";
import { type EventListener, showsOnly } from "../diag/event_listeners.ts";
import { ifSeen } from "../diag/processes.ts";
import type { Namespace } from "../netlink/transport.ts";
import type { PathManager } from "../ops/path_manager.ts";

const USERSPACE = "userspace";
/** What each manager of this library claims in its namespace. */
const CLAIM = "mptcp manage";
const CLAIMED = / @mptcp manage (\d+)(?:\/\d+)?$/gm;
const UNIX_SOCKETS = "/proc/thread-self/net/unix";

/**
 * Manages beside the other programs here until the end of the block: sets the
 * mode if that is asked for, and lets others know.
 *
 * @param warn Takes what whoever runs it should know.
 */
export function joinManagers(
  pm: PathManager,
  diag: Diag,
  setMode: boolean,
  warn: (message: string) => void,
): Disposable {
  using stack = new DisposableStack();
  const list = () => otherManagers(pm.namespace, diag);
  const isUserspace = pm.getMode() === USERSPACE;
  const others = isUserspace ? list() : [];
  if (setMode) {
    stack.use(takeMode(pm, { areThere: others.length > 0, list }, warn));
  } else if (!isUserspace) warn(kernelMode(pm.namespace));
  for (const other of others) {
    warn(`${other} manages paths here, too: ${AGAINST}`);
  }
  stack.use(claimManager(pm.namespace));
  return stack.move();
}

/** What may come of several managers. */
export const AGAINST = "two path managers may work against each other";

/** What is said where new connections cannot be managed, with the command. */
export function kernelMode(namespace: Namespace): string {
  return "New connections are the in-kernel path manager's, which takes no " +
    `commands: ask for setMode, or do "${commandFor(namespace, USERSPACE)}"`;
}

/** What sets the mode. */
function commandFor(namespace: Namespace, mode: string): string {
  const isOld = namespace.readFile(`${SYSCTLS}path_manager`) === undefined;
  const setting = isOld
    ? `pm_type=${mode === USERSPACE ? 1 : 0}`
    : `path_manager=${mode}`;
  return `sysctl -w net.mptcp.${setting}`;
}

/**
 * Says that a manager runs here, until the end of the block.
 *
 * @returns Nothing where no names can be claimed.
 */
function claimManager(namespace: Namespace): Disposable | undefined {
  try {
    for (let count = 1;; count++) {
      const name = `${CLAIM} ${Deno.pid}${count === 1 ? "" : `/${count}`}`;
      const claim = namespace.claim(name);
      if (claim !== undefined) return claim;
    }
  } catch (error) {
    // Some services may open no sockets of AF_UNIX.
    if (error instanceof MptcpError) return undefined;
    throw error;
  }
}

/**
 * The other programs that manage the paths of connections here, as people know
 * them: managers of this library, and whatever else listens to the events,
 * unless it is known to show them only.
 */
function otherManagers(namespace: Namespace, diag: Diag): string[] {
  const table = ifSeen(() => namespace.readFile(UNIX_SOCKETS)) ?? "";
  const claims = [...table.matchAll(CLAIMED)].map(([, pid]) => Number(pid));
  const others = listenersOf(diag).filter((one) =>
    !one.isOwn && !showsOnly(one) && !claims.includes(one.pid ?? 0)
  );
  return [
    ...claims.map((pid) => `${CLAIM} (${pid})`),
    ...others.map(({ process, pid, portId }) =>
      pid === undefined
        ? `a program with the port id ${portId}`
        : `${process ?? "a process"} (${pid})`
    ),
  ];
}

/** None where they cannot be seen. */
function listenersOf(diag: Diag): EventListener[] {
  try {
    return diag.eventListeners();
  } catch (error) {
    if (error instanceof MptcpError) return [];
    throw error;
  }
}

/** What is to be known of other managers. */
interface Others {
  /** Whether there were any at the start. */
  readonly areThere: boolean;
  /** Those that are there now: see {@linkcode otherManagers}. */
  readonly list: () => readonly string[];
}

/**
 * Sets the path manager of new connections to `userspace`, and back at the end
 * unless somebody else needs it, or has changed it.
 *
 * @param warn Takes what whoever runs it should know.
 */
function takeMode(
  pm: PathManager,
  others: Others,
  warn: (message: string) => void,
): Disposable {
  const before = pm.getMode();
  let after = before;
  pm.setMode(USERSPACE);
  if (before === USERSPACE && !isConfigured(pm.namespace)) {
    // Whoever has set it will not set it back, or leaves that to the last.
    after = "kernel";
    if (!others.areThere) warn(LEFT);
  }
  return {
    [Symbol.dispose]() {
      if (after === USERSPACE || pm.getMode() !== USERSPACE) return;
      const [other] = others.list();
      if (other === undefined) return void pm.setMode(after);
      warn(
        `${SUBJECT} stays userspace, since ${other} is there; to set it all ` +
          `the same: ${commandFor(pm.namespace, after)}`,
      );
    },
  };
}

const SYSCTLS = "/proc/sys/net/mptcp/";
const SUBJECT = "The path manager of new connections";
const LEFT =
  `${SUBJECT} was userspace already, and no program manages paths: ` +
  "one was killed, or somebody has set it; at the end it is set to kernel, " +
  "unless a file in /etc/sysctl.d sets it to userspace";

/** Where settings are kept over a restart of the host: sysctl.d(5). */
const FOLDERS = ["/etc/sysctl.d", "/run/sysctl.d", "/usr/lib/sysctl.d"];
const SETS =
  /^\s*-?net[./]mptcp[./](path_manager\s*=\s*userspace|pm_type\s*=\s*1)\s*$/m;

/** Whether somebody wants to keep the mode. */
function isConfigured(namespace: Namespace): boolean {
  const files = FOLDERS.flatMap((folder) =>
    (ifSeen(() => namespace.listDirectory(folder)) ?? [])
      .filter((name) => name.endsWith(".conf"))
      .map((name) => `${folder}/${name}`)
  );
  return ["/etc/sysctl.conf", ...files].some((file) =>
    SETS.test(ifSeen(() => namespace.readFile(file)) ?? "")
  );
}
