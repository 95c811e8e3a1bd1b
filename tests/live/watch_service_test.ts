/**
 * The agent as a service: what it tells systemd, what it needs, what it takes.
 * `examples/systemd/` has the unit.
 */
import { assertEquals, assertMatch } from "@std/assert";
import { libc } from "../../ffi/libc.ts";
import { Lab, until } from "../../testing/lab.ts";
import { AgentProcess } from "../helpers/agent_process.ts";
import { run } from "../helpers/command_line.ts";
import { AS_NOBODY } from "../helpers/copy.ts";
import { assertInTime, bestOf, TooLate } from "../helpers/in_time.ts";
import { liveTest, timedTest } from "../helpers/live.ts";

const AF_UNIX = 1;
const SOCK_DGRAM = 2;
const MSG_DONTWAIT = 0x40;

/** The socket of a service manager. */
class Manager implements Disposable {
  readonly address: string;
  readonly told: string[] = [];
  readonly #fd: number;
  readonly #buffer = new Uint8Array(4096);

  constructor(address: string) {
    this.address = address;
    const path = new TextEncoder().encode(address.replace("@", "\0"));
    this.#fd = libc().symbols.socket(AF_UNIX, SOCK_DGRAM, 0);
    const bytes = Uint8Array.of(AF_UNIX, 0, ...path);
    assertEquals(libc().streams().bind(this.#fd, bytes, bytes.length), 0);
    if (!address.startsWith("@")) Deno.chmodSync(address, 0o777);
  }

  /** Waits for a datagram with a line, and takes all that came. */
  async until(line: RegExp): Promise<string[]> {
    return await until(
      () => {
        const length = libc().symbols.recv(
          ...[this.#fd, this.#buffer, 4096n, MSG_DONTWAIT] as const,
        );
        if (length < 0) return undefined;
        const bytes = this.#buffer.subarray(0, length);
        this.told.push(new TextDecoder().decode(bytes));
        return line.test(this.told.at(-1)!) && this.told.splice(0);
      },
      `${line}, after ${this.told.join("; ")}`,
    );
  }

  [Symbol.dispose](): void {
    libc().symbols.close(this.#fd);
  }
}

/**
 * Nobody with the one capability, and never more; the other is to read this
 * checkout, which may be root's.
 */
const CONFINED = [
  ...AS_NOBODY,
  "--no-new-privs",
  "--bounding-set=-all,+net_admin,+dac_read_search",
  "--inh-caps=-all,+net_admin,+dac_read_search",
  "--ambient-caps=-all,+net_admin,+dac_read_search",
];

/** A cache of Deno that anybody may use, with the modules of this one. */
function shareCache(folder: string): string {
  const { modulesCache, npmCache } = JSON.parse(
    run(["deno", "info", "--json"]).out,
  );
  const cache = `${folder}/deno`;
  Deno.mkdirSync(cache);
  for (const modules of [modulesCache, npmCache]) {
    run(["cp", "-r", modules, cache]);
  }
  run(["chmod", "-R", "a+rwX", cache]);
  return cache;
}

const TEXT = `
limits: { subflows: 3 }
settings: { stale_loss_cnt: 5 }
endpoints:
  - { match: { family: ipv4 }, flags: [subflow] }
`;

for (const kind of ["a path", "an abstract name"]) {
  timedTest(`the agent tells systemd at ${kind} how it is`, async () => {
    using lab = Lab.open({ paths: 1 });
    const { client } = lab;
    using files = new DisposableStack();
    const folder = Deno.makeTempDirSync();
    files.defer(() => Deno.removeSync(folder, { recursive: true }));
    Deno.chmodSync(folder, 0o755);
    const file = `${folder}/mptcp.yaml`;
    Deno.writeTextFileSync(file, TEXT);
    // An abstract name is of the network namespace of who has it.
    const isHere = kind !== "a path";
    using manager = new Manager(
      isHere ? `@notify ${Deno.pid}` : `${folder}/notify`,
    );
    const env = {
      ...{ NOTIFY_SOCKET: manager.address, WATCHDOG_USEC: "1200000" },
      // Whoever may enter a namespace is not so confined.
      ...!isHere && { DENO_DIR: shareCache(folder) },
    };
    await using agent = new AgentProcess(client, file, {
      ...{ env, isHere, via: isHere ? [] : CONFINED },
    });
    const begun = await manager.until(/^READY=1/);
    assertEquals(begun.at(-1), "READY=1\nSTATUS=1 endpoint of the file");
    assertEquals(client.sysctl("net.mptcp.stale_loss_cnt"), "5");
    await manager.until(/^WATCHDOG=1$/);
    await manager.until(/^WATCHDOG=1$/);
    for (const [text, status] of [["limits: [", "not taken"], [TEXT, ""]]) {
      Deno.writeTextFileSync(file, text!);
      agent.process.kill("SIGHUP");
      const told = await manager.until(/^READY=1/);
      const [reloading] = told.filter((one) => /RELOADING/.test(one));
      assertMatch(reloading!, /^RELOADING=1\nMONOTONIC_USEC=\d+$/);
      assertMatch(told.at(-1)!, RegExp(`STATUS=1 endpoint.*${status}`));
    }
    await agent.endAtOnce();
    const last = await manager.until(/^STOPPING=1$/);
    assertEquals(last.at(-1), "STOPPING=1");
  });
}

/** What the unit sets for Deno. */
function unitEnvironment(): Record<string, string> {
  const unit = Deno.readTextFileSync(
    new URL("../../examples/systemd/mptcp-watch.service", import.meta.url),
  );
  const { DENO_DIR: _, ...others } = Object.fromEntries(
    Array.from(unit.matchAll(/^Environment=(.*)$/gm), ([, line]) => line!)
      .flatMap((line) => line.split(" "))
      .map((one) => [one.replace(/=.*/, ""), one.replace(/^.*?=/, "")]),
  );
  return others;
}

liveTest("an agent that has nothing to do takes next to nothing", async () => {
  using lab = Lab.open({ paths: 2 });
  const file = Deno.makeTempFileSync();
  Deno.writeTextFileSync(file, TEXT);
  const env = unitEnvironment();
  await using agent = new AgentProcess(lab.client, file, { env });
  await agent.ready();
  const read = (name: string) =>
    Deno.readTextFileSync(`/proc/${agent.process.pid}/${name}`);
  /** User and system time, in hundredths of a second. */
  const cpu = () => {
    const fields = read("stat").replace(/^.*\) /, "").split(" ");
    return Number(fields[11]) + Number(fields[12]);
  };
  const pause = (ms: number) => new Promise((end) => setTimeout(end, ms));
  await pause(1500);
  await bestOf(async () => {
    const before = cpu();
    await pause(5000);
    assertInTime((cpu() - before) * 10, 50, "1 % of a processor");
    const kiB = Number(read("status").match(/^VmRSS:\s+(\d+) kB$/m)![1]);
    // As systemd counts `MemoryMax=60M`; a part is Deno's own file, which all
    // programs of Deno share. V8 gives back later what it took to start.
    if (kiB >= 60 * 1024) throw new TooLate(`${kiB} KiB`);
  });
  Deno.removeSync(file);
});
