/**
 * The terminal as a screen that is drawn again and again, and that is left as it
 * was whatever ends the program, except SIGKILL and a crash of the process.
 *
 * @module
 */

import { ignoreInspectorSignal, keepHangupIgnored, suspend } from "../mod.ts";
import { cellsOf } from "./cells.ts";
import { nextInput, takeInput, write } from "./stdio.ts";
import { type Screen, unpainted } from "./style.ts";

/** Take the other screen, hide the cursor, cut lines instead of folding them. */
const ENTER = "\x1b[?1049h\x1b[?25l\x1b[?7l";
/** Undo that, and any colour. */
const LEAVE = "\x1b[0m\x1b[?7h\x1b[?25h\x1b[?1049l";
const HOME = "\x1b[H";
const CLEAR_LINE = "\x1b[K";

/** What an arrow or a function key sends, or a letter with Alt. */
// deno-lint-ignore no-control-regex
const SEQUENCE = /\x1b(?:\[[ -?]*[@-~]|O?[^]?)/g;

/** What ends the program, with 128 more as its exit code. */
const ENDS = {
  ...{ SIGHUP: 1, SIGINT: 2, SIGQUIT: 3, SIGABRT: 6, SIGUSR2: 12 },
  ...{ SIGPIPE: 13, SIGALRM: 14, SIGTERM: 15, SIGXCPU: 24, SIGXFSZ: 25 },
  ...{ SIGVTALRM: 26, SIGPROF: 27, SIGIO: 29, SIGPWR: 30 },
} as const;

/** What happens on a terminal: a key, or that it has to be drawn again. */
export type Happening = { readonly key: string } | "redraw";

/** The screen of a terminal, until the end of the block. */
export class Terminal implements Disposable {
  #isEntered = false;
  readonly #hooks = new DisposableStack();
  readonly #happenings: Happening[] = [];
  #wake = () => {};

  /** Takes the screen. What can fail was done before, so that it can be read. */
  constructor() {
    ignoreInspectorSignal();
    // An error is printed after this, on the screen that is left then.
    for (const name of ["error", "unhandledrejection", "unload"]) {
      this.#on(name, () => this.#leave());
    }
    for (const [name, number] of Object.entries(ENDS)) {
      if (name === "SIGHUP" && keepHangupIgnored()) continue;
      this.#onSignal(name as keyof typeof ENDS, () => {
        this.#leave();
        Deno.exit(128 + number);
      });
    }
    this.#onSignal("SIGTSTP", () => {
      this.#leave();
      suspend();
      this.#enterAgain();
    });
    // After SIGSTOP, too, which no listener is told of.
    this.#onSignal("SIGCONT", () => this.#enterAgain());
    this.#onSignal("SIGWINCH", () => this.#happened("redraw"));
    this.#enter();
    if (Deno.stdin.isTerminal()) void this.#readKeys();
  }

  /**
   * Draws all lines of the screen, with one write.
   *
   * @param lines The lines, none wider than the screen.
   * @param screen How large it is now.
   */
  draw(
    lines: readonly string[],
    { columns, rows = lines.length }: Screen,
  ): void {
    const drawn = Array.from({ length: rows }, (_, row) => {
      const line = lines[row] ?? "";
      // Behind the last column this would clear the character that is there.
      return cellsOf(unpainted(line)) < columns ? line + CLEAR_LINE : line;
    });
    whileThere(() => write(Deno.stdout, HOME + drawn.join("\r\n")));
  }

  /** Waits for what happens next, or for the time to pass. */
  async next(timeoutMs: number): Promise<Happening | undefined> {
    if (this.#happenings.length === 0) {
      const { promise, resolve } = Promise.withResolvers<void>();
      this.#wake = resolve;
      const timer = setTimeout(resolve, Math.max(0, timeoutMs));
      await promise;
      clearTimeout(timer);
    }
    return this.#happenings.shift();
  }

  /** Leaves the terminal as it was. Doing it again does nothing. */
  [Symbol.dispose](): void {
    this.#leave();
    this.#hooks.dispose();
  }

  #enter(): void {
    this.#isEntered = true;
    // With cbreak Ctrl-C and Ctrl-Z stay signals.
    if (Deno.stdin.isTerminal()) Deno.stdin.setRaw(true, { cbreak: true });
    write(Deno.stdout, ENTER);
  }

  #enterAgain(): void {
    this.#leave();
    whileThere(() => this.#enter());
    this.#happened("redraw");
  }

  #leave(): void {
    if (!this.#isEntered) return;
    this.#isEntered = false;
    const steps = [
      () => write(Deno.stdout, LEAVE),
      () => Deno.stdin.isTerminal() && Deno.stdin.setRaw(false),
    ];
    for (const step of steps) {
      try {
        step();
      } catch {
        // The terminal is gone, as after SIGHUP.
      }
    }
  }

  #happened(happening: Happening): void {
    const isKnown = happening === "redraw" &&
      this.#happenings.includes(happening);
    if (!isKnown) this.#happenings.push(happening);
    this.#wake();
  }

  async #readKeys(): Promise<void> {
    try {
      for (let bytes; (bytes = await nextInput()) !== null;) {
        // It is for who reads next: another terminal, or the lines of a batch.
        if (this.#hooks.disposed) return;
        takeInput();
        const text = new TextDecoder().decode(bytes);
        for (const key of text.replaceAll(SEQUENCE, "")) {
          this.#happened({ key });
        }
      }
    } catch {
      // The terminal is gone: SIGHUP says so, or the next frame fails.
    }
  }

  #on(name: string, listener: () => void): void {
    globalThis.addEventListener(name, listener);
    this.#hooks.defer(() => globalThis.removeEventListener(name, listener));
  }

  #onSignal(name: Deno.Signal, listener: () => void): void {
    Deno.addSignalListener(name, listener);
    this.#hooks.defer(() => Deno.removeSignalListener(name, listener));
  }
}

/**
 * Ends as SIGHUP does where the terminal is gone: what is written fails before
 * the signal is heard, and a window that is closed continues its programs before
 * that.
 */
function whileThere(action: () => void): void {
  try {
    action();
  } catch {
    Deno.exit(128 + ENDS.SIGHUP);
  }
}
