/**
 * A user who asks the doctor, and does what it says.
 *
 * @module
 */

import { assert, assertEquals } from "@std/assert";
import { collect, diagnose, type Finding } from "../../doctor/mod.ts";
import type { Host } from "../../testing/host.ts";
import { type Lab, until } from "../../testing/lab.ts";
import { environment, root } from "./command_line.ts";
import type { HostFault, Scene } from "./host_faults/scene.ts";
import { run } from "./run_main.ts";
import { connect } from "./uplinks.ts";

/** What `mptcp -j doctor` prints. */
export interface Report {
  readonly healthy: boolean | null;
  readonly findings: readonly Finding[];
}

/** Runs a line in a shell that finds `mptcp`. */
async function shell(line: string): Promise<{ code: number; err: string }> {
  const env = environment();
  const { code, stderr } = await new Deno.Command("bash", {
    args: ["-ec", line],
    stdin: "null",
    stdout: "null",
    env: { ...env, PATH: `${root}bin:${env["PATH"]}` },
  }).output();
  return { code, err: new TextDecoder().decode(stderr) };
}

/** Asks the command line. */
export async function askDoctor({ netns }: Host): Promise<Report> {
  const { signal } = new AbortController();
  const { code, out, err } = await run(
    `-n ${netns} -j doctor`,
    "running",
    signal,
  );
  assertEquals(err, "");
  const report = JSON.parse(out) as Report;
  assertEquals(code, report.healthy === false ? 3 : 0);
  return report;
}

/** Commands that show something, or start a program that the test has not. */
const NOT_RUN = /^(ip .*\bshow\b|.*\bmptcpize )/;

/** Types the remedies of the top finding's check, as they are printed. */
async function obey(
  { findings }: Report,
  { server }: Lab,
  peer: Host,
): Promise<void> {
  const { check } = findings[0]!;
  const remedies = findings.filter((one) =>
    one.check === check && one.because === undefined
  ).flatMap(({ remedies }) => remedies)
    .filter((remedy) => !NOT_RUN.test(remedy));
  for (const remedy of remedies) {
    // What only the user knows.
    const gateway = remedy.includes(" -6 ")
      ? server.address6(2)
      : server.address(2);
    const typed = remedy.replace("GATEWAY", gateway);
    const ended = await shell(
      typed.endsWith("# on the peer")
        ? `ip netns exec ${peer.netns} ${typed}`
        : typed,
    );
    assertEquals(ended, { code: 0, err: "" }, typed);
  }
}

/** The devices that established subflows leave by, as `ss` and `ip` have it. */
function ways(host: Host): Set<string> {
  const used = host.subflows().filter(({ flags }) => flags !== "");
  return new Set(used.map(({ local, remote }) => {
    const [, device] = local.match(/%(.*):\d+$/) ?? [];
    if (device !== undefined) return device;
    const [to, from] = [remote, local].map((one) =>
      one.replace(/:\d+$/, "").replaceAll(/[[\]]/g, "")
    );
    const [route] = JSON.parse(
      host.ip("-j", "route", "get", to!, "from", from!),
    );
    return route.dev;
  }));
}

/**
 * Follows the doctor until it has nothing more to say.
 *
 * @throws {AssertionError} It finds something else, or that does not help.
 */
export async function followDoctor(
  fault: HostFault,
  scene: Scene,
): Promise<void> {
  const { lab } = scene;
  const host = lab[fault.where];
  const peer = lab[fault.where === "client" ? "server" : "client"];
  for (let round = 0; round <= (fault.furtherFaults ?? 0); round++) {
    const report = await askDoctor(host);
    const { check, status } = report.findings[0]!;
    assert(
      status !== "ok" && (round > 0 || check === fault.check),
      `found first: ${Deno.inspect(report.findings[0])}`,
    );
    if (round === 0) fault.repair?.(lab, scene.connection);
    await obey(report, lab, peer);
  }
  let { connection } = scene;
  if (fault.mended === "the next connection") {
    connection.close();
    connection = (fault.reconnect ?? connect)(lab);
  } else await connection.transferAsync(10_000);
  if (fault.mended !== "nothing") {
    await until(
      () => ways(lab.client).size === (fault.paths ?? 2),
      "each path",
    );
  }
  const after = diagnose(await collect({ netns: host.netns }));
  assertEquals(
    after.filter(({ status, check }) =>
      status === "problem" || status === "warning" && check === fault.check
    ),
    [],
  );
}
