import {
  type Namespace,
  type Netns,
  type OutputWatch,
  type PathManager,
  type PathManagerOptions,
  traced,
} from "../mod.ts";
import { jsonLine, printable } from "./printable.ts";

/** The world around a run. */
export interface Io {
  /** Writes to standard output. */
  readonly out: (text: string) => void;
  /** Writes to standard error. */
  readonly err: (text: string) => void;
  /** Opens a path manager. */
  readonly open: (options: PathManagerOptions) => PathManager;
  /** Opens a network namespace, for a trace. */
  readonly namespace: (netns?: Netns) => Namespace;
  /** The lines of a file, or of standard input if it is called `-`. */
  readonly lines: (file: string) => AsyncIterable<string>;
  /** Starts to look out for what stops a command that goes on. */
  readonly stop: () => OutputWatch;
  /** The command line that has the permission to call libc. */
  readonly rerun: () => string;
}

/** What the options say of how a command is run. */
export interface Settings {
  /** Whether warnings are written as JSON. */
  readonly json: boolean;
  /** Whether to show each message. */
  readonly trace: boolean;
  /** The network namespace to work in; absent: our own. */
  readonly netns?: Netns | undefined;
}

/** What a command works with: each thing is opened when it is asked for. */
export class Context implements Disposable {
  readonly #io: Io;
  readonly #settings: Settings;
  readonly #opened: DisposableStack = new DisposableStack();
  #pm: PathManager | undefined;

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
  pm(): PathManager {
    const { json, trace, netns } = this.#settings;
    return this.#pm ??= this.#opened.use(this.#io.open({
      ...trace
        ? { namespace: this.#traced(netns) }
        : netns !== undefined && { netns },
      onWarning: ({ message }) =>
        this.#io.err(
          json
            ? jsonLine({ warning: message })
            : printable(`mptcp: ${message}\n`),
        ),
    }));
  }

  #traced(netns: Netns | undefined): Namespace {
    const namespace = this.#opened.use(this.#io.namespace(netns));
    return traced(namespace, (line) => this.#io.err(`${printable(line)}\n`));
  }

  /** Starts to look out for what stops a command that goes on. */
  stop(): OutputWatch {
    return this.#opened.use(this.#io.stop());
  }

  /** Closes what was opened. */
  [Symbol.dispose](): void {
    this.#opened.dispose();
  }
}
