/**
 * Each command line that the documents show is run as it is written, as a user
 * would run it, with this checkout as what `jsr:` gives.
 */
import { assertEquals, assertMatch, assertNotEquals } from "@std/assert";
import denoJson from "../../deno.json" with { type: "json" };
import { PathManager } from "../../mod.ts";
import { Lab, until } from "../../testing/lab.ts";
import { type Ended, environment, root, run } from "../helpers/command_line.ts";
import { libcPath } from "../helpers/libc_path.ts";
import { liveTest } from "../helpers/live.ts";
import { listeners } from "../helpers/proc.ts";
import { makeRegistry } from "../helpers/registry.ts";
import {
  blocks,
  documents,
  shellLines,
  textOf,
} from "../helpers/shell_lines.ts";

/** The line of docs/privileges.md that holds for this architecture and distribution. */
const DEBIAN = "/lib/x86_64-linux-gnu/libc.so.6";

/** A user's folder, in a host with two ways to another. */
class Desk implements Disposable {
  readonly folder: string = Deno.makeTempDirSync({ prefix: "mptcp-" });
  readonly lab: Lab = Lab.open();
  readonly pm: PathManager;
  readonly #audit = `${this.folder}/audit.jsonl`;
  readonly #env: Record<string, string>;

  constructor() {
    const { folder, lab } = this;
    for (const path of [0, 1]) addPath(lab, path);
    this.pm = PathManager.open({ netns: lab.client.netns });
    Deno.mkdirSync(`${folder}/bin`);
    Deno.mkdirSync(`${folder}/project`);
    // This runs as root already.
    Deno.writeTextFileSync(`${folder}/bin/sudo`, '#!/bin/sh\nexec "$@"\n');
    Deno.chmodSync(`${folder}/bin/sudo`, 0o755);
    this.#env = {
      DENO_AUDIT_PERMISSIONS: this.#audit,
      DENO_DIR: `${folder}/cache`,
      DENO_INSTALL_ROOT: folder,
      DENO_NO_PROMPT: "1",
      JSR_URL: makeRegistry(`${folder}/registry`),
      PATH: `${folder}/bin:${environment()["PATH"]}`,
    };
  }

  /** Runs a line in the user's folder. */
  type(line: string): Ended {
    return run(this.#shell(line), this.#options());
  }

  /** Starts a line that goes on. */
  start(line: string): Deno.ChildProcess {
    const [command, ...args] = this.#shell(`exec ${line}`);
    const { env, cwd } = this.#options();
    return new Deno.Command(command!, {
      args,
      cwd,
      env: { ...environment(), ...env },
      stdin: "null",
      stdout: "null",
      stderr: "null",
    }).spawn();
  }

  #shell(line: string): string[] {
    return ["ip", "netns", "exec", this.lab.client.netns, "sh", "-c", line];
  }

  #options() {
    Deno.writeTextFileSync(this.#audit, "");
    return { cwd: `${this.folder}/project`, env: this.#env };
  }

  /** The permissions that the last line has asked for. */
  asked(): string[] {
    const lines = Deno.readTextFileSync(this.#audit).split("\n");
    const names = lines.filter((line) => line !== "")
      .map((line) => JSON.parse(line).permission as string);
    return [...new Set(names)].toSorted();
  }

  [Symbol.dispose](): void {
    this.pm.close();
    this.lab.close();
    Deno.removeSync(this.folder, { recursive: true });
  }
}

/** A way to the server by `eth0` or `eth1`, at a higher cost. */
function addPath({ client, server }: Lab, number: number): void {
  const dev = `eth${number}`;
  client.ip(
    ...["link", "add", dev, "type", "veth"],
    ...["peer", "name", dev, "netns", server.netns],
  );
  for (const [host, last] of [[client, 1], [server, 2]] as const) {
    const address = `10.0.${number + 1}.${last}`;
    host.ip("address", "add", `${address}/24`, "dev", dev);
    host.ip("link", "set", dev, "up");
  }
  const metric = `${number + 1}`;
  client.ip("route", "add", "10.77.1.0/24", "dev", dev, "metric", metric);
}

/** Runs a line, and fails unless it does what it is there for. */
type Proof = (desk: Desk, line: string) => void | Promise<void>;

const readme = textOf("README.md");

/** The code above the first line of a document that runs a file. */
function codeAbove(document: string, line: RegExp): string {
  const text = textOf(document);
  return blocks(text.slice(0, text.search(line)), "ts").at(-1)![1]!;
}

const example = codeAbove("docs/second-path.md", /^deno run .* example\.ts$/m);
/** It is for devices of this kind here. */
const manager = codeAbove("README.md", /^sudo deno run .* manager\.ts$/m)
  .replace("wlan", "eth");

const proveExample: Proof = (desk, line) => {
  Deno.writeTextFileSync(`${desk.folder}/project/example.ts`, example);
  const { code, out, err } = desk.type(line);
  assertEquals([code, err], [0, ""]);
  assertMatch(out, /^added with id 1\n10\.0\.2\.1 1 /);
  assertEquals(desk.lab.client.endpoints(), [
    { address: "10.0.2.1", id: 1, subflow: true, backup: true, dev: "eth1" },
  ]);
};

const proveCli: Proof = (desk, line) => {
  desk.pm.addAddr({ address: "10.0.2.1", dev: "eth1" });
  assertEquals(desk.type(line), {
    code: 0,
    out: "10.0.2.1 id 1 dev eth1 \n",
    err: "",
  });
};

const proveInstall: Proof = (desk, line) => {
  assertEquals(desk.type(line).code, 0);
  proveCli(desk, "mptcp endpoint show");
};

const proveMetrics: Proof = (desk, line) => {
  const install = readme.match(/^deno install --global .*$/m)![0];
  assertEquals(desk.type(install).code, 0);
  const file = `${desk.folder}/mptcp.prom`;
  const there = line.replace(/--out \S+$/, `--out ${file}`);
  // One that goes on is ended, once it has written.
  const command = there.includes(" interval ")
    ? `${there} & for _ in $(seq 3000); do [ -s ${file} ] && break; ` +
      "sleep 0.1; done; kill $!; wait"
    : there;
  const { out, err } = desk.type(command);
  assertEquals([out, err], ["", ""]);
  assertMatch(
    Deno.readTextFileSync(file),
    /^mptcp_netstat_MPTcpExt_MPJoinSynTx_total \d+$/m,
  );
};

/** What looks at a connection, with the names of this one in its place. */
const proveLook: Proof = async (desk, line) => {
  const install = readme.match(/^deno install --global .*$/m)![0];
  assertEquals(desk.type(install).code, 0);
  const { lab, pm } = desk;
  pm.addAddr({ address: "10.0.2.1", dev: "eth1", flags: ["subflow"] });
  using connection = lab.connect({ port: 443 });
  await connection.transferAsync(1000);
  await until(() => lab.client.subflows().length === 2, "a second subflow");
  const token = connection.client.token.toString(16).padStart(8, "0");
  const there = line.replace(/ +#.*/, "").replace("-n client ", "")
    .replace(/(?<=token )\w+/, token).replace("10.77.2.1", "10.0.2.1")
    .replace("example.org", "10.77.1.2").replace("wlan0", "eth1").replace(
      "for 30",
      "for 1",
    )
    .replace(/^mptcp .*top/, "timeout 3 $&");
  const isWait = line.startsWith("mptcp wait event");
  const meanwhile = `(until ip mptcp endpoint show | grep -q . &&
    grep -q " 16 .* 0000[0-9]*[1-9]" /proc/net/netlink
  do sleep 0.1; done; sleep 0.5; ip mptcp endpoint flush) & `;
  const { code, out, err } = desk.type(isWait ? meanwhile + there : there);
  assertEquals([there, code, err], [there, 0, ""]);
  const finds = {
    "state syn-sent": /^$/,
    "fallback": /^$/,
    "jq '.[].subflows": /^null\n"eth1"\n$/,
    "doctor": /^\d+ checks in /m,
    "--svg": /^The recording is in record\.svg\n$/,
    "wait event": new RegExp(`SF_CLOSED\\] token=${token} `),
  };
  const found = Object.entries(finds).find(([words]) => line.includes(words));
  assertMatch(out, found?.[1] ?? new RegExp(token.replace(/^0+/, "")));
};

const proveSchema: Proof = (desk, line) => {
  const install = readme.match(/^deno install --global .*$/m)![0];
  assertEquals(desk.type(install).code, 0);
  assertEquals(desk.type(line), { code: 0, out: "", err: "" });
  const file = `${desk.folder}/project/${line.split(" > ")[1]}`;
  const { definitions } = JSON.parse(Deno.readTextFileSync(file));
  assertEquals(Object.keys(definitions), ["match"]);
};

/** What writes a report, and what reads it. */
const proveReport: Proof = (desk, line) => {
  const install = readme.match(/^deno install --global .*$/m)![0];
  assertEquals(desk.type(install).code, 0);
  const file = `${desk.folder}/project/report.json`;
  if (line.includes("--from")) desk.type(`mptcp report >${file}`);
  const { code, out, err } = desk.type(`echo | ${line}`);
  if (line.includes("--from")) {
    assertMatch(out, /^\d+ checks in /m);
    assertEquals(err, "");
    return;
  }
  assertEquals([code, out], [0, ""]);
  assertMatch(err, /^hint: replaced are /m);
  const text = Deno.readTextFileSync(
    file.replace(/json$/, line.match(/\w+$/)![0]),
  );
  assertMatch(text, line.includes("--text") ? /^== nstat ==$/m : /^\{\n/);
};

/** One of the examples, which gives each connection these addresses. */
const proveSteering = (...addresses: string[]): Proof => async (desk, line) => {
  copyExamples(desk);
  Deno.writeTextFileSync(`${desk.folder}/project/manager.ts`, manager);
  await using running = desk.start(line);
  await until(
    () => listeners(desk.lab.client).length > 0,
    `events: ${line}`,
    60_000,
  );
  using connection = desk.lab.connect();
  const { token } = connection.client;
  connection.transfer(1000);
  await until(
    () =>
      desk.pm.dumpAddrs({ token }).map(({ address }) => address).toSorted()
        .join() === addresses.join(),
    `${addresses} in ${line}`,
  );
  // Who stops it gives new connections back to the kernel.
  assertEquals(desk.pm.getMode(), "userspace");
  running.kill("SIGINT");
  assertEquals([(await running.status).code, desk.pm.getMode()], [0, "kernel"]);
};

/** What the first project is made with serves the others. */
let added: string | undefined;

/** As the examples say: in a project of one's own, add the package first. */
function copyExamples(desk: Desk): void {
  const project = `${desk.folder}/project`;
  Deno.mkdirSync(`${project}/examples`, { recursive: true });
  for (const { name, isFile } of Deno.readDirSync(`${root}examples`)) {
    if (!isFile) continue;
    Deno.copyFileSync(`${root}examples/${name}`, `${project}/examples/${name}`);
  }
  const config = `${project}/deno.json`;
  if (added !== undefined) return Deno.writeTextFileSync(config, added);
  const { code, err } = desk.type("deno add jsr:@mptcp/pm");
  assertEquals(code, 0, err);
  added = Deno.readTextFileSync(config);
}

const eth1 = proveSteering("10.0.2.1");
const both = proveSteering("10.0.1.1", "10.0.2.1");

const proveDemo: Proof = (desk, line) => {
  const { code, out } = desk.type(line);
  assertEquals(code, 0);
  assertMatch(out, /it is the same connection\.\n$/);
};

/** Without a terminal it takes the lines of a script. */
const proveLab: Proof = (desk, line) => {
  const lines =
    "mptcp endpoint add 10.77.1.1 dev client1 subflow; mptcp endpoint";
  const { code, out } = desk.type(`echo '${lines}' | ${line}`);
  assertEquals([code, out], [0, "10.77.1.1 id 1 subflow dev client1 \n"]);
};

/** What each line is there for, by how it looks. */
const PROOFS: readonly (readonly [RegExp, Proof])[] = [
  [/^deno run \S+ example\.ts$/, proveExample],
  [/^deno run \S+ jsr:@mptcp\/pm\/cli endpoint show$/, proveCli],
  [/^sudo deno run -A jsr:@mptcp\/pm\/demo$/, proveDemo],
  [/^sudo deno run -A jsr:@mptcp\/pm\/lab\b/, proveLab],
  [/^deno install --global .* jsr:@mptcp\/pm\/cli$/, proveInstall],
  [/^mptcp (?:report|doctor --from)\b/, proveReport],
  [/^mptcp .*\b(?:connection|doctor|record|top|wait)\b/, proveLook],
  [/^mptcp counters --prometheus .*--out \S+$/, proveMetrics],
  [/^mptcp schema > mptcp\.schema\.json$/, proveSchema],
  [/^sudo deno run \S+ manager\.ts$/, both],
  [/^sudo deno run .* examples\/announce\.ts 10\.0\.2\.1$/, eth1],
  [/^sudo deno run .* examples\/failover\.ts 10\.0\.2\.1 eth1$/, eth1],
  [/^sudo deno run .* examples\/one_per_interface\.ts( eth|$)/, both],
];

/** Lines that begin a task of this checkout: CI runs them. */
const TASK = /^(?:npx -y deno@2\.9\.6|deno) task (\w+)(?: --.*)?$/;

const FLAG = / --allow-([\w-]+)\S*/g;

/** The lines, each once, and what proves them. */
const lines = [...new Set(shellLines().map(({ line }) => line))]
  .filter((line) => !TASK.test(line))
  .map((line) => ({
    line: line.replace(DEBIAN, libcPath()),
    proof: PROOFS.find(([pattern]) => pattern.test(line.replace(/ +#.*/, "")))
      ?.[1],
  }));

Deno.test("each command line of the documents is tested", () => {
  const untried = lines.filter(({ proof }) => proof === undefined);
  assertEquals(untried.map(({ line }) => line), []);
  assertNotEquals(lines, []);
  const tasks = shellLines().map(({ line }) => line.match(TASK)?.[1])
    .filter((task) => task !== undefined);
  assertEquals(tasks.filter((task) => !(task in denoJson.tasks)), []);
});

// Beside -A for what needs a laboratory.
Deno.test("the documents name no permission but these", () => {
  const named = documents().flatMap((document) =>
    Array.from(
      textOf(document).matchAll(
        /(?:^|\s)-A\b(?! jsr:@mptcp\/pm\/(?:demo|lab)\b)|--allow-[a-z]+(=[a-zA-Z]+)?/g,
      ),
      ([flag]) => flag === "--allow-ffi" ? flag : `${document}: ${flag}`,
    )
  );
  assertEquals([...new Set(named)].toSorted(), [
    "--allow-ffi",
    // What the permission amounts to, and what the laboratory needs.
    "SECURITY.md: --allow-all",
    // Its tests make laboratories.
    "docs/testing.md: --allow-all",
    // The addresses of this host, which Deno knows.
    "examples/one_per_interface.ts: --allow-sys=networkInterfaces",
    // It runs `ip`, and reads `/proc`.
    "testing/lab.ts: --allow-all",
  ]);
});

for (const { line, proof } of lines) {
  if (proof === undefined) continue;
  liveTest(`as written: ${line}`, async () => {
    using desk = new Desk();
    await proof(desk, line);
    if (!line.includes("--allow-")) return;
    const given = Array.from(line.matchAll(FLAG), ([, flag]) => flag!);
    assertEquals(desk.asked(), given.toSorted());
  });
}

/** The lines with a permission, without one that they have. */
const wanting = lines.flatMap(({ line, proof }) =>
  Array.from(line.matchAll(FLAG), ([flag, kind]) => ({
    line,
    proof: proof!,
    flag: flag.trim(),
    kind: kind!,
    less: line.replace(flag, ""),
  }))
);

for (const { line, proof, flag, kind, less } of wanting) {
  liveTest(`the error names the missing ${flag}: ${less}`, async () => {
    using desk = new Desk();
    const complaint = await fail(desk, less);
    if (kind !== "ffi") {
      // Deno's own message: the library does not need this permission.
      assertMatch(complaint, new RegExp(`run again with the --allow-${kind} `));
      return;
    }
    assertMatch(complaint, /Cannot call libc: run again with --allow-ffi, or/);
    const rerun = complaint.match(/^hint: run: (.*)$/m)?.[1];
    if (rerun !== undefined) proveCli(desk, rerun);
    const [proposed] = complaint.match(/--allow-ffi=\S+/)!;
    using another = new Desk();
    await proof(another, line.replace(flag, proposed));
  });
}

/** The error of a line that lacks a permission. */
async function fail(desk: Desk, line: string): Promise<string> {
  if (line.includes("install")) {
    assertEquals(desk.type(line).code, 0);
    return await fail(desk, "mptcp endpoint show");
  }
  Deno.writeTextFileSync(`${desk.folder}/project/example.ts`, example);
  Deno.writeTextFileSync(`${desk.folder}/project/manager.ts`, manager);
  if (line.includes("examples/")) copyExamples(desk);
  const { code, out, err } = desk.type(line);
  assertEquals([code, out], [1, ""]);
  return err;
}
