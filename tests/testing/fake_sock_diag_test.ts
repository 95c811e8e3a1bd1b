import { assertEquals, assertObjectMatch, assertThrows } from "@std/assert";
import { Diag } from "../../diag/mod.ts";
import { NetlinkError, PathManager } from "../../mod.ts";
import { FakeKernel } from "../../testing/mod.ts";

const local = { address: "10.0.1.1", port: 40000 };
const remote = { address: "10.0.1.2", port: 443 };
const second = { address: "10.0.2.1", port: 40001 };

function open(): [FakeKernel, Diag] {
  const kernel = new FakeKernel();
  return [kernel, Diag.open({ namespace: kernel })];
}

Deno.test("`Diag` sees what a test says of a connection and its subflows", () => {
  const [kernel, diag] = open();
  const connection = kernel.connect(5, { local, remote });
  const opening = { state: "syn-sent", timerRetransmits: 2 } as const;
  connection.openSubflow({ local: second, locId: 2, ifIndex: 3, ...opening });
  connection.set({ inode: 0, bytesSent: 9, fallback: true });
  connection.setSubflow(0, { rttUs: 7, retransmits: 3, backupByPeer: true });
  connection.setSubflow(0, { sendQueue: 4 });
  const seen = diag.connection(5)!;
  assertObjectMatch(seen, {
    ...{ token: 5, local, remote, state: "established" },
    ...{ inode: 0, fallback: true, bytesSent: 9, extraSubflows: 1 },
    subflows: [
      { initial: true, backup: true, rttUs: 7, retransmits: 3, sendQueue: 4 },
      {
        ...{ local: { ...second, id: 2 }, remote: { ...remote, id: 0 } },
        ...{ dev: "eth1", initial: false, backup: false, ...opening },
      },
    ],
  });
  assertEquals("rttUs" in seen.subflows[1]!, false);
  connection.closeSubflow(0);
  assertObjectMatch(diag.connection(5)!, { local, subflows: [opening] });
  for (const index of [-1, 1]) {
    assertThrows(() => connection.closeSubflow(index), RangeError);
    assertThrows(() => connection.setSubflow(index, {}), RangeError);
  }
});

Deno.test("`Diag` looks up one subflow of a `FakeKernel` by its ends", () => {
  const [kernel, diag] = open();
  const connection = kernel.connect(5, { local, remote });
  connection.openSubflow({ local: second, locId: 2, ifIndex: 3 });
  const trouble = {
    ...{ timer: "retransmission", timerExpiresMs: 408 } as const,
    ...{ sendWindow: 9, timeouts: 3, backoff: 1, sendQueue: 7 },
  };
  connection.setSubflow(1, trouble);
  const [first, other] = diag.connection(5)!.subflows;
  assertObjectMatch(diag.subflow(other!)!, { ...other, ...trouble });
  const calm = diag.subflow(first!)!;
  assertObjectMatch(calm, { ...first, sendWindow: 65535 });
  assertEquals("timer" in calm, false);
  // The device belongs to what it is known by.
  assertEquals(diag.subflow({ ...other!, ifIndex: 0 }), undefined);
  connection.closeSubflow(1);
  assertEquals(diag.subflow(other!), undefined);
  assertThrows(
    () =>
      diag.subflow({ ...first!, remote: { ...first!.remote, address: "x" } }),
    TypeError,
  );
});

Deno.test("there are events of what happens to a subflow without a command", async () => {
  const kernel = new FakeKernel();
  const connection = kernel.connect(5, { local, remote });
  using pm = PathManager.open({ namespace: kernel });
  const events = pm.events();
  connection.openSubflow({ local: second, state: "syn-sent" });
  connection.setSubflow(1, { state: "established" });
  connection.setSubflow(1, { state: "established", backupByPeer: true });
  connection.setSubflow(1, { backupByPeer: true });
  connection.closeSubflow(1, 104);
  connection.close();
  const seen: unknown[] = [];
  for await (const event of events) {
    seen.push([event.type, ..."backup" in event ? [event.backup] : []]);
    if (event.type === "closed") break;
  }
  assertEquals(seen, [
    ["sub-established", false],
    ["sub-priority", true],
    ["sub-closed", true],
    ["closed"],
  ]);
});

Deno.test("`FakeKernel` shows sockets that are no subflows, and listens for endpoints", () => {
  const [kernel, diag] = open();
  kernel.sockets.push(
    { local: { address: "::", port: 443 }, mptcp: true, sendQueue: 5 },
    { local: { address: "0.0.0.0", port: 22 } },
    { local, remote, mptcp: true },
    { local: second, remote },
    { local: second, remote, mptcp: true, state: "time-wait" },
  );
  using pm = PathManager.open({ namespace: kernel });
  pm.addAddr({ address: "10.0.1.1", port: 99, flags: ["signal"] });
  assertEquals(
    [...diag.listeners()].map(({ local, backlogMax }) => [local, backlogMax]),
    [
      [{ address: "10.0.1.1", port: 99 }, 1024],
      [{ address: "::", port: 443 }, 5],
    ],
  );
  assertEquals([...diag.withoutMptcp()].map(({ local }) => local), [
    { ...local, id: 0 },
  ]);
  assertEquals([...diag.connections()], []);
});

Deno.test("a `FakeKernel` that is older shows less", () => {
  const [kernel, diag] = open();
  kernel.connect(5);
  kernel.sockDiag.hidesSubflows = true;
  assertEquals(diag.connection(5)!.subflows.length, 1);
  kernel.privileged = false;
  assertEquals(diag.connection(5)!.subflows.length, 0);
  kernel.sockDiag.hidesSubflows = false;
  assertEquals(diag.connection(5)!.subflows.length, 1);
  Object.assign(kernel.sockDiag, { mptcpInfoLength: 40, tcpInfoLength: 72 });
  const { subflows: [subflow], ...connection } = diag.connection(5)!;
  assertEquals("localAddrUsed" in connection, false);
  assertEquals(subflow!.rttUs, 1000);
  assertEquals("congestionWindow" in subflow!, false);
  kernel.sockDiag.mptcp = false;
  for (
    const list of [() => diag.connection(5), () => [...diag.connections()]]
  ) {
    assertEquals(assertThrows(list, NetlinkError).code, "ENOENT");
  }
});
