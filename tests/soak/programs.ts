/**
 * The command line, as processes.
 *
 * @module
 */

import { assert, assertEquals } from "@std/assert";
import { until } from "../../testing/lab.ts";
import { environment, launcher } from "../helpers/command_line.ts";
import { within } from "../helpers/within.ts";
import type { Actions, Side, World } from "./world.ts";

async function mptcp(side: Side, ...args: string[]) {
  const { code, stdout, stderr } = await new Deno.Command(launcher, {
    args: ["-n", side.host.netns, ...args],
    env: environment(),
    stdin: "null",
  }).output();
  const text = new TextDecoder();
  return { code, out: text.decode(stdout), err: text.decode(stderr) };
}

/** It prints what `ip` prints. */
async function show({ random, side }: World): Promise<void> {
  const words = random.pick([["endpoint", "show"], ["limits", "show"]]);
  const [code, out, err] = [0, side.host.ip("mptcp", ...words), ""];
  assertEquals(await mptcp(side, ...words), { code, out, err });
}

async function set({ random, side }: World): Promise<void> {
  const subflows = random.below(9);
  assertEquals(
    await mptcp(side, "-q", "limits", "set", "subflows", `${subflows}`),
    { code: 0, out: "", err: "" },
  );
  side.model.limits.subflows = subflows;
  side.check();
}

async function fail({ random, side }: World): Promise<void> {
  const [expected, ...args] = random.pick(
    [
      [2, "limits", "set", "subflows", "1001"],
      [2, "remove", "token", "0x1", "id", "1"],
      [255, "endpoint", "add", "10.1"],
      [255, "wrong"],
    ] as const,
  );
  const { code, out, err } = await mptcp(side, ...args);
  assertEquals([code, out], [expected, ""], err);
  assert(err.startsWith("mptcp: "), err);
}

/** It prints knocks, and ends by a signal with nothing more to say. */
async function monitor({ random, side }: World): Promise<void> {
  const process = new Deno.Command(launcher, {
    args: ["-n", side.host.netns, "monitor", "event", "listener-created"],
    env: environment(),
    stdin: "null",
    stdout: "piped",
    stderr: "piped",
  }).spawn();
  const complaint = new Response(process.stderr).text();
  const output = process.stdout.pipeThrough(new TextDecoderStream());
  const reader = output.getReader();
  try {
    let printed = "";
    const first = reader.read().then(({ value }) => printed += value);
    // Nobody says when it listens: while the table of sockets is resized,
    // /proc/net/netlink may show one of them twice.
    const ports: number[] = [];
    const knock = () => printed !== "" || void ports.push(side.knock());
    await until(knock, "a line", 10_000);
    await first;
    process.kill(random.pick(["SIGINT", "SIGTERM"]));
    const { code } = await within(process.status, () => "the end of monitor");
    assertEquals([code, await complaint], [0, ""]);
    for (;;) {
      const { value, done } = await reader.read();
      if (done) break;
      printed += value;
    }
    const lines = ports.map((port) =>
      `[LISTENER_CREATED] saddr4=0.0.0.0 sport=${port}\n`
    );
    // It has missed the first, and the last came when it was ending.
    assert(lines.join("").includes(printed), printed);
  } finally {
    try {
      process.kill("SIGKILL");
    } catch {
      // It has ended.
    }
    await reader.cancel();
    await Promise.all([process.status, complaint]);
  }
}

/** By name: what it does, and how often it is chosen. */
export const PROGRAMS: Actions = {
  "mptcp: show": [show, 1],
  "mptcp: set": [set, 1],
  "mptcp: fail": [fail, 1],
  "mptcp monitor": [monitor, 1],
};
