import {
  assertEquals,
  assertNotEquals,
  assertStringIncludes,
  assertThrows,
} from "@std/assert";
import { inNetns } from "../../ffi/netns.ts";
import { PathManager, SyscallError } from "../../mod.ts";
import { Lab, waitFor } from "../../testing/lab.ts";
import { assertNoFdLeak, liveTest } from "../helpers/live.ts";
import { netnsHere } from "../helpers/proc.ts";

liveTest("`open()` finds a namespace by name, path and process", async () => {
  using lab = Lab.open({ paths: 0 });
  const home = netnsHere();
  const { netns } = lab.client;
  lab.client.ip("mptcp", "endpoint", "add", "10.0.0.1");
  const process = new Deno.Command("ip", {
    args: ["netns", "exec", netns, "cat"],
    stdin: "piped",
    stdout: "null",
  }).spawn();
  try {
    // It starts in this namespace.
    waitFor(
      () => Deno.readLinkSync(`/proc/${process.pid}/ns/net`) !== home,
      "the process to be in the namespace",
    );
    for (const way of [netns, `/run/netns/${netns}`, process.pid]) {
      using pm = PathManager.open({ netns: way });
      assertEquals(pm.dumpAddrs().map(({ address }) => address), ["10.0.0.1"]);
      assertEquals(netnsHere(), home);
    }
  } finally {
    await process.stdin.close();
    await process.status;
  }
  using pm = PathManager.open({ netns: lab.server.netns });
  assertEquals(pm.dumpAddrs(), []);
});

liveTest("devices are looked up in the namespace", () => {
  using lab = Lab.open();
  using pm = PathManager.open({ netns: lab.client.netns });
  const dev = lab.client.dev(1);
  assertEquals(pm.addAddr({ address: "10.0.0.1", dev }).ifIndex, 11);
  assertThrows(
    () => pm.addAddr({ address: "10.0.0.2", dev: lab.server.dev(1) }),
    RangeError,
    'Unknown device "server1"',
  );
});

liveTest("`open()` explains why it cannot use a namespace", () => {
  const home = netnsHere();
  const table: [string | number, string, string, string][] = [
    ["no-such-name", "open", "ENOENT", "/run/netns/no-such-name"],
    ["/no/such/path", "open", "ENOENT", "/no/such/path"],
    [0x7fffffff, "open", "ENOENT", "/proc/2147483647/ns/net"],
    ["/dev/null", "setns", "EINVAL", "is not a network namespace"],
    ["/proc/self/ns/uts", "setns", "EINVAL", "is not a network namespace"],
  ];
  for (const [netns, syscall, code, hint] of table) {
    const error = assertThrows(() => PathManager.open({ netns }), SyscallError);
    assertEquals([error.syscall, error.code], [syscall, code]);
    assertStringIncludes(error.message, `(${syscall}: ${code})`);
    assertStringIncludes(error.message, hint);
    assertEquals(netnsHere(), home);
  }
});

liveTest("`inNetns()` returns after success and after failure", () => {
  using lab = Lab.open({ paths: 0 });
  const home = netnsHere();
  const { netns } = lab.client;
  const there = inNetns(netns, netnsHere, () => {});
  assertNotEquals(there, home);
  assertEquals(netnsHere(), home);
  assertThrows(
    () =>
      inNetns(netns, () => {
        assertEquals(netnsHere(), there);
        throw new SyntaxError("what went wrong there");
      }, () => {}),
    SyntaxError,
    "what went wrong there",
  );
  assertEquals(netnsHere(), home);
});

liveTest("`open()` and `close()` leave no file descriptor", () => {
  using lab = Lab.open({ paths: 0 });
  const { netns } = lab.client;
  assertNoFdLeak(() => {
    for (let round = 0; round < 20; round++) {
      using pm = PathManager.open({ netns });
      pm.getLimits();
      assertThrows(() => PathManager.open({ netns: "/dev/null" }));
      assertThrows(() => PathManager.open({ netns: "no-such-namespace" }));
    }
  });
});

liveTest("no thread stays in the namespace", () => {
  using lab = Lab.open({ paths: 0 });
  const home = netnsHere();
  using pm = PathManager.open({ netns: lab.client.netns });
  pm.getLimits();
  const threads = Array.from(
    Deno.readDirSync("/proc/self/task"),
    ({ name }) => Deno.readLinkSync(`/proc/self/task/${name}/ns/net`),
  );
  assertEquals(threads.filter((netns) => netns !== home), []);
});

liveTest("`open()` works in a worker", async () => {
  using lab = Lab.open({ paths: 0 });
  lab.client.ip("mptcp", "endpoint", "add", "10.0.0.1");
  const worker = new Worker(
    new URL("../programs/netns_worker.ts", import.meta.url),
    { type: "module" },
  );
  const answer = new Promise((resolve, reject) => {
    worker.onmessage = ({ data }) => resolve(data);
    worker.onerror = ({ message }) => reject(new Error(message));
  });
  worker.postMessage(lab.client.netns);
  try {
    assertEquals(await answer, { address: "10.0.0.1", cameBack: true });
  } finally {
    worker.terminate();
  }
});
