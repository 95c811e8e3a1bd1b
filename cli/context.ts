import type {
  Netns,
  OutputWatch,
  PathManager,
  PathManagerOptions,
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
  /** Starts to look out for what stops a command that goes on. */
  readonly stop: () => OutputWatch;
  /** The command line that has the permission to call libc. */
  readonly rerun: () => string;
}

/** What a command works with: each thing is opened when it is asked for. */
export class Context implements Disposable {
  readonly #io: Io;
  readonly #json: boolean;
  readonly #netns: Netns | undefined;
  readonly #opened: DisposableStack = new DisposableStack();
  #pm: PathManager | undefined;

  /**
   * Opens nothing.
   *
   * @param io The world around the run.
   * @param json Whether warnings are written as JSON.
   * @param netns The network namespace to work in; by default our own.
   */
  constructor(io: Io, json: boolean, netns?: Netns) {
    this.#io = io;
    this.#json = json;
    this.#netns = netns;
  }

  /** The path manager of the namespace, which is closed after the command. */
  pm(): PathManager {
    return this.#pm ??= this.#opened.use(this.#io.open({
      ...this.#netns !== undefined && { netns: this.#netns },
      onWarning: ({ message }) =>
        this.#io.err(
          this.#json
            ? jsonLine({ warning: message })
            : printable(`mptcp: ${message}\n`),
        ),
    }));
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
