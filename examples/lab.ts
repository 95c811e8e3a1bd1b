/**
 * Runs the path managers of this folder on real connections: two hosts and up
 * to three paths, in network namespaces that vanish at the end. Run it as root
 * with `deno task examples`. All numbers are measured.
 *
 * @module
 */

import { PathManager, type PathManagerEvent } from "@mptcp/pm";
import { Lab, type LabConnection, until } from "@mptcp/pm/testing";
import { announce } from "./announce.ts";
import { failover } from "./failover.ts";
import { onePerInterface } from "./one_per_interface.ts";

const RATE = 40;
const SIZE = 10_000_000;
const TIMEOUT_MS = 30_000;

/** The events that are worth telling of. */
const TOLD = [
  "established",
  "announced",
  "sub-established",
  "sub-closed",
  "sub-priority",
] as const;

/** What an event says beside its name. */
function textOf(event: PathManagerEvent): string {
  switch (event.type) {
    case "established":
      return `${event.local.address} → ${event.remote.address}`;
    case "announced":
      return event.address;
    case "sub-established":
    case "sub-closed":
    case "sub-priority": {
      const { type, local, remote, backup, error } = event;
      const ends = `${local.address} → ${remote.address}`;
      if (type === "sub-closed") return `${ends}  ${error?.message ?? ""}`;
      if (type === "sub-priority") return `${ends}  backup: ${backup}`;
      return backup ? `${ends}  backup` : ends;
    }
    default:
      return "";
  }
}

/** One play: a lab, a path manager on one of its hosts, and a connection. */
class Stage {
  readonly lab: Lab;
  readonly client: PathManager;
  readonly server: PathManager;
  readonly #paths: number[];
  readonly #stop = new AbortController();
  readonly #running: Promise<void>[] = [];
  readonly #start: number;

  constructor(paths: number) {
    this.#paths = Array.from({ length: paths }, (_, index) => index + 1);
    this.lab = Lab.open({ paths, rate: RATE });
    this.client = PathManager.open({ netns: this.lab.client.netns });
    this.server = PathManager.open({ netns: this.lab.server.netns });
    this.#start = performance.now();
  }

  /** Starts something that goes on until the end. */
  start(run: (signal: AbortSignal) => Promise<void>): void {
    this.#running.push(run(this.#stop.signal));
  }

  /** Tells of the events of a host, from now on. */
  tell(name: "client" | "server"): void {
    this.start(async (signal) => {
      for await (const event of this[name].events({ signal, types: TOLD })) {
        this.say(`${name}  ${event.type.padEnd(15)}  ${textOf(event)}`);
      }
    });
  }

  /** Prints what happens now. */
  say(text: string): void {
    const ms = `${(performance.now() - this.#start).toFixed(0)} ms`;
    console.log(`${ms.padStart(12)}  ${text.trimEnd()}`);
  }

  /** Connects over path 1, and waits until there are so many subflows. */
  async connect(subflows: number): Promise<LabConnection> {
    const connection = this.lab.connect();
    await connection.transferAsync(1);
    await until(
      () => this.lab.client.subflows().length === subflows,
      `${subflows} subflows`,
    );
    return connection;
  }

  /** Transfers data, and shows what each path carried of it. */
  async transfer(connection: LabConnection): Promise<void> {
    const received = () =>
      this.#paths.map((path) =>
        this.lab.server.subflows()
          .filter(({ remote }) =>
            remote.startsWith(`${this.lab.client.address(path)}:`)
          )
          .reduce((sum, { bytesReceived }) => sum + bytesReceived, 0)
      );
    const before = received();
    const start = performance.now();
    await connection.transferAsync(SIZE, TIMEOUT_MS);
    const seconds = ((performance.now() - start) / 1000).toFixed(1);
    console.log(`\n     ${SIZE / 1e6} MB in ${seconds} s:`);
    received().forEach((bytes, index) => {
      // A subflow that was closed meanwhile is no longer there.
      const size = Math.max(0, bytes - before[index]!) / 1e6;
      const bar = "█".repeat(Math.round(size * 3));
      const text = `     path ${this.#paths[index]}  ${size.toFixed(1)} MB`;
      console.log(`${text.padEnd(22)}${bar}`.trimEnd());
    });
    console.log();
  }

  /** Ends what was started, and removes the lab. */
  async end(): Promise<void> {
    this.#stop.abort();
    try {
      await Promise.all(this.#running);
    } finally {
      this.client.close();
      this.server.close();
      this.lab.close();
    }
  }
}

async function play(
  paths: number,
  act: (stage: Stage) => Promise<void>,
): Promise<void> {
  const stage = new Stage(paths);
  const leave = () => {
    stage.lab.close();
    Deno.exit(1);
  };
  const signals = ["SIGINT", "SIGTERM"] as const;
  for (const signal of signals) Deno.addSignalListener(signal, leave);
  try {
    await act(stage);
  } finally {
    for (const signal of signals) Deno.removeSignalListener(signal, leave);
    await stage.end();
  }
}

async function main(): Promise<void> {
  console.log(`Two hosts, and paths of ${RATE} Mbit/s between them:

     client                      server
     10.77.1.1 ──── path 1 ──── 10.77.1.2
     10.77.2.1 ──── path 2 ──── 10.77.2.2
     10.77.3.1 ──── path 3 ──── 10.77.3.2

1. announce.ts on the server announces 10.77.2.2 to each client:
`);
  await play(2, async (stage) => {
    const { lab, client, server } = stage;
    client.setLimits({ subflows: 1, addAddrAccepted: 1 });
    server.setMode("userspace");
    stage.tell("client");
    stage.start((signal) => announce(server, lab.server.address(2), signal));
    using connection = await stage.connect(2);
    await stage.transfer(connection);
  });

  console.log(`2. failover.ts on the client keeps a spare subflow on path 2:
`);
  await play(2, async (stage) => {
    const { lab, client } = stage;
    client.setMode("userspace");
    // The kernel would hope for a quarter of an hour that path 1 comes back.
    lab.client.sysctl("net.ipv4.tcp_retries2", 1);
    stage.tell("client");
    stage.tell("server");
    const spare = { address: lab.client.address(2), dev: lab.client.dev(2) };
    stage.start((signal) => failover(client, spare, signal));
    using connection = await stage.connect(2);
    await stage.transfer(connection);
    lab.cut(1);
    stage.say("path 1 is cut");
    await stage.transfer(connection);
  });

  console.log(`3. one_per_interface.ts on the client takes all three paths:
`);
  await play(3, async (stage) => {
    const { client, lab } = stage;
    client.setMode("userspace");
    stage.tell("client");
    const interfaces = Object.fromEntries(
      [1, 2, 3].map((path) => [lab.client.dev(path), lab.client.address(path)]),
    );
    stage.start((signal) => onePerInterface(client, interfaces, signal));
    using connection = await stage.connect(3);
    await stage.transfer(connection);
  });
}

if (import.meta.main) {
  const missing = Lab.missing();
  if (missing !== undefined) {
    console.error(`examples: ${missing}`);
    Deno.exit(1);
  }
  await main();
}
