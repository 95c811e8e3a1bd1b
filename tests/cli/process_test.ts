import { assert, assertEquals, assertMatch } from "@std/assert";
import { libcPaths } from "../../ffi/libc.ts";
import { Lab } from "../../testing/lab.ts";
import { liveTest } from "../helpers/live.ts";
import {
  deno,
  type Ended,
  environment,
  launcher,
  quoted,
  root,
  run,
  script,
} from "../helpers/command_line.ts";
import denoJson from "../../deno.json" with { type: "json" };

/** A folder that is removed at the end of the block. */
function folder(): Disposable & { path: string } {
  const path = Deno.makeTempDirSync({ prefix: "mptcp-" });
  return {
    path,
    [Symbol.dispose]: () => Deno.removeSync(path, { recursive: true }),
  };
}

const version: Ended = {
  code: 0,
  out: `mptcp ${denoJson.version}\n`,
  err: "",
};

Deno.test("`bin/mptcp` runs from any directory", () => {
  using elsewhere = folder();
  const options = { cwd: elsewhere.path };
  assertEquals(run([launcher, "--version"], options), version);
  assertEquals(run(["bin/mptcp", "--version"], { cwd: root }), version);
  assertEquals(run(["./mptcp", "--version"], { cwd: `${root}bin` }), version);
  const path = { PATH: `${root}bin:${environment()["PATH"]}` };
  assertEquals(
    run(["sh", "-c", "mptcp --version"], { ...options, env: path }),
    version,
  );
});

Deno.test("`bin/mptcp` runs through symbolic links, to itself or to a folder", () => {
  using elsewhere = folder();
  const { path } = elsewhere;
  Deno.mkdirSync(`${path}/a b`);
  Deno.symlinkSync(launcher, `${path}/absolute`);
  Deno.symlinkSync("../absolute", `${path}/a b/relative`);
  Deno.symlinkSync(root, `${path}/folder`);
  for (const link of ["absolute", "a b/relative", "folder/bin/mptcp"]) {
    assertEquals([link, run([`${path}/${link}`, "-V"])], [link, version]);
    assertEquals(run([`./${link}`, "-V"], { cwd: path }), version);
  }
});

Deno.test("`bin/mptcp` passes arguments on as they are", () => {
  const { code, err } = run([launcher, "limits", "show", "a  b*'\"$HOME\\"]);
  assertEquals([code, err.split("\n")[0]], [
    255,
    'mptcp: Unknown word "a  b*\'"$HOME\\": nothing can follow here',
  ]);
});

Deno.test("`bin/mptcp` says where to get deno if there is none", () => {
  using elsewhere = folder();
  Deno.mkdirSync(`${elsewhere.path}/bin`);
  Deno.copyFileSync(launcher, `${elsewhere.path}/bin/mptcp`);
  const { code, out, err } = run([`${elsewhere.path}/bin/mptcp`], {
    env: { PATH: elsewhere.path, HOME: elsewhere.path, DENO_INSTALL: "" },
  });
  assertEquals([code, out], [127, ""]);
  assertMatch(
    err,
    /^mptcp: no deno here; with npm: npx .*bin\/mptcp' \.\.\.\n$/,
  );
});

Deno.test("`mptcp` needs no permission to explain itself", () => {
  const lines = [
    ...["--version", "--help", "endpoint help", "completion bash", "schema"],
    "man",
  ];
  for (const line of lines) {
    const { code, out, err } = run([
      ...deno,
      "--no-prompt",
      script,
      ...line.split(" "),
    ]);
    assertEquals([line, code, err], [line, 0, ""]);
    assert(out.length > 0);
  }
});

liveTest("`mptcp` ends with the exit codes that it promises", () => {
  using lab = Lab.open();
  const { netns } = lab.client;
  const lines: [string, number, RegExp, RegExp][] = [
    ["limits", 0, /^add_addr_accepted 0 subflows 2 \n$/, /^$/],
    ["-j limits", 0, /^{"add_addr_accepted":0,"subflows":2}\n$/, /^$/],
    [
      "limits -n nosuch",
      1,
      /^$/,
      /^mptcp: Cannot find network namespace .*\n$/,
    ],
    ["-j limits -n nosuch", 1, /^$/, /^{"error":"Cannot find .*}\n$/],
    ["endpoint show id 9", 2, /^$/, /^mptcp: Cannot get address: .*\n$/],
    ["endpoint show id x", 255, /^$/, /^mptcp: Invalid id .*\nusage: .*\n$/],
    ["", 0, /^kernel +Linux .*\n/, /^$/],
  ];
  for (const [line, expected, stdout, stderr] of lines) {
    const words = line === "" ? [] : line.split(" ");
    const { code, out, err } = run([launcher, "-n", netns, ...words]);
    assertEquals([line, code], [line, expected]);
    assertMatch(out, stdout);
    assertMatch(err, stderr);
  }
});

Deno.test("`mptcp` is content when nobody reads what it writes", () => {
  // Both pipes lose their reader before anything is written.
  const { out, err } = run([
    "bash",
    "-c",
    `exec 3> >(:); wait $!
    "$0" --help >&3; echo $?
    "$0" foo 2>&3; echo $?
    "$0" --help | head -c1`,
    launcher,
  ]);
  assertEquals([out, err], ["0\n255\nm", ""]);
});

Deno.test("`mptcp` says in one line that its output cannot be written", () => {
  const { code, err } = run(["sh", "-c", '"$0" --help >/dev/full', launcher]);
  assertEquals(code, 1);
  assertMatch(err, /^mptcp: .*No space left on device.*\n$/);
});

/** Runs the command line that a message advises, here with the config flag. */
function follow(advice: string, cwd: string): Ended {
  const [, command] = advice.match(/^hint: run: (.*)$/m)!;
  assertMatch(command!, /^deno run --allow-ffi /);
  const adapted = command!.replace("deno run", () => quoted(deno));
  return run(["sh", "-c", adapted], { cwd });
}

liveTest("`mptcp` without permission says which command line has it", () => {
  using elsewhere = folder();
  const cwd = elsewhere.path;
  const command = [...deno, script, "limits", "show"];
  const { code, out, err } = run(command, { cwd });
  assertEquals([code, out], [1, ""]);
  assertMatch(err, /^mptcp: Cannot call libc: .*\nhint: run: .*\n$/);
  const followed = follow(err, cwd);
  assertEquals([followed.code, followed.err], [0, ""]);
  assertMatch(followed.out, /^add_addr_accepted \d+ subflows \d+ \n$/);

  const json = run([...command, "-j"], { cwd });
  assertEquals([json.code, json.out], [1, ""]);
  assertEquals(
    JSON.parse(json.err).hint,
    err.match(/^hint: (.*)$/m)![1] + " -j",
  );
});

liveTest("`mptcp` quotes the command line that it advises", () => {
  const name = 'it\'s $HOME `a` \\ "b" *';
  const { err } = run([...deno, script, "-n", name, "limits"]);
  const { code, err: followed } = follow(err, "/");
  assertEquals(code, 1);
  assert(followed.includes(`network namespace ${JSON.stringify(name)}:`));
});

liveTest("`mptcp` is content with the permission for libc alone", () => {
  const path = libcPaths(Deno.build.arch).find((path) => {
    try {
      return Deno.statSync(path).isFile;
    } catch {
      return false;
    }
  });
  const { code, out, err } = run([
    ...[...deno, "--no-prompt", `--allow-ffi=${path}`],
    ...[script, "limits"],
  ]);
  assertEquals([code, err], [0, ""]);
  assertMatch(out, /^add_addr_accepted /);
});

/**
 * Runs the command line in a terminal without permission, and answers when
 * deno asks for it. Returns all that appeared there, and the exit code.
 */
async function inTerminal(answer: string): Promise<[string, number]> {
  const terminal = new Deno.Command("script", {
    args: ["-qec", quoted([...deno, script, "limits"]), "/dev/null"],
    env: environment(),
    stdin: "piped",
    stdout: "piped",
    stderr: "null",
  }).spawn();
  const writer = terminal.stdin.getWriter();
  // Deno throws away what is typed until there was silence for 100 ms.
  const typing = setInterval(
    () => writer.write(new TextEncoder().encode(`${answer}\n`)).catch(() => {}),
    200,
  );
  const seen = await new Response(terminal.stdout).text();
  clearInterval(typing);
  await writer.close().catch(() => {});
  return [seen, (await terminal.status).code];
}

liveTest(
  "`mptcp` in a terminal asks for the permission, and goes on with it",
  async () => {
    const [seen, code] = await inTerminal("y");
    assertMatch(seen, /ffi access/);
    assertMatch(seen, /add_addr_accepted \d+ subflows \d+ /);
    assertEquals(code, 0);
  },
);

liveTest(
  "`mptcp` in a terminal ends with 1 where the permission is denied",
  async () => {
    const [seen, code] = await inTerminal("n");
    assertMatch(seen, /hint: run: deno run --allow-ffi /);
    assertEquals(code, 1);
  },
);

liveTest(
  "`mptcp` without privilege shows, and says what changing takes",
  () => {
    using lab = Lab.open();
    const { netns } = lab.client;
    lab.client.ip("mptcp", "endpoint", "add", "10.77.1.1", "dev", "client1");
    const unprivileged = (...words: string[]) =>
      run([
        ...["ip", "netns", "exec", netns],
        ...["setpriv", "--bounding-set=-all", "--inh-caps=-all"],
        ...[launcher, ...words],
      ]);
    assertEquals(unprivileged("endpoint", "show"), {
      code: 0,
      out: "10.77.1.1 id 1 dev client1 \n",
      err: "",
    });
    assertEquals(unprivileged("limits", "show").code, 0);
    const changes = [
      "limits set subflows 3",
      "endpoint add 10.77.1.2 dev client1",
      "endpoint delete id 1",
      "endpoint change id 1 backup",
      "endpoint flush",
    ];
    for (const line of changes) {
      const { code, out, err } = unprivileged(...line.split(" "));
      assertEquals([line, code, out], [line, 2, ""]);
      assertMatch(
        err,
        /^mptcp: Cannot .*: Operation not permitted \(EPERM\)\nhint: CAP_NET_ADMIN .*\n$/,
      );
    }
    const elsewhere = unprivileged("-n", netns, "limits");
    assertEquals([elsewhere.code, elsewhere.out], [1, ""]);
    assertMatch(elsewhere.err, /CAP_SYS_ADMIN/);
  },
);
