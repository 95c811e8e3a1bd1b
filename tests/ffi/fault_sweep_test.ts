/** What becomes of each operation when calls of the C library fail. */
import { assert, assertEquals } from "@std/assert";
import { libc as boundLibc } from "../../ffi/libc.ts";
import { NetworkNamespace } from "../../ffi/namespace.ts";
import * as mod from "../../mod.ts";
import { NetlinkStream } from "../../netlink/stream.ts";
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
import { ERRORS } from "../helpers/errnos.ts";
import { bound, libc, restart } from "../helpers/fake_libc.ts";
import {
  arm,
  CONNECTING,
  disarm,
  type Fault,
  type Hit,
  isHarmless,
  type Result,
  STREAMING,
  sweep,
  thrownBy,
} from "../helpers/faults.ts";

/** Starts anew, with a kernel that answers late, so that each answer is waited for. */
function refill(): void {
  restart();
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

const errorIn = ({ outcome }: Attempt) => outcome.replace(/^throws /, "");

/** An operation says which call failed, or does as it does without faults. */
function check(result: Faulty, clean: Faulty, hits: Hit[], what: string) {
  const patterns = hits.map((hit) =>
    isGone(hit)
      ? /^(ArgumentRangeError: Unknown|NotFoundError: .* there is no) device/
      : thrownBy(...hit)
  );
  const harmful = hits.filter((hit) => !isHarmless(...hit));
  const hasToThrow = harmful.some((hit) => !isGone(hit)) &&
    // It looks for the reason of a refusal, which it may not find.
    clean.outcome.startsWith("returns");
  const isSame = result.state === clean.state &&
    nameless(result.outcome) === nameless(clean.outcome);
  assert(
    isSame && !hasToThrow ||
      harmful.length > 0 &&
        patterns.some((pattern) => pattern.test(errorIn(result))),
    `${what}: ${result.outcome}`,
  );
}

/** The thread is where it was, or the error says that it is not. */
function assertHome({ outcome }: Attempt, what: string): void {
  const isLost = libc.netns !== "home";
  assert(!isLost || outcome.includes("Cannot come back"), `${what}: lost`);
}

/** These are open, maybe one socket for device names, and nothing else. */
function assertOpen(expected: string[], what: string): void {
  const open = [...libc.fds.values()];
  const device = open.find((one) => one.startsWith("route")) ?? [];
  assertEquals(open, expected.concat(device), what);
}

/** The path manager answers, and its descriptors are all that is open. */
function assertUsable(pm: PathManager, open: string[], what: string): void {
  assertEquals(pm.getLimits(), libc.kernel.limits, what);
  assertOpen(open, what);
  assertEquals(libc.netns, "home", what);
}

/** What a path manager keeps open. */
const opened = (place: string) => [
  ...place === "home" ? [] : [place],
  `generic socket in ${place}`,
];

function sweepOperation(operation: Operation, netns = "home"): Promise<void> {
  const clean = doTwice(operation);
  return sweep((faults, what) => {
    refill();
    const pm = PathManager.open(netns === "home" ? {} : { netns });
    const action = operation(pm);
    const result = failing(faults, action);
    assertHome(result, what);
    // What was late has come by now.
    libc.kernel.transports[0]!.wait(0);
    assertRepeatable(clean, result, () => attempt(libc.kernel, action), what);
    assertUsable(pm, opened(netns), what);
    pm.close();
    assertEquals([...libc.fds.values()], [], what);
    return result;
  }, check);
}

/** These enter the namespace of the path manager each time. */
const IN_NAMESPACE = ["events", "getMode", "setMode"];

for (const [name, operations] of Object.entries(OPERATIONS)) {
  for (const operation of operations) {
    const source = sourceOf(operation);
    Deno.test(`\`${source}\` says which call failed, and can be repeated`, () =>
      sweepOperation(operation));
    if (!IN_NAMESPACE.includes(name)) continue;
    Deno.test(`\`${source}\` in another namespace says which call failed, and can be repeated`, () =>
      sweepOperation(operation, "blue"));
  }
}

const PLACES: readonly (readonly [PathManagerOptions, string])[] = [
  [{}, "home"],
  [{ netns: "blue" }, "blue"],
  [{ netns: 42 }, "process 42"],
];

for (const [options, place] of PLACES) {
  const name = `PathManager.open(${Deno.inspect(options)})`;
  Deno.test(`\`${name}\` says which call failed, and leaks nothing`, () =>
    sweep((faults, what) => {
      refill();
      let pm: PathManager | undefined;
      const result = failing(faults, () => {
        pm = PathManager.open(options);
      });
      assertHome(result, what);
      // Whatever happened, this opens where it should.
      const other = PathManager.open();
      const descriptors = pm === undefined ? [] : opened(place);
      assertUsable(pm ?? other, [...descriptors, ...opened("home")], what);
      other.close();
      pm?.close();
      assertEquals([...libc.fds.values()], [], what);
      return result;
    }, check));

  for (const end of ["close", Symbol.dispose] as const) {
    Deno.test(`\`${name}.${String(end)}\` closes, whatever the C library says`, () =>
      sweep((faults, what) => {
        refill();
        const pm = PathManager.open(options);
        // It looks up the name of the device.
        pm.getAddr({ id: 1 });
        assertEquals(libc.fds.size, opened(place).length + 1);
        const result = failing(faults, () => pm[end]());
        assertEquals([...libc.fds], [], what);
        const { uses } = failing([], () => pm[end]());
        assertEquals(uses, [], what);
        const { outcome } = failing([], () => pm.getLimits());
        assertEquals(outcome, "throws BadResource: The path manager is closed");
        return result;
      }, check));
  }
}

const PATH = "/proc/sys/net/mptcp/path_manager";
const DIRECTORY = "/proc/sys/net/mptcp";

/** The operations of a namespace, those that path managers do not use too. */
const IN_PLACE: Readonly<Record<string, (it: NetworkNamespace) => unknown>> = {
  open: (namespace) => namespace.open(4).close(),
  subscribe: (namespace) => namespace.subscribe(0, [1, 9, 33]).close(),
  readFile: (namespace) => namespace.readFile(PATH),
  listDirectory: (namespace) => namespace.listDirectory(DIRECTORY),
  readLink: (namespace) => {
    libc.kernel.links.set("/proc/self/exe", "/bin/deno");
    return namespace.readLink("/proc/self/exe");
  },
  writeFile: (namespace) => namespace.writeFile(PATH, "userspace"),
  ifNameToIndex: (namespace) => namespace.ifNameToIndex("eth1"),
  ifIndexToName: (namespace) => namespace.ifIndexToName(3),
  claim: (namespace) => {
    using claimed = namespace.claim("a name");
    return claimed === undefined ? undefined : "claimed";
  },
};

/** What is not there, or belongs to another one, is no error. */
const isAbsent = (hit: Hit) =>
  isGone(hit) ||
  ["open file to read,ENOENT", "readlink,ENOENT", "bind a name,EADDRINUSE"]
    .includes(hit.join());

for (const [name, operation] of Object.entries(IN_PLACE)) {
  for (const netns of [undefined, "blue"]) {
    Deno.test(`\`${name}()\` in namespace ${netns ?? "home"} says which call failed, and can be repeated`, () =>
      sweep((faults, what) => {
        restart();
        const namespace = NetworkNamespace.open(netns);
        const action = () => operation(namespace);
        const result = failing(faults, action);
        assertHome(result, what);
        const { outcome } = failing([], action);
        assert(outcome.startsWith("returns"), `${what}, then: ${outcome}`);
        assertOpen(netns === undefined ? [] : [netns], what);
        namespace.close();
        assertEquals([...libc.fds.values()], [], what);
        return { ...result, repeated: outcome };
      }, (result, clean, hits, what) => {
        assertEquals(result.repeated, clean.outcome, what);
        const harmful = hits.filter((hit) =>
          !isHarmless(...hit) || isAbsent(hit)
        );
        const isRight = harmful.some((hit) =>
          isAbsent(hit)
            ? result.outcome === "returns undefined"
            : thrownBy(...hit).test(errorIn(result))
        );
        if (harmful.length > 0) assert(isRight, `${what}: ${result.outcome}`);
        else assertEquals(result.outcome, clean.outcome, what);
      }));
  }
}

const methodsOf = ({ prototype }: { prototype: object }) =>
  Object.entries(Object.getOwnPropertyDescriptors(prototype))
    .filter(([name, { get }]) => name !== "constructor" && get === undefined)
    .map(([name]) => name).toSorted();

Deno.test("every public operation is swept", () => {
  const exported = Object.entries(mod)
    .filter(([, one]) => !(one.prototype instanceof Error))
    .map(([name]) => name);
  // The second is `NetworkNamespace.open()`, the last are swept in
  // `replace_file_test.ts`, `output_test.ts` and `service_test.ts`. The others
  // make no calls, or none that fail.
  const calling = [
    ...["PathManager", "openNamespace", "checkReplaceable", "replaceFile"],
    ...["watchOutput", "notifyService"],
  ];
  const others = [
    ...["ignoreInspectorSignal", "isConnectionGone", "isPermissionError"],
    ...["keepHangupIgnored", "preload", "serviceWatchdogMs", "suspend"],
    "traced",
  ];
  assertEquals(exported.toSorted(), [...calling, ...others].toSorted());
  // The last makes the calls of a stream of events.
  const swept = [...Object.keys(OPERATIONS), "close", "waitFor"];
  assertEquals(methodsOf(PathManager), swept.toSorted());
  // The last two are swept in `stream_socket_test.ts`.
  assertEquals(
    methodsOf(NetworkNamespace),
    [...Object.keys(IN_PLACE), "close", "stream", "resolve"].toSorted(),
  );
  for (const one of [PathManager, NetworkNamespace]) {
    const statics = Object.getOwnPropertyNames(one)
      .filter((name) => !["length", "name", "prototype"].includes(name));
    assertEquals(statics, ["open"]);
  }
  // These are swept in `stream_faults_test.ts`.
  assertEquals(methodsOf(NetlinkStream), ["close", "next", "return"]);
});

Deno.test("every use of every function has its errors, and every error a use", () => {
  const { bind: _, ...parts } = boundLibc();
  for (const part of Object.values(parts)) {
    if (typeof part === "function") part();
  }
  const functions = Object.keys(ERRORS).map((use) => use.split(" ")[0]!);
  const infallible = new Set([
    ...["__errno_location", "memcpy", "signal", "sigaction", "raise"],
    ...["copyFrom", "freeaddrinfo"],
    ...["getenv", "strlen", "clock_gettime"],
  ]);
  assertEquals(new Set(functions), bound.difference(infallible));
  const seen = new Set([...STREAMING, ...CONNECTING]);
  const note = (faults: Fault[], action: () => unknown) =>
    failing(faults, action).uses.forEach((use) => seen.add(use));
  for (const operation of Object.values(OPERATIONS).flat()) {
    for (const netns of [{}, { netns: "blue" }]) {
      refill();
      note([], () => operation(PathManager.open(netns))());
    }
  }
  for (const operation of Object.values(IN_PLACE)) {
    restart();
    note([], () => operation(NetworkNamespace.open()));
  }
  restart();
  libc.kernel.files.set("/tmp/text", "old");
  note([{ nth: 7, code: "EACCES" }], () => mod.replaceFile("/tmp/text", "new"));
  // Done instead of what is not permitted.
  refill();
  const pm = PathManager.open();
  note([{ nth: 3, code: "EPERM" }], () => pm.events().close());
  pm.close();
  assertEquals([...seen].toSorted(), Object.keys(ERRORS).toSorted());
});
