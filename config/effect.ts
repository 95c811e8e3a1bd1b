/**
 * What changes of endpoints do to live connections, as Linux 6.18 does it.
 *
 * @module
 */

import {
  MPTCP_PM_ADDR_FLAG_BACKUP as BACKUP,
  MPTCP_PM_ADDR_FLAG_FULLMESH as FULLMESH,
  MPTCP_PM_ADDR_FLAG_LAMINAR as LAMINAR,
  MPTCP_PM_ADDR_FLAG_SIGNAL as SIGNAL,
  MPTCP_PM_ADDR_FLAG_SUBFLOW as SUBFLOW,
} from "../codec/mptcp_pm.gen.ts";
import type { Endpoint } from "../ops/endpoint.ts";
import { flagBits } from "../ops/flags.ts";
import type { NewEndpoint } from "./match.ts";
import type { Carried, PresentState } from "./state.ts";
import type { Effect } from "./step.ts";

/** A deletion closes the subflows from the address, the initial one too. */
export function effectOfDelete(
  endpoint: Endpoint,
  state: PresentState,
): Effect {
  return present({ closes: carriedOf(endpoint, state).subflows });
}

/** Connections look at once for what they can do with a new endpoint. */
export function effectOfAdd(
  { flags }: NewEndpoint,
  state: PresentState,
  takesOver?: Endpoint,
): Effect {
  const isUsed = (flagBits(flags) & (SIGNAL | SUBFLOW | LAMINAR)) !== 0;
  return present({
    mayOpen: isUsed ? state.connections : 0,
    keeps: takesOver === undefined ? 0 : carriedOf(takesOver, state).subflows,
  });
}

/**
 * A change of priority is told to the peer for one subflow of each connection
 * (`mptcp_pm_mp_prio_send_ack()`); for one of fullmesh the kernel closes
 * subflows and opens them again (`mptcp_pm_nl_fullmesh()`), but never the one
 * that a connection began with.
 */
export function effectOfFlags(
  endpoint: Endpoint,
  flags: Endpoint["flags"],
  state: PresentState,
): Effect {
  const { subflows, connections, initial } = carriedOf(endpoint, state);
  const bits = flagBits(flags);
  const changed = bits ^ flagBits(endpoint.flags);
  if ((changed & FULLMESH) !== 0 && (bits & SUBFLOW) !== 0) {
    return present({ closes: subflows, reopens: subflows - initial });
  }
  const changesPriority = (changed & BACKUP) === 0 ? 0 : connections;
  return present({ changesPriority, keeps: subflows - changesPriority });
}

const NOTHING = { subflows: 0, connections: 0, initial: 0 };

function carriedOf(
  { id }: Endpoint,
  { carried }: PresentState,
): Omit<Carried, "id"> {
  return carried.find((one) => one.id === id) ?? NOTHING;
}

/** Leaves out what is 0. */
function present(effect: Effect): Effect {
  return Object.fromEntries(
    Object.entries(effect).filter(([, count]) => count > 0),
  );
}
