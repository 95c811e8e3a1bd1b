/**
 * Does all that the library can, and says as JSON what becomes of each call.
 *
 * usage: deno run --allow-ffi tests/programs/everything.ts JSON
 *
 * @module
 */

import { PathManager } from "../../mod.ts";

/** What to do it with. */
export interface Stage {
  /** The ways to a namespace, by what they are called in the results. */
  readonly ways: Readonly<Record<string, string | number>>;
  /** A connection with the userspace path manager, and a way to a second. */
  readonly connection: {
    readonly token: number;
    /** An address of this host that has no subflow yet. */
    readonly spare: string;
    /** What the spare address can connect to. */
    readonly remote: { readonly address: string; readonly port: number };
  };
}

/** What an error says. */
export interface Failed {
  readonly name: string;
  readonly message: string;
  readonly op?: string;
  readonly syscall?: string;
  readonly code?: string;
  readonly hint?: string;
}

/** What became of each call. */
export type Results = Record<string, unknown>;

const results: Results = {};

/** What becomes of each call for somebody who may do it. */
export const DONE = {
  getMode: "userspace",
  setMode: "kernel",
  getLimits: { subflows: 2, addAddrAccepted: 0 },
  setLimits: 3,
  addAddr: 1,
  setFlags: ["backup"],
  getAddr: "lo",
  dumpAddrs: 1,
  "dumpAddrs of a token": "done",
  delAddr: 1,
  flushAddrs: "done",
  events: "done",
  steering: ["1 announced", "sub-established", "sub-closed"],
  open: "done",
} as const;

async function attempt(name: string, action: () => unknown): Promise<void> {
  try {
    results[name] = await action() ?? "done";
  } catch (error) {
    const { name: kind, message, op, syscall, code, hint } = error as Failed;
    results[name] = { name: kind, message, op, syscall, code, hint };
  }
}

async function everything({ ways, connection }: Stage): Promise<void> {
  const address = "10.0.0.1";
  using pm = PathManager.open();
  await attempt("getMode", () => pm.getMode());
  await attempt("setMode", () => {
    using _former = pm.setMode("kernel");
    return pm.getMode();
  });
  await attempt("getLimits", () => pm.getLimits());
  await attempt("setLimits", () => {
    pm.setLimits({ subflows: 3 });
    const { subflows } = pm.getLimits();
    pm.setLimits({ subflows: 2 });
    return subflows;
  });
  await attempt("addAddr", () => pm.addAddr({ address, dev: "lo" }).id);
  await attempt("setFlags", () => pm.setFlags({ address, backup: true }).flags);
  await attempt("getAddr", () => pm.getAddr({ id: 1 }).dev);
  await attempt("dumpAddrs", () => pm.dumpAddrs().length);
  await attempt("dumpAddrs of a token", () => {
    pm.dumpAddrs({ token: connection.token });
  });
  await attempt("delAddr", () => pm.delAddr({ address }).length);
  await attempt("flushAddrs", () => pm.flushAddrs());
  await attempt("events", () => pm.events().close());
  await attempt("steering", () => steer(pm, connection));
  for (const [way, netns] of Object.entries(ways)) {
    await attempt(way, async () => {
      using there = PathManager.open({ netns });
      using _former = there.setMode(there.getMode());
      using events = there.events();
      there.addAddr({ address });
      there.delAddr({ address });
      const next = events.next();
      events.close();
      await next;
    });
  }
}

/** Opens a second subflow and closes it again; the events say that it did. */
async function steer(
  pm: PathManager,
  { token, spare, remote }: Stage["connection"],
): Promise<string[]> {
  const seen = [];
  using events = pm.events({ types: ["sub-established", "sub-closed"], token });
  pm.announce({ token, address: spare, id: 7 });
  seen.push(`${pm.dumpAddrs({ token }).length} announced`);
  pm.remove({ token, id: 7 });
  pm.subflowCreate({ token, local: { address: spare, id: 8 }, remote });
  for await (const { type, local, remote } of events) {
    seen.push(type);
    if (type === "sub-closed") break;
    pm.setFlags({ token, local, remote, backup: true });
    pm.subflowDestroy({ token, local, remote });
  }
  return seen;
}

if (import.meta.main) {
  await attempt("open", () => everything(JSON.parse(Deno.args[0]!)));
  console.log(JSON.stringify(results));
}
