/** docs/errors.md names each error and each hint that there is. */
import { assertEquals, assertNotEquals } from "@std/assert";
import { parseAddress } from "../../codec/mod.ts";
import {
  MPTCP_PM_ADDR_FLAG_SIGNAL,
  MPTCP_PM_ADDR_FLAG_SUBFLOW,
} from "../../codec/mptcp_pm.gen.ts";
import denoJson from "../../deno.json" with { type: "json" };
import { adviceFor } from "../../ops/advice.ts";
import { CLASSES } from "../../tools/errors_page.ts";
import { textOf } from "../helpers/shell_lines.ts";

const page = textOf("docs/errors.md");

Deno.test("docs/errors.md names each class of errors that is exported", async () => {
  const classes = new Set<string>();
  for (const [name, file] of Object.entries(denoJson.exports)) {
    if (name === "./cli") continue;
    const exported = await import(`../../${file.slice(2)}`);
    for (const [name, value] of Object.entries(exported)) {
      const isError = typeof value === "function" &&
        value.prototype instanceof Error;
      if (isError) classes.add(name);
    }
  }
  assertNotEquals(classes.size, 0);
  // The one that all of them extend is explained in the text.
  assertEquals(page.includes("All\nothers extend `MptcpError`"), true);
  classes.delete("MptcpError");
  assertEquals(Object.keys(CLASSES).toSorted(), [...classes].toSorted());
});

const SUBFLOW = MPTCP_PM_ADDR_FLAG_SUBFLOW;
const SIGNAL = MPTCP_PM_ADDR_FLAG_SIGNAL;

/** An address with flags and device, on a host with such a limit. */
const ROWS: readonly (readonly [string, number, number, number])[] = [
  ["10.0.2.1", 0, 0, 2],
  ["10.0.2.1", SUBFLOW, 40, 2],
  ["127.0.0.1", SUBFLOW, 0, 2],
  ["10.0.2.1", SUBFLOW, 0, 0],
  ["10.0.9.1", SUBFLOW, 0, 2],
  ["10.0.9.1", SIGNAL, 0, 2],
  ["10.0.2.1", SUBFLOW, 2, 2],
  ["10.0.1.1", SUBFLOW, 0, 2],
  ["::ffff:10.0.2.1", SIGNAL, 0, 2],
];

Deno.test("docs/errors.md names each hint of a command that succeeds", () => {
  const devices = new Map([[2, "eth0"], [3, "eth1"]]);
  const addresses = [["10.0.1.1", 2], ["10.0.2.1", 3]] as const;
  const hints = ROWS.map(([text, flags, ifIndex, subflows]) => {
    const address = parseAddress(text);
    return adviceFor(
      { address: text, port: 0, id: 1, flags, ifIndex },
      address,
      {
        limits: () => ({ subflows, addAddrAccepted: 0 }),
        addresses: () =>
          addresses.map(([text, ifIndex]) => ({
            ...parseAddress(text),
            ifIndex,
            scope: 0,
          })),
        deviceName: (index) => devices.get(index),
      },
    );
  });
  const section = page.split("\n## Hints of commands")[1]!.split("\n## ")[0]!;
  assertEquals(
    Array.from(section.matchAll(/^\| (.*?) +\|/gm), ([, cell]) => cell!)
      .filter((cell) => !/^(hint|-+)$/.test(cell)),
    hints,
  );
});
