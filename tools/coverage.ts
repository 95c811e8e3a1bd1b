/**
 * Demands how much of each directory the tests run through.
 *
 * usage: deno run -A tools/coverage.ts FOLDER
 *
 * @module
 */

/** The lowest share of branches and of lines, in percent. */
const DEMANDS: {
  readonly [directory: string]: { branches: number; lines: number };
} = {
  codec: { branches: 100, lines: 100 },
  ffi: { branches: 90, lines: 90 },
  netlink: { branches: 90, lines: 90 },
  ops: { branches: 90, lines: 90 },
  diag: { branches: 90, lines: 90 },
  doctor: { branches: 90, lines: 90 },
  policy: { branches: 90, lines: 90 },
  config: { branches: 90, lines: 90 },
  cli: { branches: 90, lines: 90 },
};

const folder = Deno.args[0] ?? "coverage";

// Deno writes a profile as the process ends. Tests kill some processes, and one
// that dies then leaves a part of a file, at which `deno coverage` gives up.
for (const { name } of Deno.readDirSync(folder)) {
  try {
    JSON.parse(Deno.readTextFileSync(`${folder}/${name}`));
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
    console.log(`left out, since its process was killed: ${name}`);
    Deno.removeSync(`${folder}/${name}`);
  }
}

const { success, stdout, stderr } = new Deno.Command(Deno.execPath(), {
  args: ["coverage", "--lcov", folder],
}).outputSync();
if (!success) {
  console.error(new TextDecoder().decode(stderr));
  Deno.exit(1);
}

const directories = new Map<string, Record<string, number>>();
const root = new URL("..", import.meta.url).pathname;
let directory: string | undefined;
for (const row of new TextDecoder().decode(stdout).split("\n")) {
  const [key, value = ""] = row.split(":");
  if (key === "SF") {
    directory = value.startsWith(root)
      ? value.slice(root.length).split("/")[0]
      : undefined;
  } else if (directory !== undefined && /^(BRF|BRH|LF|LH)$/.test(key!)) {
    const counts = directories.get(directory) ?? {};
    counts[key!] = (counts[key!] ?? 0) + Number(value);
    directories.set(directory, counts);
  }
}

let failed = 0;
for (const [name, demand] of Object.entries(DEMANDS)) {
  const { BRF = 0, BRH = 0, LF = 0, LH = 0 } = directories.get(name) ?? {};
  const branches = BRF === 0 ? 0 : 100 * BRH / BRF;
  const lines = LF === 0 ? 0 : 100 * LH / LF;
  const ok = branches >= demand.branches && lines >= demand.lines;
  if (!ok) failed++;
  console.log(
    `${name}: ${branches.toFixed(1)} % of ${BRF} branches, ` +
      `${lines.toFixed(1)} % of ${LF} lines` +
      (ok ? "" : `; ${demand.branches} % and ${demand.lines} % are demanded`),
  );
}
if (failed > 0) Deno.exit(1);
