/**
 * `mptcp watch` as a process of its own, and what it says.
 *
 * @module
 */

import { assertEquals } from "@std/assert";
import type { Host } from "../../testing/host.ts";
import { until } from "../../testing/lab.ts";
import { deno, environment, script } from "./command_line.ts";
import { assertInTime } from "./in_time.ts";

/** What it says: a line of its JSON. */
export interface Said {
  readonly event: string;
  readonly op?: string;
  readonly endpoint?: { readonly address: string; readonly dev?: string };
  readonly why?: string;
  readonly state?: string;
}

/** How to start it. */
export interface AgentOptions {
  /** Words behind the file. */
  readonly words?: readonly string[];
  /** What starts it: words in front of the command. */
  readonly via?: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  /** Whether it runs here, and looks at the host from outside. */
  readonly isHere?: boolean;
  /** Whether nobody reads what it says, until {@linkcode AgentProcess.read}. */
  readonly isUnread?: boolean;
}

/** An agent. */
export class AgentProcess implements AsyncDisposable {
  readonly process: Deno.ChildProcess;
  /** What it has said and nobody has taken. */
  readonly said: Said[] = [];
  #end: Promise<void> | undefined;

  /** Starts it in a host, without the privilege to do more than it has to. */
  constructor(host: Host, file: string, options: AgentOptions = {}) {
    const { words = [], via = [], env = {}, isHere = false } = options;
    const { isUnread = false } = options;
    const [program, ...args] = [
      // What is promised about time does not depend on other programs then.
      ...["nice", "-n", "-20"],
      ...isHere ? [] : ["ip", "netns", "exec", host.netns],
      ...[...via, ...deno, "--quiet", "--no-prompt", "--allow-ffi", script],
      ...isHere ? ["-n", host.netns] : [],
      ...["watch", file, "--json", ...words],
    ];
    // Coverage would take memory and time that is measured.
    const { DENO_COVERAGE_DIR: _, ...others } = Deno.env.toObject();
    this.process = new Deno.Command(program!, {
      args,
      clearEnv: true,
      env: { ...others, ...environment(), ...env },
      stdin: "null",
      stdout: "piped",
      stderr: "inherit",
    }).spawn();
    if (!isUnread) void this.read();
  }

  /** Reads what it says, to the end. */
  read(): Promise<void> {
    return this.#end ??= this.#read();
  }

  async #read(): Promise<void> {
    let rest = "";
    const texts = this.process.stdout.pipeThrough(new TextDecoderStream());
    for await (const text of texts) {
      const lines = (rest + text).split("\n");
      rest = lines.pop()!;
      this.said.push(...lines.map((line) => JSON.parse(line)));
    }
  }

  /** Waits until it has said something, and takes all up to that. */
  async until(
    test: (said: Said) => boolean | undefined,
    what: string,
    timeoutMs = 60_000,
  ): Promise<Said> {
    const find = () => {
      const at = this.said.findIndex(test);
      return at >= 0 && this.said.splice(0, at + 1).at(-1);
    };
    return await until(find, `the agent to say: ${what}`, timeoutMs);
  }

  /** Waits until it is ready. */
  async ready(): Promise<void> {
    await this.until(({ event }) => event === "ready", "ready");
  }

  /** Ends it. */
  async end(signal: Deno.Signal = "SIGTERM"): Promise<void> {
    this.process.kill(signal);
    const { code } = await this.process.status;
    assertEquals(code, signal === "SIGKILL" ? 137 : 0);
  }

  /** Ends it by SIGTERM, in no more than 100 ms. */
  async endAtOnce(): Promise<void> {
    const begin = performance.now();
    await this.end();
    assertInTime(performance.now() - begin, 100, "its end by SIGTERM");
  }

  async [Symbol.asyncDispose](): Promise<void> {
    try {
      this.process.kill("SIGKILL");
    } catch {
      // It has ended.
    }
    await this.process.status;
    await this.read();
  }
}
