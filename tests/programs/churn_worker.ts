/**
 * A worker that makes many short connections.
 *
 * @module
 */

/// <reference lib="deno.worker" />

import { Host } from "../../testing/host.ts";
import { churn } from "../helpers/churn.ts";

self.onmessage = ({ data }: MessageEvent<[string, string, number]>) => {
  const [client, server, count] = data;
  churn({
    client: new Host(client, "client"),
    server: new Host(server, "server"),
  }, count);
  self.postMessage("done");
};
