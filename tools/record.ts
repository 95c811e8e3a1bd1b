/**
 * Makes docs/record.svg: a transfer over two paths, one of which is cut for a
 * while. Needs root.
 *
 * ```sh
 * deno run -A tools/record.ts
 * ```
 *
 * @module
 */

import { PathManager } from "../mod.ts";
import { Lab, until } from "../testing/mod.ts";
import { launcher } from "../tests/helpers/command_line.ts";

const FILE = new URL("../docs/record.svg", import.meta.url).pathname;
const SECONDS = 30;

using lab = Lab.open({ paths: 2, rate: 20 });
const { netns } = lab.client;
// This program is the path manager of the client.
lab.client.sysctl("net.mptcp.pm_type", 1);
using pm = PathManager.open({ netns });
using peer = PathManager.open({ netns: lab.server.netns });
peer.setLimits({ subflows: 2 });
using connection = lab.connect();
// So that there can be subflows.
connection.transfer(1);
const { token } = connection.client;

const recording = new Deno.Command(launcher, {
  args: [
    ...["-n", netns, "record", "token", `0x${token.toString(16)}`],
    ...["for", `${SECONDS}`, "interval", "0.5", "--svg", FILE],
  ],
}).spawn();
const begin = performance.now();
const transfer = connection.transferAsync(1e12, SECONDS * 1000)
  .catch(() => {});

const local = { address: lab.client.address(2), id: 2, port: 40_002 };
const subflow = {
  token,
  local,
  remote: {
    address: lab.server.address(2),
    port: connection.server.local.port,
  },
};
const dev = lab.client.dev(2);
await at(5);
pm.subflowCreate({ ...subflow, dev });
await at(12);
lab.cut(2);
await at(13);
pm.subflowDestroy(subflow);
await at(18);
lab.restore(2);
// The kernel does not try the peer again at once.
await at(20);
pm.subflowCreate({ ...subflow, local: { ...local, port: 40_003 }, dev });
await at(25);
const again = { ...subflow, local: { ...local, port: 40_003 } };
pm.setSubflowBackup({ ...again, backup: true });
await recording.status;
await transfer;

/** Until so many seconds of the recording have gone. */
function at(seconds: number): Promise<true> {
  const isThen = () => performance.now() - begin >= seconds * 1000;
  return until(isThen, `second ${seconds}`, SECONDS * 1000);
}
