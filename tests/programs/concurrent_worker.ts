/**
 * A worker that uses the library while others do.
 *
 * @module
 */

/// <reference lib="deno.worker" />

import { PathManager } from "../../mod.ts";

/** What to do. */
export type Job =
  | { readonly kind: "hear"; readonly netns: string; readonly count: number }
  | { readonly kind: "fail"; readonly netns: string; readonly count: number }
  | { readonly kind: "open"; readonly netns: string; readonly count: number };

/** Hears events, and does commands meanwhile: the ports of the listeners. */
async function hear(netns: string, count: number): Promise<number[]> {
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

/** Opens what cannot be opened: why, each reason once. */
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

/** Opens and closes all there is: how often streams had ended by then. */
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

if (
  typeof DedicatedWorkerGlobalScope !== "undefined" &&
  self instanceof DedicatedWorkerGlobalScope
) {
  self.onmessage = async ({ data }: MessageEvent<Job>) => {
    const job = { hear, fail, open }[data.kind];
    self.postMessage({ result: await job(data.netns, data.count) });
  };
}
