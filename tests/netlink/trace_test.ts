import { assertEquals, assertGreater } from "@std/assert";
import { errnoName } from "../../codec/errno.ts";
import { traced } from "../../netlink/trace.ts";
import { NETLINK_GENERIC } from "../../netlink/genl.ts";
import { FakeNamespace } from "../../testing/fake_namespace.ts";
import {
  camelCased,
  type DecodedMessage,
  golden,
  goldenOf,
} from "../helpers/golden.ts";

const GET_FAMILY = golden("ctrl/getfamily/request").bytes;
const FAMILY = golden("ctrl/getfamily/reply").bytes;

/** A traced namespace that answers with one datagram, and what it has written. */
function trace(answer: Uint8Array<ArrayBuffer>) {
  const lines: string[] = [];
  const inner = new FakeNamespace((request) => [
    request[16] === 3 && request[4] === 16 ? FAMILY : answer,
  ]);
  const namespace = traced(inner, (line) => lines.push(line));
  const transport = namespace.open(NETLINK_GENERIC);
  // The numbers of families are learnt from nlctrl.
  transport.send(GET_FAMILY);
  transport.receive();
  lines.length = 0;
  return { inner, namespace, transport, lines };
}

/** What the independent program read, in the form of a line. */
function expected(message: DecodedMessage): RegExp {
  const { nlmsghdr: { seq }, error, extack, kind, attrs = {} } = message;
  if (error !== undefined) {
    const word = kind === "done" ? "done" : "ack";
    const what = error === 0 ? word : `error ${errnoName(-error)}`;
    const text = extack?.msg === undefined ? "" : ` ${quoted(extack.msg)}`;
    return new RegExp(`^${what} seq=${seq}${text}( (at|without) \\.\\S+)?$`);
  }
  const name = message.command ?? message.event;
  const flags = message.nlmsghdr["flag-names"];
  const bits = [
    ...flags.includes("DUMP") ? ["dump"] : flags.includes("ACK") ? ["ack"] : [],
    ...flags.includes("MULTI") ? ["multi"] : [],
  ].join(",");
  return new RegExp(
    `^mptcp_pm ${name} seq=${seq}${bits === "" ? "" : ` ${bits}`} ` +
      `${quoted(camelCased(attrs))}$`,
  );
}

const quoted = (value: unknown) => RegExp.escape(JSON.stringify(value));

/** What a line shows if the command and all attributes are known. */
const isKnown = ({ kind, command, event, genlmsghdr }: DecodedMessage) =>
  genlmsghdr === undefined ||
  kind !== "nlctrl" && typeof (command ?? event) === "string";

Deno.test("a trace shows each captured message as an independent program read it", () => {
  let checked = 0;
  for (const direction of ["request", "response", "event"] as const) {
    for (const { name, bytes, decoded } of goldenOf(direction)) {
      // Malformed on purpose, or with attributes that are not known.
      if (
        !isKnown(decoded) ||
        /err-|malformed|extra|short|ack-|unknown-command/.test(name)
      ) {
        continue;
      }
      const { inner, namespace, transport, lines } = trace(bytes);
      if (direction === "request") transport.send(bytes);
      else if (direction === "response") {
        transport.send(GET_FAMILY.slice().fill(9, 16, 17));
        lines.length = 0;
        assertEquals(transport.receive()?.toHex(), bytes.toHex());
      } else {
        const events = namespace.subscribe(NETLINK_GENERIC, [9]);
        inner.emit(bytes);
        assertEquals(events.receive()?.toHex(), bytes.toHex());
      }
      const arrow = direction === "request" ? "-> " : "<- ";
      assertEquals(lines.length, 1, name);
      assertEquals(lines[0]!.slice(0, 3), arrow, name);
      const wanted = expected(decoded);
      assertEquals(
        wanted.test(lines[0]!.slice(3)),
        true,
        `${lines[0]} ${wanted}`,
      );
      checked++;
    }
  }
  assertGreater(checked, 150);
});

Deno.test("a trace names the attribute that was refused", () => {
  const rows = {
    "set-limits/too-high":
      'EINVAL seq=N "limit greater than maximum (8)" at .subflows',
    "set-limits/short-attr":
      'ERANGE seq=N "Attribute failed policy validation" at .rcv-add-addrs',
    "add-addr/err-missing-addr": "EINVAL seq=N without .addr",
  };
  for (const [name, line] of Object.entries(rows)) {
    const { transport, lines } = trace(golden(`${name}/error`).bytes);
    transport.send(golden(`${name}/request`).bytes);
    transport.receive();
    const last = lines.at(-1)!.replace(/seq=\d+/, "seq=N");
    assertEquals(last, `<- error ${line}`);
  }
});

Deno.test("a trace shows what is not known in hexadecimal", () => {
  const { namespace, lines } = trace(FAMILY);
  const bytes = GET_FAMILY.slice();
  namespace.open(4).send(bytes);
  assertEquals(lines, [
    `-> protocol=4 type=16 seq=1 ${bytes.subarray(16).toHex()}`,
  ]);
});
