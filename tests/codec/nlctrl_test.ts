import { assertEquals } from "@std/assert";
import {
  CTRL_CMD_NEWFAMILY,
  decodeFamily,
  decodeNlMessages,
  encodeGetFamily,
  GENL_CMD_CAP_DO,
  GENL_CMD_CAP_DUMP,
  GENL_CMD_CAP_HASPOL,
  GENL_ID_CTRL,
  GENL_UNS_ADMIN_PERM,
  type NlMessage,
} from "../../codec/mod.ts";
import {
  MPTCP_PM_CMD_GRP_NAME,
  MPTCP_PM_EV_GRP_NAME,
  MPTCP_PM_NAME,
  MPTCP_PM_VER,
  OPS,
} from "../../codec/mptcp_pm.gen.ts";
import { assertDecodeError, hex } from "../helpers/bytes.ts";
import { golden } from "../helpers/golden.ts";

/** A `CTRL_CMD_NEWFAMILY` with these attributes. */
function newFamily(attrs: string): NlMessage {
  const payload = hex(`0${CTRL_CMD_NEWFAMILY} 02 0000 ${attrs}`);
  return { type: GENL_ID_CTRL, flags: 0, seq: 1, pid: 0, payload };
}

const ID = "0600 0100 1c00 0000";
const NAME = "0700 0200 6e6c00 00";

Deno.test("`encodeGetFamily()` writes the captured requests", () => {
  for (const name of ["ctrl/getfamily", "ctrl/getfamily-unknown"]) {
    const { bytes, decoded: { attrs, nlmsghdr } } = golden(`${name}/request`);
    const family = attrs!["family-name"] as string;
    assertEquals(encodeGetFamily(family, nlmsghdr.seq), bytes, name);
  }
});

Deno.test("`decodeFamily()` reads the captured families", () => {
  for (const name of ["ctrl/getfamily/reply", "ip/getfamily/reply"]) {
    const { bytes, decoded: { attrs, genlmsghdr } } = golden(name);
    const [message] = decodeNlMessages(bytes);
    assertEquals(genlmsghdr!.cmd, CTRL_CMD_NEWFAMILY);
    const family: unknown = decodeFamily(message!);
    assertEquals(family, {
      id: attrs!["family-id"],
      name: attrs!["family-name"],
      version: attrs!["version"],
      ops: attrs!["ops"],
      mcastGroups: attrs!["mcast-groups"],
    }, name);
  }
});

Deno.test("the tables agree with the captured family", () => {
  const [message] = decodeNlMessages(golden("ctrl/getfamily/reply").bytes);
  const family = decodeFamily(message!);
  const always = GENL_CMD_CAP_DO | GENL_CMD_CAP_HASPOL;
  assertEquals(family.name, MPTCP_PM_NAME);
  assertEquals(family.version, MPTCP_PM_VER);
  assertEquals(
    family.ops,
    Object.entries(OPS).map(([name, { cmd, admin }]) => ({
      id: cmd,
      flags: always | (admin ? GENL_UNS_ADMIN_PERM : 0) |
        (name === "get-addr" ? GENL_CMD_CAP_DUMP : 0),
    })),
  );
  assertEquals(
    family.mcastGroups.map(({ name }) => name),
    [MPTCP_PM_CMD_GRP_NAME, MPTCP_PM_EV_GRP_NAME],
  );
});

Deno.test("`decodeFamily()` takes a family without commands and groups", () => {
  assertEquals(decodeFamily(newFamily(NAME + ID)), {
    id: 28,
    name: "nl",
    version: 1,
    ops: [],
    mcastGroups: [],
  });
});

Deno.test("`decodeFamily()` rejects a family without id or name", () => {
  for (const attrs of ["", ID, NAME]) {
    assertDecodeError(() => decodeFamily(newFamily(attrs)), 0, "", attrs);
  }
});

Deno.test("`decodeFamily()` rejects other messages of nlctrl", () => {
  const { bytes } = golden("ctrl/getpolicy-op-set-limits/reply-0");
  const [policy] = decodeNlMessages(bytes);
  assertDecodeError(() => decodeFamily(policy!), 0, "", "another command");
  const cut = { ...newFamily(""), payload: hex("010200") };
  assertDecodeError(() => decodeFamily(cut), 0, "", "a header cut");
});

Deno.test("`decodeFamily()` rejects malformed attributes", () => {
  const OP = "1400 0100 0800 0100 01000000 0800 0200 1a000000";
  const rows: [what: string, attrs: string, offset: number, path: string][] = [
    ["an id of 4 bytes", "0800 0100 1c000000", 8, ".family-id"],
    ["a length past the end", `${ID} ff00 0200 6e6c00`, 12, ""],
    [
      "a length of 0 between the commands",
      `1c00 0600 ${OP} 0000 0200`,
      28,
      ".ops",
    ],
    [
      "a length past the end inside the second command",
      `2400 0600 ${OP} 0c00 0200 0900 0100 02000000`,
      32,
      ".ops[1]",
    ],
    [
      "a flags of 3 bytes inside the second command",
      `2400 0600 ${OP} 0b00 0200 0700 0200 1a0000 00`,
      36,
      ".ops[1].flags",
    ],
    [
      "a group id of 2 bytes",
      "1000 0700 0c00 0100 0600 0200 0800 0000",
      16,
      ".mcast-groups[0].id",
    ],
  ];
  for (const [what, attrs, offset, path] of rows) {
    assertDecodeError(() => decodeFamily(newFamily(attrs)), offset, path, what);
  }
});

Deno.test("`decodeFamily()` copies out of the message", () => {
  const { bytes } = golden("ctrl/getfamily/reply");
  const [message] = decodeNlMessages(bytes);
  const family = decodeFamily(message!);
  const before = structuredClone(family);
  bytes.fill(0xff);
  assertEquals(family, before);
});
