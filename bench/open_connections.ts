/**
 * Thousands of real connections.
 *
 * @module
 */

import { Diag } from "../diag/mod.ts";
import { PathManager } from "../mod.ts";
import { type Lab, until } from "../testing/lab.ts";
import { compile } from "./peers/install.ts";

/** An opener has two sockets of each, and may have 20,000 files. */
const OF_OPENER = 9_000;
const FIRST_PORT = 5000;
const TIMEOUT_MS = 120_000;

/** Connections of a lab, each with two subflows, or as many as are asked for. */
export class OpenConnections implements AsyncDisposable {
  readonly #lab: Lab;
  readonly #everyMs: number | undefined;
  readonly #program = compile("connections", "connections.c");
  readonly #processes: Deno.ChildProcess[] = [];
  #count = 0;

  /**
   * Opens none yet.
   *
   * @param everyMs How often each sends a segment, in milliseconds; absent:
   * never.
   */
  constructor(lab: Lab, everyMs?: number) {
    this.#lab = lab;
    this.#everyMs = everyMs;
    using pm = PathManager.open({ netns: lab.client.netns });
    pm.addAddr({ address: lab.client.address(2), flags: ["subflow"] });
  }

  /** Opens more, until there are so many. */
  async grow(count: number, subflows = 2): Promise<void> {
    const { client } = this.#lab;
    const openers: Promise<void>[] = [];
    while (this.#count < count) {
      const more = Math.min(OF_OPENER, count - this.#count);
      openers.push(this.#open(more));
      this.#count += more;
    }
    await Promise.all(openers);
    using diag = Diag.open({ netns: client.netns });
    await until(
      () =>
        diag.connections().filter((connection) =>
          connection.subflows.filter(({ state }) => state === "established")
            .length === subflows
        ).toArray().length === count,
      `${subflows} subflows of ${count} connections`,
      TIMEOUT_MS,
    );
  }

  async #open(count: number): Promise<void> {
    const { client, server } = this.#lab;
    const process = new Deno.Command(this.#program, {
      args: [
        ...[client.netns, server.netns, server.address(1)],
        `${FIRST_PORT + this.#processes.length}`,
        `${count}`,
        ...this.#everyMs === undefined ? [] : [`${this.#everyMs}`],
      ],
      stdin: "piped",
      stdout: "piped",
    }).spawn();
    this.#processes.push(process);
    const { done } = await process.stdout.getReader().read();
    if (done) throw new Error(`${count} connections were not opened`);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.#processes.map(async (process) => {
      await process.stdin.close();
      await process.status;
    }));
  }
}
