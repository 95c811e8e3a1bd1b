/**
 * Runs the benchmarks: `deno task bench`. They change nothing but namespaces
 * that they make, and install the programs that they measure against.
 *
 * ```sh
 * deno task bench                    # all; writes bench/RESULTS.md
 * deno task bench round_trip dump    # only these; writes nothing
 * ```
 *
 * @module
 */

import { run } from "../testing/host.ts";
import { connections } from "./connections.ts";
import { dump } from "./dump.ts";
import { events } from "./events.ts";
import { growth } from "./growth.ts";
import { managed } from "./managed.ts";
import { memory } from "./memory.ts";
import { peers } from "./peers/install.ts";
import { processes } from "./processes.ts";
import { type Benchmark, markdown, type Plot } from "./report.ts";
import { roundTrip } from "./round_trip.ts";
import { secondSubflow } from "./second_subflow.ts";
import { storm } from "./storm.ts";
import { tracker } from "./tracker.ts";

const BENCHMARKS: Readonly<Record<string, Benchmark>> = {
  round_trip: roundTrip,
  dump,
  connections,
  processes,
  memory,
  events,
  storm,
  second_subflow: secondSubflow,
  managed,
  tracker,
  growth,
};

const command = ["deno task bench", ...Deno.args].join(" ");
const here = new URL("./", import.meta.url);

/** Where and with what the figures were measured. */
function circumstances(): string {
  const cpus = Deno.readTextFileSync("/proc/cpuinfo");
  const model = cpus.match(/^model name\s*: (.*)$/m)?.[1] ?? Deno.build.arch;
  return [
    `${new Date().toISOString().slice(0, 10)}, by \`${command}\`:`,
    "",
    `- ${navigator.hardwareConcurrency} x ${model}`,
    `- Linux ${Deno.osRelease()}`,
    `- Deno ${Deno.version.deno}, V8 ${Deno.version.v8}`,
    ...Deno.args.length === 0
      ? peers().map(({ name, version }) => `- ${name}: ${version}`)
      : [],
    `- ip: ${versionOfIp()}`,
    "",
  ].join("\n");
}

function versionOfIp(): string {
  try {
    return run("ip", "-V").trim();
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return "not installed";
    throw error;
  }
}

function chosen(names: readonly string[]): readonly Benchmark[] {
  const wanted = names.length > 0 ? names : Object.keys(BENCHMARKS);
  return wanted.map((name) => {
    const benchmark = BENCHMARKS[name];
    if (benchmark !== undefined) return benchmark;
    const known = Object.keys(BENCHMARKS).join(", ");
    throw new TypeError(`Unknown benchmark "${name}": known are ${known}`);
  });
}

const benchmarks = chosen(Deno.args);
const text = ["# What it costs\n", circumstances()];
console.log(text.join("\n"));
const pictures: Plot[] = [];
for (const benchmark of benchmarks) {
  for (const report of await benchmark()) {
    const section = markdown(report);
    console.log(section);
    text.push(section);
    pictures.push(...report.plots ?? []);
  }
}
if (Deno.args.length === 0) {
  Deno.writeTextFileSync(new URL("RESULTS.md", here), text.join("\n"));
  Deno.mkdirSync(new URL("plots/", here), { recursive: true });
  for (const { file, svg } of pictures) {
    Deno.writeTextFileSync(new URL(`plots/${file}`, here), svg);
  }
}
