/**
 * Tries each operation with 0, 1, 2, … free file descriptors until it succeeds,
 * and prints as JSON how each try ended.
 *
 * @module
 */

import { PathManager } from "../../mod.ts";

/** More than anything takes. */
const ENOUGH = 10;

const { symbols } = Deno.dlopen("libc.so.6", {
  // int dup(int oldfd)
  dup: { parameters: ["i32"], result: "i32" },
  // int close(int fd)
  close: { parameters: ["i32"], result: "i32" },
});

/** The descriptors that keep the table full. */
const held: number[] = [];

function fill(): void {
  for (let fd; (fd = symbols.dup(0)) >= 0;) held.push(fd);
}

function free(count: number): void {
  for (const fd of held.splice(-count, count)) symbols.close(fd);
}

const [netns] = Deno.args;
using pm = PathManager.open({ netns: netns! });
const address = "10.0.0.1";
const mode = pm.getMode();
const local = { address, port: 1 };
const remote = { address: "10.0.0.2", port: 2 };
/** Prepares something, and returns what is to be tried. */
const operations: Record<string, () => () => unknown> = {
  open: () => () => PathManager.open().close(),
  "open netns": () => () => PathManager.open({ netns: netns! }).close(),
  addAddr: () => () => pm.addAddr({ address, dev: "lo" }),
  getAddr: () => () => pm.getAddr({ id: 1 }),
  dumpAddrs: () => () => pm.dumpAddrs(),
  setFlags: () => () => pm.setFlags({ address, backup: true }),
  delAddr: () => () => pm.delAddr({ address }),
  flushAddrs: () => () => pm.flushAddrs(),
  setLimits: () => () => pm.setLimits({ subflows: 3 }),
  getLimits: () => () => pm.getLimits(),
  announce: () => () => pm.announce({ token: 1, address, id: 1 }),
  remove: () => () => pm.remove({ token: 1, id: 1 }),
  subflowCreate: () => () => pm.subflowCreate({ token: 1, local, remote }),
  subflowDestroy: () => () => pm.subflowDestroy({ token: 1, local, remote }),
  getMode: () => () => pm.getMode(),
  setMode: () => () => pm.setMode(mode),
  events: () => () => pm.events().close(),
  next: () => {
    const stream = pm.events();
    return async () => {
      const next = stream.next();
      // By then it waits, or has failed.
      setTimeout(() => stream.close());
      try {
        await next;
      } finally {
        stream.close();
      }
    };
  },
};
const tries: Record<string, string[]> = {};
for (const [name, prepare] of Object.entries(operations)) {
  const results: string[] = tries[name] = [];
  for (let count = 0; count < ENOUGH; count++) {
    const action = prepare();
    fill();
    free(count);
    const before = held.length;
    let result;
    try {
      await action();
      result = "done";
    } catch (error) {
      const { name, code } = error as { name: string; code?: string };
      result = `${name} ${code}`;
    }
    fill();
    const gone = before + count - held.length;
    results.push(gone > 0 ? `${result}, ${gone} more open` : result);
    free(ENOUGH);
    if (!result.includes("EMFILE")) break;
  }
}
console.log(JSON.stringify(tries));
