import {
  isConnectionGone,
  type Namespace,
  type Netns,
  type OutputWatch,
  type PathManager,
  type PathManagerOptions,
  SyscallError,
  traced,
} from "../mod.ts";
import type { Diag } from "../diag/mod.ts";
import type { Confirmation } from "./confirmation.ts";
import { jsonLine, printable } from "./printable.ts";
import type { Service } from "./service.ts";
import type { Screen } from "./style.ts";

/** The world around a run. */
export interface Io {
  /** Writes text, or what is encoded already, to standard output. */
  readonly out: (output: string | Uint8Array) => void;
  /** Writes some of it to standard output, aside, and says how much. */
  readonly write: (bytes: Uint8Array) => Promise<number>;
  /** Writes to standard error. */
  readonly err: (text: string) => void;
  /** Opens a path manager. */
  readonly open: (options: PathManagerOptions) => PathManager;
  /** Opens a network namespace, for a trace. */
  readonly namespace: (netns?: Netns) => Namespace;
  /** The lines of a file, or of standard input if it is called `-`. */
  readonly lines: (file: string) => AsyncIterable<string>;
  /** Whether this is a line of a batch. */
  readonly isBatch?: true;
  /** Replaces a file as a whole; `mode` are its permissions. */
  readonly replaceFile: (path: string, text: string, mode: number) => void;
  /**
   * Starts to look out for what stops a command that goes on, which the process
   * is then named after: SIGHUP too unless that has another meaning.
   */
  readonly stop: (command: string, endsByHangup: boolean) => OutputWatch;
  /** Lets what may end the program only end the wait for Enter. */
  readonly confirmation: () => Confirmation;
  /** The service manager, if there is one. */
  readonly service: () => Service;
  /** What standard output goes to. */
  readonly screen: () => Screen;
  /** The command line that has the permission to call libc. */
  readonly rerun: () => string;
}

/** What the options say of how a command is run. */
export interface Settings {
  /** Whether warnings are written as JSON. */
  readonly json: boolean;
  /** Whether hints are left out. */
  readonly quiet: boolean;
  /** Whether to show each message. */
  readonly trace: boolean;
  /** The command, such as `monitor`. */
  readonly command: string;
  /** The network namespace to work in; absent: our own. */
  readonly netns?: string | undefined;
}

/** What a command works with: each thing is opened when it is asked for. */
export class Context implements Disposable {
  readonly #io: Io;
  readonly #settings: Settings;
  readonly #opened: DisposableStack = new DisposableStack();
  #pm: PathManager | undefined;
  #entered: Netns | undefined;

  /**
   * Opens nothing.
   *
   * @param io The world around the run.
   * @param settings What the options say.
   */
  constructor(io: Io, settings: Settings) {
    this.#io = io;
    this.#settings = settings;
  }

  /** The path manager of the namespace, which is closed after the command. */
  pm(netns: string | undefined = this.netns): PathManager {
    if (this.#pm !== undefined) return this.#pm;
    const onWarning: PathManagerOptions["onWarning"] = ({ message, isHint }) =>
      isHint ? this.hint(message) : this.warn(message);
    this.#pm = this.#settings.trace
      ? this.#io.open({ namespace: this.#traced(netns), onWarning })
      : inNamed(
        netns,
        (netns) =>
          this.#io.open({ ...netns !== undefined && { netns }, onWarning }),
      );
    return this.#opened.use(this.#pm);
  }

  /** What is there in the namespace; it is closed after the command. */
  async diag(netns: string | undefined = this.netns): Promise<Diag> {
    const { Diag } = await import("../diag/mod.ts");
    return this.#opened.use(Diag.open({ namespace: this.place(netns) }));
  }

  /** The namespace to work in, with a trace if one is asked for. */
  place(netns: string | undefined = this.netns): Namespace {
    return this.#settings.trace ? this.#traced(netns) : this.namespace(netns);
  }

  /** The network namespace to work in, as it was written; absent: our own. */
  get netns(): string | undefined {
    return this.#settings.netns;
  }

  /** A namespace, which is closed after the command. */
  namespace(netns: string | undefined): Namespace {
    return this.#opened.use(inNamed(netns, (one) => {
      const namespace = this.#io.namespace(one);
      this.#entered = one;
      return namespace;
    }));
  }

  /** The network namespace that was opened last; a number is a process. */
  get entered(): Netns | undefined {
    return this.#entered;
  }

  /** The lines of a file, or of standard input if it is called `-`. */
  lines(file: string): AsyncIterable<string> {
    return this.#io.lines(file);
  }

  /** Replaces a file as a whole, which everybody may read. */
  replaceFile(path: string, text: string): void {
    this.#io.replaceFile(path, text, 0o644);
  }

  /** Whether JSON is asked for. */
  get json(): boolean {
    return this.#settings.json;
  }

  /** Whether each message is shown. */
  get trace(): boolean {
    return this.#settings.trace;
  }

  /** What standard output goes to. */
  get screen(): Screen {
    return this.#io.screen();
  }

  /** Of two readings of a token the one that is a connection. */
  token(likely: number, other: number): number {
    const pm = this.pm();
    const [isLikely, isOther] = [likely, other].map((token) => {
      try {
        pm.dumpAddrs({ token });
        return true;
      } catch (error) {
        return !isConnectionGone(error);
      }
    });
    if (isLikely !== isOther) return isLikely ? likely : other;
    const [read, not] = [likely, other].map((token) =>
      `0x${token.toString(16).padStart(8, "0")}`
    );
    this.hint(`the token is read as ${read}; it could be ${not}, too`);
    return likely;
  }

  /** Says what hinders what was asked for. */
  warn(message: string): void {
    this.#say("mptcp", "warning", message);
  }

  /** Says what was hardly meant. */
  hint(message: string): void {
    if (!this.#settings.quiet) this.#say("hint", "hint", message);
  }

  /** Says what only `--trace` shows. */
  detail(message: string): void {
    if (this.trace) this.#say("mptcp", "detail", message);
  }

  /** Says what is to be done, on standard error. */
  ask(message: string): void {
    this.#say("mptcp", "message", message);
  }

  #say(label: string, key: string, message: string): void {
    this.#io.err(
      this.#settings.json
        ? jsonLine({ [key]: message })
        : printable(`${label}: ${message}\n`),
    );
  }

  #traced(netns: string | undefined): Namespace {
    return traced(
      this.namespace(netns),
      (line) => this.#io.err(`${printable(line)}\n`),
    );
  }

  /** Starts to look out for what stops a command that goes on. */
  stop(endsByHangup: boolean = true): OutputWatch {
    const { command } = this.#settings;
    return this.#opened.use(this.#io.stop(command, endsByHangup));
  }

  /** Lets what may end the program only end the wait for Enter. */
  confirmation(): Confirmation {
    return this.#io.confirmation();
  }

  /** The service manager, if there is one. */
  service(): Service {
    return this.#io.service();
  }

  /** Closes what was opened. */
  [Symbol.dispose](): void {
    this.#opened.dispose();
  }
}

/** As with `ip -n`, a number is a name; only where there is none, a process. */
function inNamed<T>(
  netns: string | undefined,
  open: (netns: Netns | undefined) => T,
): T {
  try {
    return open(netns);
  } catch (error) {
    const isProcess = netns !== undefined && /^\d+$/.test(netns) &&
      error instanceof SyscallError && error.code === "ENOENT";
    if (!isProcess) throw error;
    return open(Number(netns));
  }
}
