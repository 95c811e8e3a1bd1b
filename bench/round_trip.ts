/**
 * What one command costs: through this library, in C, and in Python.
 *
 * @module
 */

import { PathManager } from "../mod.ts";
import { Lab } from "../testing/lab.ts";
import { Contest } from "./peers/contest.ts";
import { notMeasured, type Report } from "./report.ts";

const TARGET = 1.15;

const TITLE = "Round trip";
const TEXT =
  "One command, or a command and the one that takes it back, on an open " +
  "socket: medians of interleaved rounds, each in a process of its own, in " +
  "real time, in one network namespace. C is libmnl, " +
  "`bench/peers/libmnl.c`, with the same socket options and buffer, replies " +
  "parsed into structures. Ratios are to C. `del-addr` waits in the kernel " +
  "for a grace period of RCU, whoever asks: so there is a row that leaves it " +
  "out.";

/** Measures the commands. */
export async function roundTrip(): Promise<Report[]> {
  const missing = Lab.missing();
  if (missing !== undefined) return [notMeasured(TITLE, missing)];
  using lab = Lab.open();
  const { netns } = lab.server;
  using pm = PathManager.open({ netns });
  pm.addAddr({ address: lab.server.address(1), id: 1 });
  using _former = pm.setMode("userspace");
  using connection = lab.connect();
  connection.transfer(1000);
  const token = String(connection.server.token);
  await using contest = Contest.open(netns);
  const address = ["10.77.9.9", "9"];
  const rows = [
    await contest.row({
      name: "get-limits",
      operation: ["get-limits"],
      target: TARGET,
    }),
    await contest.row({
      name: "get-addr",
      operation: ["get-addr", "1"],
      target: TARGET,
    }),
    await contest.row({
      name: "set-limits",
      operation: ["set-limits", "2"],
    }),
    await contest.row({
      name: "add-addr, del-addr",
      operation: ["add-delete", ...address],
      target: TARGET,
    }),
    await contest.row({
      name: "the same, C looking twice at the table, too",
      operation: ["add-delete", ...address],
      inC: ["add-dump-delete", ...address],
    }),
    await contest.row({
      name: "add-addr alone",
      operation: ["add-addr", ...address],
    }),
    await contest.row({
      name: "announce, remove",
      operation: ["announce-remove", token, ...address],
      target: TARGET,
    }),
  ];
  return [{ title: TITLE, text: TEXT, columns: contest.columns, rows }];
}
