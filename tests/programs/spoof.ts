/**
 * Sends what is not from the kernel to a port and a group, until it is killed.
 * Without a group it tries once, as an unprivileged user, and prints the error
 * number.
 *
 * @module
 */

import { Spoofer } from "../helpers/spoofer.ts";

const NOBODY = 65534;

const { symbols } = Deno.dlopen("libc.so.6", {
  // int setresuid(uid_t ruid, uid_t euid, uid_t suid)
  setresuid: { parameters: ["u32", "u32", "u32"], result: "i32" },
});

const [netns, port, group] = Deno.args;
using spoofer = Spoofer.open(netns!);
const bytes = new Uint8Array(36);
bytes[0] = bytes.length;
if (group === undefined) {
  symbols.setresuid(NOBODY, NOBODY, NOBODY);
  console.log(spoofer.send(bytes, { port: Number(port) }));
} else {
  console.log("ready");
  for (;;) {
    spoofer.send(bytes, { port: Number(port) });
    spoofer.send(bytes, { group: Number(group) });
  }
}
