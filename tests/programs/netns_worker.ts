/**
 * Opens the namespace whose name it is sent, and returns the first endpoint.
 *
 * @module
 */

/// <reference lib="deno.worker" />

import { PathManager } from "../../mod.ts";

const here = () => Deno.readLinkSync("/proc/thread-self/ns/net");

self.onmessage = ({ data: netns }: MessageEvent<string>) => {
  const home = here();
  using pm = PathManager.open({ netns });
  const address = pm.dumpAddrs()[0]?.address;
  self.postMessage({ address, cameBack: here() === home });
};
