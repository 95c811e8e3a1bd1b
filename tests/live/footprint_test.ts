/** What the library and the command line ask of Deno and of the kernel. */
import { assertEquals } from "@std/assert";
import denoJson from "../../deno.json" with { type: "json" };
import { allCommands } from "../../cli/objects.ts";
import {
  deno,
  root,
  run,
  script,
  shareModules,
} from "../helpers/command_line.ts";
import {
  DONE,
  openOperationsLab,
  type OperationsLab,
} from "../helpers/every_operation.ts";
import { libcPath } from "../helpers/libc_path.ts";
import { liveTest } from "../helpers/live.ts";
import { modeFile } from "../helpers/proc.ts";
import { syscallsOf } from "../helpers/syscalls.ts";

const ROOT = new URL("../../", import.meta.url);
const SYSCTLS = "/proc/sys/net/mptcp/";

/** What every command does beyond what an empty script does. */
const BASIC = [
  "connect AF_NETLINK",
  "recvfrom socket:",
  "sendto socket:",
  "setsockopt SOL_NETLINK NETLINK_CAP_ACK",
  "setsockopt SOL_NETLINK NETLINK_EXT_ACK",
  "socket AF_NETLINK SOCK_RAW|SOCK_CLOEXEC NETLINK_GENERIC",
];
const DEVICE_SOCKET = "socket AF_NETLINK SOCK_RAW|SOCK_CLOEXEC NETLINK_ROUTE";
const DEVICE_BY_INDEX = [DEVICE_SOCKET, "ioctl socket: SIOCGIFNAME"];
const DEVICE_BY_NAME = [...DEVICE_BY_INDEX, "ioctl socket: SIOCGIFINDEX"];
const EVENTS = [
  "setsockopt SOL_NETLINK NETLINK_ADD_MEMBERSHIP",
  "setsockopt SOL_SOCKET SO_RCVBUFFORCE",
];
const MODE = [
  `read ${SYSCTLS}available_path_managers`,
  `read ${SYSCTLS}path_manager`,
  ...modeFile() === "pm_type" ? [`read ${SYSCTLS}pm_type`] : [],
  `write ${SYSCTLS}${modeFile()}`,
];
const COUNTERS = ["netstat", "snmp"].map((file) =>
  `read /proc/thread-self/net/${file}`
);
const SOCK_DIAG = "socket AF_NETLINK SOCK_RAW|SOCK_CLOEXEC NETLINK_SOCK_DIAG";
const SOCKETS = [
  ...BASIC.filter((call) => !call.includes("NETLINK_GENERIC")),
  SOCK_DIAG,
];
/** Who listens, by the sockets of all processes, and who manages, by name. */
const PROCESSES = [
  ...["read /proc", "getdents64 /proc", "readlink /proc/self"],
  ...["read /proc/PID/comm", "read /proc/PID/fd", "getdents64 /proc/PID/fd"],
  ...["readlink /proc/PID/fd/N", "read /proc/thread-self/net/netlink"],
  // Who has the name of an agent.
  "read /proc/thread-self/net/unix",
];
/** All that there is to look at, but for the sysctls of MPTCP. */
const SNAPSHOT = [
  ...[...COUNTERS, ...PROCESSES, ...BASIC, ...DEVICE_BY_NAME, SOCK_DIAG],
  DEVICE_SOCKET.replace("ROUTE", "NETFILTER"),
  ...["protocols", "ip_tables_names", "ip6_tables_names"].map((file) =>
    `read /proc/thread-self/net/${file}`
  ),
  ...["read /proc/uptime", "read /etc/os-release"],
  // Whether programs get a socket for MPTCP.
  "socket AF_INET SOCK_STREAM|SOCK_CLOEXEC|SOCK_NONBLOCK IPPROTO_MPTCP",
  ...["read", "getdents64"].map((call) => `${call} /proc/sys/net/ipv4/conf`),
];
const NETNS = [
  "read /proc/thread-self/ns/net",
  "read /run/netns/NAME",
  "setns CLONE_NEWNET",
];

/** Where a mode can be set for good. */
const KEPT = [
  "read /etc/sysctl.conf",
  ...["/etc/sysctl.d", "/run/sysctl.d", "/usr/lib/sysctl.d"].flatMap((
    folder,
  ) => [
    `read ${folder}`,
    ...run(["ls", folder]).code > 0 ? [] : [
      `getdents64 ${folder}`,
      ...run(["ls", folder]).out.split("\n").filter((name) =>
        name.endsWith(".conf")
      ).map((name) => `read ${folder}/${name}`),
    ],
  ]),
];
const CLAIM = [
  "socket AF_UNIX SOCK_STREAM|SOCK_CLOEXEC|SOCK_NONBLOCK 0",
  "bind AF_UNIX",
];
/** What a command that goes on does to be known by its name. */
const NAMED = ["write /proc/PID/comm", "write /proc/self/comm"];
const GOES_ON = /^(doctor|report|monitor|top|record|wait|watch|manage)/;

/** One run of a script. */
interface Trace {
  readonly out: string;
  /** What it did beyond what an empty script does. */
  readonly syscalls: string[];
  /** What it asked Deno for. */
  readonly permissions: string[];
}

/** Runs scripts in the lab's client, and watches them. */
class Observer implements Disposable {
  /** Deno's cache, and its list of the permissions that were asked for. */
  readonly #folder = Deno.makeTempDirSync({ prefix: "mptcp-" });
  readonly #audit = `${this.#folder}/audit.jsonl`;
  readonly #made: OperationsLab;
  readonly #usual: ReadonlySet<string>;

  constructor(made: OperationsLab) {
    this.#made = made;
    shareModules(this.#folder);
    const empty = [`${root}bench/empty.ts`];
    this.#run([], empty);
    this.#usual = syscallsOf((strace) => this.#run(strace, empty));
  }

  /** A script with this code. */
  save(code: string): string {
    const path = `${this.#folder}/script.ts`;
    Deno.writeTextFileSync(path, code);
    return path;
  }

  /** Runs a script whose modules Deno has compiled before, by way of others. */
  watch(script: string[], via: string[] = []): Trace {
    Deno.writeTextFileSync(this.#audit, "");
    let out = "";
    const syscalls = syscallsOf((strace) =>
      out = this.#run([...via, ...strace], script)
    );
    const { netns } = this.#made.lab.client;
    return {
      out,
      syscalls: [
        ...new Set(
          [...syscalls].filter((call) => !this.#usual.has(call))
            .filter((call) => !this.#isDeno(call))
            .map((call) => call.replace(netns, "NAME"))
            .map((call) =>
              call.replace(/\/proc\/\d+/, "/proc/PID")
                .replace(/\/fd\/\d+$/, "/fd/N")
            )
            // Of the managers that the host may have.
            .filter((call) => call !== "read /proc/PID/net/netlink"),
        ),
      ].toSorted(),
      permissions: Deno.readTextFileSync(this.#audit).trim().split("\n")
        .filter((line) => line !== "").map((line) => {
          const { permission, value } = JSON.parse(line);
          return `${permission} ${value}`;
          // That of the modules of JSR, which Deno grants itself.
        }).filter((permission) => !permission.startsWith("import ")),
    };
  }

  /** Whether Deno looks for a module, for its cache, or V8 at its clock. */
  #isDeno(call: string): boolean {
    return call.includes(this.#folder) ||
      [
        ...[`read ${root}`, `statx ${root}`, "read /sys/devices/system/cpu/"],
        ...["read /etc/localtime", "readlink /etc/localtime"],
        // That is malloc() of glibc, when it gives memory back.
        "read /proc/sys/vm/overcommit_memory",
      ].some((start) => call.startsWith(start));
  }

  #run(via: string[], script: string[]): string {
    return this.#made.lab.client.exec(
      ...["env", "-u", "DENO_COVERAGE_DIR", `DENO_DIR=${this.#folder}`],
      "DENO_NO_UPDATE_CHECK=1",
      ...[`DENO_AUDIT_PERMISSIONS=${this.#audit}`, ...via],
      ...[Deno.execPath(), ...deno.slice(1)],
      ...["--no-prompt", `--allow-ffi=${libcPath()}`, ...script],
    );
  }

  [Symbol.dispose](): void {
    Deno.removeSync(this.#folder, { recursive: true });
  }
}

const FFI = `ffi ${libcPath()}`;

liveTest(
  "the library needs libc alone, and makes the documented system calls",
  async () => {
    using made = await openOperationsLab();
    using observer = new Observer(made);
    const operations = [
      `${root}tests/programs/every_operation.ts`,
      JSON.stringify(made.inputs),
    ];
    observer.watch(operations);
    const { out, syscalls, permissions } = observer.watch(operations);
    assertEquals(JSON.parse(out), { ...DONE, name: "done", path: "done" });
    assertEquals(
      syscalls,
      [
        ...[
          ...BASIC,
          ...DEVICE_BY_NAME,
          ...EVENTS,
          ...MODE,
        ],
        ...[...NETNS, "write pipe:"],
      ].toSorted(),
    );
    assertEquals([...new Set(permissions)], [FFI]);
  },
);

liveTest("importing does nothing", async () => {
  using made = await openOperationsLab();
  using observer = new Observer(made);
  for (const entry of Object.values(denoJson.exports)) {
    // `cli.ts` is imported, too, rather than run.
    const importer = [observer.save(`import "${new URL(entry, ROOT)}";`)];
    observer.watch(importer);
    const { out, syscalls, permissions } = observer.watch(importer);
    assertEquals([entry, out, syscalls, permissions], [entry, "", [], []]);
  }
});

liveTest(
  "each command line needs libc alone, and makes the documented system calls",
  async () => {
    using made = await openOperationsLab();
    using observer = new Observer(made);
    const { connection: { token, spare, remote }, ways } = made.inputs;
    const { local } = made.client.socket;
    const folder = Deno.makeTempDirSync({ prefix: "mptcp-out-" });
    using _folder = {
      [Symbol.dispose]: () => Deno.removeSync(folder, { recursive: true }),
    };
    const out = `${folder}/mptcp.prom`;
    const file = `${folder}/mptcp.yaml`;
    Deno.writeTextFileSync(
      file,
      "limits: { subflows: 3 }\nsettings: { enabled: true }\n" +
        "endpoints: [{ address: 10.0.0.1, dev: lo, flags: subflow }]\n",
    );
    const settings = [
      ...["read", "getdents64"].map((call) =>
        `${call} ${SYSCTLS.slice(0, -1)}`
      ),
      ...Array.from(
        Deno.readDirSync(SYSCTLS),
        ({ name }) => `read ${SYSCTLS}${name}`,
      ),
    ];
    // And the release of the kernel, which Deno reads, too.
    const planned = [
      ...new Set([...BASIC, ...SOCKETS, ...DEVICE_BY_INDEX]),
      ...[...settings, "read /proc", "getdents64 /proc", "read /proc/PID/comm"],
      ...["netlink", "unix"].map((name) =>
        `read /proc/thread-self/net/${name}`
      ),
    ];
    const { client } = made.lab;
    const snapshot = [
      ...SNAPSHOT,
      ...settings,
      ...["all", "lo", client.dev(1), client.dev(2)].map((dev) =>
        `read /proc/sys/net/ipv4/conf/${dev}/rp_filter`
      ),
    ];
    // That of the lab listens on all addresses.
    const server = `${made.client.socket.remote.address}:${remote.port}`;
    const main = `laddr ${local.address} lport ${local.port} ` +
      `raddr ${made.client.socket.remote.address} rport ${remote.port}`;
    const lines: [line: string, syscalls: string[], basic?: string[]][] = [
      ["limits set subflows 4", []],
      ["limits show", []],
      ["endpoint add 10.0.0.1 dev lo -q", DEVICE_BY_NAME],
      ["endpoint show", DEVICE_BY_INDEX],
      ["endpoint change 10.0.0.1 backup", DEVICE_BY_INDEX],
      ["endpoint delete 10.0.0.1", DEVICE_BY_INDEX],
      ["endpoint flush -j", []],
      [`endpoint flush -n ${ways["name"]}`, NETNS],
      [`announce ${spare} token ${token} id 7`, []],
      [`remove token ${token} id 7`, []],
      [
        `subflow create token ${token} laddr ${spare} lid 8 raddr ` +
        `${remote.address} rport ${remote.port}`,
        [],
      ],
      [`subflow change token ${token} ${main} backup`, []],
      [`subflow destroy token ${token} ${main}`, []],
      ["counters", COUNTERS, []],
      [
        `counters --prometheus --out ${out}`,
        [
          ...[...COUNTERS, `statx ${out}`, `write ${folder}/.mptcp-0.tmp`],
          ...["fchmod", "rename"].map((call) =>
            `${call} ${folder}/.mptcp-0.tmp`
          ),
        ],
        [],
      ],
      ["connection show", [], SOCKETS],
      [
        "status",
        [
          ...[...COUNTERS, ...PROCESSES, ...new Set([...BASIC, ...SOCKETS])],
          ...settings,
        ],
        [],
      ],
      ["doctor", snapshot, []],
      [`doctor to ${server}`, [
        ...[...snapshot, "connect AF_INET", "getsockopt socket:"],
        `getsockname ${local.address}`,
      ], []],
      ["report", snapshot, []],
      ["report --reproduce", [...snapshot, ...EVENTS, "statx pipe:"], []],
      ["monitor", [...EVENTS]],
      ["top", ["write pipe:"], SOCKETS],
      ["record for 0.3 interval 0.1", [...EVENTS, SOCK_DIAG]],
      [
        `record for 0.3 interval 0.1 --svg ${folder}/record.svg`,
        [
          ...[...EVENTS, SOCK_DIAG, `statx ${folder}/record.svg`],
          `write ${folder}/.mptcp-0.tmp`,
          ...["fchmod", "rename", "unlink"].map((call) =>
            `${call} ${folder}/.mptcp-0.tmp`
          ),
        ],
      ],
      [`wait subflows 1 token ${token}`, [SOCK_DIAG]],
      ["wait connections 1", [SOCK_DIAG]],
      ["wait event created timeout 0.2", [...EVENTS, "write pipe:"]],
      [`plan ${file}`, [...planned, `read ${file}`], []],
      [`apply ${file}`, [...planned, `read ${file}`], []],
      ["export", planned, []],
      [
        `watch ${file}`,
        [
          ...new Set([...planned, ...PROCESSES, ...EVENTS, `read ${file}`]),
          ...[...CLAIM, "write pipe:"],
        ],
        [],
      ],
      // The last, since it opens subflows.
      [
        "manage fullmesh",
        [
          ...[...EVENTS, SOCK_DIAG, ...DEVICE_BY_INDEX, ...MODE],
          ...[...PROCESSES, ...KEPT, ...CLAIM, "write pipe:"],
        ],
      ],
    ];
    assertEquals(
      (await allCommands())
        .filter(({ path: [object] }) =>
          !["completion", "schema", "man"].includes(object!)
        )
        // They differ in what they decide.
        .map(({ path }) => path[0] === "manage" ? "manage" : path.join(" "))
        .filter((words) => !lines.some(([line]) => line.startsWith(words))),
      [],
      "not tried",
    );
    // Deno compiles all that the commands import.
    observer.watch([script, "endpoint", "show"]);
    for (const [line, syscalls, basic = BASIC] of lines) {
      const command = [script, ...line.split(" ")];
      // Some end when their output is closed, and one because it is late.
      const goesOn = /^(monitor|top|watch|manage fullmesh)/.test(line);
      const reader = line.startsWith("watch") ? "head -n 1 >&2" : "true";
      const end = goesOn
        ? `| ${reader}`
        : "|| case $? in 4|5) ;; *) false; esac";
      // One waits for Enter.
      const begin = line.endsWith("--reproduce") ? "echo | " : "";
      const via = ["sh", "-c", `${begin}"$@" ${end}`, "sh"];
      const trace = observer.watch(command, via);
      const written = trace.out === "" ? [] : ["write pipe:"];
      assertEquals([line, trace.syscalls], [
        line,
        [
          ...[...basic, ...syscalls, ...written],
          ...GOES_ON.test(line) ? NAMED : [],
        ].toSorted(),
      ]);
      assertEquals([...new Set(trace.permissions)], [FFI], line);
    }
  },
);

liveTest("help, completion and the schema need no permission", async () => {
  using made = await openOperationsLab();
  using observer = new Observer(made);
  for (
    const line of [
      ...["--version", "--help", "endpoint help", "completion bash", "schema"],
      "man",
    ]
  ) {
    const command = [script, ...line.split(" ")];
    observer.watch(command);
    const { syscalls, permissions } = observer.watch(command);
    assertEquals([line, syscalls, permissions], [line, ["write pipe:"], []]);
  }
});
