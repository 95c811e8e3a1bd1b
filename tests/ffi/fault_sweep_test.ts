/** What becomes of each operation when calls of the C library fail. */
import { assert, assertEquals } from "@std/assert";
import { libc as boundLibc } from "../../ffi/libc.ts";
import * as mod from "../../mod.ts";
import { EventStream } from "../../ops/events.ts";
import {
  PathManager,
  type PathManagerOptions,
} from "../../ops/path_manager.ts";
import { HARMLESS as DELIVERIES } from "../helpers/distortions.ts";
import {
  assertRepeatable,
  type Attempt,
  attempt,
  doTwice,
  fill,
  type Operation,
  OPERATIONS,
  sourceOf,
} from "../helpers/operations.ts";
import { ERRORS } from "./errnos.ts";
import { libc } from "./fake_libc.ts";
import {
  arm,
  disarm,
  type Fault,
  type Hit,
  isHarmless,
  type Result,
  sweep,
  thrownBy,
  WAITING,
} from "./faults.ts";

/** Starts anew, with a kernel that answers late, so that all has to wait. */
function restart(): void {
  libc.reset();
  fill(libc.kernel);
  libc.kernel.distort = DELIVERIES["an answer that comes late"]!;
}

/** What became of something while calls failed. */
type Faulty = Attempt & Result;

function failing(faults: readonly Fault[], action: () => unknown): Faulty {
  const uses = arm(faults);
  const result = attempt(libc.kernel, action);
  disarm();
  return { uses, ...result };
}

/** A device that is not there any more. */
const isGone = ([use, code]: Hit) =>
  use.startsWith("ioctl SIOCGIF") && code === "ENODEV";

const nameless = (outcome: string) => outcome.replaceAll(/,"dev":"\w+"/g, "");

/** An operation says which call failed, or does as it does without faults. */
function check(result: Faulty, clean: Faulty, hits: Hit[], what: string) {
  const patterns = hits.map((hit) =>
    isGone(hit) ? /^RangeError: Unknown device/ : thrownBy(...hit)
  );
  const harmful = hits.filter((hit) => !isHarmless(...hit));
  const hasToThrow = harmful.some((hit) => !isGone(hit)) &&
    // It looks for the reason of a refusal, which it may not find.
    clean.outcome.startsWith("returns");
  const isSame = result.state === clean.state &&
    nameless(result.outcome) === nameless(clean.outcome);
  const error = result.outcome.replace(/^throws /, "");
  assert(
    isSame && !hasToThrow ||
      harmful.length > 0 && patterns.some((pattern) => pattern.test(error)),
    `${what}: ${result.outcome}`,
  );
}

/** The thread is where it was, or the error says that it is not. */
function assertHome({ outcome }: Attempt, what: string): void {
  const isLost = libc.netns !== "home";
  assert(!isLost || outcome.includes("Cannot come back"), `${what}: lost`);
}

/** It answers, and what is open is that and nothing else. */
function assertUsable(pm: PathManager, open: string[], what: string): void {
  assertEquals(pm.getLimits(), libc.kernel.limits, what);
  assertEquals([...libc.fds.values()], open, what);
  assertEquals(libc.netns, "home", what);
}

function sweepOperation(operation: Operation, netns = "home"): Promise<void> {
  const clean = doTwice(operation);
  return sweep((faults, what) => {
    restart();
    const pm = PathManager.open(netns === "home" ? {} : { netns });
    const action = operation(pm);
    const result = failing(faults, action);
    assertHome(result, what);
    // What was late has come by now.
    libc.kernel.wait(0);
    assertRepeatable(clean, result, () => attempt(libc.kernel, action), what);
    assertUsable(pm, [`socket in ${netns}`], what);
    pm.close();
    assertEquals([...libc.fds.values()], [], what);
    return result;
  }, check);
}

/** These do something in the namespace that the socket is in. */
const SOMEWHERE = ["events", "getMode", "setMode"];

for (const [name, operations] of Object.entries(OPERATIONS)) {
  for (const operation of operations) {
    const source = sourceOf(operation);
    Deno.test(`\`${source}\` tells which call failed, and stays usable`, () =>
      sweepOperation(operation));
    if (!SOMEWHERE.includes(name)) continue;
    Deno.test(`\`${source}\` of another namespace tells which call failed, and stays usable`, () =>
      sweepOperation(operation, "blue"));
  }
}

const PLACES: readonly (readonly [PathManagerOptions, string])[] = [
  [{}, "home"],
  [{ netns: "blue" }, "blue"],
  [{ netns: 42 }, "process 42"],
];

for (const [options, place] of PLACES) {
  const source = `PathManager.open(${Deno.inspect(options)})`;
  Deno.test(`\`${source}\` tells which call failed, and leaks nothing`, () =>
    sweep((faults, what) => {
      restart();
      let pm: PathManager | undefined;
      const result = failing(faults, () => {
        pm = PathManager.open(options);
      });
      assertHome(result, what);
      // Whatever happened, this opens where it should.
      const other = PathManager.open();
      const sockets = pm === undefined ? [] : [`socket in ${place}`];
      assertUsable(pm ?? other, [...sockets, "socket in home"], what);
      other.close();
      pm?.close();
      assertEquals([...libc.fds.values()], [], what);
      return result;
    }, check));
}

for (const end of ["close", Symbol.dispose] as const) {
  Deno.test(`\`${String(end)}\` closes, whatever the C library says`, () =>
    sweep((faults, what) => {
      restart();
      const pm = PathManager.open();
      const result = failing(faults, () => pm[end]());
      assertEquals([...libc.fds], [], what);
      const { uses } = failing([], () => pm[end]());
      assertEquals(uses, [], what);
      const { outcome } = failing([], () => pm.getLimits());
      assertEquals(outcome, "throws BadResource: The path manager is closed");
      return result;
    }, check));
}

Deno.test("a sysctl is read to its end, and written whole or not at all", () => {
  for (const netns of ["home", "blue"]) {
    restart();
    using pm = PathManager.open(netns === "home" ? {} : { netns });
    libc.kernel.writeSysctl("path_manager", "userspace");
    libc.atMost = 4;
    assertEquals(pm.getMode(), "userspace");
    const { outcome } = failing([], () => pm.setMode("kernel"));
    const [, reason] = outcome.split(/ \d of 6 bytes were taken$/);
    assertEquals(reason, "", outcome);
    assertEquals(libc.fds.size, 1);
  }
});

const methodsOf = (one: { prototype: object }) =>
  Object.getOwnPropertyNames(one.prototype)
    .filter((name) => name !== "constructor").toSorted();

Deno.test("every public operation is swept", () => {
  const others = Object.entries(mod)
    .filter(([, one]) => !(one.prototype instanceof Error));
  assertEquals(others.map(([name]) => name), ["EventStream", "PathManager"]);
  const swept = [...Object.keys(OPERATIONS), "close"];
  assertEquals(methodsOf(PathManager), swept.toSorted());
  const statics = Object.getOwnPropertyNames(PathManager)
    .filter((name) => !["length", "name", "prototype"].includes(name));
  assertEquals(statics, ["open"]);
  // `stream_faults_test.ts` has these.
  assertEquals(methodsOf(EventStream), ["close", "next", "return"]);
});

Deno.test("every use of every function has its errors, and every error a use", () => {
  const { bind: _, ...parts } = boundLibc();
  for (const part of Object.values(parts)) {
    if (typeof part === "function") part();
  }
  const functions = Object.keys(ERRORS).map((use) => use.split(" ")[0]!);
  assertEquals([...new Set(functions)].toSorted(), [...libc.bound].toSorted());
  const seen = new Set(WAITING);
  const note = (faults: Fault[], action: () => unknown) =>
    failing(faults, action).uses.forEach((use) => seen.add(use));
  for (const operation of Object.values(OPERATIONS).flat()) {
    for (const netns of [{}, { netns: "blue" }]) {
      restart();
      note([], () => operation(PathManager.open(netns))());
    }
  }
  // Done instead of what is not permitted.
  restart();
  const pm = PathManager.open();
  note([{ nth: 3, code: "EPERM" }], () => pm.events().close());
  pm.close();
  assertEquals([...seen].toSorted(), Object.keys(ERRORS).toSorted());
});
