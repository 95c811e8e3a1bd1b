import { assert, assertEquals, assertMatch } from "@std/assert";
import type { Host } from "../../testing/host.ts";
import { Lab, until, waitFor } from "../../testing/lab.ts";
import { MptcpSocket } from "../../testing/mptcp_socket.ts";
import { expand, MONITOR } from "../helpers/lines_of_ip.ts";
import { assertInTime } from "../helpers/in_time.ts";
import { liveTest, timedTest } from "../helpers/live.ts";
import { eventsGroup } from "../helpers/proc.ts";
import { within } from "../helpers/within.ts";
import {
  deno,
  environment,
  launcher,
  quoted,
  run,
  script,
} from "../helpers/command_line.ts";

/** The ways to start the program. */
const STARTS: { readonly [how: string]: readonly string[] } = {
  "bin/mptcp": [launcher],
  "deno run": [...deno, "--allow-ffi", script],
};

/** How long it may take to end, in milliseconds. */
const AT_ONCE = 1000;

/** A program that goes on while the test does. */
class Running implements AsyncDisposable {
  readonly child: Deno.ChildProcess;
  readonly #out: ReadableStreamDefaultReader<string>;
  readonly #err: Promise<string>;
  #text = "";

  constructor(command: readonly string[]) {
    this.child = new Deno.Command(command[0]!, {
      args: command.slice(1),
      env: environment(),
      stdin: "piped",
      stdout: "piped",
      stderr: "piped",
    }).spawn();
    this.#out = this.child.stdout.pipeThrough(new TextDecoderStream())
      .getReader();
    this.#err = new Response(this.child.stderr).text();
  }

  /** The next line that it prints. */
  async line(): Promise<string> {
    while (!this.#text.includes("\n")) {
      const { value, done } = await within(this.#out.read(), () => "a line");
      if (done) throw new Error(`It ended: ${this.#text}${await this.#err}`);
      this.#text += value;
    }
    const end = this.#text.indexOf("\n");
    const line = this.#text.slice(0, end);
    this.#text = this.#text.slice(end + 1);
    return line;
  }

  /** Goes away from its output. */
  async leave(): Promise<void> {
    await this.#out.cancel();
  }

  /** Its exit code, which it has to give at once. */
  async code(): Promise<number> {
    const begin = performance.now();
    const { code } = await within(this.child.status, () => "its end");
    assertInTime(performance.now() - begin, AT_ONCE, "its end");
    return code;
  }

  /** What it prints before it ends, what it complains of, and its exit code. */
  async end(): Promise<[rest: string, err: string, code: number]> {
    const code = await this.code();
    for (;;) {
      const { value, done } = await this.#out.read();
      if (done) return [this.#text, await this.#err, code];
      this.#text += value;
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    try {
      this.child.kill("SIGKILL");
    } catch {
      // It has ended.
    }
    await this.#out.cancel();
    await this.child.stdin.close().catch(() => {});
    await Promise.all([this.child.status, this.#err]);
  }
}

const NETLINK_GENERIC = "16";

/** How many sockets of a host hear events. */
function listeners(host: Host): number {
  const group = eventsGroup();
  assert(group <= 32, "/proc/net/netlink shows no later groups");
  return host.exec("cat", "/proc/net/netlink").split("\n").filter((row) => {
    const [, protocol, , groups] = row.split(/ +/);
    return protocol === NETLINK_GENERIC &&
      (parseInt(groups!, 16) >>> (group - 1) & 1) === 1;
  }).length;
}

/** Starts a program that hears the events of a host, and waits until it does. */
function watch(host: Host, ...command: readonly string[]): Running {
  const count = listeners(host) + 1;
  const running = new Running(command);
  waitFor(() => listeners(host) === count, `${count} listeners`);
  return running;
}

/** Makes two events happen on a host: something listens, and no longer. */
function listenBriefly({ netns }: Host, port: number): void {
  MptcpSocket.listen(netns, { address: "0.0.0.0", port }).close();
}

const BRIEFLY = (port: number) => [
  `[LISTENER_CREATED] saddr4=0.0.0.0 sport=${port}`,
  `[ LISTENER_CLOSED] saddr4=0.0.0.0 sport=${port}`,
];

for (const [how, start] of Object.entries(STARTS)) {
  for (const signal of ["SIGINT", "SIGTERM"] as const) {
    timedTest(
      `\`monitor\` by \`${how}\` prints at once, and ends at once by ${signal}`,
      async () => {
        using lab = Lab.open();
        const { client, server } = lab;
        await using running = watch(
          client,
          ...start,
          ...["-n", client.netns, "monitor"],
        );
        // What happens elsewhere is not shown.
        listenBriefly(server, 80);
        for (const port of [81, 82]) {
          const [created, closed] = BRIEFLY(port);
          const { netns } = client;
          using listener = MptcpSocket.listen(netns, { address: "::", port });
          assertEquals(
            await running.line(),
            created!.replace("saddr4=0.0.0.0", "saddr6=::"),
          );
          listener.close();
          assertEquals(
            await running.line(),
            closed!.replace("saddr4=0.0.0.0", "saddr6=::"),
          );
        }
        running.child.kill(signal);
        assertEquals(await running.end(), ["", "", 0]);
        assertEquals(listeners(client), 0);
        assert(!exists(`/proc/${running.child.pid}`));
      },
    );
  }

  timedTest(
    `\`monitor\` by \`${how}\` opens no inspector by SIGUSR1`,
    async () => {
      using lab = Lab.open({ paths: 0 });
      const { client } = lab;
      await using running = watch(
        client,
        ...start,
        ...["-n", client.netns, "monitor"],
      );
      // Deno installs its handler after 500 ms.
      for (const _ of [1, 2]) {
        running.child.kill("SIGUSR1");
        await delay(800);
        assert(!isListening(running.child.pid));
      }
      running.child.kill("SIGTERM");
      assertEquals(await running.end(), ["", "", 0]);
    },
  );

  timedTest(
    `\`monitor\` by \`${how}\` opens no inspector by SIGUSR1 while it starts`,
    async () => {
      using lab = Lab.open({ paths: 0 });
      const { client, client: { netns } } = lab;
      // It listens after 200 ms, Deno installs its handler after 500 ms.
      for (let ms = 0; ms <= 600; ms += 50) {
        await using running = new Running([...start, "-n", netns, "monitor"]);
        await delay(ms);
        running.child.kill("SIGUSR1");
        let hasEnded = false;
        void running.child.status.then(() => hasEnded = true);
        // Deno would say that it listens.
        await delay(400);
        assert(!isListening(running.child.pid));
        const isThere = () => hasEnded || listeners(client) === 1;
        await until(isThere, "it to end, or to listen to events");
        if (!hasEnded) running.child.kill("SIGTERM");
        const [rest, err, code] = await running.end();
        assertEquals([ms, rest, err], [ms, "", ""]);
        const BY_SIGUSR1 = 128 + 10;
        assert([0, BY_SIGUSR1].includes(code), `${ms} ms: ${code}`);
      }
    },
  );

  timedTest(
    `\`monitor\` by \`${how}\` ends when nobody reads it any more`,
    async () => {
      using lab = Lab.open();
      const { client } = lab;
      const command = [...start, "-n", client.netns, "monitor"];
      {
        await using running = watch(client, ...command);
        // Nothing happens before or after.
        await running.leave();
        assertEquals([await running.code(), listeners(client)], [0, 0]);
      }
      // A shell waits for all of the pipeline.
      await using running = watch(
        client,
        ...["sh", "-c", '"$@" | head -1', "sh", ...command],
      );
      const { netns } = client;
      using _ = MptcpSocket.listen(netns, { address: "0.0.0.0", port: 80 });
      assertEquals(await running.end(), [`${BRIEFLY(80)[0]}\n`, "", 0]);
      assertEquals(listeners(client), 0);
    },
  );
}

const delay = (ms: number) =>
  new Promise<void>((resolve) => setTimeout(resolve, ms));

/** Whether a process listens for TCP connections. */
function isListening(pid: number): boolean {
  return run(["ss", "-Hltnp"]).out.includes(`pid=${pid},`);
}

function exists(path: string): boolean {
  try {
    Deno.statSync(path);
    return true;
  } catch {
    return false;
  }
}

timedTest("`monitor -j` prints an object a line, at once", async () => {
  using lab = Lab.open();
  const { client } = lab;
  await using running = watch(
    client,
    ...["ip", "netns", "exec", client.netns],
    ...[launcher, "-jt", "monitor", "event", "listener-closed"],
  );
  for (const sport of [80, 81]) {
    const before = Date.now();
    listenBriefly(client, sport);
    const { timestamp, ...event } = JSON.parse(await running.line());
    assertEquals(event, {
      event: "LISTENER_CLOSED",
      saddr4: "0.0.0.0",
      sport,
    });
    // It has microseconds.
    const at = Date.parse(timestamp);
    assert(at >= before && at <= Date.now(), timestamp);
  }
  running.child.kill("SIGTERM");
  assertEquals(await running.end(), ["", "", 0]);
});

timedTest("`monitor` writes to a file", async () => {
  using lab = Lab.open();
  const { client } = lab;
  const path = Deno.makeTempFileSync({ prefix: "mptcp-" });
  try {
    await using running = watch(
      client,
      ...["sh", "-c", 'exec "$@" >"$0"', path],
      ...[launcher, "-n", client.netns, "monitor"],
    );
    listenBriefly(client, 80);
    const expected = BRIEFLY(80).map((line) => `${line}\n`).join("");
    waitFor(() => Deno.readTextFileSync(path) === expected, "two lines");
    running.child.kill("SIGINT");
    assertEquals(await running.end(), ["", "", 0]);
    assertEquals(Deno.readTextFileSync(path), expected);
  } finally {
    Deno.removeSync(path);
  }
});

timedTest(
  "`monitor` ends at once even when its reader does not read",
  async () => {
    using lab = Lab.open();
    const { client } = lab;
    const path = Deno.makeTempDirSync({ prefix: "mptcp-" });
    try {
      await using running = watch(
        client,
        ...["sh", "-c", 'mkfifo "$0" && exec 3<>"$0" && exec "$@" >"$0"'],
        ...[`${path}/fifo`, launcher, "-n", client.netns, "monitor"],
      );
      // More than the 64 KiB that a pipe holds.
      for (let port = 1000; port < 2000; port++) listenBriefly(client, port);
      running.child.kill("SIGTERM");
      assertEquals(await running.end(), ["", "", 0]);
      assertEquals(listeners(client), 0);
    } finally {
      Deno.removeSync(path, { recursive: true });
    }
  },
);

timedTest("`monitor` writes to a terminal, until ^C", async () => {
  using lab = Lab.open();
  const { client } = lab;
  const command = [launcher, "-n", client.netns, "monitor"];
  await using running = watch(
    client,
    ...["script", "-qec", `exec ${quoted(command)}`, "/dev/null"],
  );
  listenBriefly(client, 80);
  for (const line of BRIEFLY(80)) {
    assertEquals(await running.line(), `${line}\r`);
  }
  const typing = running.child.stdin.getWriter();
  await typing.write(Uint8Array.of(3));
  typing.releaseLock();
  assertEquals(await running.end(), ["^C", "", 0]);
  assertEquals(listeners(client), 0);
});

timedTest(
  "`monitor` says in one line that its output cannot be written, and ends",
  async () => {
    using lab = Lab.open();
    const { client } = lab;
    for (const json of ["", "-j "]) {
      await using running = watch(
        client,
        ...["sh", "-c", `exec "$0" ${json}-n "$1" monitor >/dev/full`],
        ...[launcher, client.netns],
      );
      listenBriefly(client, 80);
      const [rest, err, code] = await running.end();
      assertEquals([rest, code], ["", 1]);
      assertMatch(
        json === "" ? err : JSON.parse(err).error,
        /^(mptcp: )?Cannot write: .*No space left on device.*\n?$/,
      );
      assertEquals([err.match(/\n/g)!.length, listeners(client)], [1, 0]);
    }
  },
);

liveTest("`monitor` says what it takes to listen", () => {
  using lab = Lab.open();
  const { netns } = lab.client;
  for (const json of [[], ["-j"]]) {
    const { code, out, err } = run([
      ...["ip", "netns", "exec", netns],
      ...["setpriv", "--bounding-set=-all", "--inh-caps=-all"],
      ...[launcher, ...json, "monitor"],
    ]);
    assertEquals([code, out], [1, ""]);
    assertMatch(err, /Cannot .*Operation not permitted.*CAP_NET_ADMIN/s);
  }
});

/** Whether `ip` prints as iproute2 7.1 does. */
const isLatestIp = (() => {
  const [, major, minor] =
    run(["ip", "-V"]).out.match(/iproute2-(\d+)\.(\d+)/) ?? [];
  return Number(major) * 100 + Number(minor) >= 701;
})();

/** A line without the time, and without what older releases of `ip` lack. */
function comparable(line: string): string {
  const timeless = line
    .replace(/^\[\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}\]/, "[time]")
    .replace(/: \w{3} \w{3} [ \d]\d [\d:]{8} \d{4} \d+ usec$/, ": time");
  if (isLatestIp) return timeless;
  return timeless
    .replace(/\[ +/, "[")
    .replace(/\[LISTENER_CREATED\].*/, "[UNKNOWN 15]")
    .replace(/\[LISTENER_CLOSED\].*/, "[UNKNOWN 16]")
    .replace(/ dev=\S+/, "")
    .replace("reset_flags=0x", "reset_flags=")
    // Kernels before 6.18 have no flag for the server's side.
    .replace(/ server_side| flags=2/, "")
    .replace(/ deny_join_id0| flags=3/, " flags=1");
}

/** Lets every event happen, on one host or the other. */
function makeEverythingHappen(lab: Lab): void {
  const { client, server } = lab;
  const subflows = (count: number) =>
    waitFor(
      () => client.subflows().length === count,
      `${count} subflows`,
    );
  client.ip("mptcp", "limits", "set", "subflows", "4");
  client.ip("mptcp", "limits", "set", "add_addr_accepted", "2");
  server.ip("mptcp", "limits", "set", "subflows", "4");
  const endpoint = (host: Host, ...words: string[]) =>
    host.ip("mptcp", "endpoint", ...words);
  endpoint(
    server,
    ...["add", server.address(3), "id", "30"],
    ...["signal", "port", "10100"],
  );
  endpoint(
    client,
    ...["add", client.address(2), "id", "20"],
    ...["subflow", "dev", client.dev(2)],
  );
  {
    using connection = lab.connect();
    connection.transfer(1000);
    subflows(3);
    endpoint(client, "change", "id", "20", "backup");
    connection.transfer(1000);
    endpoint(client, "delete", "id", "20");
    subflows(2);
    endpoint(server, "delete", "id", "30");
    subflows(1);
  }
  server.sysctl("net.mptcp.allow_join_initial_addr_port", 0);
  using connection = lab.connect({ family: 6 });
  connection.transfer(1000);
}

for (const line of MONITOR.lines.flatMap(expand)) {
  timedTest(`\`${line}\` shows what \`ip\` next to it shows`, async () => {
    using lab = Lab.open({ paths: 3 });
    const hosts = [lab.client, lab.server];
    const words = line.split(" ");
    await using stack = new AsyncDisposableStack();
    const pairs = hosts.map((host) => {
      const own = words.filter((word) => word !== "mptcp");
      const [ours, ip] = [[launcher, ...own], ["ip", ...words]]
        .map(([program, ...words]) =>
          stack.use(watch(host, program!, "-n", host.netns, ...words))
        );
      return { ours: ours!, ip: ip! };
    });
    makeEverythingHappen(lab);
    const seen = new Set<string>();
    for (const [index, { ours, ip }] of pairs.entries()) {
      listenBriefly(hosts[index]!, 9);
      const lines: string[] = [];
      while (!lines.at(-1)?.endsWith(BRIEFLY(9)[1]!)) {
        lines.push(await ours.line());
      }
      const theirs: string[] = [];
      while (theirs.length < lines.length) theirs.push(await ip.line());
      assertEquals(lines.map(comparable), theirs.map(comparable));
      for (const line of lines) {
        const name = line.match(/[A-Z_]+(?=\])/)?.[0];
        if (name !== undefined) seen.add(name);
      }
      for (const { child } of [ours, ip]) child.kill("SIGINT");
      assertEquals(await ours.end(), ["", "", 0]);
      assertEquals((await ip.end())[0], "");
      assertEquals(listeners(hosts[index]!), 0);
    }
    assertEquals([...seen].sort(), [
      ...["ANNOUNCED", "CLOSED", "CREATED", "ESTABLISHED", "LISTENER_CLOSED"],
      ...["LISTENER_CREATED", "REMOVED", "SF_CLOSED", "SF_ESTABLISHED"],
      "SF_PRIO",
    ]);
  });
}
