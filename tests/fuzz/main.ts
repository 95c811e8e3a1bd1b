/**
 * Gives random input to everything that reads input, and looks for what should
 * never be: an error of another type, another result than a second reader's, a
 * hang, growth.
 *
 * usage: deno task fuzz [--seconds S | --inputs N] [--seed N] [--target NAME]
 *
 * `--index I` tries the one input of this number. `--from MODULE` takes the
 * targets of another module. `--patience S` is how long an input may take until
 * it counts as a hang.
 *
 * The same seed makes the same inputs, on every machine. A finding is printed
 * as a row for tests/fuzz/found.jsonl.
 *
 * @module
 */

import { parseArgs } from "@std/cli/parse-args";
import { type Amount, type Found, inputAt, type Report } from "./fuzz.ts";
import type { Targets } from "./target.ts";
import type { Message, Order } from "./worker.ts";

const number = (value: number) => Math.round(value).toLocaleString("en");

/** The number of the input before there is one. */
const NOT_YET = -1;

/** Runs targets on a thread of their own, and watches it. */
function watch(
  targets: Targets,
  order: Omit<Order, "position">,
  patienceMs: number,
  print: (report: Report) => void,
): Promise<void> {
  const { names, amount: { seed } } = order;
  const position = new Int32Array(new SharedArrayBuffer(8));
  position[1] = NOT_YET;
  const worker = new Worker(import.meta.resolve("./worker.ts"), {
    type: "module",
  });
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  let last = "";
  let since = performance.now();
  const timer = setInterval(() => {
    const here = position.join();
    if (here !== last || position[1] === NOT_YET) {
      [last, since] = [here, performance.now()];
    } else if (performance.now() - since > patienceMs) {
      const [place, index] = [position[0]!, position[1]!];
      const target = names[place]!;
      const hex = inputAt(target, targets[target]!, seed, index).toHex();
      const problem = `it hangs: no end in ${patienceMs} ms`;
      print({
        target,
        inputs: index,
        ms: NaN,
        outcomes: {},
        found: { target, seed, index, hex, problem },
      });
      resolve();
    }
  }, Math.min(100, patienceMs / 4));
  worker.onmessage = ({ data }: MessageEvent<Message>) =>
    data === null ? resolve() : print(data);
  worker.onerror = (event) => {
    event.preventDefault();
    reject(new Error(event.message));
  };
  worker.postMessage({ ...order, position });
  return promise.finally(() => {
    clearInterval(timer);
    worker.terminate();
  });
}

function printReport({ target, inputs, ms, outcomes, growth }: Report): void {
  console.log(
    `${target}: ${number(inputs)} inputs, ${number(inputs / ms * 1000)} a ` +
      `second, heap ${growth === undefined ? "?" : number(growth)} bytes`,
  );
  const sorted = Object.entries(outcomes).toSorted(([, one], [, other]) =>
    other - one
  );
  for (const [outcome, times] of sorted) {
    console.log(`${number(times).padStart(12)}  ${outcome}`);
  }
}

function printFound({ target, seed, index, hex, problem }: Found): void {
  console.log(`\nFOUND in ${target}, seed ${seed}, input ${index ?? "any"}:`);
  console.log(problem);
  if (hex === undefined) return;
  console.log(JSON.stringify({ target, problem: problem.split("\n")[0], hex }));
  console.log();
}

async function main(): Promise<number> {
  const options = parseArgs(Deno.args, {
    string: [
      "target",
      "from",
      "seed",
      "inputs",
      "seconds",
      "index",
      "patience",
    ],
    default: {
      from: import.meta.resolve("./targets.ts"),
      seed: String(Date.now() % 0x7fffffff),
      patience: "20",
    },
    unknown(arg) {
      throw new Error(`Unknown argument "${arg}"`);
    },
  });
  const { TARGETS }: { TARGETS: Targets } = await import(options.from);
  const names = Object.keys(TARGETS).filter((name) =>
    options.target === undefined || name === options.target
  );
  if (names.length === 0) {
    throw new Error(`Known targets: ${Object.keys(TARGETS).join(", ")}`);
  }
  const seed = Number(options.seed);
  if (options.index !== undefined) {
    for (const name of names) {
      const target = TARGETS[name]!;
      const input = inputAt(name, target, seed, Number(options.index));
      console.log(`${name}: ${input.toHex()}\n${await target.run(input)}`);
    }
    return 0;
  }
  const amount: Amount = {
    seed,
    ...options.inputs !== undefined
      ? { inputs: Math.ceil(Number(options.inputs) / names.length) }
      : { ms: Number(options.seconds ?? 60) * 1000 / names.length },
  };
  console.log(
    `seed ${seed}, ${names.length} targets, Deno ${Deno.version.deno}, ` +
      `${navigator.hardwareConcurrency} CPUs`,
  );
  const start = performance.now();
  let inputs = 0;
  let found = 0;
  const order = { from: options.from, names, amount };
  await watch(TARGETS, order, Number(options.patience) * 1000, (report) => {
    inputs += report.inputs;
    printReport(report);
    if (report.found === undefined) return;
    found++;
    printFound(report.found);
  });
  const seconds = (performance.now() - start) / 1000;
  console.log(
    `${number(inputs)} inputs in ${number(seconds)} s, ` +
      `${number(inputs / seconds)} a second, seed ${seed}: ` +
      (found === 0 ? "nothing found" : `${found} targets failed`),
  );
  return found === 0 ? 0 : 1;
}

if (import.meta.main) Deno.exit(await main());
