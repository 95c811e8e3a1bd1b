/**
 * Runs all benchmarks: `deno task bench`. They change nothing but namespaces
 * that they make.
 *
 * @module
 */

import { events } from "./events.ts";
import { startup } from "./startup.ts";

const BENCHMARKS: readonly (() => void | Promise<void>)[] = [
  startup,
  events,
];

function machine(): string {
  const cpus = Deno.readTextFileSync("/proc/cpuinfo");
  const model = cpus.match(/^model name\s*: (.*)$/m)?.[1] ?? Deno.build.arch;
  return `${navigator.hardwareConcurrency} x ${model}`;
}

console.log(`${machine()}
Linux ${Deno.osRelease()}, Deno ${Deno.version.deno}
`);
for (const benchmark of BENCHMARKS) {
  await benchmark();
  console.log();
}
