/**
 * The policies that are ready, on real connections under load, run from the
 * shell; what the paths carry is what `ss` shows.
 */
import { assert, assertEquals, assertMatch } from "@std/assert";
import { Lab, type LabConnection, until } from "../../testing/lab.ts";
import { environment, launcher } from "../helpers/command_line.ts";
import { liveTest } from "../helpers/live.ts";
import { makeUplinks } from "../helpers/uplinks.ts";

/** Runs `mptcp manage` on the client, with a connection that carries data. */
class Managed implements AsyncDisposable {
  readonly lab: Lab = Lab.open({ paths: 2, rate: 20 });
  readonly #process: Deno.ChildProcess;
  readonly #output: Promise<string>;
  #connection: LabConnection | undefined;
  #flow: Promise<void> | undefined;
  #isOver = false;

  constructor(...words: string[]) {
    const { client, server } = this.lab;
    makeUplinks(this.lab, 2);
    server.ip("mptcp", "limits", "set", "subflows", "8");
    this.#process = new Deno.Command(launcher, {
      args: ["-n", client.netns, "manage", ...words],
      env: environment(),
      stdin: "null",
      stdout: "piped",
      stderr: "inherit",
    }).spawn();
    this.#output = new Response(this.#process.stdout).text();
  }

  /** Connects, and sends some 16 Mbit/s from then on: 20 is what a path takes. */
  async start(bytes = 8000): Promise<void> {
    const mode = () => this.lab.client.sysctl("net.mptcp.path_manager");
    await until(() => mode() === "userspace", "the path manager", 10_000);
    const connection = this.#connection = this.lab.connect();
    this.#flow = (async () => {
      while (!this.#isOver) {
        connection.client.send(bytes);
        connection.server.receive();
        await new Promise((resolve) => setTimeout(resolve, 4));
      }
    })();
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
    await new Promise((resolve) => setTimeout(resolve, ms));
    return [...acked()].filter(([local, bytes]) =>
      bytes - (before.get(local) ?? 0) > 20_000
    ).map(([local]) => `client${local.split(".")[2]}`).toSorted();
  }

  /** Waits until these carry data, and no others. */
  async until(...devices: string[]): Promise<void> {
    let seen: string[] = [];
    const end = performance.now() + 8000;
    while (performance.now() < end) {
      seen = await this.carrying();
      if (seen.join() === devices.join()) return;
    }
    assertEquals(seen, devices);
  }

  /** Ends the manager; returns what it has said. */
  async stop(): Promise<string> {
    this.#process.kill("SIGTERM");
    const { code } = await this.#process.status;
    assertEquals(code, 0);
    return await this.#output;
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
    await this.#output;
    this.lab.close();
  }
}

/** Drops all that comes by the first path, which nobody is told of. */
const DROP = "add table inet t; add chain inet t c " +
  "{ type filter hook prerouting priority -300; }; " +
  "add rule inet t c iifname server1 drop";

liveTest(
  "`mptcp manage on-demand` uses the spare as long as it is needed",
  async () => {
    await using managed = new Managed(
      ...["on-demand", "dev", "client2", "health", "500ms"],
    );
    const { lab: { client, server } } = managed;
    await managed.start();
    await managed.until("client1");
    assertEquals(client.subflows().length, 1);
    server.exec("nft", DROP);
    await managed.until("client2");
    server.exec("nft", "delete", "table", "inet", "t");
    await managed.until("client1");
    assertEquals(client.subflows().length, 1);
    assertMatch(
      await managed.stop(),
      /open .* no ack.*\n.*close .* the spare is there\n.*open .* to see whether.*\n.*close .* the path has worked for 0\.5 s\n$/,
    );
    assertEquals(client.sysctl("net.mptcp.path_manager"), "kernel");
  },
);

liveTest(
  "`mptcp manage backup` has a spare that carries nothing until it is needed",
  async () => {
    await using managed = new Managed("backup", "dev", "client2");
    const { lab, lab: { client } } = managed;
    await managed.start();
    await until(() => client.subflows().length === 2, "the spare");
    await managed.until("client1");
    lab.cut(1);
    await managed.until("client2");
    lab.restore(1);
    await managed.until("client1");
    assertEquals(client.subflows().length, 2);
    assertMatch(await managed.stop(), /close .* client1 is down\n/);
  },
);

liveTest(
  "`mptcp manage fullmesh` carries data over all paths, and again after a reset",
  async () => {
    await using managed = new Managed("fullmesh");
    const { lab: { client } } = managed;
    await managed.start(20_000);
    await managed.until("client1", "client2");
    client.exec("ss", "-K", "src", client.address(2));
    await managed.until("client1", "client2");
    const out = await managed.stop();
    assert(out.split("open ").length >= 3, out);
  },
);
