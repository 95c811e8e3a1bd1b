/**
 * Real system calls of this process that really fail: `strace` puts an error
 * where the kernel's answer would be.
 *
 * @module
 */

import { liveTest, missingProgram } from "./live.ts";

/** What to make fail. */
export interface Injection {
  /** As `strace -e inject=` has it: `"sendto:error=ENOBUFS:when=1"`. */
  readonly fault: string;
  /** Only calls that have to do with this file. @default {all} */
  readonly path?: string | undefined;
  /** Whether it is about all threads, not this one alone. @default {false} */
  readonly aside?: boolean | undefined;
}

/** Does something while system calls fail, and waits for what it returns. */
export async function withFault<T>(
  { fault, path, aside = false }: Injection,
  action: () => T | Promise<T>,
): Promise<T> {
  const [, thread] = Deno.readLinkSync("/proc/thread-self").split("/task/");
  const who = aside ? ["-f", "-p", `${Deno.pid}`] : ["-p", thread!];
  const where = path === undefined ? [] : ["-P", path];
  await using strace = new Deno.Command("strace", {
    args: ["-o", "/dev/null", ...where, "-e", `inject=${fault}`, ...who],
    stdin: "null",
    stdout: "null",
    stderr: "piped",
  }).spawn();
  const messages = strace.stderr.pipeThrough(new TextDecoderStream());
  const reader = messages.getReader();
  const { value = "nothing" } = await reader.read();
  if (!value.includes("attached")) throw new Error(`strace says ${value}`);
  try {
    return await action();
  } finally {
    strace.kill("SIGINT");
    while (!(await reader.read()).done);
  }
}

const missing = missingProgram("strace", "-V");

/** A {@linkcode liveTest} that needs `strace`. */
export function injectedTest(name: string, fn: () => Promise<void>): void {
  liveTest(name, fn, missing);
}
