/**
 * Prints the screen of `mptcp top` that docs/connections.md shows: a transfer
 * over two paths of 20 Mbit/s, with a third as a spare. Needs root and python3.
 *
 * ```sh
 * deno run -A tools/top.ts
 * ```
 *
 * @module
 */

import { Lab, until } from "../testing/mod.ts";
import { launcher } from "../tests/helpers/command_line.ts";
import { frames, onTerminal } from "../tests/helpers/pty.ts";

using lab = Lab.open({ paths: 3, rate: 20 });
const { client } = lab;
client.ip("mptcp", "limits", "set", "subflows", "2");
for (const [path, ...flags] of [[2, "subflow"], [3, "subflow", "backup"]]) {
  const number = Number(path);
  client.ip(
    ...["mptcp", "endpoint", "add", client.address(number)],
    ...["dev", client.dev(number), ...flags.map(String)],
  );
}
using connection = lab.connect({ port: 443 });
connection.transfer(1);
await until(() => client.subflows().length === 3, "the subflows");

const transfer = connection.transferAsync(1e12, 8000).catch(() => {});
const session = await onTerminal([launcher, "-n", client.netns, "top"], [
  { see: "\x1b[H" },
  { sleep: 4.5 },
  { type: "q" },
], { size: [90, 24] });
console.log(frames(session).at(-1)!.join("\n").trimEnd());
await transfer;
