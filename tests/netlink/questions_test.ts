import { assertEquals, assertThrows } from "@std/assert";
import {
  type AddressAttrs,
  IFADDRMSG,
  type Ifaddrmsg,
  type Ifinfomsg,
  type LinkAttrs,
  MESSAGES,
  NETLINK_ROUTE,
} from "../../codec/rtnetlink.gen.ts";
import { decodeAttrs } from "../../codec/attrs.ts";
import { DecodeError } from "../../codec/decode_error.ts";
import { decodeStruct } from "../../codec/struct.ts";
import { NetlinkError, ProtocolError } from "../../netlink/errors.ts";
import { type Question, QuestionClient } from "../../netlink/questions.ts";
import { type Delivery, FakeNamespace } from "../../testing/fake_namespace.ts";
import { conversation } from "../helpers/golden.ts";
import {
  type Bytes,
  done,
  flagsOf,
  NLM_F_DUMP,
  NLM_F_DUMP_INTR,
  seqOf,
  split,
  withSeq,
} from "../helpers/netlink_bytes.ts";

const ADDRESSES: Question<
  Ifaddrmsg,
  AddressAttrs,
  { readonly index: number; readonly bytes: string }
> = {
  name: "getaddr",
  action: "list addresses",
  request: MESSAGES.getaddr,
  answer: MESSAGES.newaddr.type,
  decode(payload) {
    const { index, family } = decodeStruct(IFADDRMSG, payload);
    const { set } = MESSAGES.newaddr;
    const { address } = decodeAttrs(set, payload, IFADDRMSG.length);
    return family === 2 ? { index, bytes: address!.toHex() } : undefined;
  },
};

const LINK: Question<Ifinfomsg, LinkAttrs, { readonly index: number }> = {
  name: "getlink",
  action: "look up a link",
  request: MESSAGES.getlink,
  answer: MESSAGES.newlink.type,
  decode: (payload) => decodeStruct(MESSAGES.newlink.header, payload),
  hint: (errno) => errno === 19 ? "its name is another one" : undefined,
};

const HERE = [
  { index: 1, bytes: "7f000001" },
  { index: 2, bytes: "0a000101" },
  { index: 3, bytes: "0a000201" },
];

/** A kernel that answers with what was captured. */
function kernel(
  name: string,
  distort: (answer: Bytes[], seq: number) => Delivery[] = (answer) => answer,
) {
  const requests: string[] = [];
  const namespace = new FakeNamespace((request) => {
    const seq = seqOf(request);
    // The number differs from that of the capture.
    requests.push(withSeq(request, 3).toHex());
    const datagrams = conversation(name).datagrams.map(Uint8Array.fromHex);
    return distort(datagrams.map((bytes) => withSeq(bytes, seq)), seq);
  });
  const client = new QuestionClient(namespace.open(NETLINK_ROUTE));
  return { client, requests };
}

Deno.test("a dump asks as captured, and leaves out what is no answer", () => {
  const { client, requests } = kernel("rt-getaddr-dump");
  assertEquals(client.collect(ADDRESSES, {}), HERE);
  assertEquals([...client.dump(ADDRESSES, {})], HERE);
  const { request } = conversation("rt-getaddr-dump");
  const expected = withSeq(Uint8Array.fromHex(request!), 3).toHex();
  assertEquals(requests, [expected, expected]);
});

Deno.test("a dump is asked for again while the table changes", () => {
  let times = 2;
  const { client, requests } = kernel("rt-getaddr-dump", (answer) => {
    if (times-- > 0) answer[0]![6]! |= NLM_F_DUMP_INTR;
    return answer;
  });
  assertEquals(client.collect(ADDRESSES, {}), HERE);
  assertEquals(requests.length, 3);
  times = 1;
  const dump = client.dump(ADDRESSES, {});
  let step = dump.next();
  while (!step.done) step = dump.next();
  assertEquals(step.value, true);
});

Deno.test("one thing is asked for without NLM_F_DUMP", () => {
  const { client, requests } = kernel("rt-getlink-by-name");
  const attrs = { ifname: "c2", extMask: 9 };
  assertEquals(client.get(LINK, {}, attrs).index, 3);
  const request = Uint8Array.fromHex(requests[0]!);
  assertEquals(flagsOf(request) & NLM_F_DUMP, 0);
  const captured = conversation("rt-getlink-by-name").request!;
  assertEquals(requests, [withSeq(Uint8Array.fromHex(captured), 3).toHex()]);
});

Deno.test("a refusal says what was asked, and the question's hint", () => {
  const { client } = kernel("rt-getlink-bad-name");
  const error = assertThrows(
    () => client.get(LINK, {}, { ifname: "nope" }),
    NetlinkError,
    "Cannot look up a link: No such device (ENODEV)\n" +
      "hint: its name is another one",
  );
  assertEquals([error.op, error.errno], ["getlink", 19]);
  const refused = kernel("rt-getaddr-dump", (_, seq) => [done(seq, 1)]);
  const other = assertThrows(
    () => refused.client.collect(ADDRESSES, {}),
    NetlinkError,
    "Cannot list addresses: Operation not permitted (EPERM)",
  );
  assertEquals(other.hint, undefined);
});

Deno.test("what cannot be an answer is refused, and the next question is fine", () => {
  let isCut = true;
  const { client } = kernel("rt-getaddr-dump", (answer) => {
    if (!isCut) return answer;
    isCut = false;
    // A header of 4 bytes instead of 8.
    const [first] = split(answer[0]!);
    const short = first!.slice(0, 20);
    short[0] = 20;
    return [short, ...answer];
  });
  assertThrows(
    () => client.collect(ADDRESSES, {}),
    DecodeError,
    "4 bytes, but ifaddrmsg has 8",
  );
  assertEquals(client.collect(ADDRESSES, {}), HERE);
  const silent = kernel("rt-getaddr-dump", () => []);
  assertThrows(
    () => silent.client.collect(ADDRESSES, {}),
    ProtocolError,
    "Cannot list addresses: the kernel did not answer within 1000 ms",
  );
});
