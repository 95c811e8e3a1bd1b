/**
 * `mptcp manage` as a process, alone and beside others: whatever ends it, new
 * connections are the in-kernel path manager's again, or somebody knows that
 * they are not.
 *
 * @module
 */

import { assertEquals, assertMatch } from "@std/assert";
import { PathManager } from "../../mod.ts";
import { Lab, until } from "../../testing/lab.ts";
import { environment, launcher } from "../helpers/command_line.ts";
import { liveTest } from "../helpers/live.ts";
import { modeOf } from "../helpers/proc.ts";
import { within } from "../helpers/within.ts";

/** A command that goes on, and what it says on standard error. */
class Command implements AsyncDisposable {
  readonly #process: Deno.ChildProcess;
  readonly #texts: Promise<void>;
  err = "";

  constructor(netns: string, line: string, via: readonly string[] = []) {
    const [program, ...args] = [...via, launcher, "-n", netns];
    this.#process = new Deno.Command(program!, {
      args: [...args, ...line.split(" ")],
      ...{ stdin: "null", stdout: "null", stderr: "piped" },
      env: environment(),
    }).spawn();
    this.#texts = this.#read();
  }

  async #read(): Promise<void> {
    const texts = this.#process.stderr.pipeThrough(new TextDecoderStream());
    for await (const text of texts) this.err += text;
  }

  get pid(): number {
    return this.#process.pid;
  }

  /** Whether it looks out for signals by now: it is named before. */
  get isReady(): boolean {
    const { pid } = this.#process;
    return Deno.readTextFileSync(`/proc/${pid}/comm`).startsWith("mptcp ") &&
      /^SigCgt:.*4[0-9a-f]{3}$/m.test(
        Deno.readTextFileSync(`/proc/${pid}/status`),
      );
  }

  /** Ends it, and says how, and what it has said. */
  async end(signal?: Deno.Signal): Promise<[code: number, err: string]> {
    if (signal !== undefined) this.#process.kill(signal);
    const { code } = await within(this.#process.status, () => "its end");
    await this.#texts;
    return [code, this.err];
  }

  kill(signal: Deno.Signal): void {
    this.#process.kill(signal);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    try {
      this.#process.kill("SIGKILL");
    } catch {
      // It has ended.
    }
    await this.end();
  }
}

liveTest("`mptcp manage` takes its mode back, whatever ends it", async () => {
  using lab = Lab.open({ paths: 0 });
  const { netns } = lab.client;
  const mode = () => modeOf(lab.client);
  const started = async (policy = "fullmesh") => {
    const command = new Command(netns, `manage ${policy}`);
    await until(() => command.isReady && mode() === "userspace", "its mode");
    return command;
  };
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) {
    await using one = await started();
    assertEquals([...await one.end(signal), mode()], [0, "", "kernel"]);
  }
  // A policy of somebody's own that fails late, and ends the program at last.
  const file = Deno.makeTempFileSync({ suffix: ".ts" });
  Deno.writeTextFileSync(
    file,
    `setTimeout(() => { throw new Error("late"); }, 100);
    // By turns of the event loop, which the manager takes, too.
    let turns = 0;
    setInterval(() => ++turns === 20 && Deno.exit(7), 50);
    export default { tick() {} };`,
  );
  {
    await using one = new Command(netns, `manage ${file}`);
    const [code, err] = await one.end();
    Deno.removeSync(file);
    assertEquals([code, mode()], [7, "kernel"]);
    assertMatch(err, /^mptcp: The policy failed .*: late \(.*:1:26\)\n.* ends/);
  }
  // One that is killed leaves the mode, and the next one knows.
  await using killed = await started();
  await killed.end("SIGKILL");
  assertEquals(mode(), "userspace");
  await using first = await started();
  await until(() => first.err !== "", "its word");
  assertMatch(first.err, /^mptcp: .* was userspace already, .* killed, .*\n$/);
  // Of two the last takes it back, and who only shows events counts for none.
  await using monitor = new Command(netns, "monitor");
  await until(() => monitor.isReady, "the monitor");
  await using second = await started();
  await until(() => second.err !== "", "its word");
  const known = `mptcp manage (${first.pid}) manages paths here, too: `;
  assertEquals(second.err.slice(0, 7 + known.length), `mptcp: ${known}`);
  first.err = "";
  const [code, err] = await first.end("SIGTERM");
  assertEquals([code, mode()], [0, "userspace"]);
  assertMatch(err, /^mptcp: .* stays userspace, since mptcp manage \(\d+\) is/);
  assertEquals([(await second.end("SIGTERM"))[0], mode()], [0, "kernel"]);
  assertEquals(await monitor.end("SIGTERM"), [0, ""]);
});

liveTest(
  "`nohup` keeps SIGHUP from ending a command that goes on",
  async () => {
    using lab = Lab.open({ paths: 0 });
    const { netns } = lab.client;
    const file = Deno.makeTempFileSync({ suffix: ".yaml" });
    Deno.writeTextFileSync(file, "limits: { subflows: 3 }\n");
    const lines = ["manage fullmesh", "monitor", "top", `watch ${file}`];
    const commands = lines.map((line) => new Command(netns, line, ["nohup"]));
    try {
      for (const command of commands) {
        await until(() => command.isReady, "all of them");
      }
      using pm = PathManager.open({ netns });
      await until(() => pm.getLimits().subflows === 3, "the agent");
      Deno.writeTextFileSync(file, "limits: { subflows: 4 }\n");
      for (const command of commands) command.kill("SIGHUP");
      // It has a meaning of its own to the agent.
      await until(() => pm.getLimits().subflows === 4, "the file to be read");
      for (const [index, command] of commands.entries()) {
        const [code] = await command.end("SIGTERM");
        assertEquals([lines[index], code], [lines[index], 0]);
      }
      assertEquals(modeOf(lab.client), "kernel");
    } finally {
      for (const command of commands) await command[Symbol.asyncDispose]();
      Deno.removeSync(file);
    }
  },
);
