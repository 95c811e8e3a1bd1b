/**
 * What a program that runs as a service hears from its service manager, and
 * tells it.
 *
 * @module
 */

import { notifyService, type ServiceNews, serviceWatchdogMs } from "../mod.ts";

/** The service manager, if there is one. */
export interface Service {
  /** Tells it something. */
  readonly notify: (news: ServiceNews) => void;
  /** Within what time it wants to hear that this is alive; absent: it does not. */
  readonly watchdogMs: number | undefined;
  /** Calls when files are to be read again (SIGHUP), until the end of the block. */
  readonly onReload: (listener: () => void) => Disposable;
}

/** The one that started this program. */
export function service(): Service {
  return {
    notify: notifyService,
    watchdogMs: serviceWatchdogMs(),
    onReload(listener) {
      Deno.addSignalListener("SIGHUP", listener);
      return {
        [Symbol.dispose]: () => Deno.removeSignalListener("SIGHUP", listener),
      };
    },
  };
}
