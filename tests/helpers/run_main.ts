/**
 * Runs of the command line in this process, against a fake kernel or the
 * running one.
 *
 * @module
 */

import type { Io } from "../../cli/context.ts";
import { main } from "../../cli/main.ts";
import { lines, textOf } from "../../cli/stdio.ts";
import { PLAIN } from "../../cli/style.ts";
import {
  openNamespace,
  PathManager,
  type PathManagerOptions,
  replaceFile,
} from "../../mod.ts";
import { ForwardingNamespace } from "../../netlink/forwarding.ts";
import { FakeKernel, FAMILY } from "../../testing/fake_kernel.ts";

/** Stands for the command line that has the permission. */
export const RERUN = "deno run --allow-ffi …";

/** What came of a run. */
export interface Ran {
  readonly code: number;
  readonly out: string;
  readonly err: string;
  /** What the path manager was opened with, each time. */
  readonly opened: readonly PathManagerOptions[];
}

/** Words as the tests write them, with a space between. */
export function wordsOf(line: string): string[] {
  return line === "" ? [] : line.split(" ");
}

/**
 * Runs one command line.
 *
 * @param args The words, or a line of words without spaces.
 * @param kernel What answers, or an error that opening throws instead.
 * @param signal What stops a command that goes on; without it, it ends at once.
 * @param input What standard input holds.
 * @param others What else of the world is not as usual.
 */
export async function run(
  args: string | readonly string[],
  kernel: FakeKernel | Error | "running" = new FakeKernel(),
  signal: AbortSignal = AbortSignal.abort(),
  input = "",
  others: Partial<Io> = {},
): Promise<Ran> {
  const ran = { out: "", err: "", opened: [] as PathManagerOptions[] };
  const here = () =>
    Object.assign(new ForwardingNamespace(kernel as FakeKernel), {
      close() {},
    });
  const code = await main(typeof args === "string" ? wordsOf(args) : args, {
    out: (output) =>
      void (ran.out += typeof output === "string"
        ? output
        : new TextDecoder().decode(output)),
    write(bytes) {
      ran.out += new TextDecoder().decode(bytes);
      return Promise.resolve(bytes.length);
    },
    err: (text) => void (ran.err += text),
    open(options) {
      ran.opened.push(options);
      if (kernel instanceof Error) throw kernel;
      const { netns: _, ...others } = options;
      return PathManager.open(
        kernel === "running" ? options : { namespace: kernel, ...others },
      );
    },
    namespace: (netns) =>
      kernel instanceof FakeKernel ? here() : openNamespace(netns),
    lines: (file) => {
      const text = kernel instanceof FakeKernel && kernel.files.get(file);
      return lines(
        file === "-"
          ? [input]
          : typeof text === "string"
          ? [text]
          : textOf(file, openNamespace),
      );
    },
    replaceFile: (path, text, mode) =>
      kernel instanceof FakeKernel
        ? void kernel.files.set(path, text)
        : replaceFile(path, text, mode),
    stop: () => ({
      signal,
      writable: () => Promise.resolve(),
      [Symbol.dispose]() {},
    }),
    // What would stop another command has not confirmed this one.
    confirmation: () => ({
      given: () => Promise.resolve(!signal.aborted),
      [Symbol.dispose]() {},
    }),
    service: () => ({
      notify() {},
      watchdogMs: undefined,
      onReload: () => ({ [Symbol.dispose]() {} }),
    }),
    screen: () => PLAIN,
    rerun: () => RERUN,
    ...others,
  });
  return { code, ...ran };
}

/** A kernel with some endpoints, eth2, eth3 and a connection of token 5. */
export async function kernelWith(
  ...endpoints: readonly string[]
): Promise<FakeKernel> {
  const kernel = new FakeKernel();
  kernel.connect(5, {
    local: { address: "fd00::1", port: 40000 },
    remote: { address: "fd00::2", port: 443 },
  });
  kernel.devices.set("eth2", 12).set("eth3", 13);
  for (const endpoint of endpoints) {
    await run(`endpoint add ${endpoint}`, kernel);
  }
  kernel.sent.length = 0;
  return kernel;
}

/** The commands that a kernel was sent, by number, without the look-up. */
export function commandsSent(
  { sent }: Pick<FakeKernel, "sent">,
): number[] {
  return sent.filter((request) => request[4] === FAMILY)
    .map((request) => request[16]!);
}
