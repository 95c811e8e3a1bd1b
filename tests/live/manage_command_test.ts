/**
 * `mptcp manage` as a process: whatever signal ends it, new connections are the
 * in-kernel path manager's again.
 *
 * @module
 */

import { assertEquals } from "@std/assert";
import { Lab, until } from "../../testing/lab.ts";
import { liveTest } from "../helpers/live.ts";
import { within } from "../helpers/within.ts";

const launcher = decodeURIComponent(
  new URL("../../bin/mptcp", import.meta.url).pathname,
);

for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) {
  liveTest(`\`mptcp manage\` takes its mode back: ${signal}`, async () => {
    using lab = Lab.open();
    const { client } = lab;
    const mode = () => client.sysctl("net.mptcp.path_manager");
    const child = new Deno.Command(launcher, {
      args: ["manage", "fullmesh", "-n", client.netns],
      ...{ stdin: "null", stdout: "piped", stderr: "piped" },
    }).spawn();
    const output = child.output();
    try {
      await until(() => mode() === "userspace", "its mode");
      child.kill(signal);
      const ended = await within(output, () => "its end");
      assertEquals([ended.code, ended.signal, mode()], [0, null, "kernel"]);
    } finally {
      try {
        child.kill("SIGKILL");
      } catch {
        // It has ended.
      }
      await output;
    }
  });
}
