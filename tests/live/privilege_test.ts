import { assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { libcPaths } from "../../ffi/libc.ts";
import { eventsGroup } from "../support/event_tap.ts";
import { run } from "../../testing/host.ts";
import { Lab } from "../../testing/lab.ts";
import { liveTest } from "../support/live.ts";

const ROOT = new URL("../../", import.meta.url);

/** What becomes of each call, as JSON. */
const SCRIPT = `
import { NetlinkSocket } from "./ffi/netlink_socket.ts";
import { PathManager } from "./mod.ts";
const results: Record<string, unknown> = {};
const attempt = (name: string, action: () => unknown) => {
  try {
    results[name] = action() ?? "done";
  } catch (error) {
    const { message, op, syscall, code, hint } = error as any;
    results[name] = { name: error.name, message, op, syscall, code, hint };
  }
};
const [netns, group] = Deno.args;
attempt("netns", () => PathManager.open({ netns: netns! }) && "opened");
attempt("open", () => {
  using pm = PathManager.open();
  const address = "10.0.0.1";
  attempt("getLimits", () => pm.getLimits());
  attempt("setLimits", () => pm.setLimits({ subflows: 3 }));
  attempt("addAddr", () => pm.addAddr({ address, flags: ["subflow"] }).id);
  attempt("setFlags", () => pm.setFlags({ address, backup: true }).flags);
  attempt("dumpAddrs", () => pm.dumpAddrs().length);
  attempt("delAddr", () => pm.delAddr({ address }).length);
  attempt("flushAddrs", () => pm.flushAddrs());
  attempt("announce", () => pm.announce({ token: 1, address, id: 1 }));
  using socket = NetlinkSocket.open();
  attempt("setReceiveBuffer", () => socket.setReceiveBuffer(1 << 20));
  attempt("join", () => socket.join(Number(group)));
});
console.log(JSON.stringify(results));
`;

/** A copy of the module that every user can read and run. */
class Copy implements Disposable {
  readonly #folder = Deno.makeTempDirSync({ prefix: "mptcp-" });

  constructor() {
    Deno.chmodSync(this.#folder, 0o755);
    for (const name of ["mod.ts", "codec", "ffi", "ops"]) {
      run("cp", "-r", new URL(name, ROOT).pathname, `${this.#folder}/${name}`);
    }
    run("chmod", "-R", "a+rX", this.#folder);
    Deno.writeTextFileSync(`${this.#folder}/script.ts`, SCRIPT);
    Deno.mkdirSync(`${this.#folder}/deno`);
    Deno.chmodSync(`${this.#folder}/deno`, 0o777);
  }

  /** Runs the script in the lab's client, by way of other programs. */
  run(lab: Lab, via: string[], permissions: string[]): Results {
    const { netns } = lab.client;
    return JSON.parse(lab.client.exec(
      "env",
      ...[`DENO_DIR=${this.#folder}/deno`, "DENO_NO_UPDATE_CHECK=1"],
      ...["NO_COLOR=1", ...via, Deno.execPath(), "run", "--no-prompt"],
      ...["--no-config", "--no-lock", ...permissions],
      ...[`${this.#folder}/script.ts`, netns, `${eventsGroup()}`],
    ));
  }

  [Symbol.dispose](): void {
    Deno.removeSync(this.#folder, { recursive: true });
  }
}

type Results = Record<
  string,
  | number
  | string
  | {
    name: string;
    message: string;
    op?: string;
    syscall?: string;
    code?: string;
    hint?: string;
  }
>;

const AS_NOBODY = [
  "setpriv",
  "--reuid=65534",
  "--regid=65534",
  "--clear-groups",
];

const HINT = "CAP_NET_ADMIN is needed in the user namespace that owns this " +
  "network namespace: try as root";

const DONE = {
  open: "done",
  setReceiveBuffer: "done",
  join: "done",
  getLimits: { subflows: 2, addAddrAccepted: 0 },
  setLimits: "done",
  addAddr: 1,
  setFlags: ["subflow", "backup"],
  dumpAddrs: 1,
  delAddr: 1,
  flushAddrs: "done",
  announce: "EINVAL",
};

/** The results of the commands, as far as no other test says them. */
function commands({ netns: _, announce, ...results }: Results): Results {
  return { ...results, announce: (announce as { code: string }).code };
}

liveTest("an unprivileged user can read, and is told why not change", () => {
  using lab = Lab.open({ paths: 0 });
  lab.client.ip("mptcp", "endpoint", "add", "10.0.0.1", "subflow");
  using copy = new Copy();
  const results = copy.run(lab, AS_NOBODY, ["--allow-ffi"]);
  const refused = (op: string, action: string) => ({
    name: "NetlinkError",
    message: `Cannot ${action}: Operation not permitted (EPERM)`,
    op,
    code: "EPERM",
    hint: HINT,
  });
  assertEquals<unknown>(results, {
    netns: {
      name: "SyscallError",
      message: `Cannot enter network namespace "${lab.client.netns}": ` +
        "Operation not permitted (setns: EPERM): CAP_SYS_ADMIN is needed " +
        "here and in its user namespace",
      syscall: "setns",
      code: "EPERM",
    },
    open: "done",
    getLimits: { subflows: 2, addAddrAccepted: 0 },
    dumpAddrs: 1,
    setLimits: refused("set-limits", "set limits"),
    addAddr: refused("add-addr", "add address"),
    setFlags: refused("set-flags", "set flags"),
    delAddr: refused("del-addr", "delete address"),
    flushAddrs: refused("flush-addrs", "flush addresses"),
    announce: refused("announce", "announce address"),
    setReceiveBuffer: "done",
    join: {
      name: "SyscallError",
      message: `Cannot join multicast group ${eventsGroup()}: ` +
        "Operation not permitted (setsockopt: EPERM): CAP_NET_ADMIN is " +
        "needed in the user namespace that owns this network namespace",
      syscall: "setsockopt",
      code: "EPERM",
    },
  });
});

liveTest("in a user namespace with a network of its own all works", () => {
  using lab = Lab.open({ paths: 0 });
  using copy = new Copy();
  const results = copy.run(lab, ["unshare", "-Urn"], ["--allow-ffi"]);
  assertEquals<unknown>(commands(results), DONE);
});

liveTest(
  "in a user namespace with the network of another nothing changes",
  () => {
    using lab = Lab.open({ paths: 0 });
    using copy = new Copy();
    const { getLimits, setLimits } = copy.run(
      lab,
      ["unshare", "-Ur"],
      ["--allow-ffi"],
    );
    assertEquals<unknown>(getLimits, { subflows: 2, addAddrAccepted: 0 });
    assertEquals<unknown>(setLimits, {
      name: "NetlinkError",
      message: "Cannot set limits: Operation not permitted (EPERM)",
      op: "set-limits",
      code: "EPERM",
      hint: HINT,
    });
  },
);

liveTest("`--allow-ffi` with the path of libc is permission enough", () => {
  using lab = Lab.open({ paths: 0 });
  using copy = new Copy();
  const path = libcPaths(Deno.build.arch).find((path) => {
    try {
      return Deno.statSync(path).isFile;
    } catch {
      return false;
    }
  });
  const results = copy.run(lab, [], [`--allow-ffi=${path}`]);
  assertEquals<unknown>(commands(results), DONE);
  assertEquals(results["netns"], "opened");
});

liveTest("without permission the message names the one that is needed", () => {
  using lab = Lab.open({ paths: 0 });
  using copy = new Copy();
  for (const permissions of [[], ["--allow-ffi=/no/such/library"]]) {
    const { open, netns } = copy.run(lab, [], permissions);
    for (const result of [open, netns]) {
      const { name, message } = result as { name: string; message: string };
      assertEquals(name, "NotCapable");
      assertMatch(message, /^Cannot call libc: run again with --allow-ffi/);
      assertStringIncludes(message, `--allow-ffi=${libcPaths("x86_64")[0]}`);
    }
  }
});
