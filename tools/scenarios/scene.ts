/**
 * A lab in which a scenario takes place: its uplinks, the path manager, a
 * connection, and a recording of what the paths carry.
 *
 * @module
 */

import { libc } from "../../ffi/libc.ts";
import type { Host } from "../../testing/host.ts";
import { Lab, type LabConnection, until } from "../../testing/lab.ts";
import type { MptcpSocket } from "../../testing/mptcp_socket.ts";
import { environment, launcher } from "../../tests/helpers/command_line.ts";
import { makeUplinks, SERVER } from "../../tests/helpers/uplinks.ts";

/** How to make a {@linkcode Scene}. */
export interface SceneOptions {
  /** How many paths there are. */
  readonly paths: number;
  /** What each takes, in Mbit/s. @default {no limit} */
  readonly rate?: number;
  /** Words behind `mptcp manage`; absent: the path manager is the kernel's. */
  readonly policy?: readonly string[];
}

/** Something that the path manager has said. */
export interface Said {
  /** When, by `performance.now()`. */
  readonly at: number;
  readonly line: string;
}

/** The lab, and what runs in it. */
export class Scene implements AsyncDisposable {
  readonly lab: Lab;
  /** What the path manager has said. */
  readonly said: Said[] = [];
  readonly #stack = new AsyncDisposableStack();

  private constructor(lab: Lab) {
    this.lab = lab;
    this.#stack.use(lab);
  }

  /** Makes the lab, and starts the path manager of the client. */
  static async open({ paths, rate, policy }: SceneOptions): Promise<Scene> {
    const lab = Lab.open({ paths, ...rate !== undefined && { rate } });
    const scene = new Scene(lab);
    try {
      makeUplinks(lab, paths);
      for (const host of [lab.client, lab.server]) {
        host.ip("mptcp", "limits", "set", "subflows", "8");
      }
      if (policy !== undefined) await scene.#manage(policy);
      return scene;
    } catch (error) {
      await scene[Symbol.asyncDispose]();
      throw error;
    }
  }

  async #manage(words: readonly string[]): Promise<void> {
    const { client } = this.lab;
    const manager = start(client, "manage", ...words);
    const end = this.#read(manager.stdout);
    this.#stack.defer(async () => {
      kill(manager);
      await manager.status;
      await end;
    });
    await until(() => this.said.length > 0, "the path manager", 20_000);
  }

  async #read(stdout: ReadableStream<Uint8Array<ArrayBuffer>>): Promise<void> {
    let rest = "";
    for await (const text of stdout.pipeThrough(new TextDecoderStream())) {
      const lines = (rest + text).split("\n");
      rest = lines.pop()!;
      const at = performance.now();
      this.said.push(...lines.map((line) => ({ at, line })));
    }
  }

  /** What it has said, as a reader of the page sees it. */
  get log(): string {
    return this.said.map(({ line }) => `${line}\n`).join("");
  }

  /** Connects to the server over the first path, and says a word. */
  connect(): LabConnection {
    const connection = this.lab.connect({ serverAddress: SERVER[4] });
    useCubic(connection.client);
    connection.transfer(1);
    return connection;
  }

  /** Records a connection as a picture, until the promise settles. */
  async record(
    { client }: LabConnection,
    seconds: number,
    file: string,
  ): Promise<void> {
    const recording = start(
      this.lab.client,
      ...["record", "token", `0x${client.token.toString(16)}`],
      ...["for", `${seconds}`, "interval", "0.25", "--svg", file],
    );
    // That it cannot write any more would end it.
    const { code } = await recording.output();
    if (code !== 0) throw new Error(`mptcp record: exit code ${code}`);
  }

  /** Drops some of the packets that come over a path, in percent. */
  lose(path: number, percent: number): void {
    const { server } = this.lab;
    server.exec(
      "nft",
      "add table inet lossy; add chain inet lossy c " +
        "{ type filter hook prerouting priority -300; }; " +
        `add rule inet lossy c iifname ${server.dev(path)} ` +
        `numgen random mod 100 < ${percent} drop`,
    );
  }

  /** Drops no more. */
  loseNothing(): void {
    this.lab.server.exec("nft", "delete", "table", "inet", "lossy");
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#stack.disposeAsync();
  }
}

const IPPROTO_TCP = 6;
const TCP_CONGESTION = 13;

/** Has a socket and all its subflows use what most hosts use. */
export function useCubic({ fd }: MptcpSocket): void {
  const name = new TextEncoder().encode("cubic");
  const { setsockopt } = libc().symbols;
  const result = setsockopt(fd, IPPROTO_TCP, TCP_CONGESTION, name, name.length);
  if (result < 0) throw new Error("Cannot use cubic");
}

/** Starts the command line for a host. */
function start({ netns }: Host, ...words: string[]): Deno.ChildProcess {
  return new Deno.Command(launcher, {
    args: ["-n", netns, ...words],
    env: environment(),
    stdin: "null",
    stdout: "piped",
    stderr: "inherit",
  }).spawn();
}

function kill(process: Deno.ChildProcess): void {
  try {
    process.kill("SIGTERM");
  } catch {
    // It has ended.
  }
}

/** Lets others go on. */
export function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, Math.max(0, ms)));
}

/** Bytes that arrived, one after the other. */
export class Arrivals {
  /** The longest time in which nothing came, in milliseconds. */
  longestSilenceMs = 0;
  bytes = 0;
  #last = performance.now();

  /** Takes what is there. */
  take({ server }: LabConnection): number {
    const bytes = server.receive();
    const now = performance.now();
    if (bytes > 0) {
      this.longestSilenceMs = Math.max(this.longestSilenceMs, now - this.#last);
      this.#last = now;
      this.bytes += bytes;
    }
    return bytes;
  }
}

/** The value below which a share of them is. */
export function quantile(values: readonly number[], share: number): number {
  const sorted = values.toSorted((one, other) => one - other);
  const at = share * (sorted.length - 1);
  const [below, above] = [sorted[Math.floor(at)]!, sorted[Math.ceil(at)]!];
  return below + (above - below) * (at - Math.floor(at));
}

/** Milliseconds, for people. */
export function msText(ms: number): string {
  return ms < 1000 ? `${Math.round(ms)} ms` : `${(ms / 1000).toFixed(1)} s`;
}

/** Bytes, for people. */
export function mbText(bytes: number): string {
  return `${(bytes / 1e6).toFixed(bytes < 1e6 ? 2 : 1)} MB`;
}
