/** What is read for the doctor, and what becomes of what cannot be read. */
import { assert, assertEquals, assertRejects } from "@std/assert";
import { collect, type CollectOptions, diagnose } from "../../doctor/mod.ts";
import { NotFoundError, SyscallError } from "../../mod.ts";
import { FakeInterfaces } from "../../testing/fake_route.ts";
import { kernelWithFiles } from "../helpers/golden_proc.ts";

/** A host with two uplinks, of which the second has no endpoint. */
function host() {
  const kernel = kernelWithFiles();
  kernel.files.set("/proc/thread-self/net/protocols", "MPTCP 1\nTCP 2\n");
  kernel.files.set("/proc/2/comm", "kthreadd\n");
  kernel.files.set("/proc/uptime", "77.12 5.0\n");
  kernel.files.set("/proc/sys/kernel/osrelease", "6.18.44\n");
  kernel.files.set("/etc/os-release", 'ID=x\nPRETTY_NAME="X 1"\n');
  kernel.files.set("/proc/sys/net/ipv4/conf/all/rp_filter", "0\n");
  const interfaces = kernel.interfaces = new FakeInterfaces();
  for (const [at, dev] of ["eth0", "eth1", "eth2"].entries()) {
    interfaces.addresses.push({ address: `10.0.${at}.1`, dev });
    if (dev === "eth2") continue;
    const way = { dev, via: `10.0.${at}.254`, metric: at };
    interfaces.routes.push({ to: "default", ...way });
  }
  return kernel;
}

Deno.test("`collect()` reads twice, and asks for the ways of devices without endpoint", async () => {
  const kernel = host();
  kernel.connect(5, {
    local: { address: "10.0.0.1", port: 40000 },
    remote: { address: "192.0.2.9", port: 443 },
  });
  const reading = collect({ namespace: kernel });
  kernel.connections.get(5)!.set({ fallback: true });
  const { earlier, connections, routes, unknown, ...others } = await reading;
  const { durationMs, uptimeSeconds, distribution } = others;
  assertEquals([unknown, uptimeSeconds, distribution], [{}, 77, "X 1"]);
  assertEquals(
    [earlier, { connections }].map((one) => one!.connections![0]!.fallback),
    [false, true],
  );
  assert(durationMs > 900);
  // The kernel takes peers for neighbours on the device without route.
  assertEquals(
    routes!.map(({ destination, source, dev, route }) => [
      ...[destination, source, dev],
      route.found && !route.assumed && route.dev,
    ]),
    [
      ["192.0.2.9", undefined, undefined, "eth0"],
      ["192.0.2.9", "10.0.0.1", "eth0", "eth0"],
      ["192.0.2.9", "10.0.1.1", "eth1", "eth1"],
      ["192.0.2.9", "10.0.2.1", "eth2", false],
    ],
  );
});

Deno.test("`collect()` asks for no route to a link-local peer", async () => {
  const kernel = host();
  kernel.connect(5, {
    local: { address: "fe80::5", port: 40000 },
    remote: { address: "fe80::9", port: 443 },
  });
  const { routes } = await collect({ namespace: kernel });
  assertEquals(
    routes!.filter(({ destination }) => destination.startsWith("fe80")),
    [],
  );
});

Deno.test("what cannot be read hides nothing else, and says why, unless it can later", async () => {
  const kernel = host();
  const readFile = kernel.readFile.bind(kernel);
  let asked = 0;
  kernel.readFile = (path) => {
    if (path.endsWith("/osrelease")) {
      throw new SyscallError("open", 13, `read ${path}`);
    }
    // The first reading of counters fails.
    return path.endsWith("/netstat") && asked++ === 0
      ? undefined
      : readFile(path);
  };
  kernel.privileged = false;
  kernel.files.delete("/proc/uptime");
  const snapshot = await collect({ namespace: kernel });
  assertEquals(snapshot.unknown, {
    kernel: "Cannot read /proc/sys/kernel/osrelease: Permission denied " +
      "(open: EACCES)",
    firewall: "Cannot list the firewall's chains: Operation not permitted " +
      "(EPERM): CAP_NET_ADMIN is needed in the user namespace that owns this " +
      "network namespace",
    uptimeSeconds: "/proc/uptime cannot be seen here",
  });
  assertEquals([snapshot.earlier!.counters, asked], [undefined, 2]);
  assert(snapshot.counters !== undefined);
  // What moved cannot be told.
  const blackhole = diagnose(snapshot).find(({ check }) =>
    check === "blackhole"
  );
  assertEquals(
    [blackhole!.status, blackhole!.summary],
    ["unknown", 'the snapshot has no "earlier.counters"'],
  );
});

Deno.test("`collect()` takes a thousand connections, and says that there are more", async () => {
  const kernel = host();
  for (let token = 1; token <= 1001; token++) kernel.connect(token);
  const { connections, more, most } = await collect({ namespace: kernel });
  assertEquals([connections!.length, more, most], [1000, true, 1000]);
});

Deno.test("`collect()` ends when it is told to, and where the connection is not there", async () => {
  const controller = new AbortController();
  const reading = collect({ namespace: host(), signal: controller.signal });
  controller.abort(new Error("no more"));
  await assertRejects(() => reading, Error, "no more");
  await assertRejects(
    () => collect({ namespace: host(), token: 7 }),
    NotFoundError,
    "There is no connection of token 0x00000007",
  );
  const kernel = host();
  const connection = kernel.connect(7);
  const other = collect({ namespace: kernel, token: 7 });
  connection.close();
  await assertRejects(() => other, NotFoundError);
  const one = host();
  one.connect(7);
  one.connect(8);
  const { connections, token } = await collect({ namespace: one, token: 7 });
  assertEquals([connections!.length, token], [1, 7]);
});

Deno.test("`collect()` refuses a namespace that cannot be entered", async () => {
  for (const [code, errno] of [["EPERM", 1], ["EINVAL", 22]] as const) {
    const kernel = host();
    kernel.open = () => {
      throw new SyscallError("setns", errno, "enter the namespace");
    };
    const { code: thrown } = await assertRejects(
      () => collect({ namespace: kernel }),
      SyscallError,
      "Cannot enter the namespace",
    );
    assertEquals(thrown, code);
  }
});

Deno.test("`collect()` refuses arguments before it reads anything", async () => {
  const rows: [CollectOptions, string][] = [
    ...[0, NaN, 2 ** 32, "x" as never].map((
      token,
    ): [CollectOptions, string] => [
      { token },
      "Invalid token",
    ]),
    ...[0, 65536].map((port): [CollectOptions, string] => [
      { target: { host: "192.0.2.1", port } },
      "Invalid port",
    ]),
  ];
  for (const [options, message] of rows) {
    const kernel = host();
    kernel.open = () => {
      throw new Error("it was opened");
    };
    await assertRejects(
      () => collect({ namespace: kernel, ...options }),
      RangeError,
      message,
    );
  }
});
