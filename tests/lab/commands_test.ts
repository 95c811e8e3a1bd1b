import { assertEquals } from "@std/assert";
import { environment } from "../helpers/command_line.ts";
import { Commands } from "../../lab/commands.ts";
import type { Lab } from "../../testing/lab.ts";

/** What a command of a laboratory of so many paths does, of `ip` the words. */
function ran(paths: number, ...words: string[]) {
  const hosts = {
    client: { netns: "x-client" },
    server: { netns: "x-server" },
  };
  using commands = new Commands(hosts as Lab, paths);
  Deno.writeTextFileSync(`${commands.folder}/ip`, '#!/bin/sh\necho "$*"\n', {
    mode: 0o755,
  });
  const { code, stdout, stderr } = new Deno.Command(`${commands.folder}/lab`, {
    args: words,
    env: { PATH: `${commands.folder}:${Deno.env.get("PATH")}` },
  }).outputSync();
  const text = (bytes: Uint8Array) => new TextDecoder().decode(bytes);
  return [code, text(stdout), text(stderr)];
}

Deno.test("`lab` cuts a path that is there, and says which there are", () => {
  const usage = "usage: lab cut PATH, lab restore PATH\n";
  const link = "-n x-server link set server";
  const rows: [
    paths: number,
    line: string,
    ...result: [number, string, string],
  ][] = [
    [2, "cut 1", 0, `${link}1 down\n`, ""],
    [12, "restore 12", 0, `${link}12 up\n`, ""],
    [2, "cut 9", 255, "", "lab: no path 9; there are 1 to 2\n"],
    [2, "restore 0", 255, "", "lab: no path 0; there are 1 to 2\n"],
    [12, "cut client1", 255, "", "lab: no path client1; there are 1 to 12\n"],
    [1, "cut 2", 255, "", "lab: no path 2; there is path 1\n"],
    [0, "cut 1", 255, "", "lab: no path 1; there is none\n"],
    [2, "cut", 255, "", usage],
    [2, "mend 1", 255, "", usage],
  ];
  for (const [paths, line, ...result] of rows) {
    assertEquals([line, ...ran(paths, ...line.split(" "))], [line, ...result]);
  }
});

/** A laboratory in a process of its own, whose temporary folder is given. */
async function laboratory(TMPDIR: string) {
  const module = new URL("../../lab/commands.ts", import.meta.url);
  const child = new Deno.Command(Deno.execPath(), {
    args: [
      ...["eval", "--no-config"],
      `import { Commands } from "${module}";
       const host = { netns: "x" };
       const { folder } = new Commands({ client: host, server: host }, 1);
       console.log(folder);
       Deno.stdin.readSync(new Uint8Array(1));`,
    ],
    env: { ...environment(), TMPDIR },
    stdin: "piped",
    stdout: "piped",
  }).spawn();
  const output = child.stdout.pipeThrough(new TextDecoderStream()).getReader();
  const folder = (await output.read()).value!.trim();
  return {
    name: folder.slice(TMPDIR.length + 1),
    async kill() {
      child.kill("SIGKILL");
      await Promise.all([child.status, child.stdin.close(), output.cancel()]);
    },
  };
}

Deno.test("the next laboratory removes what a killed one has left, and no other", async () => {
  const TMPDIR = Deno.makeTempDirSync({ prefix: "mptcp-" });
  const labs: { kill(): Promise<void> }[] = [];
  const start = async () => {
    const lab = await laboratory(TMPDIR);
    labs.push(lab);
    return lab.name;
  };
  const there = () => Array.from(Deno.readDirSync(TMPDIR), ({ name }) => name);
  try {
    // What is called so, and is none.
    Deno.symlinkSync("/nowhere", `${TMPDIR}/mptcp-lab-link`);
    Deno.mkdirSync(`${TMPDIR}/mptcp-labour`);
    Deno.mkdirSync(`${TMPDIR}/mptcp-lab-notes`);
    Deno.writeTextFileSync(`${TMPDIR}/mptcp-lab-notes/rc`, "mine\n");
    const [first, second] = [await start(), await start()];
    await labs[0]!.kill();
    assertEquals(there().includes(first), true);
    const third = await start();
    assertEquals(
      there().toSorted(),
      [
        ...[second, third],
        ...["mptcp-lab-link", "mptcp-lab-notes", "mptcp-labour"],
      ].toSorted(),
    );
  } finally {
    for (const lab of labs.slice(1)) await lab.kill();
    Deno.removeSync(TMPDIR, { recursive: true });
  }
});
