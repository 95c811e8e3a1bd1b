import { assertEquals, assertStrictEquals, assertThrows } from "@std/assert";
import type { Warning } from "../../netlink/genl.ts";
import { SyscallError } from "../../ffi/syscall_error.ts";
import { PathManager } from "../../ops/path_manager.ts";
import { FakeKernel } from "../../testing/fake_kernel.ts";
import { warned } from "../helpers/distortions.ts";

const local = { address: "10.0.0.1", port: 4000 };
const remote = { address: "10.0.0.2", port: 5000 };

/** Each method, called as it should be. */
const METHODS: Readonly<Record<string, (pm: PathManager) => unknown>> = {
  addAddr: (pm) => pm.addAddr({ address: "10.0.0.1" }),
  delAddr: (pm) => pm.delAddr({ id: 1 }),
  closeInitialSubflows: (pm) => pm.closeInitialSubflows({ address: "::1" }),
  getAddr: (pm) => pm.getAddr({ id: 1 }),
  dumpAddrs: (pm) => pm.dumpAddrs(),
  flushAddrs: (pm) => pm.flushAddrs(),
  setLimits: (pm) => pm.setLimits({ subflows: 1 }),
  endpointAdvice: (pm) =>
    pm.endpointAdvice({
      ...{ address: "10.0.0.1", port: 0, id: 1, flags: [], ifIndex: 0 },
    }),
  getLimits: (pm) => pm.getLimits(),
  setFlags: (pm) => pm.setFlags({ id: 1, backup: true }),
  setSubflowBackup: (pm) =>
    pm.setSubflowBackup({ token: 1, local, remote, backup: true }),
  announce: (pm) => pm.announce({ token: 1, address: "10.0.0.1", id: 1 }),
  remove: (pm) => pm.remove({ token: 1, id: 1 }),
  subflowCreate: (pm) => pm.subflowCreate({ token: 1, local, remote }),
  subflowDestroy: (pm) => pm.subflowDestroy({ token: 1, local, remote }),
  events: (pm) => pm.events(),
  namespace: (pm) => pm.namespace,
  getMode: (pm) => pm.getMode(),
  setMode: (pm) => pm.setMode("kernel"),
};

Deno.test("all methods of `PathManager` are in the table", () => {
  // The last rejects instead: see wait_for_test.ts.
  const others = ["constructor", "close", "waitFor"];
  assertEquals(
    Object.getOwnPropertyNames(PathManager.prototype)
      .filter((name) => !others.includes(name)).toSorted(),
    Object.keys(METHODS).toSorted(),
  );
});

for (const [name, call] of Object.entries(METHODS)) {
  Deno.test(`\`${name}()\` throws BadResource once closed`, () => {
    const namespace = new FakeKernel();
    const pm = PathManager.open({ namespace });
    pm.close();
    const error = assertThrows(() => call(pm), Deno.errors.BadResource);
    assertEquals(error.message, "The path manager is closed");
    assertEquals(namespace.sent.length, 1);
  });
}

Deno.test("`open()` refuses a name together with an open namespace", () => {
  const namespace = new FakeKernel();
  assertThrows(
    () => PathManager.open({ namespace, netns: "blue" }),
    TypeError,
    "Contradicting options: netns and namespace",
  );
  assertEquals(namespace.transports, []);
});

Deno.test("`close()` closes the socket and leaves the namespace, and does nothing the second time", () => {
  const namespace = new FakeKernel();
  const pm = PathManager.open({ namespace });
  assertEquals(namespace.transports.map(({ closed }) => closed), [false]);
  for (const _ of [1, 2]) {
    pm.close();
    pm[Symbol.dispose]();
  }
  assertEquals(namespace.transports.map(({ closed }) => closed), [true]);
  assertEquals(namespace.closed, false);
});

Deno.test("`using` closes the socket, also when the block throws", () => {
  for (const fails of [false, true]) {
    const namespace = new FakeKernel();
    const failure = new Error("on purpose");
    try {
      using pm = PathManager.open({ namespace });
      pm.getLimits();
      if (fails) throw failure;
    } catch (error) {
      assertStrictEquals(error, failure);
    }
    assertEquals(namespace.transports.map(({ closed }) => closed), [true]);
  }
});

Deno.test("several path managers share a namespace, each with a socket of its own", () => {
  const namespace = new FakeKernel();
  namespace.connect(5);
  const [one, other] = [0, 1].map(() => PathManager.open({ namespace }));
  const endpoint = one!.addAddr({ address: "10.0.0.1" });
  assertEquals(other!.dumpAddrs(), [endpoint]);
  for (const subflows of [3, 4, 5]) {
    one!.setLimits({ subflows });
    assertEquals(other!.getLimits().subflows, subflows);
    assertEquals(one!.dumpAddrs({ token: 5 }), []);
  }
  assertEquals(namespace.transports.length, 2);
  one!.close();
  assertEquals(other!.getAddr({ id: 1 }), endpoint);
  other!.close();
  // It can be opened again.
  using third = PathManager.open({ namespace });
  assertEquals(third.delAddr({ id: 1 }), [endpoint]);
});

Deno.test("`open()` fails in a namespace that is closed", () => {
  const namespace = new FakeKernel();
  using pm = PathManager.open({ namespace });
  namespace.close();
  assertThrows(() => PathManager.open({ namespace }), Error, "after close");
  // Sockets that are open go on.
  assertEquals(pm.getLimits(), namespace.limits);
});

Deno.test("`open()` closes the socket when it fails, and leaves the namespace", () => {
  const failure = new SyscallError("send", 1, "send to the kernel");
  const rows: [(kernel: FakeKernel) => void, name: string][] = [
    [(kernel) => kernel.hasFamily = false, "NotFoundError"],
    [(kernel) =>
      kernel.distort = () => {
        throw failure;
      }, "SyscallError"],
  ];
  for (const [change, name] of rows) {
    const namespace = new FakeKernel();
    change(namespace);
    const error = assertThrows(() => PathManager.open({ namespace }), Error);
    assertEquals(error.name, name);
    if (name === "SyscallError") assertStrictEquals(error, failure);
    assertEquals(namespace.transports.map(({ closed }) => closed), [true]);
    assertEquals(namespace.closed, false);
  }
});

Deno.test("`open()` does nothing but look up the family", () => {
  const namespace = new FakeKernel();
  using _pm = PathManager.open({ namespace });
  assertEquals(namespace.sent.length, 1);
  assertEquals(namespace.sent[0]![4], 16);
});

Deno.test("`onWarning` gets warnings, from the kernel and from the library", () => {
  const namespace = new FakeKernel();
  const warnings: Warning[] = [];
  using pm = PathManager.open({
    namespace,
    onWarning: (warning) => warnings.push(warning),
  });
  namespace.distort = warned("mind the gap");
  pm.setLimits({ subflows: 2 });
  namespace.distort = (answer) => answer;
  pm.addAddr({ address: "10.0.0.1", flags: ["0x100"] });
  assertEquals(warnings.map(({ op, isHint }) => [op, isHint]), [
    ["set-limits", undefined],
    ["add-addr", undefined],
    ["add-addr", true],
  ]);
});

Deno.test("warnings are dropped without `onWarning`", () => {
  const namespace = new FakeKernel();
  using pm = PathManager.open({ namespace });
  namespace.distort = warned("mind the gap");
  assertEquals(pm.setLimits({ subflows: 2 }), undefined);
  namespace.distort = (answer) => answer;
  assertEquals(pm.addAddr({ address: "10.0.0.1", flags: ["0x100"] }).flags, []);
});

Deno.test("the path manager works after an `onWarning` that throws", () => {
  const namespace = new FakeKernel();
  const failure = new Error("on purpose");
  using pm = PathManager.open({
    namespace,
    onWarning: () => {
      throw failure;
    },
  });
  namespace.distort = warned("mind the gap");
  assertStrictEquals(
    assertThrows(() => pm.setLimits({ subflows: 3 })),
    failure,
  );
  namespace.distort = (answer) => answer;
  assertEquals(pm.getLimits().subflows, 3);
});
