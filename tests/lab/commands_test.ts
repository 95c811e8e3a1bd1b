import { assertEquals } from "@std/assert";
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
