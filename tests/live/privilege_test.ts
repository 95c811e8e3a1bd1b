import {
  assertEquals,
  assertMatch,
  assertStringIncludes,
  assertThrows,
} from "@std/assert";
import { libcPaths } from "../../ffi/libc.ts";
import { NetlinkError, PathManager } from "../../mod.ts";
import { Lab, LabConnection } from "../../testing/lab.ts";
import { MptcpSocket } from "../../testing/mptcp_socket.ts";
import { quoted } from "../helpers/command_line.ts";
import {
  DONE,
  type Failed,
  type Inputs,
  openOperationsLab,
  type Results,
} from "../helpers/every_operation.ts";
import { AS_NOBODY, Copy } from "../helpers/copy.ts";
import { libcPath } from "../helpers/libc_path.ts";
import { liveTest } from "../helpers/live.ts";
import { modeFile } from "../helpers/proc.ts";
import { Witness } from "../helpers/witness.ts";
import { within } from "../helpers/within.ts";

/** How long a connection may take. */
const TIMEOUT_MS = 20_000;

/** Calls every operation in the lab's client, started by other programs. */
function runIn(
  lab: Lab,
  copy: Copy,
  inputs: Inputs,
  via: readonly string[],
  permissions: readonly string[],
): Results {
  const text = lab.client.exec(...copy.command(inputs, via, permissions))
    // The number of a group is the kernel's to choose.
    .replace(/(group) \d+/g, "$1 N");
  return JSON.parse(text);
}

/** Nobody, with these capabilities and no other. */
function asNobodyWith(...capabilities: string[]): string[] {
  const list = capabilities.map((name) => `+${name}`).join(",");
  return [
    ...[...AS_NOBODY, `--inh-caps=-all,${list}`, `--ambient-caps=-all,${list}`],
    `--bounding-set=-all,${list}`,
  ];
}

const HINT = "CAP_NET_ADMIN is needed in the user namespace that owns this " +
  "network namespace";

const WAYS_DONE = { name: "done", path: "done" };

/** A command that the kernel refuses. */
const refused = (op: string, action: string) => ({
  name: "NetlinkError",
  message: `Cannot ${action}: Operation not permitted (EPERM)`,
  op,
  code: "EPERM",
  hint: `${HINT}: try as root`,
});

/** A system call that the kernel refuses. */
const denied = (syscall: string, code: string, message: string) => ({
  name: "SyscallError",
  message,
  syscall,
  code,
});

/** What becomes of each call without any privilege. */
const DENIED = {
  ...DONE,
  setMode: denied(
    "open",
    "EACCES",
    `Cannot write "${modeFile() === "pm_type" ? "0" : "kernel"}" to ` +
      `/proc/sys/net/mptcp/${modeFile()}: ` +
      `Permission denied (open: EACCES): ${HINT}`,
  ),
  setLimits: refused("set-limits", "set limits"),
  addAddr: refused("add-addr", "add address"),
  setFlags: refused("set-flags", "set flags"),
  delAddr: refused("del-addr", "delete address"),
  flushAddrs: refused("flush-addrs", "flush addresses"),
  events: denied(
    "setsockopt",
    "EPERM",
    "Cannot listen to the kernel, group N: " +
      `Operation not permitted (setsockopt: EPERM): ${HINT}`,
  ),
};

/** A namespace that must not be entered. */
const notEntered = (netns: string) =>
  denied(
    "setns",
    "EPERM",
    `Cannot enter network namespace "${netns}": Operation not permitted ` +
      "(setns: EPERM): CAP_SYS_ADMIN is needed here and in its user namespace",
  );

liveTest(
  "an unprivileged user can read, and the errors name the privilege",
  async () => {
    using made = await openOperationsLab();
    using copy = new Copy("every_operation");
    const { lab, inputs } = made;
    lab.client.ip("mptcp", "endpoint", "add", "10.0.0.1", "dev", "lo");
    assertEquals<unknown>(
      runIn(lab, copy, inputs, AS_NOBODY, ["--allow-ffi"]),
      {
        ...DENIED,
        steering: DENIED.events,
        name: notEntered(inputs.ways["name"] as string),
        path: notEntered(inputs.ways["path"] as string),
      },
    );
  },
);

liveTest(
  "`CAP_NET_ADMIN` is enough for commands, events and the mode",
  async () => {
    using made = await openOperationsLab();
    using copy = new Copy("every_operation");
    const { lab, inputs } = made;
    const via = asNobodyWith("net_admin");
    assertEquals<unknown>(runIn(lab, copy, inputs, via, ["--allow-ffi"]), {
      ...DONE,
      name: notEntered(inputs.ways["name"] as string),
      path: notEntered(inputs.ways["path"] as string),
    });
  },
);

liveTest(
  "`CAP_SYS_ADMIN` opens other namespaces, `CAP_SYS_PTRACE` also that of " +
    "another user's process",
  async () => {
    using made = await openOperationsLab();
    using copy = new Copy("every_operation");
    const { lab, inputs } = made;
    await using resident = await settle(lab);
    const { pid } = resident;
    const ways = { ...inputs.ways, pid };
    const capabilities = ["net_admin", "sys_admin"];
    const go = (...more: string[]) =>
      runIn(
        lab,
        copy,
        { ...inputs, ways },
        asNobodyWith(...capabilities, ...more),
        ["--allow-ffi"],
      );
    assertEquals<unknown>(go(), {
      ...DONE,
      ...WAYS_DONE,
      pid: denied(
        "open",
        "EACCES",
        `Cannot find network namespace of process ${pid}: Permission denied ` +
          "(open: EACCES): the process belongs to another user: " +
          "CAP_SYS_PTRACE is needed",
      ),
    });
    assertEquals<unknown>(go("sys_ptrace"), {
      ...DONE,
      ...WAYS_DONE,
      pid: "done",
    });
  },
);

/** A process that stays in the lab's client. */
async function settle(lab: Lab): Promise<AsyncDisposable & { pid: number }> {
  const process = new Deno.Command("ip", {
    args: ["netns", "exec", lab.client.netns, "sh", "-c", "echo here; cat"],
    stdin: "piped",
    stdout: "piped",
  }).spawn();
  const reader = process.stdout.getReader();
  await within(reader.read(), () => "a process in the namespace");
  return {
    pid: process.pid,
    async [Symbol.asyncDispose]() {
      await process.stdin.close();
      await reader.cancel();
      await process.status;
    },
  };
}

/** A network of an unprivileged user, in a user namespace of its own. */
class OwnNetwork implements AsyncDisposable {
  readonly #shell = new Deno.Command(AS_NOBODY[0]!, {
    args: [...AS_NOBODY.slice(1), "unshare", "--map-root-user", "--net", "sh"],
    stdin: "piped",
    stdout: "piped",
  }).spawn();
  readonly #input = this.#shell.stdin.getWriter();
  readonly #output = this.#shell.stdout
    .pipeThrough(new TextDecoderStream()).getReader();

  /** A process in it, which has its `lo` up. */
  async open(): Promise<number> {
    await this.#type("ip link set lo up && echo up");
    await within(this.#output.read(), () => "a network of its own");
    return this.#shell.pid;
  }

  /** What a command prints that goes on in its place. */
  async exec(command: readonly string[]): Promise<string> {
    await this.#type(`exec ${quoted(command)}`);
    let text = "";
    for (;;) {
      const { value, done } = await within(
        this.#output.read(),
        () => "the results",
      );
      if (done) return text;
      text += value;
    }
  }

  async #type(line: string): Promise<void> {
    await this.#input.write(new TextEncoder().encode(`${line}\n`));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#input.close().catch(() => {});
    await this.#output.cancel();
    await this.#shell.status;
  }
}

/** A connection with the userspace path manager, by way of `lo`. */
function connectAlone(netns: number): LabConnection {
  using sockets = new DisposableStack();
  const listener = sockets.use(
    MptcpSocket.listen(netns, { address: "127.0.0.1", port: 0 }),
  );
  const client = sockets.use(
    MptcpSocket.connect(netns, "127.0.0.1", listener.local, TIMEOUT_MS),
  );
  const server = sockets.use(listener.accept(TIMEOUT_MS));
  return new LabConnection(client, server, sockets.move());
}

liveTest(
  "an unprivileged user may do everything in a network of its own",
  async () => {
    using copy = new Copy("every_operation");
    await using network = new OwnNetwork();
    const pid = await network.open();
    using pm = PathManager.open({ netns: pid });
    pm.setMode("userspace");
    using events = new Witness(pm.events());
    using connection = connectAlone(pid);
    connection.transfer(1000);
    const { token, remote } = connection.client;
    await events.take("established", (event) => event.token === token);
    const inputs = {
      ways: { path: "/proc/self/ns/net", pid },
      connection: { token, spare: "127.0.0.2", remote },
    };
    const command = copy.command(inputs, [], ["--allow-ffi"]);
    assertEquals<unknown>(JSON.parse(await network.exec(command)), {
      ...DONE,
      path: "done",
      pid: "done",
    });
  },
);

liveTest(
  "root in a user namespace has no privilege in a network outside of it",
  async () => {
    using made = await openOperationsLab();
    using copy = new Copy("every_operation");
    const { lab, inputs } = made;
    lab.client.ip("mptcp", "endpoint", "add", "10.0.0.1", "dev", "lo");
    const results = runIn(lab, copy, { ...inputs, ways: {} }, [
      ...AS_NOBODY,
      "unshare",
      "--map-root-user",
    ], ["--allow-ffi"]);
    assertEquals<unknown>(results, { ...DENIED, steering: DENIED.events });
  },
);

liveTest("a token is invalid in another namespace", async () => {
  using made = await openOperationsLab();
  const { client, server } = made;
  for (const [one, other] of [[client, server], [server, client]] as const) {
    assertEquals(one.pm.dumpAddrs({ token: one.token }), []);
    assertThrows(
      () => other.pm.dumpAddrs({ token: one.token }),
      NetlinkError,
      "invalid token",
    );
  }
});

liveTest(
  "`--allow-ffi` with the path of libc is permission enough",
  async () => {
    using made = await openOperationsLab();
    using copy = new Copy("every_operation");
    const { lab, inputs } = made;
    // Deno refuses all other permissions.
    const others = ["read", "write", "net", "env", "run", "sys", "import"];
    const flags = [
      `--allow-ffi=${libcPath()}`,
      ...others.map((name) => `--deny-${name}`),
    ];
    assertEquals<unknown>(runIn(lab, copy, inputs, [], flags), {
      ...DONE,
      ...WAYS_DONE,
    });
  },
);

liveTest("without permission the error names the one that is needed", () => {
  using lab = Lab.open({ paths: 0 });
  using copy = new Copy("every_operation");
  const connection = { token: 1, spare: "", remote: { address: "", port: 1 } };
  for (const permissions of [[], ["--allow-ffi=/no/such/library"]]) {
    const results = runIn(lab, copy, { ways: {}, connection }, [], permissions);
    assertEquals(Object.keys(results), ["open"]);
    const { name, message } = results["open"] as Failed;
    assertEquals(name, "NotCapable");
    assertMatch(message, /^Cannot call libc: run again with --allow-ffi/);
    const path = libcPaths(Deno.build.arch)[0];
    assertStringIncludes(message, `--allow-ffi=${path}`);
  }
});
