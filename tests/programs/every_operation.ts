/**
 * Calls every operation, and prints as JSON what each returned or threw.
 *
 * usage: deno run --allow-ffi tests/programs/every_operation.ts JSON
 *
 * @module
 */

import { PathManager } from "../../mod.ts";
import type { Failed, Inputs, Results } from "../helpers/every_operation.ts";

const results: Results = {};

async function attempt(name: string, action: () => unknown): Promise<void> {
  try {
    results[name] = await action() ?? "done";
  } catch (error) {
    const { name: kind, message: text, op, syscall, code, hint } =
      error as Failed;
    // The hint follows in a line of its own.
    const message = text.split("\n")[0]!;
    results[name] = { name: kind, message, op, syscall, code, hint };
  }
}

async function callEach({ ways, connection }: Inputs): Promise<void> {
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

/** Opens a second subflow and closes it again, as its events show. */
async function steer(
  pm: PathManager,
  { token, spare, remote }: Inputs["connection"],
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
    pm.setSubflowBackup({ token, local, remote, backup: true });
    pm.subflowDestroy({ token, local, remote });
  }
  return seen;
}

await attempt("open", () => callEach(JSON.parse(Deno.args[0]!)));
console.log(JSON.stringify(results));
