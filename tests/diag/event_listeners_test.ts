import { assert, assertEquals, assertThrows } from "@std/assert";
import { Diag } from "../../diag/mod.ts";
import { PathManager, ProtocolError, SyscallError } from "../../mod.ts";
import type { FakeKernel } from "../../testing/mod.ts";
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
  kernel.files.set(TABLE, FILES[TABLE]! + FILES[TABLE]!);
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
  kernel.files.delete(TABLE);
  const { message } = assertThrows(() => list(kernel), ProtocolError);
  assertEquals(
    message,
    `Cannot tell who listens to events: ${TABLE} cannot be seen here`,
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
