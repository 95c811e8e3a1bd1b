/** A thread that enters another network namespace returns. */
import { assert, assertEquals } from "@std/assert";
import { PathManager, type SyscallError } from "../../mod.ts";
import { run } from "../../testing/host.ts";
import { Lab } from "../../testing/lab.ts";
import { injectedTest, withFault } from "../helpers/injector.ts";
import { liveTest } from "../helpers/live.ts";
import { netnsHere } from "../helpers/proc.ts";

injectedTest(
  "a failed return is an error, and the next call tries it again",
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

liveTest("a namespace is not entered if returning is not permitted", () => {
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

liveTest("a pipe is refused as a network namespace, without waiting", () => {
  const folder = Deno.makeTempDirSync();
  try {
    const pipe = `${folder}/pipe`;
    run("mkfifo", pipe);
    const [message, isHome] = run("timeout", "120", ...deno(OPEN, pipe))
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
