/** A thread that goes to another network namespace comes back. */
import { assert, assertEquals } from "@std/assert";
import { PathManager, type SyscallError } from "../../mod.ts";
import { run } from "../../testing/host.ts";
import { Lab } from "../../testing/lab.ts";
import { injectedTest, withFault } from "../helpers/injector.ts";
import { liveTest } from "../helpers/live.ts";
import { netnsHere } from "../helpers/proc.ts";

injectedTest(
  "a way back that fails is told, and tried again by what comes next",
  async () => {
    using lab = Lab.open({ paths: 0 });
    const { netns } = lab.client;
    const home = netnsHere();
    for (let nth = 1;; nth++) {
      const fault = `setns:error=ENOMEM:when=${nth}`;
      let message: string | undefined;
      await withFault({ fault }, () => {
        try {
          PathManager.open({ netns }).close();
        } catch (error) {
          ({ message } = error as SyscallError);
        }
      });
      if (message === undefined) return assert(nth > 2);
      assert(message.includes("(setns: ENOMEM)"), message);
      if (netnsHere() !== home) {
        assert(
          message.includes("Cannot come back"),
          message,
        );
      }
      using _pm = PathManager.open();
      assertEquals(netnsHere(), home, fault);
    }
  },
);

/** A program, which this version of Deno runs with all permissions. */
const deno = (program: string, ...args: string[]) => [
  ...[Deno.execPath(), "run", "-A", "--no-config", "--no-lock"],
  `data:application/typescript;base64,${btoa(program)}`,
  ...args,
];

const OPEN = `
import { PathManager } from "${import.meta.resolve("../../mod.ts")}";
const here = () => Deno.readLinkSync("/proc/thread-self/ns/net");
const home = here();
const [netns] = Deno.args;
let message = "opened";
try {
  PathManager.open({ netns: /^\\d+$/.test(netns!) ? Number(netns) : netns! });
} catch (error) {
  ({ message } = error as Error);
}
console.log([message, here() === home].join("\\n"));
`;

liveTest("nobody goes where there is no way back from", () => {
  // A user namespace that owns one network namespace, and runs in another.
  const script = 'unshare -n sleep 60 & trap "kill $!" EXIT; ' +
    "while [ /proc/$!/ns/net -ef /proc/$$/ns/net ]; do :; done; " +
    '"$@" $!';
  const words = ["bash", "-c", script, "bash", ...deno(OPEN)];
  const [message, isHome] = run("unshare", "-Ur", ...words).split("\n");
  const [, reason] = message!.split(
    /^Cannot enter network namespace of process \d+: /,
  );
  assertEquals(
    reason,
    "Operation not permitted (setns: EPERM): CAP_SYS_ADMIN is needed here " +
      "and in its user namespace",
    message,
  );
  assertEquals(isHome, "true");
});

liveTest("a pipe is no network namespace, and is not waited for", () => {
  const folder = Deno.makeTempDirSync();
  try {
    const pipe = `${folder}/pipe`;
    run("mkfifo", pipe);
    const [message, isHome] = run("timeout", "10", ...deno(OPEN, pipe))
      .split("\n");
    assertEquals(
      message,
      `Cannot enter network namespace "${pipe}": Invalid argument ` +
        "(setns: EINVAL): the file is not a network namespace",
    );
    assertEquals(isHome, "true");
  } finally {
    Deno.removeSync(folder, { recursive: true });
  }
});
