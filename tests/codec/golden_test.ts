/** The captured messages, encoded and decoded: see tests/golden/README.md. */
import { assert, assertEquals, assertNotEquals } from "@std/assert";
import {
  CTRL_CMD_GETFAMILY,
  decodeAck,
  decodeAttrs,
  decodeGenlPayload,
  decodeNlMessages,
  encodeGenlMessage,
  encodeGetFamily,
  type NlMessage,
  type PolicyHint,
} from "../../codec/mod.ts";
import {
  ADDR_FLAGS,
  type AddressAttrs,
  ATTR,
  EVENT_ATTR,
  EVENTS,
  MPTCP_PM_VER,
  OPS,
} from "../../codec/mptcp_pm.gen.ts";
import { assertDecodeError } from "../helpers/bytes.ts";
import {
  camelCase,
  camelCased,
  type DecodedMessage,
  type Golden,
  golden,
  goldenNames,
  goldenOf,
} from "../helpers/golden.ts";

/** The requests that the encoder does not write, and why. */
const NOT_WRITTEN: Record<string, string> = {
  "ctrl/getfamily-name-without-nul/request": "a name without its NUL",
  "ctrl/getpolicy-op-set-limits/request": "a command that codec leaves out",
  "set-limits/short-attr/request": "a u32 of one byte",
  "add-addr/no-nested-flag/request": "a nest without NLA_F_NESTED",
  "add-addr/err-family-u8/request": "a u16 of one byte",
  "add-addr/err-addr6-15-bytes/request": "an address of 15 bytes",
  "add-addr/ok-with-extack-warning/request": "3 bytes behind the attributes",
  "unknown-command/request": "command 12",
  "dump/err-unknown-attr/request": "attribute 9",
  "dump/err-missing-nested-flag/request": "a nest without NLA_F_NESTED",
  "ip/getfamily/request": "`ip` asks for version 0 of nlctrl",
};

/** What the kernel, and this decoder, refuse to read in the requests. */
const NOT_READ: Record<string, [offset: number, path: string]> = {
  "set-limits/short-attr/request": [4, ".rcv-add-addrs"],
  "add-addr/err-family-u8/request": [8, ".addr.family"],
  "add-addr/err-addr6-15-bytes/request": [16, ".addr.addr6"],
};

/** The policies in the captured extended acks, decoded by hand. */
const POLICIES: Record<string, PolicyHint> = {
  "080001000d000000": { type: 13 },
  "080007000f000000080001000c000000": { maxLength: 15, type: 12 },
  "08000600100000000800070010000000080001000a000000": {
    minLength: 16,
    maxLength: 16,
    type: 10,
  },
  "0c00040000000000000000000c000500ffff0000000000000800010003000000": {
    minValueU: 0n,
    maxValueU: 65535n,
    type: 3,
  },
  "0c00040000000000000000000c000500ffffffff000000000800010004000000": {
    minValueU: 0n,
    maxValueU: 4294967295n,
    type: 4,
  },
};

function encode({ decoded }: Golden): Uint8Array | undefined {
  const { nlmsghdr, genlmsghdr, command, attrs } = decoded;
  if (genlmsghdr!.cmd === CTRL_CMD_GETFAMILY && decoded.kind === "nlctrl") {
    return encodeGetFamily(attrs!["family-name"] as string, nlmsghdr.seq);
  }
  const op = OPS[command!];
  return op && encodeGenlMessage(
    { ...nlmsghdr, cmd: op.cmd, version: MPTCP_PM_VER },
    op.set,
    camelCased(attrs!),
  );
}

Deno.test("`encodeGenlMessage()` writes the captured requests", () => {
  const requests = goldenOf("request")
    .filter(({ name }) => !(name in NOT_WRITTEN));
  assertEquals(requests.length, 112);
  for (const request of requests) {
    assertEquals(encode(request)?.toHex(), request.bytes.toHex(), request.name);
  }
});

Deno.test("no request is left out without need", () => {
  for (const [name, reason] of Object.entries(NOT_WRITTEN)) {
    const request = golden(name);
    let bytes: Uint8Array | undefined;
    try {
      bytes = encode(request);
    } catch (error) {
      assert(error instanceof TypeError, `${name}: ${error}`);
    }
    assertNotEquals(bytes?.toHex(), request.bytes.toHex(), reason);
  }
});

/** All messages of these kinds, with what the independent program says. */
function* captured(
  ...kinds: DecodedMessage["kind"][]
): Generator<[name: string, NlMessage, DecodedMessage]> {
  for (const name of goldenNames()) {
    const { bytes, messages } = golden(name);
    for (const [index, message] of decodeNlMessages(bytes).entries()) {
      const decoded = messages[index]!;
      if (kinds.includes(decoded.kind)) yield [name, message, decoded];
    }
  }
}

Deno.test("`decodeAttrs()` reads the captured requests and replies", () => {
  const unknown: string[] = [];
  const refused: string[] = [];
  let read = 0;
  for (const [name, { payload }, { command, attrs }] of captured("mptcp_pm")) {
    const op = OPS[command!];
    const { attrs: bytes } = decodeGenlPayload(payload);
    if (op === undefined) {
      unknown.push(name);
    } else if (name in NOT_READ) {
      refused.push(name);
      assertDecodeError(
        () => decodeAttrs(op.set, bytes),
        ...NOT_READ[name]!,
        name,
      );
    } else {
      read++;
      // Number 9 has no name: the decoder leaves it out.
      const { 9: _, ...known } = attrs!;
      const [decoded, expected] = [
        decodeAttrs(op.set, bytes),
        camelCased(known),
      ];
      assertEquals(decoded, expected, name);
      // As text too, since that has the order of the attributes.
      assertEquals(JSON.stringify(decoded), JSON.stringify(expected), name);
    }
  }
  assertEquals(unknown, ["unknown-command/request"]);
  assertEquals(refused, Object.keys(NOT_READ));
  assertEquals(read, 155);
});

Deno.test("`decodeAttrs()` reads the captured events, in their order", () => {
  const seen = new Set<string>();
  for (const [name, { payload }, decoded] of captured("event")) {
    const { cmd } = EVENTS[decoded.event!];
    const genl = decodeGenlPayload(payload);
    assertEquals(genl.cmd, cmd, name);
    const attrs = decodeAttrs(EVENT_ATTR, genl.attrs);
    assertEquals(attrs, camelCased(decoded.attrs!), name);
    const order = decoded["attr-order"]!.map(camelCase);
    assertEquals(Object.keys(attrs), order, name);
    seen.add(decoded.event!);
  }
  assertEquals([...seen].sort(), Object.keys(EVENTS).sort());
});

Deno.test("`decodeAck()` reads the captured acks, errors and ends", () => {
  const policies = new Set<string>();
  for (
    const [name, message, { error, extack }] of captured("ack", "error", "done")
  ) {
    const errno = Math.abs(error!);
    if (extack === undefined) {
      assertEquals(decodeAck(message), { errno }, name);
      continue;
    }
    const policy = extack["policy-hex"];
    if (policy !== undefined) policies.add(policy);
    assertEquals(decodeAck(message), {
      errno,
      extack: {
        ...extack.msg !== undefined && { message: extack.msg },
        ...extack.offs !== undefined && { offset: extack.offs },
        ...policy !== undefined && { policy: POLICIES[policy]! },
        ...extack["miss-type"] !== undefined &&
          { missing: extack["miss-type"] },
      },
    }, name);
  }
  assertEquals([...policies].sort(), Object.keys(POLICIES).sort());
});

Deno.test("what was decoded agrees with what `ip` printed", () => {
  let compared = 0;
  for (const name of goldenNames("ip/")) {
    const { bytes, decoded: { kind }, printed } = golden(name);
    if (printed === undefined) continue;
    compared++;
    const [message] = decodeNlMessages(bytes);
    if (kind === "error") {
      const { extack } = decodeAck(message!);
      assertEquals(`Error: ${extack!.message}.\n`, printed, name);
      continue;
    }
    const genl = decodeGenlPayload(message!.payload);
    const { addr, rcvAddAddrs, subflows } = decodeAttrs(ATTR, genl.attrs);
    assertEquals(
      addr
        ? endpoint(addr)
        : `add_addr_accepted ${rcvAddAddrs} subflows ${subflows} \n`,
      printed,
      name,
    );
  }
  assertEquals(compared, 15);
});

/** An endpoint as `ip -j mptcp endpoint show` prints it. */
function endpoint(addr: AddressAttrs): unknown {
  const flags = ADDR_FLAGS.filter(([, bit]) => addr.flags! & bit);
  return {
    address: addr.addr4 ?? addr.addr6,
    id: addr.id,
    ...addr.port && { port: addr.port },
    ...Object.fromEntries(flags.map(([word]) => [word, true])),
    ...addr.ifIdx && { dev: "veth0" },
  };
}
