/**
 * A change that is kept only if somebody says so, since it may cut the very
 * connection by which it was made.
 *
 * @module
 */

import { ignoreInspectorSignal } from "../mod.ts";
import { nextInput, takeInput } from "./stdio.ts";

/** Waits for somebody to say so, until the end of the block. */
export interface Confirmation extends Disposable {
  /**
   * Whether Enter is pressed in time. Not if somebody ends the program; where
   * the terminal is gone, the time goes on.
   */
  readonly given: (timeoutMs: number) => Promise<boolean>;
}

const ENDS = ["SIGINT", "SIGTERM", "SIGQUIT"] as const;
const ENTER = 0x0a;

/** Makes signals harmless from now on. */
export function confirmation(): Confirmation {
  ignoreInspectorSignal();
  const { promise, resolve } = Promise.withResolvers<boolean>();
  const end = () => resolve(false);
  const survive = () => {};
  for (const name of ENDS) Deno.addSignalListener(name, end);
  Deno.addSignalListener("SIGHUP", survive);
  return {
    async given(timeoutMs) {
      const timer = setTimeout(end, timeoutMs);
      void entered().then(() => resolve(true), () => {});
      try {
        return await promise;
      } finally {
        clearTimeout(timer);
      }
    },
    [Symbol.dispose]() {
      for (const name of ENDS) Deno.removeSignalListener(name, end);
      Deno.removeSignalListener("SIGHUP", survive);
    },
  };
}

/** Settles when Enter is pressed; never, where nobody can. */
async function entered(): Promise<void> {
  for (let bytes; (bytes = await nextInput()) !== null;) {
    takeInput();
    if (bytes.includes(ENTER)) return;
  }
  await new Promise(() => {});
}
