import { assert, assertEquals, assertThrows } from "@std/assert";
import { Diag } from "../../diag/mod.ts";
import { PathManager, ProtocolError, SyscallError } from "../../mod.ts";
import type { FakeKernel } from "../../testing/mod.ts";
import type { Delivery } from "../../testing/fake_namespace.ts";
import { Lab } from "../../testing/lab.ts";
import { FILES, kernelWithFiles } from "../helpers/golden_proc.ts";
import { IpMonitor } from "../helpers/ip_monitor.ts";
import { assertNoFdLeak, liveTest } from "../helpers/live.ts";
import { listeners } from "../helpers/proc.ts";

const TABLE = "/proc/thread-self/net/netlink";
const ESRCH = 3;
const EACCES = 13;

/** Of `ip mptcp monitor` in the captured table. */
const PID = 10712;
const INODE = 5593747;

/** "No such file or directory", to the first request. */
const NO_FAMILY = Uint8Array.fromHex(
  "2400000002000000" + "0100000000000000" + "feffffff" +
    "2000000010000500" + "0100000000000000",
);

/** The description of the family with another number, or name, of the group. */
function renumber(reply: Delivery, other: number | string): Delivery {
  if (!(reply instanceof Uint8Array)) return reply;
  const text = new TextDecoder("latin1").decode(reply);
  const at = text.indexOf("mptcp_pm_events");
  if (at < 0) return reply;
  const changed = reply.slice();
  if (typeof other === "string") {
    changed.set(new TextEncoder().encode(other), at);
  } else {
    // The id is behind the name, which is padded, or in front of it.
    const places = [at + 20, at - 8].filter((place) => place < reply.length);
    const view = new DataView(changed.buffer);
    for (const place of places) {
      if (view.getUint32(place, true) === 9) view.setUint32(place, other, true);
    }
  }
  return changed;
}

function list(kernel: FakeKernel) {
  using diag = Diag.open({ namespace: kernel });
  return diag.eventListeners();
}

Deno.test("`eventListeners()` finds the members of the group, and their processes", () => {
  const kernel = kernelWithFiles();
  assertEquals(list(kernel), [{ portId: PID, isOwn: false }]);
  // Another process of that id, and one that has ended.
  kernel.files.set(`/proc/${PID}/comm`, "other\n");
  kernel.links.set(`/proc/${PID}/fd/3`, `socket:[${INODE - 1}]`)
    .set("/proc/77/fd/0", "/dev/null")
    .set("/proc/77/fd/4", `socket:[${INODE}]`)
    .set("/proc/self", "42");
  assertEquals(list(kernel), [{ portId: PID, isOwn: false, pid: 77 }]);
  kernel.files.set("/proc/77/comm", "two words\n");
  const found = { portId: PID, isOwn: false, pid: 77, process: "two words" };
  assertEquals(list(kernel), [found]);
  // Twice, as while the table is resized.
  kernel.files.set(TABLE, FILES[TABLE]! + FILES[TABLE]!.replace(/.*\n/, ""));
  assertEquals(list(kernel), [found]);
  kernel.links.set("/proc/self", "77");
  assertEquals(list(kernel), [{ ...found, isOwn: true }]);
});

Deno.test("`eventListeners()` leaves out what it may not see of a process", () => {
  for (const errno of [EACCES, ESRCH]) {
    const kernel = kernelWithFiles();
    kernel.links.set(`/proc/${PID}/fd/3`, `socket:[${INODE}]`);
    kernel.readLink = (path) => {
      if (path === "/proc/self") return "1";
      throw new SyscallError("readlink", errno, `read the link ${path}`);
    };
    assertEquals(list(kernel), [{ portId: PID, isOwn: false }]);
  }
});

Deno.test("`eventListeners()` knows who is in another group, or in none", () => {
  const kernel = kernelWithFiles();
  for (const groups of ["00000000", "fffffeff", "80000000"]) {
    kernel.files.set(TABLE, FILES[TABLE]!.replace("00000100", groups));
    assertEquals(list(kernel), []);
  }
  kernel.files.set(TABLE, FILES[TABLE]!.replace("00000100", "ffffffff"));
  assertEquals(list(kernel).length, 1);
  // Before Linux 5.12 there are no events, without CONFIG_MPTCP no family.
  kernel.distort = (answer) => answer.map((reply) => renumber(reply, "other"));
  assertEquals(list(kernel), []);
  kernel.distort = (answer) => answer.map(() => NO_FAMILY.slice());
  assertEquals(list(kernel), []);
});

Deno.test("`eventListeners()` says why it cannot tell", () => {
  const refusal = (kernel: FakeKernel) =>
    assertThrows(() => list(kernel), ProtocolError).message;
  const kernel = kernelWithFiles();
  const text = FILES[TABLE]!;
  kernel.files.set(TABLE, text.replace(/ +5593747 /, ""));
  const [row] = kernel.files.get(TABLE)!.match(/^.*00000100.*$/m)!;
  assertEquals(refusal(kernel), `Cannot read ${TABLE}: "${row}" is no row`);
  kernel.files.delete(TABLE);
  const unknown = "Cannot tell who listens to events";
  assertEquals(refusal(kernel), `${unknown}: ${TABLE} cannot be seen here`);
  kernel.files.set(TABLE, text);
  kernel.distort = (answer) => answer.map((reply) => renumber(reply, 33));
  assertEquals(
    refusal(kernel),
    `${unknown}: ${TABLE} has the groups from 1 to 32, and theirs is 33`,
  );
});

liveTest(
  "`eventListeners()` finds `ip mptcp monitor` and its own streams, here alone",
  async () => {
    using lab = Lab.open({ paths: 0 });
    const { netns } = lab.client;
    using diag = Diag.open({ netns });
    using other = Diag.open({ netns: lab.server.netns });
    assertEquals(diag.eventListeners(), []);
    {
      await using _monitor = IpMonitor.open(lab.client);
      using pm = PathManager.open({ netns });
      const stream = pm.events();
      const found = diag.eventListeners();
      const { [0]: ip, [1]: own, length } = found
        .toSorted((one, other) => Number(one.isOwn) - Number(other.isOwn));
      assertEquals(length, 2);
      assertEquals([ip!.process, ip!.isOwn, ip!.pid], [
        "ip",
        false,
        ip!.portId,
      ]);
      assertEquals([own!.pid, own!.isOwn], [Deno.pid, true]);
      assertEquals(
        new Set(found.map(({ portId }) => portId)),
        new Set(listeners(lab.client).map(({ port }) => port)),
      );
      assertEquals(other.eventListeners(), []);
      assertNoFdLeak(() => assert(diag.eventListeners().length === 2));
      stream.close();
    }
    assertEquals(diag.eventListeners(), []);
  },
);
