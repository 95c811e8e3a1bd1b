/** What `mptcp doctor` prints, and how it ends. */
import {
  assert,
  assertEquals,
  assertMatch,
  assertStringIncludes,
} from "@std/assert";
import type { Io } from "../../../cli/context.ts";
import { report } from "../../../cli/objects/doctor_output.ts";
import { unpainted } from "../../../cli/style.ts";
import {
  CHECK_NAMES,
  diagnose,
  isHealthy,
  type Snapshot,
  snapshotJson,
} from "../../../doctor/mod.ts";
import { preload, SyscallError } from "../../../mod.ts";
import { ForwardingNamespace } from "../../../netlink/forwarding.ts";
import { FakeKernel } from "../../../testing/fake_kernel.ts";
import { FakeInterfaces } from "../../../testing/fake_route.ts";
import { kernelWithFiles } from "../../helpers/golden_proc.ts";
import { type Ran, run, wordsOf } from "../../helpers/run_main.ts";
import { changed, type Draft, RECORDED } from "../../helpers/snapshots.ts";

// Within a test the sanitizer would take that for a leak.
preload();

/** Asks the doctor about a snapshot. */
function ask(options: string, snapshot: Snapshot | string): Promise<Ran> {
  const input = typeof snapshot === "string"
    ? snapshot
    : snapshotJson(snapshot);
  const words = wordsOf(`${options} doctor --from -`.trim());
  return run(words, new FakeKernel(), AbortSignal.abort(), input);
}

/** Asks it about a kernel, which takes a second. */
function askHere(
  line: string,
  kernel: FakeKernel,
  others: Partial<Io> = {},
): Promise<Ran> {
  return run(line, kernel, new AbortController().signal, "", others);
}

const recorded = (name: string) => RECORDED.get(name)!;
const GONE = "device that is gone";

Deno.test("`doctor` says what is wrong, what follows, and what mends it", async () => {
  const snapshot = changed(GONE, (draft) => {
    draft.durationMs = 1040;
  });
  const { code, out, err } = await ask("", snapshot);
  assertEquals([code, err], [3, ""]);
  assertEquals(
    out,
    `\
problem  endpoint-device: The device of the endpoint 10.77.2.1 is gone: no
           device has the index 12
         - 10.77.2.1 id 1 subflow dev if12
         - 10.77.2.1 is not on this host
         so endpoint-address: 10.77.2.1 is not on this host: no subflow can
           start from it
         to mend it:
           mptcp endpoint delete id 1
ok       kernel, enabled, path-manager, blackhole, fallback, limits,
           endpoint-flags, endpoints, route, same-subnet, rp-filter, join,
           subflow, application, idle, firewall, managers
19 checks in 1.0 s, 1 problem, 0 warnings
`,
  );
});

const blind = (draft: Draft<Snapshot>) => {
  delete draft.managers;
  draft.unknown = { managers: "Cannot list managers: /proc is hidden" };
};

Deno.test("`doctor` ends with 3 for a problem, with --strict also where it could not look", async () => {
  const healthy = recorded("two paths");
  const rows: [string, Snapshot, boolean | null, number][] = [
    ["", healthy, true, 0],
    ["--strict", healthy, true, 0],
    ["", recorded("connection without data"), true, 0],
    ["--strict", recorded("connection without data"), true, 0],
    ["", recorded("no endpoint"), false, 3],
    ["", changed("two paths", blind), null, 0],
    ["--strict", changed("two paths", blind), null, 3],
    ["--strict --ignore managers", changed("two paths", blind), true, 0],
    ["--ignore endpoints", recorded("no endpoint"), true, 0],
  ];
  for (const [options, snapshot, expected, code] of rows) {
    const ran = await ask(`-j ${options}`.trim(), snapshot);
    const { version, healthy } = JSON.parse(ran.out);
    assertEquals(
      [options, version, healthy, ran.code, ran.err],
      [options, 1, expected, code, ""],
    );
  }
  const { out } = await ask("", changed("two paths", blind));
  assertStringIncludes(
    out,
    "unknown  managers: Cannot list managers: /proc is hidden\n",
  );
  assertMatch(out, /^19 checks in .*, 0 warnings, 1 could not look$/m);
});

Deno.test("`doctor --ignore` leaves checks out, as often as it is given", async () => {
  for (
    const options of [
      "--ignore limits,idle",
      "--ignore limits --ignore idle",
      "--ignore=limits --ignore=idle",
      "--ignore limits, --ignore idle,limits",
    ]
  ) {
    const { code, out } = await ask(options, recorded("two paths"));
    assertEquals([options, code], [options, 0]);
    assert(!/\b(limits|idle)\b/.test(out.replace(/left out.*/, "")), out);
    assertMatch(out, /^17 checks .*, left out: limits, idle$/m);
  }
  const rows: [string, string][] = [
    ["--ignore limit", 'Unknown check "limit"\nhint: did you mean "limits"?'],
    ["--ignore limits,x9", "hint: the checks are kernel, enabled, "],
    ["--ignore toString", 'Unknown check "toString"'],
  ];
  for (const [options, message] of rows) {
    const { code, out, err } = await ask(options, recorded("two paths"));
    assertEquals([code, out], [255, ""]);
    assertStringIncludes(err, message);
  }
  const bare = await run("doctor --ignore");
  assertEquals(bare.code, 255);
  assertStringIncludes(bare.err, 'Incomplete option "--ignore": CHECK,…');
});

Deno.test("`doctor` fits into any width, but for commands, in colours that say no more", () => {
  for (const [name, snapshot] of RECORDED) {
    const findings = diagnose(snapshot);
    const at = (columns: number, color: boolean) =>
      report(findings, snapshot, isHealthy(findings), [], {
        screen: { columns, color },
        netns: undefined,
      });
    const plain = at(80, false);
    assertEquals(unpainted(at(80, true).text), plain.text);
    assert(at(80, true).text.includes("\x1b[32mok"));
    const commands = new Set(findings.flatMap(({ remedies }) => remedies));
    for (const columns of [40, 80, 200]) {
      const { text, json } = at(columns, false);
      assertEquals(json, plain.json);
      const words = (text: string) => text.split(/\s+/).join(" ");
      assertEquals(words(text), words(plain.text));
      for (const line of text.split("\n")) {
        assert(
          line.length <= columns || commands.has(line.trim()) ||
            !line.trim().includes(" "),
          `${name}: ${line}`,
        );
      }
    }
  }
});

Deno.test("`doctor` shows names that a terminal would obey, and does not", async () => {
  const json = snapshotJson(recorded("device that is down"))
    .replaceAll('"client2"', '"\\u001b[31m;"');
  const { out } = await ask("", json);
  assert(!out.includes("\x1b"));
  assertStringIncludes(out, "  ip link set dev '\\x1b[31m;' up\n");
  const { findings } = JSON.parse((await ask("-j", json)).out);
  assertStringIncludes(findings[0].remedies[0], "dev '\x1b[31m;' up");
});

Deno.test("`doctor token` looks at one connection, here and in a file", async () => {
  const snapshot = changed("server", (draft) => {
    for (const part of [draft, draft.earlier!]) {
      Object.assign(part.connections![0]!, { token: 0x51, fallback: true });
    }
  });
  const file = Deno.makeTempFileSync();
  try {
    Deno.writeTextFileSync(file, snapshotJson(snapshot));
    const whole = await run(["doctor", "--from", file]);
    assertEquals(whole.code, 0);
    const one = await run(["doctor", "token", "0x51", "--from", file]);
    assertEquals(one.code, 3);
    assertMatch(one.out, /^problem {2}fallback: .*connection 0x00000051/);
    const none = await run(["doctor", "token", "0x52", "--from", file]);
    const message = "mptcp: There is no connection of token 0x00000052\n";
    assertEquals(none, { code: 2, out: "", err: message, opened: [] });
    const kernel = kernelWithFiles();
    const readFile = kernel.readFile.bind(kernel);
    let readings = 0;
    kernel.readFile = (path) => {
      if (path.endsWith("/net/netstat")) readings++;
      return readFile(path);
    };
    const here = await askHere("doctor token 0x52", kernel);
    assertEquals([here.code, here.out, here.err], [2, "", message]);
    // It does not wait for a second one.
    assertEquals(readings, 1);
  } finally {
    Deno.removeSync(file);
  }
});

Deno.test("`doctor` says where it looked at no more than some", async () => {
  const { out } = await ask(
    "",
    changed("two paths", (draft) => {
      draft.more = true;
    }),
  );
  assertStringIncludes(
    out.replaceAll(/\s+/g, " "),
    ", no more than 1000 connections were looked at",
  );
});

Deno.test("`doctor` names the namespace in the commands that mend it", async () => {
  const kernel = kernelWithFiles();
  kernel.files.set("/proc/thread-self/net/protocols", "MPTCP 1\n");
  kernel.interfaces = new FakeInterfaces();
  kernel.sysctls.set("enabled", "0");
  await run("endpoint add 10.0.0.1 dev eth0", kernel);
  const { code, out, opened } = await askHere("-n blue doctor", kernel);
  assertEquals([code, opened.length], [3, 0]);
  assertStringIncludes(
    out,
    "  ip netns exec blue sysctl -w net.mptcp.enabled=1\n",
  );
  assertStringIncludes(out, "  mptcp -n blue endpoint delete id 1\n");
  // A number without such a name is a process.
  const { out: ofProcess } = await askHere("-n 77 doctor", kernel, {
    namespace(netns) {
      if (netns === "77") throw new SyscallError("open", 2, "find it");
      return Object.assign(new ForwardingNamespace(kernel), { close() {} });
    },
  });
  assertStringIncludes(
    ofProcess,
    "  nsenter -t 77 -n sysctl -w net.mptcp.enabled=1\n",
  );
  assertStringIncludes(ofProcess, "  mptcp -n 77 endpoint delete id 1\n");
});

Deno.test("`doctor` runs where MPTCP is absent, and where nothing can be seen", async () => {
  const absent = kernelWithFiles();
  absent.hasFamily = false;
  absent.sockDiag.mptcp = false;
  absent.sysctls.clear();
  absent.interfaces = new FakeInterfaces();
  absent.files.set("/proc/thread-self/net/protocols", "TCP 1\nUDP 1\n");
  absent.files.set("/proc/sys/kernel/osrelease", "5.4.0\n");
  const { code, out, err } = await askHere("doctor", absent);
  assertEquals([code, err], [3, ""]);
  assertMatch(out, /^problem {2}kernel: Linux 5\.4\.0 has no MPTCP/);
  // One problem, what follows from it, and what nobody could read anyway.
  assertStringIncludes(
    out,
    "         so there is nothing to look at for: enabled, path-manager, " +
      "blackhole,\n           fallback, ",
  );
  assertEquals(out.match(/^\w+/gm), [
    ...["problem", "unknown", "unknown", "ok", "19"],
  ]);
  assertMatch(out, /^unknown {2}rp-filter: [^]*^unknown {2}managers: /m);
  assertMatch(out, /, 1 problem, 0 warnings, 2 could not look\n$/);

  const hidden = new FakeKernel();
  hidden.sysctls.clear();
  hidden.files.clear();
  hidden.privileged = false;
  const nothing = await askHere("-j doctor", hidden);
  assertEquals([nothing.code, nothing.err], [0, ""]);
  const { healthy, findings } = JSON.parse(nothing.out);
  assertEquals(healthy, null);
  const unknown = findings.filter(({ status }: { status: string }) =>
    status === "unknown"
  ).map(({ check }: { check: string }) => check);
  // A socket shows what the kernel has.
  const seen = CHECK_NAMES.filter((name) => !unknown.includes(name));
  assertEquals(seen, ["kernel", "target"]);
});

Deno.test("a check that fails is unknown, and shows its stack with --trace", async () => {
  const broken = changed("two paths", (draft) => {
    draft.managers = { found: 7 as never, seesAll: true };
  });
  const { code, out, err } = await ask("", broken);
  assertEquals([code, err], [0, ""]);
  assertMatch(out, /^unknown {2}managers: the check failed: /m);
  const traced = await ask("--trace", broken);
  assertEquals([traced.code, traced.out], [0, out]);
  assertMatch(
    traced.err,
    /^mptcp: managers: TypeError: .*\n +at .*managers\.ts/,
  );
  const json = await ask("-j --trace", broken);
  assertMatch(JSON.parse(json.err).detail, /^managers: TypeError/);
});
