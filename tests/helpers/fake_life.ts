/**
 * A fake kernel on which things happen at random.
 *
 * @module
 */

import { type Connection, Diag } from "../../diag/mod.ts";
import type { FakeKernel } from "../../testing/fake_kernel.ts";
import type { Random } from "./random.ts";

/** What `Diag` sees of a kernel. */
export function look(kernel: FakeKernel): Connection[] {
  using diag = Diag.open({ namespace: kernel });
  return [...diag.connections()];
}

let ports = 1000;

/** Does one of the things that connections go through. */
export function step(kernel: FakeKernel, random: Random): void {
  const token = 1 + random(4);
  const connection = kernel.connections.get(token);
  const local = { address: `10.0.0.${1 + random(3)}`, port: ports++ };
  if (connection === undefined) {
    kernel.connect(token, {
      ...{ local, serverSide: random(2) === 0, established: random(3) > 0 },
    });
    return;
  }
  const count = connection.subflows().length;
  const kind = random(12);
  if (kind === 0) return connection.close();
  if (kind === 1) return connection.establish();
  if (kind < 6 || count === 0) {
    // Nobody joins before that.
    connection.establish();
    return connection.openSubflow({
      ...{ local, locId: random(3), remId: random(3), ifIndex: random(4) },
      ...{ openedHere: random(2) === 0, backupByPeer: random(4) === 0 },
      ...random(4) === 0 && { openedHere: true, state: "syn-sent" },
    });
  }
  const index = random(count);
  if (kind < 9) return connection.closeSubflow(index);
  connection.setSubflow(index, {
    ...{ state: "established", backupByPeer: random(2) === 0 },
  });
}
