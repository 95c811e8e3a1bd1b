import { OPS } from "../codec/mptcp_pm.gen.ts";
import { NetlinkError } from "../netlink/errors.ts";
import type { Client } from "./client.ts";
import { type Endpoint, namedEndpoints } from "./endpoint.ts";
import { type EndpointSelector, selectEndpoints } from "./select.ts";

/**
 * `MPTCP_PM_CMD_DEL_ADDR`. The kernel goes by the id alone, and takes an
 * address without one for the initial subflow of live connections, with
 * success in any case. So the id is looked up here.
 */
export function delAddr(
  client: Client,
  selector: EndpointSelector,
): Endpoint[] {
  const deleted = selectEndpoints(client, "del-addr", selector).filter(
    ({ id }) => {
      try {
        client.execute(OPS["del-addr"], { addr: { id } });
        return true;
      } catch (error) {
        // Another program was faster: then it is gone, as it should be.
        const isGone = selector.id === undefined &&
          error instanceof NetlinkError && error.code === "EINVAL";
        if (!isGone) throw error;
        return false;
      }
    },
  );
  return namedEndpoints(client.namespace, deleted);
}
