/** How `mptcp connection` writes what there is. */
import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import {
  connectionJson,
  details,
  tree,
} from "../../../cli/objects/connection_output.ts";
import { ratesLines } from "../../../cli/objects/rates_output.ts";
import { frame } from "../../../cli/objects/top_output.ts";
import { PLAIN, type Screen } from "../../../cli/style.ts";
import { type Connection, Diag, type Subflow } from "../../../diag/mod.ts";
import { FakeKernel } from "../../../testing/mod.ts";
import { run } from "../../helpers/run_main.ts";

const SUBFLOW: Subflow = {
  local: { address: "10.0.1.1", port: 40000, id: 0 },
  remote: { address: "10.0.1.2", port: 443, id: 0 },
  initial: true,
  openedHere: true,
  backup: false,
  flags: ["mcap-rem", "mcap-loc", "fully-established", "connected"],
  timerRetransmits: 0,
  state: "established",
  cookie: 7,
  inode: 8,
  uid: 1000,
  receiveQueue: 0,
  sendQueue: 0,
  ifIndex: 0,
  rttUs: 1234,
  retransmits: 0,
  bytesSent: 1_500_000,
  bytesReceived: 0,
};

const CONNECTION: Connection = {
  token: 0xf2f0334,
  local: { address: "10.0.1.1", port: 40000 },
  remote: { address: "10.0.1.2", port: 443 },
  fallback: false,
  remoteKeyReceived: true,
  state: "established",
  cookie: 6,
  inode: 8,
  uid: 1000,
  receiveQueue: 0,
  sendQueue: 0,
  ifIndex: 0,
  subflows: [SUBFLOW, {
    ...SUBFLOW,
    local: { address: "10.0.2.1", port: 50000, id: 2 },
    initial: false,
    backup: true,
    dev: "eth1",
    ifIndex: 3,
    bytesSent: 0,
    bytesReceived: 5 * 1024 ** 3,
    retransmits: 3,
  }],
};

/** The greatest of everything: addresses, ports, names, figures. */
const WIDE: Connection = {
  ...CONNECTION,
  local: { address: "2001:db8:1111:2222:3333:4444:5555:6666", port: 65535 },
  remote: { address: "2001:db8:1111:2222:3333:4444:5555:7777", port: 65534 },
  fallback: true,
  state: "fin-wait-1",
  partial: true,
  subflows: [{
    ...SUBFLOW,
    local: {
      address: "2001:db8:1111:2222:3333:4444:5555:6666",
      port: 65535,
      id: 255,
    },
    remote: {
      address: "2001:db8:1111:2222:3333:4444:5555:7777",
      port: 65534,
      id: 254,
    },
    state: "fin-wait-1",
    backup: true,
    dev: "a-name-of-15-ch",
    rttUs: 99_999_999,
    bytesSent: 2 ** 53,
    bytesReceived: 2 ** 53,
    retransmits: 2 ** 32 - 1,
  }],
};

const BARE: Connection = { ...CONNECTION, subflows: [] };

const at = (columns: number): Screen => ({ columns, color: false });

Deno.test("`tree()` writes a connection and its subflows in columns", () => {
  assertEquals(
    tree(CONNECTION, at(130)),
    `\
token 0f2f0334  10.0.1.1:40000 -> 10.0.1.2:443  established
  10.0.1.1:40000 -> 10.0.1.2:443  id 0/0                    rtt 1.23 ms  sent 1.43 MiB  received 0 B
  10.0.2.1:50000 -> 10.0.1.2:443  id 2/0  dev eth1  backup  rtt 1.23 ms  sent 0 B       received 5.00 GiB  3 retransmitted
`,
  );
  assertEquals(
    tree(CONNECTION, PLAIN),
    `\
token 0f2f0334  10.0.1.1:40000 -> 10.0.1.2:443  established
  10.0.1.1:40000 -> 10.0.1.2:443  id 0/0
      rtt 1.23 ms  sent 1.43 MiB  received 0 B
  10.0.2.1:50000 -> 10.0.1.2:443  id 2/0  dev eth1  backup
      rtt 1.23 ms  sent 0 B       received 5.00 GiB  3 retransmitted
`,
  );
  assertEquals(
    tree(BARE, PLAIN),
    "token 0f2f0334  10.0.1.1:40000 -> 10.0.1.2:443  established  no subflow\n",
  );
});

Deno.test("a subflow is shown with the number of its device, once that is gone", () => {
  const gone: Subflow = { ...SUBFLOW, ifIndex: 9 };
  const subflows = [gone];
  const connection = { ...CONNECTION, subflows };
  const rates = [{ connection, subflows: [{ subflow: gone }] }];
  const [line] = ratesLines(rates);
  const [, headings, , row] = frame(rates, at(130));
  for (
    const text of [tree(connection, PLAIN), details(connection, PLAIN), line]
  ) {
    assertStringIncludes(text!, "  dev if9");
  }
  assertEquals(row!.indexOf("if9"), headings!.indexOf("dev"));
});

const RENDERINGS = { tree, details };
for (const [name, render] of Object.entries(RENDERINGS)) {
  Deno.test(`\`${name}()\` cuts nothing, and fits where its longest part does`, () => {
    const wordsOf = (text: string) => text.split(/\s+/);
    for (const connection of [CONNECTION, WIDE, BARE]) {
      const whole = wordsOf(render(connection, at(10_000)));
      for (let columns = 1; columns <= 250; columns++) {
        const text = render(connection, at(columns));
        assertEquals(wordsOf(text), whole);
        // The longest flags are listed together.
        const least = name === "details" ? 68 : 60;
        for (const line of text.split("\n")) {
          assert(line.length <= Math.max(columns, least), line);
          assertEquals(line, line.trimEnd());
        }
      }
    }
  });

  Deno.test(`\`${name}()\` shows what a terminal would obey, and paints nothing but words`, () => {
    const [subflow] = CONNECTION.subflows;
    const evil = {
      ...CONNECTION,
      subflows: [{ ...subflow!, dev: "\x1b[2J", backup: true }],
    };
    assertEquals(
      // deno-lint-ignore no-control-regex
      render(evil, PLAIN).match(/[\x00-\x09\x0b-\x1f]/),
      null,
    );
    const painted = render(evil, { columns: 80, color: true });
    assertStringIncludes(painted, "\x1b[33mbackup\x1b[0m");
    assertEquals(
      // deno-lint-ignore no-control-regex
      painted.replaceAll(/\x1b\[\d+m/g, ""),
      render(evil, PLAIN),
    );
  });
}

Deno.test("`connectionJson()` has the names of the library in snake case", () => {
  const { token, subflows, remote_key_received } = connectionJson(CONNECTION);
  assertEquals([token, remote_key_received], ["0xf2f0334", true]);
  const [, second] = subflows as Record<string, unknown>[];
  assertEquals(
    [second!["rtt_us"], second!["bytes_received"], second!["local"]],
    [1234, 5 * 1024 ** 3, { address: "10.0.2.1", port: 50000, id: 2 }],
  );
});

Deno.test("`mptcp connection` prints all of many, in each form", async () => {
  const kernel = new FakeKernel();
  // More than one piece of output.
  const count = 300;
  for (let token = 1; token <= count; token++) kernel.connect(token);
  const [json, pretty, text] = await Promise.all(
    ["-j connection", "-j -p connection", "connection"].map((line) =>
      run(line, kernel)
    ),
  );
  const shown = [...Diag.open({ namespace: kernel }).connections()];
  assertEquals(JSON.parse(json!.out), shown.map(connectionJson));
  assertEquals(json!.out, `${JSON.stringify(JSON.parse(pretty!.out))}\n`);
  assert(json!.out.length > 2 ** 17);
  assertEquals(text!.out, shown.map((one) => tree(one, PLAIN)).join(""));
  assertEquals((await run("-j connection", new FakeKernel())).out, "[]\n");
});
