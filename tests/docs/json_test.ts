/** What docs/json.md says of JSON, held against what is printed. */
import { assert, assertEquals } from "@std/assert";
import { FakeKernel } from "../../testing/fake_kernel.ts";
import { Lab, until } from "../../testing/lab.ts";
import { snapshotFile } from "../helpers/doctor_golden.ts";
import { HEALTHY_HOSTS, HOST_FAULTS } from "../helpers/host_faults.ts";
import { liveTest } from "../helpers/live.ts";
import { run } from "../helpers/run_main.ts";
import { textOf } from "../helpers/shell_lines.ts";

type Fields = ReadonlyMap<string, { type: string; isOptional: boolean }>;
type Value = { readonly [name: string]: unknown };

/**
 * The tables of the page: of a connection, a subflow, one of its ends; of what
 * the doctor says, a finding, a target, an attempt.
 */
const TABLES: readonly Fields[] = textOf("docs/json.md").split("\n## ").slice(1)
  .map((section) =>
    new Map(
      Array.from(
        section.matchAll(/^\| `(\w+)` +\| ([^|,]+?)(, may be absent)? +\|/gm),
        ([, name, type, optional]) =>
          [name!, { type: type!, isOptional: optional !== undefined }] as const,
      ),
    )
  );

function assertFields(value: Value, fields: Fields | undefined): void {
  for (const [name, field] of Object.entries(value)) {
    const type = Array.isArray(field) ? "array" : typeof field;
    const documented = fields?.get(name)?.type.replace(" or null", "");
    assertEquals([name, documented], [name, type]);
  }
  for (const [name, { isOptional }] of fields ?? []) {
    assert(isOptional || name in value, `${name} is absent`);
  }
}

function assertDocumented(out: string): void {
  const [ofConnection, ofSubflow, ofEnd] = TABLES;
  const connections: Value[] = JSON.parse(out);
  assert(connections.length > 0);
  for (const connection of connections) {
    assertFields(connection, ofConnection);
    const subflows = connection["subflows"] as readonly Value[];
    for (const subflow of subflows) {
      assertFields(subflow, ofSubflow);
      assertFields(subflow["local"] as Value, ofEnd);
      assertFields(subflow["remote"] as Value, ofEnd);
    }
  }
}

/** What programs rely on, by issue 10. */
const PROMISED = [
  ["token", "local", "remote", "state", "fallback", "subflows"],
  [
    ...["local", "remote", "dev", "state", "backup", "initial", "rtt_us"],
    ...["bytes_sent", "bytes_received", "retransmits"],
  ],
  ["address", "port", "id"],
  ["version", "healthy", "findings"],
  ["check", "status", "summary", "evidence", "remedies", "because"],
  ["host", "port", "attempts"],
  ["address", "source", "dev", "outcome", "ms"],
];

Deno.test("docs/json.md has the fields that are promised", () => {
  assertEquals(TABLES.length, PROMISED.length);
  PROMISED.forEach((names, at) => {
    for (const name of names) assert(TABLES[at]!.has(name), name);
  });
});

Deno.test("`mptcp -j connection` prints the fields of docs/json.md, of old kernels too", async () => {
  const kernel = new FakeKernel();
  kernel.connect(5);
  kernel.connect(6).set({ fallback: true, state: "close-wait" });
  assertDocumented((await run("-j connection", kernel)).out);
  for (const mptcpInfoLength of [40, 48, 80, 88]) {
    Object.assign(kernel.sockDiag, { mptcpInfoLength, tcpInfoLength: 192 });
    assertDocumented((await run("-j connection", kernel)).out);
  }
});

Deno.test("`mptcp -j doctor` prints the fields of docs/json.md", async () => {
  const [, , , ofAll, ofFinding] = TABLES;
  let isFolded = false;
  for (const state of [...HOST_FAULTS, ...HEALTHY_HOSTS]) {
    const file = snapshotFile(state).pathname;
    const { out } = await run(["-j", "doctor", "--from", file]);
    const { healthy, ...said }: Value = JSON.parse(out);
    assert(healthy === null || typeof healthy === "boolean");
    assertFields({ ...said, healthy: true }, ofAll);
    for (const finding of said["findings"] as readonly Value[]) {
      assertFields(finding, ofFinding);
      isFolded ||= "because" in finding;
    }
  }
  assert(isFolded);
});

Deno.test("`mptcp -j doctor to` prints the fields of docs/json.md", async () => {
  const [ofConnection, , , ofAll, , ofTarget, ofAttempt] = TABLES;
  for (const answer of [undefined, "tcp", 111] as const) {
    const kernel = new FakeKernel();
    kernel.network.dial = () => answer;
    const { signal } = new AbortController();
    const line = "-j doctor to 192.0.2.1:443";
    const { healthy: _, ...said }: Value = JSON.parse(
      (await run(line, kernel, signal)).out,
    );
    assertFields({ ...said, healthy: true }, ofAll);
    const target = said["target"] as Value;
    assertFields(target, ofTarget);
    for (const one of target["attempts"] as readonly Value[]) {
      assertFields(one, ofAttempt);
    }
    const { connection } = target;
    assertEquals(connection === undefined, answer === 111);
    if (connection) assertFields(connection as Value, ofConnection);
  }
});

liveTest(
  "`mptcp -j connection` prints the fields of docs/json.md on this kernel",
  async () => {
    using lab = Lab.open({ paths: 2 });
    const { client } = lab;
    client.ip("mptcp", "limits", "set", "subflows", "2");
    const device = ["dev", client.dev(2)];
    client.ip(
      "mptcp",
      "endpoint",
      "add",
      client.address(2),
      "subflow",
      ...device,
    );
    using connection = lab.connect();
    await connection.transferAsync(100_000);
    await until(() => client.subflows().length === 2, "the second subflow");
    for (const { netns } of [client, lab.server]) {
      const { out } = await run(["-n", netns, "-j", "connection"], "running");
      assertDocumented(out);
      const [{ subflows }] = JSON.parse(out);
      assertEquals(subflows.length, 2);
    }
  },
);
