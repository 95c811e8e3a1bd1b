import { assertEquals } from "@std/assert";
import { PathManager } from "../../mod.ts";
import { Lab } from "../../testing/lab.ts";
import { liveTest } from "../helpers/live.ts";

const PROGRAM = `
import { PathManager } from "${import.meta.resolve("../../mod.ts")}";
using pm = PathManager.open();
try {
  console.log(pm.getMode());
} catch (error) {
  console.log((error as Error).name);
}
`;

liveTest("`getMode()` throws where /proc/sys is hidden", () => {
  using lab = Lab.open({ paths: 0 });
  using pm = PathManager.open({ netns: lab.client.netns });
  pm.setMode("userspace");
  const name = lab.client.exec(
    ...[
      "unshare",
      "-m",
      "sh",
      "-c",
      'mount -t tmpfs none /proc/sys; exec "$@"',
    ],
    ...["sh", Deno.execPath(), "run", "-A", "--no-config", "--no-lock"],
    `data:application/typescript;base64,${btoa(PROGRAM)}`,
  );
  assertEquals(name, "ProtocolError\n");
});
