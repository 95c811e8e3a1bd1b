/**
 * What it costs to list all endpoints, and all addresses that are announced on
 * a connection.
 *
 * @module
 */

import { NetlinkError, PathManager } from "../mod.ts";
import { Lab } from "../testing/lab.ts";
import { Contest } from "./peers/contest.ts";
import { notMeasured, type Report } from "./report.ts";

const TARGET = 1.3;

const ANNOUNCED = 250;

const TITLE = "Dump";
const TEXT =
  "All endpoints that the kernel takes, and all addresses announced on one " +
  "connection, as a list: measured as above. C keeps them in an array of " +
  "structures, with the addresses as text.";

/** Measures the lists. */
export async function dump(): Promise<Report[]> {
  const missing = Lab.missing();
  if (missing !== undefined) return [notMeasured(TITLE, missing)];
  using lab = Lab.open();
  const { netns } = lab.server;
  using pm = PathManager.open({ netns });
  using _former = pm.setMode("userspace");
  using connection = lab.connect();
  connection.transfer(1000);
  const { token } = connection.server;
  const endpoints = fill(pm);
  for (let id = 1; id <= ANNOUNCED; id++) {
    pm.announce({ token, address: `10.78.0.${id}`, id });
  }
  await using contest = Contest.open(netns);
  const rows = [
    await contest.row({
      name: `${endpoints} endpoints, a full table`,
      operation: ["dump-addrs"],
      target: TARGET,
    }),
    await contest.row({
      name: `${ANNOUNCED} announced addresses`,
      operation: ["dump-announced", String(token)],
      target: TARGET,
    }),
  ];
  return [{ title: TITLE, text: TEXT, columns: contest.columns, rows }];
}

/** Adds endpoints, every other one IPv6, until there is no room. */
function fill(pm: PathManager): number {
  for (let count = 0;; count++) {
    const address = count % 2 === 0 ? `10.79.0.${count}` : `fd79::${count}`;
    try {
      pm.addAddr({ address, flags: ["subflow"] });
    } catch (error) {
      if (error instanceof NetlinkError && error.code === "ERANGE") {
        return count;
      }
      throw error;
    }
  }
}
