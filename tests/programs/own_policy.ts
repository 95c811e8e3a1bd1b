/** A policy of a user, for `mptcp manage FILE.ts`. */
import type { Policy } from "../../policy/mod.ts";

const policy: Policy = {
  established(connection) {
    if (connection.serverSide) return;
    for (const { address: from } of connection.addresses) {
      connection.open({ from, reason: "my own" });
    }
  },
};

export default policy;
