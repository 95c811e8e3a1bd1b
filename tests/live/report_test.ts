import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import {
  anonymize,
  collect,
  diagnose,
  type Finding,
  parseSnapshot,
  type Snapshot,
} from "../../doctor/mod.ts";
import type { Host } from "../../testing/host.ts";
import { Lab, until } from "../../testing/lab.ts";
import { environment, launcher } from "../helpers/command_line.ts";
import { AS_NOBODY, Copy } from "../helpers/copy.ts";
import { HEALTHY_HOSTS, HOST_FAULTS } from "../helpers/host_faults.ts";
import { Scene } from "../helpers/host_faults/scene.ts";
import { liveTest, missingProgram } from "../helpers/live.ts";
import { listeners } from "../helpers/proc.ts";
import { type Ran, run } from "../helpers/run_main.ts";
import { within } from "../helpers/within.ts";

const missing = Lab.missing() ?? missingProgram("nft", "--version");

function open(name: string): Scene {
  const all = [...HOST_FAULTS, ...HEALTHY_HOSTS];
  return Scene.open(all.find((state) => state.name === name)!);
}

async function mptcp(
  { netns }: Host,
  line: string,
  input = "",
): Promise<Ran> {
  const { signal } = new AbortController();
  return await run(`-n ${netns} ${line}`, "running", signal, input);
}

/** The addresses of hosts, as `ip` shows them. */
function addressesOf(hosts: readonly Host[]): string[] {
  const shown = hosts.map((host) => host.ip("-o", "address")).join("");
  return [...shown.matchAll(/ inet6? ([^/ ]+)/g)].map(([, one]) => one!)
    .filter((address) => address !== "127.0.0.1" && address !== "::1");
}

/** What a doctor says, but for the counts and times of the moment. */
function said(findings: readonly Finding[]) {
  return findings.map(({ check, status, summary, about, because }) => ({
    ...{ check, status, summary, about, because },
  }));
}

liveTest("the doctor says of a report what it says on the host", async () => {
  for (
    const name of ["device that is down", "strict rp_filter on the client"]
  ) {
    using scene = open(name);
    const { client } = scene.lab;
    const { out } = await mptcp(client, "report -q");
    const there = await mptcp(client, "-j doctor --from -", out);
    const here = await mptcp(client, "-j doctor");
    assertEquals([there.code, here.code], [3, 3]);
    const [from, own] = [there, here].map(({ out }) =>
      said(JSON.parse(out).findings).map(({ summary, ...one }) => ({
        ...one,
        summary: one.status === "ok" ? "" : summary,
      }))
    );
    assertEquals(from, own);
    // The lab's names and addresses are in no report that hides them.
    const hidden = (await mptcp(client, "report -q --anonymize")).out;
    assert(!/client\d/.test(hidden), hidden);
    for (const address of addressesOf([client, scene.lab.server])) {
      assert(!hidden.includes(`"${address}"`), `${address} in ${hidden}`);
    }
    const again = await mptcp(client, "-j doctor --from -", hidden);
    assertEquals(
      JSON.parse(again.out).findings.map(({ check, status }: Finding) => [
        check,
        status,
      ]),
      own!.map(({ check, status }) => [check, status]),
    );
  }
}, missing);

/** What is below a heading. */
function section(text: string, heading: string): string[] {
  const [, after] = text.split(`\n== ${heading} ==\n`);
  return after!.split("\n== ")[0]!.trimEnd().split("\n");
}

/** Lines without the spaces that make columns. */
function words(text: string): string[] {
  return text.trimEnd().split("\n").map((line) =>
    line.trim().replaceAll(/\s+/g, " ")
  );
}

liveTest(
  "`report --text` says what other tools say below its headings",
  async () => {
    for (const name of ["two paths", "server", "dual stack"]) {
      using scene = open(name);
      const { client, server } = scene.lab;
      for (const host of [client, server]) {
        const { out } = await mptcp(host, "report --text -q");
        const same = (heading: string, text: string) =>
          assertEquals([heading, words(section(out, heading).join("\n"))], [
            heading,
            words(text),
          ]);
        same("uname -sr", host.exec("uname", "-sr"));
        same("sysctl net.mptcp", host.exec("sysctl", "net.mptcp"));
        const endpoints = host.ip("mptcp", "endpoint", "show")
          // What later releases of `ip` call it.
          .replaceAll(/rawflags +10\b/g, "implicit");
        same("ip mptcp endpoint show", endpoints);
        same("ip mptcp limits show", host.ip("mptcp", "limits", "show"));
        assertSockets(section(out, "ss -ManiH"), host.exec("ss", "-ManiH"));
        const counted = new Set(words(host.exec("nstat", "-as")));
        for (const line of words(section(out, "nstat").join("\n"))) {
          assert(counted.has(line), line);
        }
      }
    }
  },
  missing,
);

/**
 * Each socket is there with the figures of `ss`: this one does not know all, and
 * numbers of sequences are not told.
 */
function assertSockets(lines: readonly string[], ss: string): void {
  const rowsOf = (text: string) =>
    words(text).join(" ").split(/ ?(?=\b(?:ESTAB|LISTEN) )/)
      .map((row) => row.split(" ").filter((word) => word !== ""))
      .toSorted((one, other) => one[3]! < other[3]! ? -1 : 1);
  const own = rowsOf(lines.join("\n"));
  const theirs = rowsOf(
    ss.replaceAll(/ (write_seq|snd_una|rcv_nxt):\w+/g, "")
      // All addresses of both families.
      .replaceAll(/ \*:(?=\d)/g, " [::]:").replaceAll(" *:*", " [::]:*"),
  );
  assertEquals(own.length, theirs.length);
  for (const [at, row] of theirs.entries()) {
    const given = own[at]!;
    assertEquals(row.filter((word) => !given.includes(word)), []);
  }
}

/** Starts the program, and waits until it asks. */
async function reproduce(
  { netns }: Host,
  happen: () => unknown,
  end: "Enter" | "SIGINT",
): Promise<Snapshot> {
  await using child = new Deno.Command(launcher, {
    args: ["-n", netns, "report", "--reproduce"],
    env: environment(),
    stdin: "piped",
    stdout: "piped",
    stderr: "piped",
  }).spawn();
  const { stdin, stdout, stderr } = child;
  const out = new Response(stdout).text();
  const said = await within(firstText(stderr), () => "the question");
  assertEquals(
    said,
    "mptcp: make the fault happen, then press Enter, or Ctrl-C\n",
  );
  await happen();
  const writer = stdin.getWriter();
  if (end === "Enter") await writer.write(new TextEncoder().encode("\n"));
  else child.kill("SIGINT");
  const { code } = await within(child.status, () => "its end");
  assertEquals(code, 0);
  await writer.close().catch(() => {});
  return parseSnapshot(await out);
}

/** What comes first, and what comes later is read, too. */
async function firstText(stream: ReadableStream<Uint8Array>): Promise<string> {
  const reader = stream.getReader();
  const { value } = await reader.read();
  void (async () => {
    while (!(await reader.read()).done);
  })();
  return new TextDecoder().decode(value);
}

for (const end of ["Enter", "SIGINT"] as const) {
  liveTest(
    `\`report --reproduce\` has a fault of the second path, until ${end}`,
    async () => {
      using scene = open("two paths");
      const { lab } = scene;
      const { client } = lab;
      const snapshot = await reproduce(client, async () => {
        // It listens before it asks.
        assertEquals(listeners(client).length, 1);
        client.ip("mptcp", "endpoint", "flush");
        await until(() => client.subflows().length === 1, "the subflow to end");
      }, end);
      assertEquals(listeners(client), []);
      const { before, events = [], connections } = snapshot;
      const subflows = [before?.connections, connections].map((all) =>
        all?.[0]?.subflows.length
      );
      assertEquals(subflows, [2, 1]);
      const [closed] = events.map(({ event }) => event);
      assert(closed?.type === "sub-closed", Deno.inspect(events));
      assertEquals(closed.local.address, client.address(2));
      const [first] = diagnose(snapshot);
      assertEquals([first?.check, first?.status], ["endpoints", "problem"]);
      const { events: hidden } = anonymize(snapshot);
      assert(!JSON.stringify(hidden).includes(client.address(2)));
      assertEquals(
        hidden?.map(({ event }) => event.type),
        events.map(({ event }) => event.type),
      );
    },
    missing,
  );
}

liveTest(
  "a snapshot holds the neighbours and rules of its connections only",
  async () => {
    using scene = open("two paths by source");
    const { client, server } = scene.lab;
    const second = client.dev(2);
    client.ip(
      "neigh",
      "add",
      "10.77.2.99",
      "lladdr",
      "02:00:00:00:77:99",
      "dev",
      second,
    );
    client.ip("rule", "add", "from", "10.88.0.0/16", "table", "88");
    client.ip("rule", "add", "to", "10.99.0.0/16", "table", "254");
    const snapshot = await collect({ netns: client.netns });
    const neighbours = snapshot.neighbours!.map(({ address }) => address);
    assertEquals(neighbours.includes("10.77.2.99"), false);
    assertEquals(neighbours.includes(server.address(1)), true);
    const prefixes = snapshot.rules!.flatMap(({ from, to }) => [from, to])
      .filter((prefix) => prefix !== undefined);
    assert(!prefixes.includes("10.88.0.0/16"));
    assert(prefixes.includes("10.99.0.0/16"));
    assert(prefixes.includes(`${client.address(2)}/32`));
    // No MAC address, neither of a neighbour nor of a device.
    const json = JSON.stringify(snapshot);
    const macs = client.ip("link", "show").match(/link\/ether (\S+)/g)!;
    for (
      const mac of [...macs.map((one) => one.slice(11)), "02:00:00:00:77:99"]
    ) {
      assert(!json.includes(mac), mac);
    }
  },
  missing,
);

liveTest("a report without privilege says what could not be read", async () => {
  using copy = new Copy("report");
  using scene = open("no endpoint");
  const { client } = scene.lab;
  const command = copy.command({}, AS_NOBODY, ["--allow-ffi"]);
  const snapshot = parseSnapshot(client.exec(...command));
  assertEquals(Object.keys(snapshot.unknown), ["firewall", "events"]);
  for (const reason of Object.values(snapshot.unknown)) {
    assertStringIncludes(reason, "EPERM)");
  }
  const whole = await collect({ netns: client.netns });
  assertEquals(
    Object.keys(whole).filter((name) => !(name in snapshot)),
    ["firewall"],
  );
  assertEquals(snapshot.connections?.length, whole.connections?.length);
}, missing);
