import { assertEquals, assertStrictEquals, assertThrows } from "@std/assert";
import type { Warning } from "../../netlink/genl.ts";
import { SyscallError } from "../../ffi/syscall_error.ts";
import { NotFoundError } from "../../netlink/errors.ts";
import { PathManager } from "../../ops/path_manager.ts";
import { FakeKernel } from "../../testing/fake_kernel.ts";
import { warned } from "../helpers/distortions.ts";

const local = { address: "10.0.0.1", port: 4000 };
const remote = { address: "10.0.0.2", port: 5000 };

/** Each method, called as it should be. */
const METHODS: Readonly<Record<string, (pm: PathManager) => unknown>> = {
  addAddr: (pm) => pm.addAddr({ address: "10.0.0.1" }),
  delAddr: (pm) => pm.delAddr({ id: 1 }),
  getAddr: (pm) => pm.getAddr({ id: 1 }),
  dumpAddrs: (pm) => pm.dumpAddrs(),
  flushAddrs: (pm) => pm.flushAddrs(),
  setLimits: (pm) => pm.setLimits({ subflows: 1 }),
  getLimits: (pm) => pm.getLimits(),
  setFlags: (pm) => pm.setFlags({ id: 1, backup: true }),
  announce: (pm) => pm.announce({ token: 1, address: "10.0.0.1", id: 1 }),
  remove: (pm) => pm.remove({ token: 1, id: 1 }),
  subflowCreate: (pm) => pm.subflowCreate({ token: 1, local, remote }),
  subflowDestroy: (pm) => pm.subflowDestroy({ token: 1, local, remote }),
  events: (pm) => pm.events(),
  getMode: (pm) => pm.getMode(),
  setMode: (pm) => pm.setMode("kernel"),
};

Deno.test("all methods of `PathManager` are in the table", () => {
  const others = ["constructor", "close"];
  assertEquals(
    Object.getOwnPropertyNames(PathManager.prototype)
      .filter((name) => !others.includes(name)).toSorted(),
    Object.keys(METHODS).toSorted(),
  );
});

for (const [name, call] of Object.entries(METHODS)) {
  Deno.test(`\`${name}()\` throws BadResource once closed`, () => {
    const transport = new FakeKernel();
    const pm = PathManager.open({ transport });
    pm.close();
    const error = assertThrows(() => call(pm), Deno.errors.BadResource);
    assertEquals(error.message, "The path manager is closed");
    assertEquals(transport.sent.length, 1);
  });
}

Deno.test("`setFlags()` of a subflow throws BadResource once closed", () => {
  const pm = PathManager.open({ transport: new FakeKernel() });
  pm.close();
  assertThrows(
    () => pm.setFlags({ token: 1, local, remote, backup: true }),
    Deno.errors.BadResource,
  );
});

Deno.test("`open()` refuses a namespace together with a transport", () => {
  const transport = new FakeKernel();
  assertThrows(
    () => PathManager.open({ transport, netns: "blue" }),
    TypeError,
    "Contradicting options: netns and transport",
  );
  assertEquals(transport.sent, []);
});

Deno.test("`close()` closes the transport, and does nothing the second time", () => {
  const transport = new FakeKernel();
  const pm = PathManager.open({ transport });
  assertEquals(transport.closed, false);
  pm.close();
  assertEquals(transport.closed, true);
  pm.close();
  pm[Symbol.dispose]();
});

Deno.test("`using` closes the transport, also when the block throws", () => {
  for (const fails of [false, true]) {
    const transport = new FakeKernel();
    const failure = new Error("on purpose");
    try {
      using pm = PathManager.open({ transport });
      pm.getLimits();
      if (fails) throw failure;
    } catch (error) {
      assertStrictEquals(error, failure);
    }
    assertEquals(transport.closed, true);
  }
});

Deno.test("`open()` closes the transport when there is no mptcp_pm", () => {
  const transport = new FakeKernel();
  transport.hasFamily = false;
  assertThrows(() => PathManager.open({ transport }), NotFoundError);
  assertEquals(transport.closed, true);
});

Deno.test("`open()` closes the transport when it cannot be talked to", () => {
  const transport = new FakeKernel();
  const failure = new SyscallError("send", 1, "send to the kernel");
  transport.distort = () => {
    throw failure;
  };
  assertStrictEquals(
    assertThrows(() => PathManager.open({ transport })),
    failure,
  );
  assertEquals(transport.closed, true);
});

Deno.test("`open()` does nothing but look up the family", () => {
  const transport = new FakeKernel();
  using _pm = PathManager.open({ transport });
  assertEquals(transport.sent.length, 1);
  assertEquals(transport.sent[0]![4], 16);
});

Deno.test("`onWarning` hears of warnings, from the kernel and from here", () => {
  const transport = new FakeKernel();
  const warnings: Warning[] = [];
  using pm = PathManager.open({
    transport,
    onWarning: (warning) => warnings.push(warning),
  });
  transport.distort = warned("mind the gap");
  pm.setLimits({ subflows: 2 });
  transport.distort = (answer) => answer;
  pm.addAddr({ address: "10.0.0.1", flags: ["0x100"] });
  assertEquals(warnings.map(({ op }) => op), ["set-limits", "add-addr"]);
});

Deno.test("warnings go nowhere when nobody asked for them", () => {
  const transport = new FakeKernel();
  using pm = PathManager.open({ transport });
  transport.distort = warned("mind the gap");
  assertEquals(pm.setLimits({ subflows: 2 }), undefined);
  transport.distort = (answer) => answer;
  assertEquals(pm.addAddr({ address: "10.0.0.1", flags: ["0x100"] }).flags, []);
});

Deno.test("`onWarning` that throws does not spoil the path manager", () => {
  const transport = new FakeKernel();
  const failure = new Error("on purpose");
  using pm = PathManager.open({
    transport,
    onWarning: () => {
      throw failure;
    },
  });
  transport.distort = warned("mind the gap");
  assertStrictEquals(
    assertThrows(() => pm.setLimits({ subflows: 3 })),
    failure,
  );
  transport.distort = (answer) => answer;
  assertEquals(pm.getLimits().subflows, 3);
});
