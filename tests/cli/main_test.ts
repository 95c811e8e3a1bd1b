import {
  assertEquals,
  assertMatch,
  assertRejects,
  assertThrows,
  unreachable,
} from "@std/assert";
import type { Io } from "../../cli/context.ts";
import { main } from "../../cli/main.ts";
import { allCommands, type CliObject, OBJECTS } from "../../cli/objects.ts";
import { PLAIN } from "../../cli/style.ts";
import { command } from "../../cli/words/grammar.ts";
import { parseConfig } from "../../config/mod.ts";
import { SyscallError } from "../../mod.ts";
import { FakeKernel, FAMILY } from "../../testing/fake_kernel.ts";
import type { Distortion } from "../../testing/fake_namespace.ts";
import { interrupted, warned } from "../helpers/distortions.ts";
import {
  attr,
  done,
  message,
  NLM_F_MULTI,
  seqOf,
  typeOf,
  u16,
  u32,
  u8,
} from "../helpers/netlink_bytes.ts";
import denoJson from "../../deno.json" with { type: "json" };
import { commandsSent, kernelWith, RERUN, run } from "../helpers/run_main.ts";

const ENDS = "token 5 laddr 10.0.0.1 lport 1000 raddr 10.0.0.2 rport 80";
const CREATE = `subflow create ${ENDS}`;

/** What a command prints, and the commands that it sends to the kernel. */
interface Row {
  /** Endpoints that are there before. */
  readonly endpoints?: readonly string[];
  /** A command line that is run before. */
  readonly before?: string;
  readonly text: string;
  readonly json: unknown;
  readonly sent: readonly number[];
  /** What is said besides. */
  readonly hint?: string;
}

const IDLE = "10.0.0.1 has neither subflow nor signal: no path is made with it";

const GOOD: { readonly [line: string]: Row } = {
  "endpoint add 10.0.0.1": {
    text: "",
    json: [{ address: "10.0.0.1", id: 1 }],
    sent: [1, 3],
    hint: IDLE,
  },
  "endpoint add 10.0.0.1 signal port 80 id 7 dev eth2 backup": {
    text: "",
    json: [{
      address: "10.0.0.1",
      port: 80,
      id: 7,
      signal: true,
      backup: true,
      dev: "eth2",
    }],
    sent: [1, 3],
  },
  "endpoint add 10.0.0.1 nobackup nofullmesh p 0 subflow": {
    text: "",
    json: [{ address: "10.0.0.1", id: 1, subflow: true }],
    sent: [1, 3, 6],
  },
  "endpoint add FD00::0:1 subflow subflow laminar fullmesh": {
    text: "",
    json: [{
      address: "fd00::1",
      id: 1,
      subflow: true,
      fullmesh: true,
      laminar: true,
    }],
    sent: [1, 3, 6],
  },
  "endpoint delete id 0x1": {
    endpoints: ["10.0.0.1", "10.0.0.2"],
    text: "",
    json: [{ address: "10.0.0.1", id: 1 }],
    sent: [3, 2],
  },
  "endpoint delete id 1 10.0.0.1": {
    endpoints: ["10.0.0.1"],
    text: "",
    json: [{ address: "10.0.0.1", id: 1 }],
    sent: [3, 2],
  },
  "endpoint delete 10.0.0.1 port 80": {
    endpoints: ["10.0.0.1", "10.0.0.1 signal port 80"],
    text: "",
    json: [{ address: "10.0.0.1", port: 80, id: 2, signal: true }],
    sent: [3, 2],
  },
  "endpoint delete dev eth3": {
    endpoints: ["10.0.0.1 dev eth3", "10.0.0.2 dev eth2", "fd00::1 dev eth3"],
    text: "",
    json: [
      { address: "10.0.0.1", id: 1, dev: "eth3" },
      { address: "fd00::1", id: 3, dev: "eth3" },
    ],
    sent: [3, 2, 2],
  },
  "endpoint delete id 0 10.0.0.1": { text: "", json: [], sent: [2] },
  "endpoint change id 1 backup": {
    endpoints: ["10.0.0.1 fullmesh"],
    text: "",
    json: [{ address: "10.0.0.1", id: 1, backup: true, fullmesh: true }],
    sent: [3, 7, 3],
  },
  "endpoint change 10.0.0.1 nobackup fullmesh": {
    endpoints: ["10.0.0.1 backup"],
    text: "",
    json: [{ address: "10.0.0.1", id: 1, fullmesh: true }],
    sent: [3, 7, 3],
  },
  "endpoint change nofullmesh 10.0.0.1 port 0": {
    endpoints: ["10.0.0.1 fullmesh backup", "10.0.0.1 signal port 80"],
    text: "",
    json: [{ address: "10.0.0.1", id: 1, backup: true }],
    sent: [3, 7, 3],
  },
  "endpoint show": {
    endpoints: [
      "10.0.0.1 laminar fullmesh backup subflow dev eth2",
      "fd00::1 id 9 signal port 80",
      "10.0.0.3",
    ],
    text: "10.0.0.1 id 1 subflow backup fullmesh laminar dev eth2 \n" +
      "fd00::1 port 80 id 9 signal \n" +
      "10.0.0.3 id 10 \n",
    json: [
      {
        address: "10.0.0.1",
        id: 1,
        subflow: true,
        backup: true,
        fullmesh: true,
        laminar: true,
        dev: "eth2",
      },
      { address: "fd00::1", port: 80, id: 9, signal: true },
      { address: "10.0.0.3", id: 10 },
    ],
    sent: [3],
  },
  "endpoint": { text: "", json: [], sent: [3] },
  "endpoint show id 2": {
    endpoints: ["10.0.0.1", "10.0.0.2 signal"],
    text: "10.0.0.2 id 2 signal \n",
    json: [{ address: "10.0.0.2", id: 2, signal: true }],
    sent: [3],
  },
  "endpoint show token 0x5": {
    endpoints: ["10.0.0.9"],
    before: "announce 10.0.0.1 token 5 id 4",
    text: "10.0.0.1 id 4 signal \n",
    json: [{ address: "10.0.0.1", id: 4, signal: true }],
    // Whether the kernel heeds tokens, then the answer.
    sent: [3, 3],
  },
  "endpoint show token 5 id 4": {
    before: "announce 10.0.0.1 token 5 id 4",
    text: "10.0.0.1 id 4 signal \n",
    json: [{ address: "10.0.0.1", id: 4, signal: true }],
    // Whether the kernel heeds tokens, then the answer.
    sent: [3, 3],
  },
  "endpoint flush": {
    endpoints: ["10.0.0.1", "10.0.0.2"],
    text: "",
    json: [{ address: "10.0.0.1", id: 1 }, { address: "10.0.0.2", id: 2 }],
    sent: [3, 4],
  },
  "limits set subflows 3": {
    text: "",
    json: { add_addr_accepted: 0, subflows: 3 },
    sent: [5, 6],
  },
  "limits set add_addr_accepted 0x8 subflows 0": {
    text: "",
    json: { add_addr_accepted: 8, subflows: 0 },
    hint: "the limit of subflows is 0: no connection gets a second one",
    sent: [5, 6],
  },
  "limits show": {
    text: "add_addr_accepted 0 subflows 2 \n",
    json: { add_addr_accepted: 0, subflows: 2 },
    sent: [6],
  },
  "limits": {
    text: "add_addr_accepted 0 subflows 2 \n",
    json: { add_addr_accepted: 0, subflows: 2 },
    sent: [6],
  },
  "announce 10.0.0.1 token 5 id 4 port 80 dev eth2": {
    text: "",
    json: {
      address: "10.0.0.1",
      token: "0x5",
      id: 4,
      port: 80,
      dev: "eth2",
    },
    sent: [8],
  },
  "remove token 0x00000005 id 4": {
    before: "announce 10.0.0.1 token 5 id 4",
    text: "",
    json: { token: "0x5", id: 4 },
    sent: [9],
  },
  [`${CREATE} lid 3 dev eth2 backup`]: {
    text: "",
    json: {
      token: "0x5",
      laddr: "10.0.0.1",
      lport: 1000,
      raddr: "10.0.0.2",
      rport: 80,
      lid: 3,
      dev: "eth2",
      backup: true,
    },
    sent: [10],
  },
  "subflow create token 5 laddr ::1 raddr ::2 rport 80": {
    text: "",
    json: { token: "0x5", laddr: "::1", raddr: "::2", rport: 80 },
    sent: [10],
  },
  [`subflow destroy ${ENDS}`]: {
    before: CREATE,
    text: "",
    json: {
      token: "0x5",
      laddr: "10.0.0.1",
      lport: 1000,
      raddr: "10.0.0.2",
      rport: 80,
    },
    sent: [11],
  },
  [`subflow change ${ENDS} backup`]: {
    before: CREATE,
    text: "",
    json: {
      token: "0x5",
      laddr: "10.0.0.1",
      lport: 1000,
      raddr: "10.0.0.2",
      rport: 80,
      backup: true,
    },
    sent: [7],
  },
  [`subflow change nobackup ${ENDS}`]: {
    before: CREATE,
    text: "",
    json: {
      token: "0x5",
      laddr: "10.0.0.1",
      lport: 1000,
      raddr: "10.0.0.2",
      rport: 80,
      backup: false,
    },
    sent: [7],
  },
};

/** A kernel as it is before the command of a row. */
async function kernelFor({ endpoints = [], before }: Row): Promise<FakeKernel> {
  const kernel = await kernelWith(...endpoints);
  if (before !== undefined) {
    assertEquals((await run(before, kernel)).err, "");
    kernel.sent.length = 0;
  }
  return kernel;
}

for (const [line, row] of Object.entries(GOOD)) {
  Deno.test(`\`main()\` does \`${line}\`, and says so with -j`, async () => {
    const kernel = await kernelFor(row);
    const text = await run(line, kernel);
    const { hint } = row;
    assertEquals([text.code, text.err], [0, hint ? `hint: ${hint}\n` : ""]);
    assertEquals(text.out, row.text);
    assertEquals(commandsSent(kernel), row.sent);
    assertEquals(kernel.transports.at(-1)!.closed, true);

    const json = await run(`-j ${line}`, await kernelFor(row));
    assertEquals([json.code, json.err], [
      0,
      hint ? `${JSON.stringify({ hint })}\n` : "",
    ]);
    const quiet = await run(`-q ${line}`, await kernelFor(row));
    assertEquals([quiet.code, quiet.out, quiet.err], [0, row.text, ""]);
    assertEquals(JSON.parse(json.out), row.json);
    assertEquals(json.out, `${JSON.stringify(JSON.parse(json.out))}\n`);
  });
}

Deno.test("`main()` is tested with every command there is", async () => {
  const untested = (await allCommands()).map(({ path }) => path.join(" "))
    .filter((words) =>
      !Object.keys(GOOD).some((line) => `${line} `.startsWith(`${words} `))
    );
  // Their tests are in files of their own.
  assertEquals(untested, [
    "status",
    "connection show",
    "doctor",
    "report",
    "top",
    "counters",
    "monitor",
    "record",
    ...["subflows", "connections", "event"].map((word) => `wait ${word}`),
    ...["plan", "apply", "watch", "export", "schema"],
    "manage fullmesh",
    "manage ndiffports",
    "manage backup",
    "manage on-demand",
    "manage announce",
    "manage refresh",
    "manage keep",
    "manage file",
    ...["bash", "zsh", "fish", "words"].map((word) => `completion ${word}`),
    "man",
  ]);
});

Deno.test("`main()` writes the keys of endpoints in the order of `ip -j`", async () => {
  const kernel = await kernelWith(
    "10.0.0.1 backup signal dev eth2 id 3 port 80",
    "::1 laminar fullmesh subflow",
  );
  const { out } = await run("-j endpoint", kernel);
  assertEquals(
    out,
    '[{"address":"10.0.0.1","port":80,"id":3,"signal":true,"backup":true,' +
      '"dev":"eth2"},' +
      '{"address":"::1","id":4,"subflow":true,"fullmesh":true,' +
      '"laminar":true}]\n',
  );
});

Deno.test("`main()` indents JSON as `ip -j -p` does", async () => {
  // What iproute2 6.1 printed.
  const printed = [
    "[ {",
    '        "address": "10.0.0.1",',
    '        "id": 1,',
    '        "signal": true',
    "    },{",
    '        "address": "10.0.0.2",',
    '        "id": 2',
    "    } ]",
    "",
  ].join("\n");
  const kernel = await kernelWith("10.0.0.1 signal", "10.0.0.2");
  for (
    const line of ["-j -p endpoint", "-pretty -json endpoint", "endpoint -jp"]
  ) {
    assertEquals((await run(line, kernel)).out, printed);
  }
  assertEquals((await run("-p -j endpoint")).out, "[ ]\n");
  assertEquals(
    (await run("-p endpoint", kernel)).out,
    (await run("endpoint", kernel)).out,
  );
});

Deno.test("`main()` shows unknown flags and devices that are gone as `ip` does", async () => {
  const kernel = new FakeKernel();
  const addr = (id: number, flags: number, ...others: Uint8Array[]) =>
    attr(
      1,
      ...[attr(1, u16(2)), attr(2, u8(id)), attr(6, u32(flags)), ...others],
      attr(3, Uint8Array.of(10, 0, 0, id)),
    );
  kernel.distort = (answer, request) => {
    if (typeOf(request) !== FAMILY) return answer;
    const reply = (...attrs: Uint8Array[]) =>
      message(FAMILY, NLM_F_MULTI, seqOf(request), u32(0x103), ...attrs);
    return [
      reply(addr(1, 0x41, attr(7, u32(999)))),
      reply(addr(2, 0x80000000, attr(7, u32(-1)))),
      reply(addr(3, 0xc0)),
      done(seqOf(request)),
    ];
  };
  assertEquals(
    (await run("endpoint", kernel)).out,
    "10.0.0.1 id 1 signal rawflags 40 dev if999 \n" +
      "10.0.0.2 id 2 rawflags 80000000 dev if4294967295 \n" +
      "10.0.0.3 id 3 rawflags c0 \n",
  );
  assertEquals(JSON.parse((await run("endpoint -j", kernel)).out), [
    { address: "10.0.0.1", id: 1, signal: true, rawflags: "40", dev: "if999" },
    {
      address: "10.0.0.2",
      id: 2,
      rawflags: "80000000",
      dev: "if4294967295",
    },
    { address: "10.0.0.3", id: 3, rawflags: "c0" },
  ]);
});

Deno.test("`main()` takes the line that shows an endpoint, whose device may be gone", async () => {
  const kernel = await kernelWith("10.0.0.1 subflow dev eth2");
  kernel.devices.delete("eth2");
  const { out } = await run("endpoint show", kernel);
  assertEquals(out, "10.0.0.1 id 1 subflow dev if12 \n");
  assertEquals((await run("endpoint delete dev if12", kernel)).code, 0);
  assertEquals(kernel.endpoints(), []);
  assertEquals((await run(`endpoint add ${out.trim()}`, kernel)).code, 0);
  assertEquals((await run("endpoint show", kernel)).out, out);
});

const DIGITS = "12345678";

/** A token of digits, the connections that there are, and what is read. */
const TOKENS: readonly (readonly [string, number[], number, hint?: string])[] =
  [
    [DIGITS, [0x12345678], 0x12345678],
    [DIGITS, [12345678], 12345678],
    [
      DIGITS,
      [12345678, 0x12345678],
      0x12345678,
      "the token is read as 0x12345678; it could be 0x00bc614e, too",
    ],
    ["1234567", [1234567], 1234567],
    ["1234567", [0x1234567], 0x1234567],
    [
      "1234567",
      [],
      1234567,
      "the token is read as 0x0012d687; it could be 0x01234567, too",
    ],
    ["5", [5], 5],
    ["ab6a9b0d", [0xab6a9b0d], 0xab6a9b0d],
  ];

Deno.test("`main()` takes a token of digits for the connection that there is", async () => {
  for (const [text, connections, token, hint] of TOKENS) {
    const kernel = new FakeKernel();
    for (const connection of connections) kernel.connect(connection);
    const line = `-j announce 10.0.0.1 id 1 token ${text}`;
    const { code, out, err } = await run(line, kernel);
    const said = hint === undefined ? "" : JSON.stringify({ hint }) + "\n";
    assertEquals(
      [line, code, err.slice(0, said.length)],
      [line, connections.length === 0 ? 2 : 0, said],
    );
    if (code === 0) {
      assertEquals([err, JSON.parse(out).token], [
        said,
        `0x${token.toString(16)}`,
      ]);
    }
  }
});

Deno.test("`endpoint show` filters by address, port and device", async () => {
  const all = [
    "10.0.0.1 id 1 subflow dev eth2 ",
    "10.0.0.1 port 80 id 2 signal ",
    "fd00::1 id 3 subflow dev eth3 ",
    "10.0.0.3 id 4 subflow dev if40 ",
  ];
  const shown: [string, number[]][] = [
    ["10.0.0.1", [1, 2]],
    ["::ffff:10.0.0.1", [1, 2]],
    ["10.0.0.1 port 80", [2]],
    ["10.0.0.1 port 0", [1]],
    ["dev eth2", [1]],
    ["dev if40", [4]],
    ["dev eth3 FD00::0001", [3]],
    ["id 2 10.0.0.1", [2]],
    ["id 2 10.0.0.3", []],
    ["10.0.0.9", []],
    ["dev usb0", []],
  ];
  for (const [words, ids] of shown) {
    const kernel = await kernelWith(...all.map((line) => line.trim()));
    const { code, out, err } = await run(`endpoint show ${words}`, kernel);
    assertEquals([words, code, out, err], [
      words,
      0,
      ids.map((id) => `${all[id - 1]}\n`).join(""),
      ids.length === 0 ? "hint: no endpoint has all that\n" : "",
    ]);
  }
});

Deno.test("`main()` takes options anywhere", async () => {
  const lines = [
    ...["-j endpoint show id 1", "endpoint -j show id 1"],
    ...["endpoint show -j id 1", "endpoint show id -j 1"],
    ...["endpoint show id 1 -j", "endpoint show id 1 --json"],
    ...["--json endpoint show id 1 --json", "endpoint --json show id 1 -j"],
    ...["-j -n blue endpoint show id 1", "endpoint -jn blue show id 1"],
    ...["endpoint show id -n blue 1 -j", "endpoint show id 1 -j --netns=blue"],
  ];
  for (const line of lines) {
    const { code, out, err, opened } = await run(line, await kernelWith("::1"));
    assertEquals([line, code, err, out], [
      line,
      0,
      "",
      '[{"address":"::1","id":1}]\n',
    ]);
    assertEquals(opened[0]!.netns, line.includes("blue") ? "blue" : undefined);
  }
});

Deno.test("`main()` takes what follows `--` for words", async () => {
  const { code, out } = await run("-- limits show");
  assertEquals([code, out], [0, "add_addr_accepted 0 subflows 2 \n"]);
  const refused = await run("limits show -- -j");
  assertEquals(refused, {
    code: 255,
    out: "",
    err: 'mptcp: Unknown word "-j": nothing can follow here\n' +
      "usage: mptcp limits show\n",
    opened: [],
  });
});

Deno.test("`main()` takes what follows `dev` for a name, whatever it looks like", async () => {
  const lines: [string, string | undefined][] = [
    ["endpoint add 10.0.0.1 dev --json subflow", undefined],
    ["endpoint add dev --json 10.0.0.1 subflow", undefined],
    ["-n dev endpoint add 10.0.0.1 subflow dev --json", "dev"],
    ["--netns dev endpoint add 10.0.0.1 subflow dev --json", "dev"],
    ["-tn dev endpoint add 10.0.0.1 subflow dev --json", "dev"],
    ["endpoint add -t 10.0.0.1 subflow -n=dev dev --json", "dev"],
  ];
  for (const [line, netns] of lines) {
    for (
      const name of ["--json", "-j", "-n", "--", "-", "--help", "-5", "-V"]
    ) {
      const kernel = await kernelWith();
      kernel.devices.set(name, 9);
      const given = line.replace(/--json/, name);
      const { code, out, opened } = await run(given, kernel);
      assertEquals([given, code, out], [given, 0, ""]);
      assertEquals(opened[0]!.netns, netns);
      assertEquals(
        (await run("endpoint", kernel)).out,
        `10.0.0.1 id 1 subflow dev ${name} \n`,
      );
    }
  }
});

Deno.test("`main()` takes options behind words that are no `dev` of an operand", async () => {
  const kernel = await kernelWith("10.0.0.1 dev eth2");
  kernel.devices.set("dev", 9);
  const lines = ["-n dev -j endpoint", "-n d -j endpoint", "e show -n dev -j"];
  for (const line of [...lines, "endpoint delete dev eth2 -j"]) {
    const { code, out } = await run(line, kernel);
    const json = '[{"address":"10.0.0.1","id":1,"dev":"eth2"}]\n';
    assertEquals([line, code, out], [line, 0, json]);
  }
  const add = await run("-j endpoint add 10.0.0.1 dev dev", kernel);
  assertEquals(JSON.parse(add.out)[0].dev, "dev");
  const again = await run("endpoint d -j id 1", kernel);
  assertEquals(again.out, add.out);
});

Deno.test("`main()` opens the namespace of -n: a name, a path or a process id", async () => {
  const given: [string, string | number | undefined][] = [
    ["", undefined],
    ["-n blue", "blue"],
    ["-n=blue", "blue"],
    ["--netns blue", "blue"],
    ["--netns=blue", "blue"],
    ["-n red -n blue", "blue"],
    ["-n /run/netns/blue", "/run/netns/blue"],
    ["-n ./blue", "./blue"],
    ["-n 4711", "4711"],
    ["-n4711", "4711"],
    ["-n ./4711", "./4711"],
    ["-n /proc/4711/ns/net", "/proc/4711/ns/net"],
    ["-n b2", "b2"],
  ];
  for (const [option, netns] of given) {
    const { code, opened } = await run(`limits ${option}`.trimEnd());
    assertEquals([option, code, opened[0]?.netns], [option, 0, netns]);
    assertEquals(opened.length, 1);
  }
});

Deno.test("`main()` takes a number for a process where no namespace has that name", async () => {
  const given: [string, string, (string | number)[]][] = [
    ["-n 4711", "ENOENT", ["4711", 4711]],
    ["-n 0", "ENOENT", ["0", 0]],
    ["-n b2", "ENOENT", ["b2"]],
    ["-n ./4711", "ENOENT", ["./4711"]],
    // It is there, but may not be used.
    ["-n 4711", "EPERM", ["4711"]],
  ];
  for (const [option, code, tried] of given) {
    const errno = code === "ENOENT" ? 2 : 1;
    const error = new SyscallError("open", errno, "find network namespace");
    const ran = await run(`limits ${option}`, error);
    assertEquals([option, ran.code], [option, 1]);
    assertEquals(ran.opened.map(({ netns }) => netns), tried);
  }
});

const OPTIONS_HELP =
  'hint: "mptcp help" lists the options, "mptcp COMMAND --help" those of one command';
const WORDS = OBJECTS.map(({ word }) => word).join(", ");
const ADD = "endpoint add ADDR [dev IF] [id N] [port N] [FLAG…]";
const ADD_WORDS = "what can stand here is ADDR, dev IF, id N, port N, " +
  "signal, subflow, backup, fullmesh, laminar, nobackup, nofullmesh";
const CHANGE = "endpoint change (id N | ADDR [port N]) CHANGE…";
const CHANGE_WORDS = "what can stand here is id N, ADDR, port N, " +
  "backup, nobackup, fullmesh, nofullmesh";
const SHELLS = "bash, zsh, fish, words";
const ANEW = "to change that, delete the endpoint and add it again";

/** What is said of a line that is not tried; a hint may follow, and usage. */
const UNTRIED: {
  readonly [line: string]: readonly [message: string, ...rest: string[]];
} = {
  "foo": [`Unknown object "foo": known are ${WORDS}`],
  "endpoint foo": [
    'Unknown command "foo": known are add, delete, change, show, flush',
  ],
  "subflow": [
    'Incomplete command "subflow": one of create, destroy, change is needed',
  ],
  "endpoint add": [
    "Incomplete command: ADDR is missing",
    `usage: mptcp ${ADD}`,
  ],
  "remove": [
    "Incomplete command: token T, id N are missing",
    "usage: mptcp remove token T id N",
  ],
  "endpoint add ::1 foo": [
    `Unknown word "foo": ${ADD_WORDS}`,
    `usage: mptcp ${ADD}`,
  ],
  "limits show 3": [
    'Unknown word "3": nothing can follow here',
    "usage: mptcp limits show",
  ],
  "limits 3": ['Unknown command "3": known are set, show'],
  "remove id 010": [
    'Invalid id "010": a whole number is needed, decimal or 0x…',
    "usage: mptcp remove token T id N",
  ],
  "-x limits": ['Unknown option "-x"', OPTIONS_HELP],
  "limits --verbose": ['Unknown option "--verbose"', OPTIONS_HELP],
  "limits -nblue": ['Unknown option "-nblue"', OPTIONS_HELP],
  "limits -n": ['Incomplete option "-n": NAME|PATH|PID is needed'],
  // What the releases of `parseArgs` do not agree on.
  "limits --_": ['Unknown option "--_"', OPTIONS_HELP],
  "limits --_=x": ['Unknown option "--_=x"', OPTIONS_HELP],
  "limits -_": ['Unknown option "-_"', OPTIONS_HELP],
  "limits -n=": ['Unknown option "-n="', 'hint: did you mean "-n"?'],
  "limits -j=": ['Unknown option "-j="', 'hint: did you mean "-j"?'],
  "--netns= limits": [
    'Unknown option "--netns="',
    'hint: did you mean "--netns"?',
  ],
  "limits --explain": [
    'Misplaced option "--explain": it belongs to "mptcp monitor"',
    "usage: mptcp limits show",
  ],
  "completion": [
    `Incomplete command "completion": one of ${SHELLS} is needed`,
  ],
  "completion tcsh": [`Unknown command "tcsh": known are ${SHELLS}`],
  "completion bash zsh": [
    'Unknown word "zsh": nothing can follow here',
    "usage: mptcp completion bash",
  ],
  // The nearest word of each kind, or what to do instead.
  "endpiont show": [
    `Unknown object "endpiont": known are ${WORDS}`,
    'hint: did you mean "endpoint"?',
  ],
  "endpoints show": [
    `Unknown object "endpoints": known are ${WORDS}`,
    'hint: did you mean "endpoint"?',
  ],
  "a ::1": [
    `Unknown object "a": known are ${WORDS}`,
    'hint: did you mean "announce" or "apply"?',
  ],
  "subflow crate": [
    'Unknown command "crate": known are create, destroy, change',
    'hint: did you mean "create"?',
  ],
  "completion fihs": [
    `Unknown command "fihs": known are ${SHELLS}`,
    'hint: did you mean "fish"?',
  ],
  "endpoint add ::1 singal": [
    `Unknown word "singal": ${ADD_WORDS}`,
    'hint: did you mean "signal"?',
    `usage: mptcp ${ADD}`,
  ],
  "mptcp limits": [
    `Unknown object "mptcp": known are ${WORDS}`,
    'hint: leave "mptcp" out, as in mptcp endpoint show',
  ],
  "limits --jsno": [
    'Unknown option "--jsno"',
    'hint: did you mean "--json"?',
  ],
  "endpoint change id 1 signal": [
    `Unknown word "signal": ${CHANGE_WORDS}`,
    `hint: ${ANEW}`,
    `usage: mptcp ${CHANGE}`,
  ],
  "endpoint change id 1 constructor": [
    `Unknown word "constructor": ${CHANGE_WORDS}`,
    `usage: mptcp ${CHANGE}`,
  ],
  "endpoint add 10.0.0.1:80 signal": [
    'Invalid address "10.0.0.1:80": the port is in it',
    "hint: write 10.0.0.1 port 80",
    `usage: mptcp ${ADD}`,
  ],
  "endpoint add [fd00::1]:80 signal": [
    'Invalid address "[fd00::1]:80": the port is in it',
    "hint: write fd00::1 port 80",
    `usage: mptcp ${ADD}`,
  ],
  "subflow destroy laddr 10.0.0.1 raddr 10.0.1.2:5000": [
    'Invalid address "10.0.1.2:5000": the port is in it',
    "hint: write 10.0.1.2 rport 5000",
    "usage: mptcp subflow destroy token T laddr A lport N raddr B rport N",
  ],
};

Deno.test("`main()` opens nothing when the line makes no sense", async () => {
  for (const [line, [error, ...rest]] of Object.entries(UNTRIED)) {
    const kernel = new FakeKernel();
    assertEquals([line, await run(line, kernel)], [line, {
      code: 255,
      out: "",
      err: [`mptcp: ${error}`, ...rest, ""].join("\n"),
      opened: [],
    }]);
    assertEquals(kernel.sent, []);
    const json = await run(`--json ${line}`);
    const [hint] = rest.filter((line) => line.startsWith("hint: "));
    assertEquals([json.code, json.out, json.opened], [255, "", []]);
    assertEquals(JSON.parse(json.err), {
      error,
      ...hint !== undefined && { hint: hint.slice("hint: ".length) },
    });
  }
});

Deno.test("`main()` ends as the command says, and opens no more than it asks for", async () => {
  async function* twice() {
    for (const code of [0, 5]) {
      yield await Promise.resolve({ text: `${code}\n`, json: code, code });
    }
  }
  const object: CliObject = {
    word: "try",
    about: "",
    group: "",
    load: () =>
      Promise.resolve({
        COMMANDS: [
          command({
            word: "once",
            summary: "",
            operands: {},
            run: () => ({ text: "no\n", json: false, code: 3 }),
          }),
          command({ word: "twice", summary: "", operands: {}, run: twice }),
        ],
      }),
  };
  (OBJECTS as CliObject[]).push(object);
  try {
    assertEquals(
      await run("try once", new Error("opened")),
      { code: 3, out: "no\n", err: "", opened: [] },
    );
    assertEquals(
      await run("-j try twice", new Error("opened")),
      { code: 5, out: "0\n5\n", err: "", opened: [] },
    );
  } finally {
    (OBJECTS as CliObject[]).pop();
  }
});

Deno.test("`main()` names what is wrong in a file, with its lines", async () => {
  const text =
    'limits: { subflow: 1 }\nendpoints: [{ address: 10.0.0.1, dev: "a \\e" }]';
  const object: CliObject = {
    word: "try",
    about: "",
    group: "",
    load: () =>
      Promise.resolve({
        COMMANDS: [
          command({
            summary: "",
            operands: {},
            run: async () => ({ text: "", json: await parseConfig(text, "f") }),
          }),
        ],
      }),
  };
  (OBJECTS as CliObject[]).push(object);
  try {
    const lines = [
      'f:1:11: limits.subflow: unknown key "subflow" (did you mean "subflows"?)',
      'f:2:39: endpoints[0].dev: invalid device "a \\u001b": a name has no " "',
    ];
    assertEquals(await run("try", new Error("opened")), {
      code: 255,
      out: "",
      err: lines.join("\n") + "\n",
      opened: [],
    });
    const { err } = await run("-j try", new Error("opened"));
    const { error, faults } = JSON.parse(err);
    assertEquals(error, lines.join("\n"));
    assertEquals(faults[0], {
      ...{ line: 1, column: 11, path: "limits.subflow" },
      message: 'unknown key "subflow" (did you mean "subflows"?)',
    });
  } finally {
    (OBJECTS as CliObject[]).pop();
  }
});

Deno.test("`main()` shows the conversation on stderr with --trace", async () => {
  const kernel = await kernelWith("10.0.0.1");
  const { code, out, err } = await run("--trace endpoint show", kernel);
  assertEquals([code, out], [0, "10.0.0.1 id 1 \n"]);
  const lines = err.split("\n").slice(0, -1);
  assertEquals(lines.length, 5, err);
  for (const line of lines) {
    assertMatch(line, /^(->|<-) (nlctrl|mptcp_pm|done) /);
  }
  assertEquals(kernel.transports.at(-1)!.closed, true);
});

Deno.test("`main()` takes -t with every command, as `ip` does", async () => {
  const { code, out, err } = await run("-t limits");
  assertEquals([code, out, err], [0, "add_addr_accepted 0 subflows 2 \n", ""]);
});

/** What only the library sees: the namespace is open, but nothing is sent. */
const UNSENT: { readonly [line: string]: string } = {
  "endpoint add 10.0.0.1/24":
    'Invalid address "10.0.0.1/24": it is given without prefix length',
  "endpoint add 1.2.3":
    'Invalid IPv4 address "1.2.3": 4 numbers are needed, not 3',
  "endpoint add ::1 id 0": "Invalid id 0: it is an integer from 1 to 255",
  "endpoint add ::1 id 256": "Invalid id 256: it is an integer from 1 to 255",
  "endpoint add ::1 port 65536 signal":
    "Invalid port 65536: it is an integer from 0 to 65535",
  "endpoint add ::1 port 80":
    "Contradicting flags: a port needs signal, and no subflow",
  "endpoint add ::1 signal subflow port 80":
    "Contradicting flags: a port needs signal, and no subflow",
  "endpoint add ::1 fullmesh signal":
    "Contradicting flags: fullmesh goes with subflow, not with signal",
  "endpoint add ::1 dev nosuch":
    'Unknown device "nosuch": "ip link" lists the devices',
  "endpoint delete": "One of id N, ADDR and dev IF is needed",
  "endpoint delete port 80": "One of id N, ADDR and dev IF is needed",
  "endpoint delete id 0":
    "Unknown address: id 0 is the address of each connection's initial " +
    "subflow, which is given by address and port",
  "endpoint change backup": "One of id N and ADDR is needed",
  "endpoint change id 0 backup": "Invalid id 0: it is an integer from 1 to 255",
  "endpoint change id 1 backup nobackup":
    '"backup" and "nobackup" contradict each other',
  "endpoint change id 1 nofullmesh fullmesh":
    '"fullmesh" and "nofullmesh" contradict each other',
  "endpoint show id 0": "Invalid id 0: it is an integer from 1 to 255",
  "endpoint show token 0":
    "Invalid token 0: it is an integer from 1 to 4294967295",
  "endpoint show token 4294967296":
    "Invalid token 4294967296: it is an integer from 1 to 4294967295",
  "limits set subflows 0x100000000":
    "Invalid subflows 4294967296: it is an integer from 0 to 4294967295",
  "announce ::1 token 5 id 0": "Invalid id 0: it is an integer from 1 to 255",
  "announce ::1 token 5 id 1 dev nosuch":
    'Unknown device "nosuch": "ip link" lists the devices',
  "remove token 5 id 256": "Invalid id 256: it is an integer from 0 to 255",
  [`${CREATE} lid 256`]: "Invalid local id 256: it is an integer from 0 to 255",
  "subflow create token 5 laddr x raddr ::1 rport 1":
    'Invalid address "x": an IPv4 or IPv6 address is needed',
  "subflow create token 5 laddr ::1 raddr ::1 rport 0":
    "Invalid remote port 0: it is an integer from 1 to 65535",
  "subflow destroy token 5 laddr ::1 lport 0 raddr ::1 rport 1":
    "Invalid local port 0: it is an integer from 1 to 65535",
  [`subflow change ${ENDS} backup nobackup`]:
    '"backup" and "nobackup" contradict each other',
};

Deno.test("`main()` sends no command when an operand's value makes no sense", async () => {
  for (const [line, message] of Object.entries(UNSENT)) {
    const kernel = await kernelWith("10.0.0.1 dev eth2", "::1 dev eth2");
    const { code, out, err } = await run(line, kernel);
    const [problem, usage, ...rest] = err.split("\n");
    assertEquals([line, problem], [line, `mptcp: ${message}`]);
    assertEquals(usage?.startsWith("usage: mptcp "), true);
    assertEquals([code, out, rest], [255, "", [""]]);
    assertEquals(commandsSent(kernel), []);

    const json = await run(`-j ${line}`, await kernelWith());
    assertEquals([json.code, json.out], [255, ""]);
    assertEquals(json.err, `${JSON.stringify({ error: message })}\n`);
  }
});

Deno.test("`main()` says that a number is bad, not an option, when it is negative", async () => {
  const { code, err, opened } = await run("limits set subflows -1");
  assertEquals([code, opened], [255, []]);
  assertEquals(
    err.split("\n")[0],
    'mptcp: Invalid number "-1": none is negative',
  );
});

/** What the kernel refuses: text, and the fields of the JSON. */
const REFUSED: readonly {
  readonly line: string;
  readonly endpoints?: readonly string[];
  readonly change?: (kernel: FakeKernel) => void;
  readonly text: string;
  readonly json: Record<string, unknown>;
}[] = [
  {
    line: "endpoint add 10.0.0.1",
    endpoints: ["10.0.0.1"],
    text:
      "mptcp: Cannot add address: too many addresses or duplicate one: -17 " +
      "(EEXIST)\nhint: 10.0.0.1 is an endpoint already, with id 1\n",
    json: {
      error:
        "Cannot add address: too many addresses or duplicate one: -17 (EEXIST)",
      hint: "10.0.0.1 is an endpoint already, with id 1",
      op: "add-addr",
      errno: 17,
      code: "EEXIST",
    },
  },
  {
    line: "endpoint show id 99",
    text: "mptcp: Cannot get address: no endpoint has id 99\n",
    json: {
      error: "Cannot get address: no endpoint has id 99",
      op: "get-addr",
    },
  },
  {
    line: "endpoint delete 10.0.0.9",
    text: "mptcp: Cannot delete address: no endpoint is 10.0.0.9\n",
    json: {
      error: "Cannot delete address: no endpoint is 10.0.0.9",
      op: "del-addr",
    },
  },
  {
    line: "endpoint delete dev usb0",
    endpoints: ["10.0.0.1 dev if40"],
    text: 'mptcp: Cannot delete address: there is no device "usb0"; ' +
      "endpoints of devices that are gone: id 1 (dev if40)\n",
    json: {
      error: 'Cannot delete address: there is no device "usb0"; ' +
        "endpoints of devices that are gone: id 1 (dev if40)",
      op: "del-addr",
    },
  },
  {
    line: "endpoint change id 1 fullmesh",
    endpoints: ["10.0.0.1 signal"],
    text: 'mptcp: Cannot set flags: invalid addr flags (EINVAL at ".addr")\n' +
      "hint: fullmesh goes with neither signal nor an implicit endpoint\n",
    json: {
      error: 'Cannot set flags: invalid addr flags (EINVAL at ".addr")',
      hint: "fullmesh goes with neither signal nor an implicit endpoint",
      op: "set-flags",
      errno: 22,
      code: "EINVAL",
      attribute: ".addr",
    },
  },
  {
    line: "limits set subflows 9",
    text: "mptcp: Cannot set limits: limit greater than maximum (8) " +
      '(EINVAL at ".subflows")\n',
    json: {
      error: "Cannot set limits: limit greater than maximum (8) " +
        '(EINVAL at ".subflows")',
      op: "set-limits",
      errno: 22,
      code: "EINVAL",
      attribute: ".subflows",
    },
  },
  {
    line: "limits set subflows 1",
    change: (kernel) => void (kernel.privileged = false),
    text: "mptcp: Cannot set limits: Operation not permitted (EPERM)\n" +
      "hint: CAP_NET_ADMIN is needed in the user namespace that owns this " +
      "network namespace: try as root\n",
    json: {
      error: "Cannot set limits: Operation not permitted (EPERM)",
      hint: "CAP_NET_ADMIN is needed in the user namespace that owns this " +
        "network namespace: try as root",
      op: "set-limits",
      errno: 1,
      code: "EPERM",
    },
  },
  {
    line: `subflow destroy ${ENDS}`,
    text: "mptcp: Cannot destroy subflow: subflow not found (ESRCH)\n" +
      "hint: the addresses are written as the subflow's socket has them: an " +
      "IPv4 client of a dual-stack server is ::ffff:a.b.c.d there\n",
    json: {
      error: "Cannot destroy subflow: subflow not found (ESRCH)",
      hint: "the addresses are written as the subflow's socket has them: an " +
        "IPv4 client of a dual-stack server is ::ffff:a.b.c.d there",
      op: "subflow-destroy",
      errno: 3,
      code: "ESRCH",
    },
  },
];

for (const { line, endpoints = [], change, text, json } of REFUSED) {
  Deno.test(`\`main()\` ends with 2 when the kernel refuses \`${line}\``, async () => {
    const kernel = await kernelWith(...endpoints);
    change?.(kernel);
    const ran = await run(line, kernel);
    assertEquals([ran.code, ran.out, ran.err], [2, "", text]);
    assertEquals(kernel.transports.at(-1)!.closed, true);

    const asJson = await run(`${line} -j`, kernel);
    assertEquals([asJson.code, asJson.out], [2, ""]);
    assertEquals(asJson.err, `${JSON.stringify(JSON.parse(asJson.err))}\n`);
    assertEquals(JSON.parse(asJson.err), json);
  });
}

/** What keeps from talking to the kernel, and what is said of it. */
const UNREACHABLE: {
  readonly [what: string]: {
    readonly kernel: (good: FakeKernel) => FakeKernel | Error;
    readonly text: string;
    readonly json: Record<string, unknown>;
  };
} = {
  "there is no mptcp_pm": {
    kernel: (good) => Object.assign(good, { hasFamily: false }),
    text: 'Cannot find the netlink family "mptcp_pm": this kernel has no ' +
      "Multipath TCP path manager, which Linux has from 5.7 on if it was " +
      "built with CONFIG_MPTCP=y",
    json: {},
  },
  "a system call fails": {
    kernel: () => new SyscallError("socket", 24, "open a netlink socket"),
    text: "Cannot open a netlink socket: Too many open files (socket: EMFILE)",
    json: { errno: 24, code: "EMFILE" },
  },
  "a system call fails later": {
    kernel: (good) =>
      distorted(good, () => [new SyscallError("recvfrom", 12, "receive")]),
    text: "Cannot receive: Cannot allocate memory (recvfrom: ENOMEM)",
    json: { errno: 12, code: "ENOMEM" },
  },
  "the kernel says nothing": {
    kernel: (good) => distorted(good, () => []),
    text: "Cannot look up mptcp_pm: the kernel did not answer within 1000 ms",
    json: {},
  },
  "the kernel's words cannot be read": {
    kernel: (good) => distorted(good, () => [new Uint8Array(15)]),
    text: "Cannot decode message: 15 bytes, less than a header at byte 0",
    json: {},
  },
  "the table never stays the same": {
    kernel: (good) => distorted(good, interrupted),
    text: "Cannot get address: the table changed during each of 5 dumps",
    json: {},
  },
  "libc may not be called": {
    kernel: () => new Deno.errors.NotCapable("Cannot call libc"),
    text: `Cannot call libc\nhint: run: ${RERUN}`,
    json: { error: "Cannot call libc", hint: `run: ${RERUN}` },
  },
  "libc is not found": {
    kernel: () => new Deno.errors.NotFound("Cannot open libc: no such file"),
    text: "Cannot open libc: no such file",
    json: {},
  },
  "this is not Linux": {
    kernel: () => new Deno.errors.NotSupported("Cannot open mptcp_pm on plan9"),
    text: "Cannot open mptcp_pm on plan9",
    json: {},
  },
};

function distorted(kernel: FakeKernel, distort: Distortion): FakeKernel {
  return Object.assign(kernel, { distort });
}

for (const [what, { kernel, text, json }] of Object.entries(UNREACHABLE)) {
  Deno.test(`\`main()\` ends with 1 when ${what}`, async () => {
    const ran = await run("endpoint show", kernel(new FakeKernel()));
    assertEquals([ran.code, ran.out, ran.err], [1, "", `mptcp: ${text}\n`]);
    const asJson = await run("endpoint -j", kernel(new FakeKernel()));
    assertEquals([asJson.code, asJson.out], [1, ""]);
    assertEquals(JSON.parse(asJson.err), { error: text, ...json });
  });
}

/** Bugs that the engine finds; none of them is a mistake of the user. */
const BUGS: readonly (() => unknown)[] = [
  () => (undefined as unknown as { x: number }).x,
  () => (0 as unknown as () => void)(),
  () => BigInt(1.5),
  () => new Uint8Array(-1),
  () => "x".repeat(-1),
  () => new Intl.DateTimeFormat("xx-invalid-language-tag"),
  () => new Intl.DateTimeFormat("en", { timeZone: "Nowhere" }),
  () => new DataView(new ArrayBuffer(1)).getUint32(0),
  () => decodeURIComponent("%"),
  () => {
    throw new ReferenceError("x is not defined");
  },
];

Deno.test("`main()` hides no bug of its own", async () => {
  for (const cause of BUGS) {
    const bug = assertThrows(cause, Error);
    let err = "";
    const io: Io = {
      out() {},
      write: () => unreachable(),
      err: (text) => void (err += text),
      open() {
        throw bug;
      },
      namespace: () => unreachable(),
      lines: () => unreachable(),
      replaceFile: () => unreachable(),
      stop: () => unreachable(),
      confirmation: () => unreachable(),
      service: () => unreachable(),
      screen: () => PLAIN,
      rerun: () => RERUN,
    };
    assertEquals(await assertRejects(() => main(["limits"], io)), bug);
    assertEquals(
      err,
      "mptcp: this is a bug of mptcp; please report it with:\n",
    );
  }
});

Deno.test("`main()` writes warnings to stderr, and the result to stdout", async () => {
  const kernel = async () =>
    distorted(
      await kernelWith(),
      (answer, request) =>
        commandsSent({ sent: [request] })[0] === 5
          ? warned("mind the gap")(answer, request)
          : answer,
    );
  const { code, out, err } = await run("limits set subflows 1", await kernel());
  assertEquals([code, out, err], [0, "", "mptcp: mind the gap\n"]);
  const quiet = await run("-q limits set subflows 1", await kernel());
  assertEquals(quiet.err, err);
  const json = await run("-j limits set subflows 1", await kernel());
  assertEquals([json.code, json.out, json.err], [
    0,
    '{"add_addr_accepted":0,"subflows":1}\n',
    '{"warning":"mind the gap"}\n',
  ]);
});

Deno.test("`main()` prints its version, and nothing else is looked at", async () => {
  for (const line of ["--version", "-V", "endpoint -V add", "--version foo"]) {
    const { code, out, err, opened } = await run(line);
    assertEquals([line, code, out, err], [
      line,
      0,
      `mptcp ${denoJson.version}\n`,
      "",
    ]);
    assertEquals(opened, []);
  }
});
