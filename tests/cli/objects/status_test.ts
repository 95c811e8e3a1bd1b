/** What `mptcp status`, and `mptcp` alone, says of a host. */
import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { PathManager } from "../../../mod.ts";
import { FakeKernel } from "../../../testing/fake_kernel.ts";
import { Lab, until } from "../../../testing/lab.ts";
import { kernelWithFiles } from "../../helpers/golden_proc.ts";
import { liveTest } from "../../helpers/live.ts";
import { modeFile } from "../../helpers/proc.ts";
import { run } from "../../helpers/run_main.ts";

/** A kernel that can be read whole. */
function whole(): FakeKernel {
  const kernel = kernelWithFiles();
  kernel.files.set("/proc/sys/kernel/osrelease", "6.18.44\n");
  return kernel;
}

/** The lines of one label. */
async function linesOf(kernel: FakeKernel, label: string): Promise<string[]> {
  const { code, out, err } = await run("status", kernel);
  assertEquals([code, err], [0, ""]);
  const lines = out.split("\n");
  const start = lines.findIndex((line) => line.startsWith(`${label}  `));
  assert(start >= 0, `${label} is not in\n${out}`);
  const end = lines.findIndex((line, at) => at > start && !/^ /.test(line));
  return lines.slice(start, end).map((line) => line.slice(14));
}

/** What is done before, and what a label says then. */
const ROWS: readonly (readonly [
  (kernel: FakeKernel) => unknown,
  label: string,
  lines: readonly string[],
])[] = [
  [() => {}, "kernel", ["Linux 6.18.44, MPTCP enabled"]],
  [
    ({ sysctls }) => sysctls.set("enabled", "0"),
    "kernel",
    ["Linux 6.18.44, MPTCP disabled (net.mptcp.enabled is 0)"],
  ],
  [
    ({ sysctls, files }) => {
      sysctls.clear();
      files.clear();
    },
    "kernel",
    ["not known, MPTCP not known"],
  ],
  [
    () => {},
    "path manager",
    ["kernel; port id 10712 listens to events"],
  ],
  [
    ({ files }) => {
      const path = "/proc/thread-self/net/netlink";
      const table = files.get(path)!;
      // One more row, of another socket.
      const [row] = table.match(/^\w+ 16 +10712 .*\n/m)!;
      const other = row.replace("10712", "20712").replace(/\d+ \n$/, "7 \n");
      files.set(path, table + other);
    },
    "path manager",
    ["kernel; port id 10712, port id 20712 listen to events"],
  ],
  [
    ({ sysctls, files }) => {
      sysctls.set("path_manager", "userspace");
      const table = files.get("/proc/thread-self/net/netlink")!;
      const [head] = table.split("\n");
      files.set("/proc/thread-self/net/netlink", `${head}\n`);
    },
    "path manager",
    [
      "userspace; nobody listens to events: no connection gets a second",
      "  subflow",
    ],
  ],
  [
    ({ sysctls }) => {
      sysctls.delete("path_manager");
      sysctls.set("pm_type", "1");
    },
    "path manager",
    ["userspace; port id 10712 listens to events"],
  ],
  [
    ({ sysctls }) => sysctls.set("scheduler", "burst"),
    "scheduler",
    ["burst"],
  ],
  [
    (kernel) => run("limits set subflows 4 add_addr_accepted 1", kernel),
    "limits",
    ["subflows 4, add_addr_accepted 1"],
  ],
  [() => {}, "endpoints", ["none"]],
  [(kernel) => void (kernel.hasFamily = false), "endpoints", ["not known"]],
  [() => {}, "connections", ["none"]],
  [
    (kernel) => {
      kernel.connect(5);
      kernel.connect(6).set({ fallback: true });
      kernel.connect(7).set({ state: "close-wait" });
      const local = { address: "10.0.0.9", port: 0 };
      const remote = { address: "10.0.0.2", port: 443 };
      using pm = PathManager.open({ namespace: kernel });
      pm.subflowCreate({ token: 5, local, remote });
    },
    "connections",
    [
      "2 established, 1 opening or closing, 4 subflows, 1 fell back to",
      "  TCP",
    ],
  ],
  [
    (kernel) => {
      kernel.connect(5);
      kernel.privileged = false;
      kernel.sockDiag.hidesSubflows = true;
    },
    "connections",
    ["1 established, 0 subflows, 1 with subflows that cannot be seen"],
  ],
  [(kernel) => void (kernel.sockDiag.mptcp = false), "connections", [
    "not known",
  ]],
  [
    () => {},
    "since boot",
    [
      "12 fallbacks to TCP",
      "joins from here: 163 sent, 152 answered, 2 could not be sent",
      "joins to here: 0 accepted, 0 refused",
    ],
  ],
  [
    ({ files }) => {
      // As before Linux 6.12.
      const netstat = files.get("/proc/thread-self/net/netstat")!;
      files.set(
        "/proc/thread-self/net/netstat",
        netstat.replaceAll("MPJoinSynTx", "Other"),
      );
    },
    "since boot",
    [
      "12 fallbacks to TCP",
      "joins from here: 152 answered",
      "joins to here: 0 accepted, 0 refused",
    ],
  ],
  [() => {}, "managers", ["not known"]],
  [
    ({ files }) => files.set("/proc/2/comm", "sh\n"),
    "managers",
    [
      "neither NetworkManager nor mptcpd is seen",
      "processes outside of this container are not seen",
    ],
  ],
];

Deno.test("`mptcp status` says of each part what was read, or that it is not known", async () => {
  for (const [prepare, label, lines] of ROWS) {
    const kernel = whole();
    await prepare(kernel);
    assertEquals([label, await linesOf(kernel, label)], [label, lines]);
  }
});

Deno.test("`mptcp status` says why something is not known, and ends with 0", async () => {
  const kernel = new FakeKernel();
  kernel.hasFamily = false;
  kernel.sockDiag.mptcp = false;
  kernel.sysctls.clear();
  const text = (await linesOf(kernel, "not seen")).join(" ")
    .replaceAll(/ +/g, " ");
  for (
    const reason of [
      "kernel: Cannot read the release of the kernel",
      "settings: Cannot read net.mptcp: ",
      'limits, endpoints: Cannot find the netlink family "mptcp_pm"',
      "connections: Cannot list MPTCP connections: No such file or directory (ENOENT); hint: ",
      "since_boot: Cannot read counters: ",
    ]
  ) assertStringIncludes(text, reason);
  const { code, out, err } = await run("-j status", kernel);
  assertEquals([code, err], [0, ""]);
  const { unknown, ...parts } = JSON.parse(out);
  for (const [name, reason] of Object.entries(unknown)) {
    assert(typeof reason === "string" && reason !== "");
    assertEquals([name, parts[name]], [name, null]);
  }
});

Deno.test("`mptcp` is `mptcp status`, and its JSON has the same parts always", async () => {
  for (const kernel of [whole(), new FakeKernel()]) {
    for (const options of ["", "-j"]) {
      const { code, out, err } = await run(options, kernel);
      const named = await run(`status ${options}`.trim(), kernel);
      assertEquals([code, out, err], [named.code, named.out, named.err]);
    }
    const { out } = await run("-j", kernel);
    assertEquals(Object.keys(JSON.parse(out)), [
      ...["version", "kernel", "settings", "event_listeners", "limits"],
      ...["endpoints", "connections", "since_boot", "managers", "unknown"],
    ]);
    assertEquals(JSON.parse(out).version, 1);
  }
});

Deno.test("`mptcp -j status` names the path manager, as each kernel does it", async () => {
  const rows: [sysctls: Record<string, string>, name: string][] = [
    [{ path_manager: "userspace", pm_type: "1" }, "userspace"],
    [{ path_manager: "bpf", pm_type: "2" }, "bpf"],
    [{ pm_type: "0" }, "kernel"],
    [{ pm_type: "1" }, "userspace"],
    [{ pm_type: "2" }, "2"],
    [{}, "kernel"],
  ];
  for (const [sysctls, name] of rows) {
    const kernel = whole();
    kernel.sysctls.clear();
    for (const [key, value] of Object.entries({ enabled: "1", ...sysctls })) {
      kernel.sysctls.set(key, value);
    }
    const { settings } = JSON.parse((await run("-j status", kernel)).out);
    assertEquals([sysctls, settings.path_manager], [sysctls, name]);
    assertEquals(`${settings.pm_type}`, `${sysctls["pm_type"]}`);
    const [line] = await linesOf(kernel, "path manager");
    assertStringIncludes(line!, `${name}; `);
  }
});

Deno.test("`mptcp status` fits 80 columns", async () => {
  const { out } = await run("status", new FakeKernel());
  for (const line of out.split("\n")) assert(line.length <= 80, line);
});

liveTest(
  "`mptcp status` says what `ip`, `ss`, `sysctl` and `nstat` say",
  async () => {
    using lab = Lab.open({ paths: 2 });
    const { client } = lab;
    client.ip("mptcp", "limits", "set", "subflows", "2");
    const address = client.address(2);
    client.ip(
      "mptcp",
      "endpoint",
      "add",
      address,
      "subflow",
      "dev",
      client.dev(2),
    );
    client.ip("mptcp", "endpoint", "add", "10.99.0.1", "subflow");
    using connection = lab.connect();
    await connection.transferAsync(10_000);
    await until(() => client.subflows().length === 2, "the second subflow");
    const { out } = await run(["-n", client.netns, "-j", "status"], "running");
    const status = JSON.parse(out);
    assertEquals(status.unknown, {});
    assertEquals(status.kernel, Deno.osRelease());
    assertEquals(
      `${status.settings[modeFile()]}`,
      client.sysctl(`net.mptcp.${modeFile()}`),
    );
    assertEquals(status.limits.subflows, 2);
    assertEquals(status.connections.total, 1);
    assertEquals(status.connections.subflows, client.subflows().length);
    assertEquals(
      status.since_boot.joins_sent ?? undefined,
      client.counter("MPTcpExtMPJoinSynTx"),
    );
    assertEquals(
      status.since_boot.joins_not_sent ?? undefined,
      client.counter("MPTcpExtMPJoinSynTxBindErr"),
    );
    assertEquals(
      status.endpoints.map((
        { address, advice }: { address: string; advice: string | null },
      ) => [address, advice]),
      [
        [address, null],
        [
          "10.99.0.1",
          "10.99.0.1 is not on this host: no subflow can start from it",
        ],
      ],
    );
  },
);

liveTest(
  "`mptcp status` ends with 1 where nothing at all can be read",
  async () => {
    const { code, out, err } = await run(
      ["-n", "/etc/passwd", "status"],
      "running",
    );
    assertEquals([code, out], [1, ""]);
    assertStringIncludes(err, "the file is not a network namespace");
  },
);

liveTest(
  "`mptcp status` says when nothing passes the device of an endpoint",
  async () => {
    using lab = Lab.open({ paths: 3 });
    const { client } = lab;
    const advice = async () => {
      const { out } = await run(["-n", client.netns, "-j"], "running");
      return JSON.parse(out).endpoints.map((
        endpoint: { advice: string | null },
      ) => endpoint.advice);
    };
    const [second, third] = [client.dev(2), client.dev(3)];
    const add = (...words: string[]) =>
      client.ip("mptcp", "endpoint", "add", ...words, "subflow");
    add(client.address(2), "dev", second);
    add(client.address(3), "dev", third);
    assertEquals(await advice(), [null, null]);
    lab.cut(2);
    client.ip("link", "set", third, "down");
    assertEquals(await advice(), [
      `${second} has no carrier: nothing passes it`,
      `${third} is down: nothing passes it`,
    ]);
    client.ip("mptcp", "endpoint", "flush");
    // A lab does not look for duplicates; so slowly that it is seen.
    client.sysctl(`net.ipv6.conf.${client.dev(1)}.accept_dad`, 1);
    client.sysctl(`net.ipv6.conf.${client.dev(1)}.dad_transmits`, 60);
    client.ip("addr", "add", "fd77:9::1/64", "dev", client.dev(1));
    add("fd77:9::1", "dev", client.dev(1));
    assertEquals(await advice(), ["fd77:9::1 is not ready yet (tentative)"]);
  },
);
