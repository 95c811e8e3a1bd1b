/**
 * This library as its users call it, speaking the protocol of `peer.ts`.
 *
 * @module
 */

import { Diag } from "../../diag/mod.ts";
import { PathManager } from "../../mod.ts";
import { replay } from "../recorded.ts";

const pm = PathManager.open();

/** How long that took, in milliseconds, which is not to be counted. */
let asideMs = 0;

function aside(action: () => void): void {
  const start = performance.now();
  action();
  asideMs += performance.now() - start;
}

const OPERATIONS: Readonly<
  Record<string, (args: readonly string[]) => () => void>
> = {
  "get-limits": () => () => {
    pm.getLimits();
  },
  "get-addr": ([id]) => {
    const options = { id: Number(id) };
    return () => {
      pm.getAddr(options);
    };
  },
  "dump-addrs": () => () => {
    pm.dumpAddrs();
  },
  "dump-announced": ([token]) => {
    const options = { token: Number(token) };
    return () => {
      pm.dumpAddrs(options);
    };
  },
  "set-limits": ([number]) => {
    const limits = { subflows: Number(number) };
    return () => {
      pm.setLimits(limits);
    };
  },
  "add-addr": ([address, number]) => {
    const id = Number(number);
    return () => {
      pm.addAddr({ address: address!, id });
      aside(() => pm.delAddr({ id }));
    };
  },
  "add-delete": ([address, number]) => {
    const id = Number(number);
    return () => {
      pm.addAddr({ address: address!, id });
      pm.delAddr({ id });
    };
  },
  "announce-remove": ([text, address, number]) => {
    const [token, id] = [Number(text), Number(number)];
    return () => {
      pm.announce({ token, address: address!, id });
      pm.remove({ token, id });
    };
  },
  "connections": () => {
    const diag = Diag.open();
    return () => iterate(diag);
  },
  "decode-connections": ([file]) => {
    const diag = Diag.open({ namespace: replay(recordingOf(file!)) });
    return () => iterate(diag);
  },
};

function iterate(diag: Diag): void {
  let subflows = 0;
  for (const connection of diag.connections()) {
    subflows += connection.subflows.length;
  }
  if (subflows === 0) throw new Error("there is no subflow");
}

let recording: Uint8Array<ArrayBuffer> | undefined;

function recordingOf(file: string): Uint8Array<ArrayBuffer> {
  return recording ??= Deno.readFileSync(file);
}

function answer(line: string): string {
  const [name, count, ...args] = line.split(" ");
  const operation = OPERATIONS[name!]?.(args);
  if (operation === undefined) return "error no such operation";
  try {
    asideMs = 0;
    const start = performance.now();
    for (let left = Number(count); left > 0; left--) operation();
    return String(Math.round((performance.now() - start - asideMs) * 1e6));
  } catch (error) {
    return `error ${(error as Error).message}`;
  }
}

// Without node:readline, which this is not about.
let text = "";
for await (
  const chunk of Deno.stdin.readable.pipeThrough(new TextDecoderStream())
) {
  const lines = (text + chunk).split("\n");
  text = lines.pop()!;
  for (const line of lines) console.log(answer(line));
}
