/**
 * What becomes of events and modes for somebody who may nothing, as JSON.
 *
 * @module
 */

import { PathManager, SyscallError } from "../../mod.ts";

// All modules are loaded: this user need not be able to read them.
const { symbols } = Deno.dlopen("libc.so.6", {
  // int setresuid(uid_t ruid, uid_t euid, uid_t suid)
  setresuid: { parameters: ["u32", "u32", "u32"], result: "i32" },
});
if (symbols.setresuid(65534, 65534, 65534) !== 0) Deno.exit(1);

using pm = PathManager.open();
const attempt = (action: () => unknown) => {
  try {
    return action();
  } catch (error) {
    if (!(error instanceof SyscallError)) throw error;
    return { code: error.code, message: error.message };
  }
};
console.log(JSON.stringify({
  events: attempt(() => pm.events().close()),
  getMode: attempt(() => pm.getMode()),
  setMode: attempt(() => pm.setMode("userspace")),
  mode: pm.getMode(),
}));
