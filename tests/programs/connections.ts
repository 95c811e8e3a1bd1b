/**
 * Prints what `Diag` sees here as JSON.
 *
 * @module
 */

import { Diag } from "../../diag/mod.ts";

using diag = Diag.open();
console.log(JSON.stringify({
  connections: [...diag.connections()],
  listeners: [...diag.listeners()],
  withoutMptcp: [...diag.withoutMptcp()],
}));
