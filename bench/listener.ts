/**
 * A process that listens to the events of a network namespace, watched from
 * outside: by what the kernel says of it and of its socket.
 *
 * @module
 */

import { PathManager } from "../mod.ts";
import { until } from "../testing/lab.ts";

const NETLINK_GENERIC = "16";

/** How long anything may take that a listener is waited for. */
const TIMEOUT_MS = 30_000;

/** A process that listens. */
export class Listener implements AsyncDisposable {
  readonly #process: Deno.ChildProcess;
  readonly #output: string;

  private constructor(process: Deno.ChildProcess, output: string) {
    this.#process = process;
    this.#output = output;
  }

  /**
   * Starts one. It writes to a file, as slowly or fast as files are.
   *
   * @param netns Name of the network namespace.
   * @param command What listens.
   */
  static async start(
    netns: string,
    command: readonly string[],
  ): Promise<Listener> {
    const output = await Deno.makeTempFile();
    const process = new Deno.Command("ip", {
      args: [
        ...["netns", "exec", netns],
        ...["sh", "-c", 'exec "$@" >"$0" 2>&1', output, ...command],
      ],
      env: { DENO_NO_UPDATE_CHECK: "1" },
      stdin: "null",
      stdout: "null",
    }).spawn();
    const listener = new Listener(process, output);
    try {
      await until(
        () => listener.#socket !== undefined,
        `${command.join(" ")} to listen`,
        TIMEOUT_MS,
      );
      return listener;
    } catch (error) {
      await listener[Symbol.asyncDispose]();
      throw error;
    }
  }

  /** The same for `mptcp manage`, which also sets the mode of its namespace. */
  static async startManager(
    netns: string,
    command: readonly string[],
  ): Promise<Listener> {
    const listener = await Listener.start(netns, command);
    using pm = PathManager.open({ netns });
    await until(() => pm.getMode() === "userspace", "its mode", TIMEOUT_MS);
    return listener;
  }

  /** Its line in `/proc/net/netlink`; absent: it has not joined a group yet. */
  get #socket(): string[] | undefined {
    return Deno.readTextFileSync(`/proc/${this.#process.pid}/net/netlink`)
      .split("\n").map((line) => line.split(/ +/))
      .find(([, protocol, , groups]) =>
        protocol === NETLINK_GENERIC && Number(`0x${groups}`) !== 0
      );
  }

  /** How many events the kernel has dropped, because its queue was full. */
  get dropped(): number {
    return Number(this.#socket![8]);
  }

  /** The processor time of all its threads, in milliseconds. */
  get cpuMs(): number {
    const tasks = `/proc/${this.#process.pid}/task`;
    return [...Deno.readDirSync(tasks)].reduce((sum, { name }) => {
      const schedstat = Deno.readTextFileSync(`${tasks}/${name}/schedstat`);
      return sum + Number(schedstat.split(" ")[0]) / 1e6;
    }, 0);
  }

  /** Waits until it has read all that is queued. */
  async caughtUp(): Promise<void> {
    await until(
      () => this.#socket![4] === "0",
      "the listener to catch up",
      TIMEOUT_MS,
    );
  }

  /** Stops it, as a busy processor would. */
  pause(): void {
    this.#process.kill("SIGSTOP");
  }

  /** Lets it go on. */
  resume(): void {
    this.#process.kill("SIGCONT");
  }

  /** Ends it, and gives what it has written. */
  async end(): Promise<string> {
    this.#process.kill("SIGTERM");
    await this.#process.status;
    return await Deno.readTextFile(this.#output);
  }

  /** Ends it, whatever it does. */
  async [Symbol.asyncDispose](): Promise<void> {
    try {
      this.#process.kill("SIGKILL");
    } catch (error) {
      // It has ended.
      if (!(error instanceof TypeError)) throw error;
    }
    await this.#process.status;
    await Deno.remove(this.#output);
  }
}
