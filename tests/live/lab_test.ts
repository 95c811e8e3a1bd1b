import {
  assert,
  assertEquals,
  assertGreater,
  assertRejects,
  assertThrows,
} from "@std/assert";
import { run } from "../../testing/host.ts";
import { Lab, waitFor } from "../../testing/lab.ts";
import { assertInTime, bestOf } from "../helpers/in_time.ts";
import { assertNoFdLeak, liveTest } from "../helpers/live.ts";

/** The namespaces of a process. */
function namespaces(pid: number): string[] {
  return Array.from(Deno.readDirSync("/run/netns"), ({ name }) => name)
    .filter((name) => name.startsWith(`mptcp-${pid}-`));
}

liveTest("the lab connects over each path and family", () => {
  using lab = Lab.open({ paths: 2 });
  for (const path of [1, 2]) {
    for (const family of [4, 6] as const) {
      for (const dualStack of [false, true]) {
        using connection = lab.connect({ family, path, dualStack });
        connection.transfer(100_000);
        const { client, server } = connection;
        // The connection before this one may still be closing.
        waitFor(
          () =>
            lab.client.subflows().some(({ token, bytesAcked }) =>
              token === client.token && bytesAcked > 100_000
            ),
          "all to be acknowledged",
        );
        const { port, address } = client.remote;
        assertEquals(
          address,
          family === 4 ? lab.server.address(path) : lab.server.address6(path),
        );
        const mapped = dualStack && family === 4 ? "::ffff:" : "";
        assertEquals(server.local, { address: mapped + address, port });
      }
    }
  }
});

liveTest("a path that is cut carries nothing until it is repaired", () => {
  using lab = Lab.open({ paths: 1 });
  using connection = lab.connect();
  connection.transfer(1000);
  lab.cut(1);
  assertThrows(() => connection.transfer(1000, 50), Error, "0 arrived");
  assertThrows(() => lab.connect({ timeoutMs: 50 }), Error, "Cannot connect");
  lab.restore(1);
  for (const family of [4, 6] as const) {
    using connection = lab.connect({ family });
    connection.transfer(1000);
  }
});

liveTest("the lab limits the rate of its paths", async () => {
  using lab = Lab.open({ paths: 1, rate: 20 });
  await bestOf(() => {
    using connection = lab.connect();
    const start = performance.now();
    connection.transfer(500_000);
    // 200 ms without the burst that passes at once.
    const ms = performance.now() - start;
    assertGreater(ms, 100);
    assertInTime(ms, 2000, "the transfer");
  });
});

liveTest(
  "the lab delays and loses what a path carries, or says that it cannot",
  () => {
    let lab: Lab;
    try {
      lab = Lab.open({ rate: 20, delayMs: 30, lossPercent: 5 });
    } catch (error) {
      assertEquals(
        (error as Error).message,
        "Cannot make a lab: this kernel cannot delay or lose packets, it has no " +
          "sch_netem",
      );
      assertEquals(namespaces(Deno.pid), []);
      return;
    }
    using _ = lab;
    const start = performance.now();
    using connection = lab.connect();
    // A round trip at least.
    assertGreater(performance.now() - start, 60);
    const droppedBy = (host: typeof lab.client): number =>
      JSON.parse(run("tc", "-n", host.netns, "-s", "-j", "qdisc"))
        .find(({ kind }: { kind: string }) => kind === "netem").drops;
    for (let dropped = 0; dropped === 0; dropped += droppedBy(lab.server)) {
      connection.transfer(10_000, 20_000);
      dropped += droppedBy(lab.client);
    }
  },
);

liveTest("the lab leaves no file descriptor and no namespace", () => {
  assertNoFdLeak(() => {
    using lab = Lab.open();
    using connection = lab.connect();
    connection.transfer(1000);
    assertEquals(namespaces(Deno.pid).length, 2);
  });
  assertEquals(namespaces(Deno.pid), []);
});

liveTest("a lab that cannot be made leaves nothing", () => {
  assertThrows(() => Lab.open({ rate: 1e300 }), Error, "tc");
  assertEquals(namespaces(Deno.pid), []);
});

liveTest("the lab removes the namespaces of killed processes", () => {
  // The process with this number is always there.
  const name = "mptcp-1-0a0b0c0d-server";
  run("ip", "netns", "add", name);
  assertEquals(namespaces(1), [name]);
  using lab = Lab.open({ paths: 0 });
  assertEquals(namespaces(1), []);
  assert(namespaces(Deno.pid).includes(lab.client.netns));
  using _ = Lab.open({ paths: 0 });
  assertEquals(namespaces(Deno.pid).length, 4);
});

liveTest("labs in two PID namespaces do not remove each other", async () => {
  const module = new URL("../../testing/mod.ts", import.meta.url);
  const program = `import { Lab } from "${module}";
    using lab = Lab.open();
    lab.client.endpoints();
    console.log(lab.client.netns);
    Deno.stdin.readSync(new Uint8Array(1));
    lab.connect().transfer(1000);
    console.log("works");
    setInterval(() => {}, 1000);`;
  const child = new Deno.Command("unshare", {
    args: [
      ...["--pid", "--fork", "--kill-child", "--mount-proc"],
      ...[Deno.execPath(), "eval", "--no-config", program],
    ],
    stdin: "piped",
    stdout: "piped",
  }).spawn();
  const lines = child.stdout.pipeThrough(new TextDecoderStream()).getReader();
  using lab = Lab.open();
  const netns = (await lines.read()).value!.trim();
  // Its process has a number of its own there.
  using _ = Lab.open();
  lab.client.endpoints();
  const input = child.stdin.getWriter();
  await input.write(Uint8Array.of(10));
  assertEquals((await lines.read()).value, "works\n");
  const exists = () => namespaces(Number(netns.split("-")[1])).includes(netns);
  assert(exists());
  child.kill("SIGKILL");
  await Promise.all([child.status, input.close(), lines.cancel()]);
  waitFor(() => {
    Lab.removeLeftovers();
    return !exists();
  }, "the namespaces of a killed process to be removed");
});

liveTest("`waitFor()` names what it waited for", () => {
  let calls = 0;
  assertEquals(waitFor(() => ++calls > 3 && calls, "the fourth call"), 4);
  assertThrows(
    () => waitFor(() => false, "a miracle", 10),
    Error,
    "Waited 10 ms in vain for a miracle",
  );
});

liveTest("`transferAsync()` does not block the event loop", async () => {
  using lab = Lab.open({ rate: 40 });
  using connection = lab.connect();
  let turns = 0;
  const timer = setInterval(() => turns++, 1);
  try {
    await connection.transferAsync(500_000);
  } finally {
    clearInterval(timer);
  }
  assertGreater(turns, 3);
  assertEquals(connection.server.receive(), 0);
  lab.cut(1);
  await assertRejects(
    () => connection.transferAsync(1000, 50),
    Error,
    "Cannot transfer 1000 bytes in 50 ms: 0 arrived: the time is over",
  );
});

liveTest("`Lab.missing()` returns `undefined` where a lab can be made", () => {
  assertEquals(Lab.missing(), undefined);
});
