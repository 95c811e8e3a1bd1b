import { assertEquals } from "@std/assert";
import { attrPathAt } from "../../codec/mod.ts";
import { ATTR, OPS } from "../../codec/mptcp_pm.gen.ts";
import { assertDecodeError, hex } from "../helpers/bytes.ts";
import { golden } from "../helpers/golden.ts";

Deno.test("`attrPathAt()` names what the kernel complained about", () => {
  const rows: [name: string, path: string | undefined][] = [
    ["set-limits/too-high", ".subflows"],
    ["set-limits/short-attr", ".rcv-add-addrs"],
    ["get-addr/do-not-found", ".addr"],
    ["add-addr/err-bad-family", ".addr"],
    ["add-addr/err-family-u8", ".addr.family"],
    ["add-addr/err-addr6-15-bytes", ".addr.addr6"],
    ["announce/err-invalid-token", ".token"],
    ["subflow-destroy/err-missing-local-port", ".addr"],
    ["subflow-destroy/err-missing-remote-port", ".addr-remote"],
    ["remove/err-not-found", ".loc-id"],
    ["dump/err-unknown-attr", undefined],
    ["ip/limits-set-too-high", ".subflows"],
    ["ip/endpoint-change-not-found", ".addr"],
  ];
  for (const [name, path] of rows) {
    const { bytes, decoded } = golden(`${name}/request`);
    const { offs } = golden(`${name}/error`).decoded.extack!;
    const { set } = OPS[decoded.command!];
    assertEquals(attrPathAt(set, bytes.subarray(20), offs! - 20), path, name);
  }
});

Deno.test("`attrPathAt()` tells header, payload and padding apart", () => {
  // An addr at 0, a token at 20, an addr-remote from 28 to 48.
  const bytes = hex(
    "1400 0180 0500 0200 14 000000 0600 0500 0700 0000" +
      "0800 0400 01000000" +
      "1400 0680 0500 0200 15 000000 0800 ff00 00000000",
  );
  const rows: [offset: number, path: string | undefined][] = [
    [-1, undefined],
    [0, ".addr"],
    [3, ".addr"],
    [4, ".addr.id"],
    [8, ".addr.id"],
    [9, ".addr"],
    [12, ".addr.port"],
    [17, ".addr.port"],
    [18, ".addr"],
    [20, ".token"],
    [27, ".token"],
    [28, ".addr-remote"],
    [32, ".addr-remote.id"],
    [36, ".addr-remote.id"],
    [37, ".addr-remote"],
    [40, ".addr-remote"],
    [47, ".addr-remote"],
    [48, undefined],
  ];
  for (const [offset, path] of rows) {
    assertEquals(attrPathAt(ATTR, bytes, offset), path, `offset ${offset}`);
  }
  assertEquals(attrPathAt(ATTR, hex("0500 0500 01 000000"), 5), undefined);
  assertEquals(attrPathAt(ATTR, hex(""), 0), undefined);
});

Deno.test("`attrPathAt()` rejects malformed attributes", () => {
  assertDecodeError(
    () => attrPathAt(ATTR, hex("0500 0500 01 000000 0000 0400"), 8),
    8,
    "",
    "attribute length 0",
  );
});
