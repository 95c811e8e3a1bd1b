/**
 * Uses the library in a worker while other threads do.
 *
 * @module
 */

/// <reference lib="deno.worker" />

import { PathManager } from "../../mod.ts";
import type { Job } from "../live/concurrency_test.ts";

/** Takes events between commands, and returns the ports of the listeners. */
async function listen(netns: string, count: number): Promise<number[]> {
  using pm = PathManager.open({ netns });
  using stream = pm.events({ types: ["listener-created"] });
  self.postMessage("open");
  const ports: number[] = [];
  while (ports.length < count) {
    const { value } = await stream.next();
    ports.push(value!.local.port);
    pm.dumpAddrs();
  }
  return ports;
}

/** Opens a namespace again and again, and returns the error codes. */
function fail(netns: string, count: number): string[] {
  const codes = new Set<string>();
  for (let round = 0; round < count; round++) {
    try {
      PathManager.open({ netns }).close();
      codes.add("none");
    } catch (error) {
      codes.add((error as { code: string }).code);
    }
  }
  return [...codes];
}

/** Opens and closes streams, and returns how many had ended. */
async function open(netns: string, count: number): Promise<number> {
  let ended = 0;
  for (let round = 0; round < count; round++) {
    using pm = PathManager.open({ netns });
    using stream = pm.events();
    const next = stream.next();
    pm.getLimits();
    if (round % 2 === 0) await new Promise((resolve) => setTimeout(resolve));
    stream.close();
    if ((await next).done) ended++;
  }
  return ended;
}

self.onmessage = async ({ data }: MessageEvent<Job>) => {
  const job = { listen, fail, open }[data.kind];
  self.postMessage({ result: await job(data.netns, data.count) });
};
