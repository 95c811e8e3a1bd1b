/** `mptcp plan`, `mptcp apply` and `mptcp export` in this process. */
import { assertEquals, assertMatch, assertRejects } from "@std/assert";
import type { Context } from "../../../cli/context.ts";
import {
  interruptedOutput,
  planOutput,
} from "../../../cli/objects/plan_output.ts";
import { readPlan } from "../../../cli/objects/planning.ts";
import { PLAIN } from "../../../cli/style.ts";
import {
  ApplyError,
  DocumentError,
  parseConfig,
  plan,
  readState,
} from "../../../config/mod.ts";
import { PathManager, SyscallError } from "../../../mod.ts";
import { ForwardingNamespace } from "../../../netlink/forwarding.ts";
import { FakeInterfaces, FakeKernel } from "../../../testing/mod.ts";
import { run, wordsOf } from "../../helpers/run_main.ts";

const FILE = `
limits: { subflows: 4 }
settings: { enabled: false }
endpoints:
  - { address: 10.0.0.1, dev: eth0, flags: [subflow, backup] }
  - { address: 10.0.1.1, dev: eth2, flags: subflow }
  - { match: { dev: "eth*" }, flags: [subflow, fullmesh] }
`;

function kernelOf(): FakeKernel {
  const kernel = new FakeKernel();
  kernel.files.set("/proc/sys/kernel/osrelease", "6.18.44\n");
  kernel.files.set("/proc/2/comm", "kthreadd\n");
  const { addresses } = kernel.interfaces = new FakeInterfaces();
  for (const at of [0, 1, 2]) {
    addresses.push({ address: `10.0.${at}.1`, dev: `eth${at}` });
  }
  using pm = PathManager.open({ namespace: kernel });
  const flags = ["subflow"] as const;
  pm.addAddr({ address: "10.0.0.1", dev: "eth0", flags });
  pm.addAddr({ address: "10.0.1.1", dev: "eth1", flags });
  pm.addAddr({ address: "10.0.9.1", flags });
  return kernel;
}

/** All that can change. */
function contents(kernel: FakeKernel) {
  const { limits, sysctls } = kernel;
  return JSON.stringify([kernel.endpoints(), limits, [...sysctls]]);
}

/** Runs a line, with a file on standard input. */
function ask(
  line: string,
  kernel: FakeKernel,
  { input = FILE, confirmed = false } = {},
) {
  const signal = confirmed ? new AbortController().signal : undefined;
  return run(`-q ${line}`, kernel, signal, input);
}

const STEPS = [
  "~ limits subflows 2 -> 4",
  "- 10.0.9.1 id 3 subflow (not in the file)",
  "~ 10.0.0.1 id 1 subflow dev eth0 -> subflow backup (endpoints[0])",
  "-/+ 10.0.1.1 id 2 subflow dev eth1 -> 10.0.1.1 subflow dev eth2 " +
  "(endpoints[1],",
  "  replaced: its dev cannot change)",
  "+ 10.0.2.1 subflow fullmesh dev eth2 (endpoints[2])",
  "",
].join("\n");
const SETTING = "~ setting enabled 1 -> 0\n    for new connections\n";
const TO_DO =
  "1 to add, 3 to change, 1 to replace, 1 to remove, 0 as they are\n";
const SUMMARY = { add: 1, change: 3, replace: 1, remove: 1, keep: 0 };

Deno.test("`mptcp plan` shows what is to be done, and ends with 5", async () => {
  const kernel = kernelOf();
  const before = contents(kernel);
  const { code, out, err } = await ask("plan - --prune", kernel);
  assertEquals([code, out, err], [5, SETTING + STEPS + TO_DO, ""]);
  const kept = await ask("plan -", kernel);
  assertMatch(kept.out, /^1 other endpoint stays: 10\.0\.9\.1$/m);
  const json = await ask("-j plan - --prune", kernel);
  const plan = JSON.parse(json.out);
  assertEquals([json.code, plan.to_do, plan.summary], [5, true, SUMMARY]);
  assertEquals(
    plan.steps.map(({ op }: { op: string }) => op),
    [
      ...["write-setting", "set-limits", "del-addr", "set-flags"],
      ...["del-addr", "add-addr", "add-addr"],
    ],
  );
  assertEquals(plan.steps[5], {
    op: "add-addr",
    endpoint: { address: "10.0.1.1", dev: "eth2", flags: ["subflow"] },
    replaces: {
      ...{ address: "10.0.1.1", id: 2, dev: "eth1", flags: ["subflow"] },
    },
    forced_by: ["dev"],
    reason: "endpoints[1]",
    effect: {},
  });
  assertEquals(plan.before.endpoints.length, 3);
  // What there is and what there will be are files themselves.
  for (const { limits, endpoints } of [plan.before, plan.after]) {
    await parseConfig(JSON.stringify({ limits, endpoints }), "document");
  }
  assertEquals(contents(kernel), before);
});

Deno.test("`mptcp plan` is as wide as its terminal", async () => {
  const wanted = await parseConfig(FILE);
  const made = plan(wanted, readState({ namespace: kernelOf() }));
  const { text = "" } = planOutput(made, { ...PLAIN, columns: 30 });
  assertEquals(text.split("\n").filter((line) => line.length > 30), []);
});

Deno.test("`mptcp plan` reads no more than a file may have", async () => {
  async function* lines() {
    for (;;) yield "limits: {}";
  }
  await assertRejects(
    () => readPlan({ lines } as unknown as Context, "-", false),
    DocumentError,
    "-: it is longer than 1048576 characters",
  );
});

Deno.test("`mptcp apply` does what is to be done, once", async () => {
  const kernel = kernelOf();
  const dry = await ask("-j apply - --prune --dry-run", kernel);
  assertEquals(contents(kernel), contents(kernelOf()));
  const { code, out, err } = await ask("apply - --prune", kernel);
  assertEquals([code, out, err], [
    0,
    SETTING + STEPS +
    "1 added, 3 changed, 1 replaced, 1 removed, 0 as they are\n",
    "",
  ]);
  const json = await ask("-j apply - --prune", kernelOf());
  const { changed, summary, ...rest } = JSON.parse(json.out);
  assertEquals([changed, summary], [true, SUMMARY]);
  assertEquals(JSON.parse(dry.out), {
    ...{ changed, dry_run: true, summary },
    ...rest,
  });
  for (const line of ["plan", "apply"]) {
    const again = await ask(`${line} - --prune`, kernel);
    assertEquals([again.code, again.out, again.err], [
      0,
      "nothing to do: 5 as they are\n",
      "",
    ]);
  }
  const nothing = await ask("-j apply - --prune", kernel);
  assertEquals(JSON.parse(nothing.out).changed, false);
});

Deno.test("`mptcp apply` says how to go back, in commands that do", async () => {
  const kernel = kernelOf();
  const before = contents(kernel);
  const input = FILE.replace(
    "endpoints:",
    "endpoints:\n  - { address: 10.0.7.1, port: 80, flags: signal, id: 9 }",
  );
  kernel.network = { listen: () => 98 };
  const { code, out, err } = await ask("apply - --prune", kernel, { input });
  assertEquals(code, 2);
  assertMatch(out, /^done:$[^]*^failed:$[^]*^not done:$[^]*^to go back:$/m);
  assertMatch(err, /^mptcp: Cannot add address: .* \(EADDRINUSE\), in step 5 /);
  for (const command of out.split("to go back:\n")[1]!.trimEnd().split("\n")) {
    const words = wordsOf(command.trim());
    if (words[0] === "sysctl") {
      const [name, value] = words[2]!.replace("net.mptcp.", "").split("=");
      kernel.sysctls.set(name!, value!);
    } else assertEquals((await run(words.slice(1), kernel)).code, 0, command);
  }
  assertEquals(contents(kernel), before);
  const elsewhere = await ask("-n blue apply - --prune", kernel, { input });
  const [, commands] = elsewhere.out.split("to go back:\n");
  assertEquals(commands!.split("\n").map((line) => line.trim()), [
    "mptcp -n blue endpoint change id 1 nobackup nofullmesh",
    "mptcp -n blue endpoint add 10.0.9.1 id 3 subflow",
    "mptcp -n blue limits set subflows 2",
    "ip netns exec blue sysctl -w net.mptcp.enabled=1",
    "",
  ]);
  // A number without such a name is a process.
  for (
    const [netns, enter] of [
      ["77", "nsenter -t 77 -n"],
      ["/proc/77/ns/net", "nsenter --net=/proc/77/ns/net"],
    ] as const
  ) {
    const there = kernelOf();
    there.network = { listen: () => 98 };
    const line = `-q -n ${netns} apply - --prune`;
    const { out } = await run(line, there, undefined, input, {
      namespace(netns) {
        if (netns === "77") throw new SyscallError("open", 2, "find it");
        return Object.assign(new ForwardingNamespace(there), { close() {} });
      },
    });
    const [, commands] = out.split("to go back:\n");
    assertEquals(commands!.split("\n").slice(2).map((one) => one.trim()), [
      `mptcp -n ${netns} limits set subflows 2`,
      `${enter} sysctl -w net.mptcp.enabled=1`,
      "",
    ]);
  }
  const again = kernelOf();
  again.network = { listen: () => 98 };
  const back = await ask("-j apply - --prune --rollback", again, { input });
  const { changed, went_back, undo } = JSON.parse(back.out);
  assertEquals([back.code, changed, went_back, undo], [2, false, true, []]);
  assertMatch(
    JSON.parse(back.err).error,
    /what was done before was taken back/,
  );
  assertEquals(contents(again), before);
});

Deno.test("`mptcp apply` names each step, whichever is refused", async () => {
  const namespace = kernelOf();
  const { steps } = plan(
    await parseConfig(FILE),
    readState({ namespace }),
    { prune: true },
  );
  for (const [at, failed] of steps.entries()) {
    const { text = "" } = interruptedOutput(
      new ApplyError({
        ...{ done: steps.slice(0, at), failed, remaining: steps.slice(at + 1) },
        ...{ undo: [], wentBack: false, cause: new Error("no") },
      }),
      PLAIN,
      undefined,
    );
    const parts = text.split(/^(?:done|failed|not done):\n/m).slice(1);
    assertEquals(parts.length, 3 - Number(at === 0 || at === steps.length - 1));
    assertEquals(parts.filter((part) => !/^[-~+]/.test(part)), [], text);
  }
});

Deno.test("`mptcp apply --confirm` goes back unless somebody confirms", async () => {
  const kernel = kernelOf();
  const before = contents(kernel);
  kernel.files.set("/etc/mptcp.yaml", FILE);
  const line = "apply /etc/mptcp.yaml --prune --confirm 5m";
  const refused = await ask(line, kernel);
  assertEquals(refused.code, 4);
  assertMatch(refused.out, /as they are\nnot confirmed: taken back\n$/);
  assertEquals(refused.err, "mptcp: press Enter within 300 s to keep this\n");
  assertEquals(contents(kernel), before);
  const json = await ask(`-j ${line}`, kernel);
  const { changed, confirmed } = JSON.parse(json.out);
  assertEquals([json.code, changed, confirmed], [4, false, false]);
  // The terminal is gone.
  const gone = run(line, kernel, new AbortController().signal, "", {
    out() {
      throw new Deno.errors.NotConnected();
    },
  });
  await assertRejects(() => gone, Deno.errors.NotConnected);
  assertEquals(contents(kernel), before);

  const kept = await ask(line, kernel, { confirmed: true });
  assertEquals(kept.code, 0);
  assertMatch(kept.out, /as they are\n$/);
  assertEquals((await ask("plan - --prune", kernel)).code, 0);
  // Nothing to confirm.
  const nothing = await ask(`-j ${line}`, kernel);
  assertEquals([nothing.code, nothing.err], [0, ""]);
});

Deno.test("`mptcp apply` leaves what another program manages", async () => {
  const kernel = kernelOf();
  kernel.files.set("/proc/30/comm", "mptcpd\n");
  const before = contents(kernel);
  const refused = await run("apply -", kernel, undefined, FILE);
  assertEquals([refused.code, refused.out], [2, ""]);
  assertMatch(
    refused.err,
    /^mptcp: Cannot be applied: mptcpd \(process 30\).*\nhint: takeover /m,
  );
  assertEquals(contents(kernel), before);
  const plan = await run("plan -", kernel, undefined, FILE);
  assertEquals(plan.code, 5);
  assertMatch(
    plan.err,
    /^hint: apply refuses without --takeover, or "governs" to share: mptcpd /m,
  );
  // Either says that it is meant.
  const text = `${FILE}\ngoverns: all\n`;
  const governs = await run("apply -", kernel, undefined, text);
  assertEquals(governs.code, 0);
  assertMatch(governs.err, /^hint: mptcpd \(process 30\) manages this, too: /m);
  const other = kernelOf();
  other.files.set("/proc/30/comm", "mptcpd\n");
  assertEquals((await ask("apply - --takeover", other)).code, 0);
});

/** What is wrong with a line or a file, and how it ends. */
const WRONG: readonly [
  line: string,
  input: string,
  code: number,
  err: RegExp,
][] = [
  ["plan", "", 255, /FILE is missing/],
  ["plan  --prune", "", 255, /FILE is empty: a name is needed/],
  ["plan a b", "", 255, /Two files, "a" and "b": one is needed/],
  ["plan - --confirm 5s", "", 255, /"--confirm": it belongs to "mptcp apply"/],
  ["apply - --confirm 60s", "", 255, /waits for Enter on standard input/],
  ["apply x --confirm 0", "", 255, /Invalid time "0": it is seconds/],
  ["apply x --confirm 2h", "", 255, /Invalid time "2h"/],
  ["plan -", "endpoint: []", 255, /^standard input|^-:1:1: .*did you mean/],
  ["plan -", "", 255, /nothing in it/],
  ["plan - --prune", "limits: { subflows: 1 }", 2, /the file has no endpoints/],
  [
    "plan -",
    "endpoints: [{ address: 10.0.0.1, dev: eth9 }]",
    2,
    /no device "eth9"/,
  ],
  [
    "apply -",
    "limits: { subflows: 9 }\nsettings: { x: 1 }",
    2,
    /than this kernel takes, 8/,
  ],
];

Deno.test("`mptcp plan` and `mptcp apply` never end with 5 for an error", async () => {
  for (const [line, input, code, err] of WRONG) {
    const kernel = kernelOf();
    const before = contents(kernel);
    const ran = await run(line, kernel, undefined, input);
    assertEquals([line, ran.code, ran.out], [line, code, ""]);
    assertMatch(ran.err, err);
    assertEquals(contents(kernel), before);
  }
});

Deno.test("`mptcp export` writes a file that changes nothing", async () => {
  const kernel = kernelOf();
  kernel.addImplicit("10.0.2.1");
  for (const line of ["export", "-j export", "-j -p export"]) {
    const { code, out, err } = await run(line, kernel);
    assertEquals([code, err], [0, ""]);
    const planned = await ask("plan - --prune", kernel, { input: out });
    assertEquals([planned.code, planned.out], [
      0,
      "nothing to do: 7 as they are\n",
    ]);
  }
});
