/** Overload, stopped processes, removed namespaces, no free descriptors. */
import {
  assert,
  assertEquals,
  assertGreater,
  assertLess,
  assertThrows,
} from "@std/assert";
import { PathManager, type PathManagerEvent, SyscallError } from "../../mod.ts";
import type { Host } from "../../testing/host.ts";
import { Lab, until } from "../../testing/lab.ts";
import { MptcpSocket } from "../../testing/mptcp_socket.ts";
import { listenBriefly } from "../helpers/listen.ts";
import { liveTest } from "../helpers/live.ts";
import { listeners, openFiles } from "../helpers/proc.ts";
import { Program } from "../helpers/program.ts";
import { within } from "../helpers/within.ts";

/** Lets so much happen that the kernel cannot keep all of it. */
function overrun(host: Host): void {
  const { drops } = listeners(host)[0]!;
  do {
    for (let count = 0; count < 200; count++) listenBriefly(host);
  } while (listeners(host)[0]!.drops === drops);
}

liveTest("events after an `overrun` arrive", async () => {
  using lab = Lab.open({ paths: 0 });
  const { netns } = lab.client;
  using pm = PathManager.open({ netns });
  using stream = pm.events();
  const pass = (what: string, fits: (event: PathManagerEvent) => boolean) =>
    within(
      (async () => {
        while (!fits((await stream.next()).value!));
      })(),
      () => what,
    );
  for (const _ of [1, 2]) {
    overrun(lab.client);
    await pass("overrun", ({ type }) => type === "overrun");
    // Who reads the state now relies on the events that follow.
    using listener = MptcpSocket.listen(netns, { address: "::1", port: 0 });
    const { port } = listener.local;
    await pass(
      "the event after it",
      (event) =>
        event.type === "listener-created" && event.local.address === "::1" &&
        event.local.port === port,
    );
  }
});

liveTest(
  "a stream that is not read uses no more memory than its queue",
  async () => {
    using lab = Lab.open({ paths: 0 });
    const { client } = lab;
    using pm = PathManager.open({ netns: client.netns });
    using stream = pm.events();
    listenBriefly(client);
    assertEquals((await stream.next()).value?.type, "listener-created");
    overrun(client);
    const full = listeners(client)[0]!;
    // Twice the two MiB that are asked for, and one event that is too much.
    assertLess(full.queued, 4.1 * 2 ** 20);
    overrun(client);
    const { queued, drops } = listeners(client)[0]!;
    assertEquals(queued, full.queued);
    assertGreater(drops, full.drops);
    stream.close();
    assertEquals((await stream.next()).done, true);
  },
);

liveTest(
  "a removed namespace lasts until its last user is closed",
  async () => {
    using lab = Lab.open();
    const { client, server } = lab;
    const { netns } = client;
    const before = openFiles().length;
    const pm = PathManager.open({ netns });
    const stream = pm.events();
    const next = stream.next();
    client.exec("ip", "netns", "delete", netns);
    // The other end of a device in a namespace goes with that namespace.
    const isThere = () => server.ip("link").includes(server.dev(1));

    assertEquals(pm.addAddr({ address: "10.0.0.1" }).id, 1);
    pm.setLimits({ subflows: 5 });
    assertEquals(pm.getLimits().subflows, 5);
    assertEquals(pm.dumpAddrs().length, 1);
    assertEquals(
      pm.addAddr({ address: "10.0.0.2", dev: client.dev(1) }).dev,
      client.dev(1),
    );
    {
      using _mode = pm.setMode("userspace");
      assertEquals(pm.getMode(), "userspace");
    }
    const flags = ["signal"] as const;
    pm.addAddr({ address: client.address(1), port: 10100, flags });
    const { value } = await within(next, () => "an event");
    assertEquals(value?.type, "listener-created");
    const error = assertThrows(() => PathManager.open({ netns }), SyscallError);
    assertEquals(error.code, "ENOENT");

    using later = pm.events();
    pm.flushAddrs();
    for (const events of [stream, later]) {
      const { value } = await within(events.next(), () => "an event");
      assertEquals(value?.type, "listener-closed");
    }
    assert(isThere());
    const end = later.next();
    pm.close();
    assertEquals((await within(end, () => "the end")).done, true);
    await until(() => !isThere(), "the namespace to go away");
    assertEquals(openFiles().length, before);
  },
);

/** Stops a process, and waits until it is. */
async function stop(process: Deno.ChildProcess): Promise<void> {
  process.kill("SIGSTOP");
  const tasks = `/proc/${process.pid}/task`;
  const isStopped = () =>
    Array.from(
      Deno.readDirSync(tasks),
      ({ name }) => Deno.readTextFileSync(`${tasks}/${name}/stat`),
    ).every((stat) => / T /.test(stat));
  await until(isStopped, "the process to stop");
}

liveTest(
  "a stopped process goes on, and gets one `overrun` for what it missed",
  async () => {
    using lab = Lab.open({ paths: 0 });
    const { client } = lab;
    const port = 4321;
    using pm = PathManager.open({ netns: client.netns });
    await using program = new Program("commands_and_events", [
      client.netns,
      `${port}`,
    ]);
    assertEquals(await program.text(), "ready\n");
    const { process } = program;
    const printed = program.text();
    for (let round = 0; round < 30; round++) {
      await stop(process);
      listenBriefly(client);
      const { subflows } = pm.getLimits();
      process.kill("SIGCONT");
      await until(() => pm.getLimits().subflows !== subflows, "a command");
    }
    await stop(process);
    overrun(client);
    process.kill("SIGCONT");
    let text: string | undefined;
    void printed.then((all) => text = all);
    await until(() => {
      if (text === undefined) listenBriefly(client, port);
      return text;
    }, "the process to read events again");
    const { commands, wrong, seen } = JSON.parse(text!);
    const { overrun: overruns, ...others } = seen;
    assertGreater(commands, 60);
    assertEquals([wrong, overruns], [0, 1]);
    assertEquals(Object.keys(others), ["listener-created", "listener-closed"]);
    assertEquals((await process.status).code, 0);
  },
);

liveTest(
  "without free descriptors each operation throws EMFILE",
  async () => {
    using lab = Lab.open({ paths: 0 });
    const program =
      new URL("../programs/few_descriptors.ts", import.meta.url).pathname;
    const { code, stdout, stderr } = await new Deno.Command("sh", {
      args: [
        ...["-c", 'ulimit -n 64; exec "$@"', "sh"],
        ...[Deno.execPath(), "run", "--quiet", "--allow-ffi"],
        ...[program, lab.client.netns],
      ],
      stdin: "null",
      env: { DENO_NO_UPDATE_CHECK: "1" },
    }).output();
    assertEquals([code, new TextDecoder().decode(stderr)], [0, ""]);
    const tries: Record<string, string[]> = JSON.parse(
      new TextDecoder().decode(stdout),
    );
    // One after the other as descriptors get free, and in the end it works.
    const results = Object.entries(tries).map(([name, tries]) => [
      name,
      ...new Set(tries),
    ]);
    const full = "SyscallError EMFILE";
    const refused = "NetlinkError EINVAL";
    assertEquals(results, [
      ["open", full, "done"],
      ["open netns", full, "done"],
      // The namespace keeps the socket that it looks devices up with.
      ["addAddr", full, "done, 1 more open"],
      ["getAddr", "done"],
      ["dumpAddrs", "done"],
      ["setFlags", "done"],
      ["delAddr", "done"],
      ["flushAddrs", "done"],
      ["setLimits", "done"],
      ["getLimits", "done"],
      // There is no such connection.
      ["announce", refused],
      ["remove", refused],
      ["subflowCreate", refused],
      ["subflowDestroy", refused],
      ["getMode", full, "done"],
      ["setMode", full, "done"],
      ["events", full, "done"],
      ["next", full, "done"],
    ]);
  },
);
