/** The program where little is as it should be. */
import { assert, assertEquals } from "@std/assert";
import { Lab, until } from "../../testing/lab.ts";
import { MptcpSocket } from "../../testing/mptcp_socket.ts";
import { libcPath } from "../helpers/libc_path.ts";
import { liveTest } from "../helpers/live.ts";
import { environment, launcher, run } from "../helpers/command_line.ts";

/** What surrounds the program: variables, or what a shell does before. */
const SURROUNDINGS: Readonly<Record<string, readonly string[]>> = {
  "no variable but PATH": ["env", "-i", `PATH=${pathOfDeno()}`],
  "no HOME": ["env", "-u", "HOME"],
  "a HOME that is not there": ["env", "HOME=/proc/nowhere"],
  "folders that cannot be written": [
    ...["env", "HOME=/proc", "DENO_DIR=/proc/none", "TMPDIR=/proc"],
    // No module can be kept there.
    "STD_SOURCE=npm",
  ],
  "a Turkish locale": ["env", "LC_ALL=tr_TR.UTF-8", "LANG=tr_TR.UTF-8"],
  "a locale that is not there": ["env", "LC_ALL=xx_XX.ISO-8859-99"],
  "no time zone of this world": ["env", "TZ=../../etc/passwd"],
  "another library in front": ["env", `LD_PRELOAD=${libcPath()}`],
  "standard input closed": ["sh", "-c", 'exec "$@" <&-', "sh"],
  "standard error closed": ["sh", "-c", 'exec "$@" 2>&-', "sh"],
  "a folder that was removed": [
    ...["sh", "-c", 'cd "$(mktemp -d)" && rmdir "$PWD" && exec "$@"', "sh"],
  ],
};

function pathOfDeno(): string {
  const folder = Deno.execPath().replace(/\/[^/]*$/, "");
  return `${folder}:/usr/sbin:/usr/bin:/sbin:/bin`;
}

for (const [name, prefix] of Object.entries(SURROUNDINGS)) {
  liveTest(`\`mptcp\` works with ${name}`, () => {
    using lab = Lab.open({ paths: 0 });
    const { netns } = lab.client;
    const mptcp = [...prefix, launcher, "-n", netns];
    const add = ["endpoint", "add", "10.0.0.1", "id", "3", "subflow"];
    assertEquals(run([...mptcp, ...add]).code, 0);
    const { code, out } = run([...mptcp, "endpoint", "show"]);
    assertEquals([code, out], [0, lab.client.ip("mptcp", "endpoint")]);
    const refused = run([...mptcp, "limits", "set", "subflows", "9"]);
    assertEquals([refused.code, refused.out], [2, ""]);
  });
}

liveTest("`mptcp` works without any standard stream", () => {
  using lab = Lab.open({ paths: 0 });
  const { code } = run([
    ...["sh", "-c", 'exec "$@" <&- >&- 2>&-', "sh"],
    ...[launcher, "-n", lab.client.netns, "limits", "set", "subflows", "5"],
  ]);
  assertEquals(code, 0);
  assert(lab.client.ip("mptcp", "limits").includes("subflows 5"));
});

/** What the clock shows in a time zone, to the minute. */
function clockIn(zone: string): string {
  const date = ["date", "+%a %b %e %H:%M %Y"];
  return run(date, { env: { TZ: zone, LC_ALL: "C" } }).out.trim();
}

for (const zone of ["Asia/Kathmandu", "XXX-14", "XXX12", "GMT-14"]) {
  liveTest(`\`monitor -t\` shows the time of TZ=${zone}`, async () => {
    using lab = Lab.open({ paths: 0 });
    const { netns } = lab.client;
    const child = new Deno.Command(launcher, {
      args: ["-n", netns, "-t", "monitor"],
      env: { ...environment(), TZ: zone },
      stdin: "null",
      stdout: "piped",
    }).spawn();
    try {
      // Protocol, port id and groups.
      const listens = /^\S+ +16 +\d+ +0*[1-9a-f]/m;
      await until(
        () => listens.test(lab.client.exec("cat", "/proc/net/netlink")),
        "the program to listen",
      );
      const before = clockIn(zone);
      MptcpSocket.listen(netns, { address: "::", port: 0 }).close();
      const output = child.stdout.pipeThrough(new TextDecoderStream())
        .getReader();
      const { value } = await output.read();
      const after = clockIn(zone);
      const stamp = value!.replace(
        /^Timestamp: (.* \d\d:\d\d):\d\d (\d{4}) \d+ usec\n[^]*$/,
        "$1 $2",
      );
      assert([before, after].includes(stamp), `${stamp}, ${before}, ${after}`);
      await output.cancel();
    } finally {
      child.kill("SIGTERM");
      await child.status;
    }
  });
}
