/** The unit of `examples/systemd/`, by the tools of systemd, which need not run. */
import { assert, assertEquals, assertLess, assertMatch } from "@std/assert";
import { Lab } from "../../testing/lab.ts";
import {
  deno,
  environment,
  root,
  run,
  script,
} from "../helpers/command_line.ts";
import { liveTest, missingProgram } from "../helpers/live.ts";

const FOLDER = `${root}examples/systemd`;
const UNIT = "mptcp-watch.service";
const missing = missingProgram("systemd-analyze", "--version");
/** What the units may expose, of 10. */
const MOST = 2;

/** The unit as it is installed, with or without what `settings` needs. */
class Installed implements Disposable {
  readonly folder: string = Deno.makeTempDirSync();
  readonly path: string = `${this.folder}/${UNIT}`;

  constructor(hasSettings: boolean, change = (text: string) => text) {
    const text = Deno.readTextFileSync(`${FOLDER}/${UNIT}`);
    assertMatch(text, /^ExecStart=\/usr\/local\/bin\/mptcp watch /m);
    // There has to be a program of this name.
    const there = text.replace("/usr/local/bin/mptcp", Deno.execPath());
    Deno.writeTextFileSync(this.path, change(there));
    if (!hasSettings) return;
    run(["cp", "-r", `${FOLDER}/${UNIT}.d`, this.folder]);
  }

  analyze(...words: string[]) {
    return run(["systemd-analyze", ...words, this.path]);
  }

  [Symbol.dispose](): void {
    Deno.removeSync(this.folder, { recursive: true });
  }
}

for (const hasSettings of [false, true]) {
  liveTest(
    `the unit ${
      hasSettings ? "for settings " : ""
    }is right, and exposes little`,
    () => {
      using unit = new Installed(hasSettings);
      assertEquals(unit.analyze("verify"), { code: 0, out: "", err: "" });
      const { code, out } = unit.analyze(
        ...["security", "--offline=yes", "--no-pager"],
        `--threshold=${10 * MOST}`,
      );
      assertEquals(code, 0, out);
      const [, exposure] = out.match(/Overall exposure level for .*: (\S+)/)!;
      assertLess(Number(exposure), MOST);
      assertMatch(out, /✓ CapabilityBoundingSet=~CAP_SYS_ADMIN/);
      assertMatch(out, /✗ CapabilityBoundingSet=~CAP_NET_ADMIN/);
      const tunables = hasSettings ? "✗" : "✓";
      assertMatch(out, RegExp(`${tunables} ProtectKernelTunables=`));
      // What is wrong is found.
      using wrong = new Installed(
        hasSettings,
        (text) => text.replace("RestartSec", "RestartSek"),
      );
      assertMatch(
        wrong.analyze("verify").err,
        /Unknown key name 'RestartSek'|RestartSek/,
      );
    },
    missing,
  );
}

/** The system calls of a filter, without those of groups that are none here. */
function allowed(): Set<string> {
  const text = Deno.readTextFileSync(`${FOLDER}/${UNIT}`);
  const [, filter] = text.match(/^SystemCallFilter=(.*)$/m)!;
  const expand = (word: string): string[] => {
    if (!word.startsWith("@")) return [word];
    const { out } = run(["systemd-analyze", "syscall-filter", word]);
    return out.split("\n").slice(1).map((line) => line.trim())
      .filter((line) => line !== "" && !line.startsWith("#")).flatMap(expand);
  };
  return new Set(filter!.split(" ").flatMap(expand));
}

liveTest(
  "the unit lets the agent make all of its system calls",
  () => {
    using lab = Lab.open({ paths: 2 });
    const folder = Deno.makeTempDirSync();
    try {
      const file = `${folder}/mptcp.yaml`;
      Deno.writeTextFileSync(
        file,
        "settings: { stale_loss_cnt: 5 }\n" +
          'endpoints: [{ match: { dev: "client*" }, flags: subflow }]\n',
      );
      const line = `timeout 5 strace -ff -qq -o ${folder}/trace ` +
        `${[...deno, "--quiet", "--allow-ffi", script].join(" ")} ` +
        `watch ${file} settle 0.1`;
      const { out } = run(
        ["ip", "netns", "exec", lab.client.netns, "sh", "-c", line],
        { env: { ...environment(), NOTIFY_SOCKET: `${folder}/none` } },
      );
      assertMatch(out, /^ready/m);
      const made = new Set(
        [...Deno.readDirSync(folder)].flatMap(({ name }) =>
          name.startsWith("trace")
            ? Deno.readTextFileSync(`${folder}/${name}`).split("\n")
            : []
        ).flatMap((line) => line.match(/^(\w+)\(/)?.[1] ?? []),
      );
      assert(made.has("bind") && made.has("connect"));
      assertEquals([...made.difference(allowed())], []);
    } finally {
      Deno.removeSync(folder, { recursive: true });
    }
  },
  missing ?? missingProgram("strace", "--version"),
);
