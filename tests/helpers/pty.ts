/**
 * Programs on a terminal of their own, which somebody types at.
 *
 * @module
 */

import { environment, run } from "./command_line.ts";

/** What happens at the terminal, one after the other. */
export type Step =
  /** Wait until this is shown, behind what was waited for before. */
  | { readonly see: string }
  | { readonly type: string }
  | { readonly signal: Deno.Signal }
  | { readonly resize: readonly [columns: number, rows: number] }
  | { readonly sleep: number }
  /** Go on when `meet` has, and look for what is shown from then on. */
  | { readonly meet: string }
  /** Close the window. */
  | "hangup";

/** What came of it. */
export interface Session {
  /** All that was shown, with what the terminal obeys. */
  readonly output: string;
  /** What `stty -a` says before, and after; absent: the terminal is gone. */
  readonly before: string;
  readonly after?: string;
  /** The exit code, or minus the number of a signal. */
  readonly code: number;
}

/** What holds the other end of the terminal. */
const DRIVER = `
import fcntl, json, os, pty, select, signal, struct, subprocess, sys, termios, time

plan = json.loads(sys.argv[1])
master, slave = pty.openpty()

def resize(columns, rows):
    size = struct.pack("HHHH", rows, columns, 0, 0)
    fcntl.ioctl(master, termios.TIOCSWINSZ, size)

def stty():
    return subprocess.run(["stty", "-a"], stdin=slave, capture_output=True,
                          text=True).stdout

resize(*plan["size"])
before = stty()
child = subprocess.Popen(
    plan["command"], stdin=slave, stdout=slave, stderr=slave,
    start_new_session=True,
    preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0))
output, seen, end = b"", 0, time.monotonic() + 300

def read(seconds):
    global output
    if master is not None and select.select([master], [], [], seconds)[0]:
        output += os.read(master, 65536)
        return True
    return False

def fail(why):
    child.kill()
    sys.exit(f"{why}, but only: {output[seen:]!r}")

for step in plan["steps"]:
    if step == "hangup":
        os.close(master)
        master = None
    elif "see" in step:
        text = step["see"].encode()
        while (at := output.find(text, seen)) < 0:
            if time.monotonic() > end or child.poll() is not None and not read(0):
                fail(f"{text} is to be seen")
            read(0.1)
        seen = at + len(text)
    elif "type" in step:
        os.write(master, step["type"].encode())
    elif "signal" in step:
        child.send_signal(getattr(signal, step["signal"]))
    elif "resize" in step:
        resize(*step["resize"])
    elif "sleep" in step:
        until = time.monotonic() + step["sleep"]
        while (left := until - time.monotonic()) > 0:
            read(left)
    elif "meet" in step:
        print(json.dumps(step["meet"]), flush=True)
        while not select.select([sys.stdin], [], [], 0)[0]:
            read(0.05)
        sys.stdin.readline()
        while read(0):
            pass
        seen = len(output)
while child.poll() is None:
    if time.monotonic() > end:
        fail("it is to end")
    read(0.1)
while read(0):
    pass
result = {"output": output.decode(), "before": before, "code": child.returncode}
if master is not None:
    result["after"] = stty()
print(json.dumps(result))
`;

/** Absent: there is what a terminal takes; else what is missing. */
export function ptyMissing(): string | undefined {
  try {
    return run(["python3", "-c", "import pty"]).code === 0
      ? undefined
      : "python3 has no pty";
  } catch {
    return "there is no python3";
  }
}

/** Runs a program on a terminal; it has to end within five minutes. */
export async function onTerminal(
  command: readonly string[],
  steps: readonly Step[],
  { size = [80, 24], env = {}, meet = () => {} }: {
    readonly size?: readonly [columns: number, rows: number];
    readonly env?: Readonly<Record<string, string>>;
    /** What is done elsewhere meanwhile. */
    readonly meet?: (name: string) => void | Promise<void>;
  } = {},
): Promise<Session> {
  const plan = JSON.stringify({ command, steps, size });
  const { NO_COLOR: _, ...others } = environment();
  await using driver = new Deno.Command("python3", {
    args: ["-c", DRIVER, plan],
    env: { TERM: "xterm", ...others, ...env },
    stdin: "piped",
    stdout: "piped",
    stderr: "piped",
  }).spawn();
  const failure = new Response(driver.stderr).text();
  const input = driver.stdin.getWriter();
  let text = "";
  for await (
    const piece of driver.stdout.pipeThrough(new TextDecoderStream())
  ) {
    text += piece;
    const [name, ...rest] = text.split("\n");
    if (!name!.startsWith('"') || rest.length === 0) continue;
    text = rest.join("\n");
    await meet(JSON.parse(name!));
    await input.write(new TextEncoder().encode("\n"));
  }
  await input.close().catch(() => {});
  const { code } = await driver.status;
  const why = await failure;
  if (code !== 0) throw new Error(why);
  return JSON.parse(text);
}

/** What is on the screen at the end of each frame, without colours. */
export function frames({ output }: Session): string[][] {
  return output.split("\x1b[H").slice(1).map((frame) =>
    // deno-lint-ignore no-control-regex
    frame.replaceAll(/\x1b\[[\d;?]*[a-zA-Z]/g, "").split("\r\n")
      .map((line) => line.trimEnd())
  );
}
