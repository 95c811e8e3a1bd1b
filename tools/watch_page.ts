/**
 * Fills docs/watch.md with what the agent says while a cable is pulled and put
 * back under a running transfer, and with what the transfer carries meanwhile.
 * Needs root.
 *
 * usage: deno task watch-page
 *
 * @module
 */

import { Diag } from "../diag/mod.ts";
import { Lab, type LabConnection, until } from "../testing/lab.ts";
import { environment, launcher } from "../tests/helpers/command_line.ts";

const PAGE = new URL("../docs/watch.md", import.meta.url);
const FILE = /^```yaml\n(# mptcp\.yaml\n[^]*?)^```$/m;
const LOG = /(?<=^```console\n\$ (mptcp watch .*)\n)[^]*?(?=^```$)/m;
const RATES = /(?<=^```text\n)[^]*?(?=^```$)/m;

const DEVICES = ["eth0", "wlan0"];
/** When the cable of the second is pulled, put back, and when it ends. */
const [PULLED, BACK, END] = [2, 5, 9];

/** What is another one each time. */
export function withoutChance(page: string): string {
  return page.replaceAll(/\[[\d-]+T[\d:.]+\]/g, "[TIME]")
    .replace(RATES, "");
}

/** The page, with what the agent says now. */
export async function freshPage(): Promise<string> {
  const page = Deno.readTextFileSync(PAGE);
  using lab = Lab.open({ paths: DEVICES.length, rate: 50 });
  using stack = new DisposableStack();
  const { client, server } = lab;
  for (const [at, name] of DEVICES.entries()) {
    client.ip("link", "set", client.dev(at + 1), "down");
    client.ip("link", "set", client.dev(at + 1), "name", name, "up");
  }
  const folder = Deno.makeTempDirSync();
  stack.defer(() => Deno.removeSync(folder, { recursive: true }));
  Deno.writeTextFileSync(`${folder}/mptcp.yaml`, page.match(FILE)![1]!);
  const [, line] = page.match(LOG)!;
  const agent = new Deno.Command("ip", {
    args: [
      ...["netns", "exec", client.netns],
      ...[launcher, ...line!.split(" ").slice(1)],
    ],
    ...{ cwd: folder, env: environment(), stdin: "null", stdout: "piped" },
  }).spawn();
  const said = new Response(agent.stdout).text();
  try {
    await until(() => client.endpoints().length === 2, "the agent");
    using connection = lab.connect();
    const rates = await transfer(client.netns, connection, (second) => {
      const state = second === PULLED ? "down" : second === BACK ? "up" : "";
      if (state !== "") server.ip("link", "set", server.dev(2), state);
    });
    agent.kill("SIGTERM");
    return page.replace(LOG, await said).replace(RATES, rates);
  } finally {
    try {
      agent.kill("SIGKILL");
    } catch {
      // It has ended.
    }
    await agent.status;
  }
}

/** Sends as much as goes, and says what each device carries of it. */
async function transfer(
  netns: string,
  connection: LabConnection,
  begin: (second: number) => void,
): Promise<string> {
  using diag = Diag.open({ netns });
  let isOver = false;
  const sender = (async () => {
    while (!isOver) await connection.transferAsync(200_000, 20_000);
  })();
  await until(() => [...diag.connections()][0]?.subflows.length === 2, "both");
  const lines = [`second ${DEVICES.map((dev) => dev.padStart(12)).join("")}`];
  let before = new Map<number | bigint, number>();
  for (let second = 0; second < END; second++) {
    begin(second);
    await new Promise((resolve) => setTimeout(resolve, 1000));
    const now = new Map<number | bigint, number>();
    const carried = DEVICES.map(() => 0);
    for (const { subflows } of diag.connections()) {
      for (const { cookie, local, bytesAcked = 0 } of subflows) {
        now.set(cookie, bytesAcked);
        const at = Number(local.address.split(".")[2]) - 1;
        carried[at]! += bytesAcked - (before.get(cookie) ?? 0);
      }
    }
    before = now;
    const columns = carried.map((bytes) =>
      `${Math.round(bytes * 8 / 1e6)} Mbit/s`.padStart(12)
    );
    const what = second === PULLED
      ? "  the cable of wlan0 is pulled"
      : second === BACK
      ? "  the cable is put back"
      : "";
    lines.push(`${`${second + 1}`.padStart(6)} ${columns.join("")}${what}`);
  }
  isOver = true;
  await sender;
  return lines.map((line) => `${line}\n`).join("");
}

if (import.meta.main) Deno.writeTextFileSync(PAGE, await freshPage());
