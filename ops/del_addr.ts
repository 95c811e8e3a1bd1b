import { addressNest, integer } from "./arguments.ts";
import type { Connection } from "./connection.ts";
import type { Endpoint } from "./endpoint.ts";
import { type EndpointSelector, selectEndpoints } from "./select.ts";

/**
 * `MPTCP_PM_CMD_DEL_ADDR`. The kernel goes by the id alone, and takes an
 * address without one for the initial subflow of live connections, with
 * success whatever happens. So the id is looked up here.
 */
export function delAddr(
  connection: Connection,
  selector: EndpointSelector,
): Endpoint[] {
  if (selector.id === 0) {
    delInitial(connection, selector);
    return [];
  }
  const endpoints = selectEndpoints(connection, "del-addr", selector);
  for (const { id } of endpoints) {
    connection.execute("del-addr", { addr: { id } });
  }
  return endpoints;
}

function delInitial(
  connection: Connection,
  { address, port = 0, dev }: EndpointSelector,
): void {
  if (address === undefined || dev !== undefined) {
    throw new TypeError(
      "Unknown address: id 0 is the address of each connection's initial " +
        "subflow, which is told by address and port",
    );
  }
  connection.execute("del-addr", {
    addr: addressNest(address, {
      id: 0,
      port: integer("port", port, 0, 65535) || undefined,
    }),
  });
}
