import { assert, assertEquals, assertThrows } from "@std/assert";
import { agentClaim } from "../../diag/managers.ts";
import { Diag } from "../../diag/mod.ts";
import { ProtocolError, SyscallError } from "../../mod.ts";
import type { FakeKernel } from "../../testing/mod.ts";
import { Lab, waitFor } from "../../testing/lab.ts";
import { FILES, kernelWithFiles } from "../helpers/golden_proc.ts";
import { liveTest } from "../helpers/live.ts";

const TABLE = "/proc/thread-self/net/netlink";
const EACCES = 13;

function list(kernel: FakeKernel) {
  using diag = Diag.open({ namespace: kernel });
  const { found, seesAll } = diag.managers();
  return { found: found.map(({ name, pid }) => `${name} ${pid}`), seesAll };
}

Deno.test("`managers()` knows them by the names of their processes", () => {
  const kernel = kernelWithFiles();
  const names: Record<number, string> = {
    1: "systemd",
    2: "kthreadd",
    30: "mptcpd",
    4: "NetworkManager",
    500: "systemd-network",
    600: "mptcpd2",
    700: "toString",
  };
  for (const [pid, name] of Object.entries(names)) {
    kernel.files.set(`/proc/${pid}/comm`, `${name}\n`);
  }
  kernel.files.set("/proc/self/comm", "mptcpd\n");
  const found = ["NetworkManager 4", "mptcpd 30"];
  assertEquals(list(kernel), { found, seesAll: true });
  // It is in this network namespace; now it is in another.
  kernel.files.set("/proc/4/net/netlink", FILES[TABLE]!);
  assertEquals(list(kernel), { found, seesAll: true });
  const elsewhere = FILES[TABLE]!.replace("5592917", "77");
  kernel.files.set("/proc/4/net/netlink", elsewhere);
  assertEquals(list(kernel).found, ["mptcpd 30"]);
  // Where that cannot be told, it counts.
  const readFile = kernel.readFile.bind(kernel);
  kernel.readFile = (path) => {
    if (!path.startsWith("/proc/4/net")) return readFile(path);
    throw new SyscallError("open", EACCES, `read ${path}`);
  };
  assertEquals(list(kernel).found, found);
});

Deno.test("`managers()` says which devices NetworkManager manages", () => {
  const kernel = kernelWithFiles();
  kernel.files.set("/proc/4/comm", "NetworkManager\n");
  kernel.files.set("/proc/5/comm", "mptcpd\n");
  const devices = () => {
    using diag = Diag.open({ namespace: kernel });
    return diag.managers().found.map(({ devices }) => devices);
  };
  assertEquals(devices(), [undefined, undefined]);
  // What NetworkManager 1.42.4 writes.
  const folder = "/proc/4/root/run/NetworkManager/devices";
  const text = (managed: string) =>
    `[device]\n${managed}perm-hw-addr-fake=E6:C9:93:48:08:49\n` +
    "connection-uuid=e54c32c8-3429-320d-801b-546cdc0f13b7\nnm-owned=false\n";
  kernel.files.set(`${folder}/12`, text("managed=true\n"));
  kernel.files.set(`${folder}/3`, text("managed=true\n"));
  kernel.files.set(`${folder}/4`, text("managed=false\n"));
  kernel.files.set(`${folder}/5`, text(""));
  assertEquals(devices(), [[3, 12], undefined]);
  const listDirectory = kernel.listDirectory.bind(kernel);
  kernel.listDirectory = (path) => {
    if (path !== folder) return listDirectory(path);
    throw new SyscallError("open", EACCES, `list ${path}`);
  };
  assertEquals(devices(), [undefined, undefined]);
});

Deno.test("`managers()` knows the agents by what they claim, but its own", () => {
  const kernel = kernelWithFiles();
  kernel.files.set("/proc/2/comm", "kthreadd\n");
  kernel.files.set("/proc/50/comm", "mptcpd\n");
  kernel.links.set("/proc/self", "9");
  const claims = [
    agentClaim("all"),
    agentClaim([[100, 199], [7, 7]]),
    agentClaim([[1, 9]]),
    // Whose ids have no room in a name.
    agentClaim(Array.from({ length: 40 }, (_, at) => [at, at])),
    "mptcp watching",
  ];
  assertEquals(claims.slice(0, 2), [
    "mptcp watch all",
    "mptcp watch 100-199, 7-7",
  ]);
  const names = claims.filter((claim) => kernel.claim(claim) !== undefined);
  assertEquals(names.length, 4);
  // The numbers of their sockets begin with 1.
  for (const [pid, inode] of [[9, 3], [30, 1], [70, 2]]) {
    kernel.files.set(`/proc/${pid}/comm`, "deno\n");
    kernel.links.set(`/proc/${pid}/fd/5`, `socket:[${inode}]`);
  }
  using diag = Diag.open({ namespace: kernel });
  const about =
    "it keeps endpoints and limits as a file says, until it is ended";
  const name = "mptcp watch";
  const ids = [{ from: 100, to: 199 }, { from: 7, to: 7 }];
  const { found } = diag.managers();
  assertEquals(found.filter((one) => one.name === name), [
    { name, pid: 30, about },
    { name, pid: 70, about, ids },
  ]);
  assertEquals(found.map(({ pid }) => pid), [30, 50, 70]);
});

Deno.test("`managers()` says whether it sees all processes", () => {
  const kernel = kernelWithFiles();
  assertThrows(() => list(kernel), ProtocolError, "/proc cannot be seen here");
  kernel.files.set("/proc/2/comm", "sh\n");
  assertEquals(list(kernel), { found: [], seesAll: false });
  kernel.files.set("/proc/2/comm", "kthreadd\n");
  assertEquals(list(kernel), { found: [], seesAll: true });
});

liveTest("`managers()` finds a process in its network namespace alone", () => {
  using lab = Lab.open({ paths: 0 });
  const folder = Deno.makeTempDirSync();
  const program = `${folder}/mptcpd`;
  Deno.copyFileSync("/bin/sleep", program);
  Deno.chmodSync(program, 0o755);
  const { netns } = lab.client;
  const process = new Deno.Command("ip", {
    args: ["netns", "exec", netns, program, "60"],
  }).spawn();
  using diag = Diag.open({ netns });
  using other = Diag.open({ netns: lab.server.netns });
  const pids = (one: Diag) => one.managers().found.map(({ pid }) => pid);
  try {
    waitFor(() => pids(diag).includes(process.pid), "mptcpd to start");
    assert(!pids(other).includes(process.pid));
    const { name, about } = diag.managers().found
      .find(({ pid }) => pid === process.pid)!;
    assertEquals(name, "mptcpd");
    assert(about.includes("mptcp.service"));
  } finally {
    process.kill("SIGKILL");
    Deno.removeSync(folder, { recursive: true });
  }
  return process.status.then(() => {});
});
