/**
 * `mptcp manage` as a process, in a lab with a connection that carries data.
 *
 * @module
 */

import { assertEquals, assertMatch } from "@std/assert";
import type { Host } from "../../testing/host.ts";
import {
  type ConnectOptions,
  Lab,
  type LabConnection,
  until,
} from "../../testing/lab.ts";
import { environment, launcher } from "./command_line.ts";
import { listeners, modeOf } from "./proc.ts";
import { makeUplinks } from "./uplinks.ts";

/** Where it runs. */
export interface ManagedOptions {
  /** How many paths there are. @default {2} */
  readonly paths?: number;
  /** What a path takes, in Mbit/s. @default {20} */
  readonly rate?: number;
  /** Which host is managed. @default {"client"} */
  readonly where?: "client" | "server";
}

/** The lab, its connection, and what manages it. */
export class Managed implements AsyncDisposable {
  readonly lab: Lab;
  readonly #host: Host;
  readonly #words: readonly string[];
  #process!: Deno.ChildProcess;
  #output!: Promise<void>;
  #said = "";
  #warned!: Promise<string>;
  #connection: LabConnection | undefined;
  #flow: Promise<void> | undefined;
  #sent = 0;
  #received = 0;
  #isOver = false;

  constructor(
    words: readonly string[],
    { paths = 2, rate = 20, where = "client" }: ManagedOptions = {},
  ) {
    this.lab = Lab.open({ paths, rate });
    makeUplinks(this.lab, paths);
    this.lab.server.ip("mptcp", "limits", "set", "subflows", "8");
    this.#host = this.lab[where];
    this.#words = words;
    this.run();
  }

  /** Runs the manager, once more if it has ended. */
  run(): void {
    this.#process = new Deno.Command(launcher, {
      args: ["-n", this.#host.netns, "manage", ...this.#words],
      env: environment(),
      stdin: "null",
      stdout: "piped",
      stderr: "piped",
    }).spawn();
    this.#said = "";
    this.#output = this.#read();
    this.#warned = new Response(this.#process.stderr).text();
  }

  async #read(): Promise<void> {
    const texts = this.#process.stdout.pipeThrough(new TextDecoderStream());
    for await (const text of texts) this.#said += text;
  }

  /** Waits until the manager has said something. */
  async said(pattern: RegExp): Promise<void> {
    await until(() => pattern.test(this.#said), `${pattern}`, 60_000);
  }

  /** Waits until the manager manages. */
  async ready(): Promise<void> {
    const mode = () => modeOf(this.#host);
    // Of the two groups it joins that of the events first, then sets the mode.
    await until(
      () => listeners(this.#host).length > 0 && mode() === "userspace",
      "the manager",
      60_000,
    );
  }

  /** Connects, and sends some 16 Mbit/s from then on, if not said otherwise. */
  async start(bytes = 8000, options: ConnectOptions = {}): Promise<void> {
    await this.ready();
    const connection = this.#connection = this.lab.connect(options);
    this.#flow = (async () => {
      while (!this.#isOver) {
        this.#sent += connection.client.send(bytes);
        this.#received += connection.server.receive();
        await pause(4);
      }
    })();
  }

  /** The connection, which was started. */
  get connection(): LabConnection {
    return this.#connection!;
  }

  /** The client's ends of the subflows, by address and port. */
  ends(): string[] {
    return this.lab.client.subflows()
      .map(({ local }) => local.replace(/%.*:/, ":")).toSorted();
  }

  /** The devices whose paths carried data in a while. */
  async carrying(ms = 300): Promise<string[]> {
    const acked = () =>
      new Map(
        this.lab.client.subflows().map(({ local, bytesAcked }) => [
          local,
          bytesAcked,
        ]),
      );
    const before = acked();
    await pause(ms);
    return [...acked()].filter(([local, bytes]) =>
      bytes - (before.get(local) ?? 0) > 20_000
    ).map(([local]) => `client${local.split(".")[2]}`).toSorted();
  }

  /** Waits until these carry data, and no others. */
  async until(...devices: string[]): Promise<void> {
    let seen: string[] = [];
    const end = performance.now() + 60_000;
    while (performance.now() < end) {
      seen = await this.carrying();
      if (seen.join() === devices.join()) return;
    }
    assertEquals(seen, devices);
  }

  /** Sends no more, and waits until all has arrived: nothing was lost. */
  async arrived(): Promise<void> {
    this.#isOver = true;
    await this.#flow;
    await until(
      () => {
        this.#received += this.connection.server.receive();
        return this.#received >= this.#sent;
      },
      `all of ${this.#sent} bytes`,
      60_000,
    );
    assertEquals(this.#received, this.#sent);
  }

  /**
   * Ends the manager; returns what it has decided.
   *
   * @param warning What it has said on standard error, without the line's end.
   */
  async stop(
    { signal = "SIGTERM", warning }: {
      readonly signal?: "SIGTERM" | "SIGKILL";
      readonly warning?: string;
    } = {},
  ): Promise<string> {
    this.#process.kill(signal);
    const { code } = await this.#process.status;
    assertEquals(code, signal === "SIGKILL" ? 137 : 0);
    const warned = (await this.#warned).trimEnd();
    assertEquals(warned, warning === undefined ? "" : `mptcp: ${warning}`);
    await this.#output;
    const [ready, ...decisions] = this.#said.split("\n");
    assertMatch(ready!, /^\[\S+\] ready {6}\d+ connections?$/);
    return decisions.join("\n");
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#isOver = true;
    await this.#flow;
    try {
      this.#process.kill();
    } catch {
      // It has ended.
    }
    await this.#process.status;
    await Promise.all([this.#output, this.#warned]);
    this.lab.close();
  }
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
