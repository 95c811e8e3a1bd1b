/** Tables of the firewall, as captured, broken, and as `nft` lists them. */
import { assertEquals, assertThrows } from "@std/assert";
import {
  decodeAttrs,
  decodeNlMessages,
  decodeStruct,
  nftables,
} from "../../codec/mod.ts";
import { decodeChain } from "../../diag/firewall.ts";
import { Diag, type FirewallTable } from "../../diag/mod.ts";
import { DecodeError, NetlinkError, SyscallError } from "../../mod.ts";
import { FakeKernel } from "../../testing/fake_kernel.ts";
import { FakeNamespace } from "../../testing/fake_namespace.ts";
import { Lab } from "../../testing/lab.ts";
import { hex } from "../helpers/bytes.ts";
import { camelCase, conversation, NFTABLES } from "../helpers/golden.ts";
import { liveTest, missingProgram } from "../helpers/live.ts";
import { ack, attr, join, seqOf, withSeq } from "../helpers/netlink_bytes.ts";

const { NEWCHAIN, GETCHAIN } = {
  NEWCHAIN: nftables.MESSAGES.newchain,
  GETCHAIN: nftables.MESSAGES.getchain,
};

/** A host whose kernel answers so; a number is an error. */
function host(answer: string | number) {
  const requests: string[] = [];
  const namespace = new FakeNamespace((request, { protocol }) => {
    requests.push(`${protocol} ${withSeq(request, 3).toHex()}`);
    if (typeof answer === "number") return [ack(request, answer)];
    return conversation(answer).datagrams.map((text) =>
      withSeq(hex(text), seqOf(request))
    );
  });
  return { namespace, requests, diag: Diag.open({ namespace }) };
}

Deno.test("`decodeStruct()` and `decodeAttrs()` read what nftables answered", () => {
  let chains = 0;
  for (const { name, datagrams, decoded } of NFTABLES) {
    const messages = datagrams.flatMap((text) => decodeNlMessages(hex(text)));
    assertEquals(messages.length, decoded.length, name);
    for (const [index, { type, payload }] of messages.entries()) {
      const { header, attrs, ...expected } = decoded[index]!;
      assertEquals(type, expected.type, name);
      if (header === undefined) continue;
      chains++;
      const camelCased = Object.entries(header)
        .map(([key, value]) => [camelCase(key), value]);
      assertEquals(
        { ...decodeStruct(NEWCHAIN.header, payload) },
        Object.fromEntries(camelCased),
      );
      const { hook, ...read } = decodeAttrs(NEWCHAIN.set, payload, 4);
      const seen = { ...read, ...hook && { hook: hook.toHex() } };
      assertEquals(seen as typeof attrs, attrs);
    }
  }
  assertEquals(chains, 8);
});

Deno.test("`firewall()` has the tables that packets pass, and how much they do", () => {
  const { diag, namespace, requests } = host("nft-getchain-dump");
  const none = { rules: 0, drops: false };
  const tables: FirewallTable[] = [
    { kind: "nftables", name: "inet filter", rules: 2, drops: true },
    { kind: "nftables", name: "ip6 idle", ...none },
    { kind: "nftables", name: "bridge nothing", ...none },
    { kind: "nftables", name: "netdev ingress", ...none, rules: 1 },
    { kind: "nftables", name: "ip nat", ...none, rules: 1 },
  ];
  assertEquals(diag.firewall(), tables);
  const { request } = conversation("nft-getchain-dump");
  assertEquals(requests, [`12 ${request}`]);
  const folder = "/proc/thread-self/net";
  namespace.files.set(`${folder}/ip_tables_names`, "mangle\nfilter\n");
  namespace.files.set(`${folder}/ip6_tables_names`, "");
  assertEquals(diag.firewall(), [
    ...tables,
    { kind: "iptables", name: "mangle" },
    { kind: "iptables", name: "filter" },
  ]);
  assertEquals(namespace.transports.every(({ closed }) => closed), true);
  assertEquals(host("nft-getchain-none").diag.firewall(), []);
});

Deno.test("`firewall()` says that it may not look, which is not that there is none", () => {
  for (const answer of ["nft-getchain-eperm", 1]) {
    const error = assertThrows(
      () => host(answer).diag.firewall(),
      NetlinkError,
      "Cannot list the firewall's chains: Operation not permitted (EPERM)\n" +
        "hint: CAP_NET_ADMIN is needed in the user namespace that owns this " +
        "network namespace",
    );
    assertEquals(error.op, "getchain");
  }
  const { diag, namespace } = host("nft-getchain-none");
  namespace.readFile = (path) => {
    throw new SyscallError("open", 13, `read ${path}`);
  };
  assertThrows(() => diag.firewall(), SyscallError, "ip_tables_names");
  // Neither the protocol nor this part of it: there are no such rules.
  assertEquals(host(22).diag.firewall(), []);
  const without = host(0);
  without.namespace.open = () => {
    throw new SyscallError("socket", 93, "open a netlink socket");
  };
  assertEquals(without.diag.firewall(), []);
  assertThrows(() => host(12).diag.firewall(), NetlinkError, "ENOMEM");
});

Deno.test("the fake kernel has no chains, and shows that to the privileged", () => {
  const kernel = new FakeKernel();
  using diag = Diag.open({ namespace: kernel });
  assertEquals(diag.firewall(), []);
  kernel.privileged = false;
  assertThrows(() => diag.firewall(), NetlinkError, "EPERM");
});

Deno.test("`decodeChain()` keeps what it does not know, and refuses what cannot be", () => {
  const header = Uint8Array.of(99, 0, 0, 0);
  const hook = attr(4, new Uint8Array(8));
  const policy = attr(5, Uint8Array.of(0, 0, 0, 7));
  assertEquals(decodeChain(join([header, hook, policy])), {
    ...{ name: "99 ", rules: 0, drops: false },
  });
  assertEquals(decodeChain(header), undefined);
  for (
    const bytes of [
      header.subarray(1),
      join([header, attr(6, header.subarray(1))]),
    ]
  ) {
    assertThrows(() => decodeChain(bytes), DecodeError);
  }
  assertEquals(GETCHAIN.type, 0xa04);
});

/** What `nft -j list ruleset` has of chains and rules. */
interface Listed {
  readonly family: string;
  readonly table: string;
  readonly name?: string;
  readonly chain?: string;
  readonly hook?: string;
  readonly policy?: string;
}

liveTest(
  "`firewall()` sees what `nft` and `iptables-legacy` list",
  () => {
    using lab = Lab.open({ paths: 0 });
    const { client } = lab;
    using diag = Diag.open({ netns: client.netns });
    assertEquals(diag.firewall(), []);
    const nft = (...words: string[]) => client.exec("nft", ...words);
    const hook = (name: string) => `{ type filter hook ${name} priority 0;`;
    nft("add table inet one");
    nft(`add chain inet one in ${hook("input")} policy drop; }`);
    nft("add chain inet one side");
    nft("add rule inet one side accept");
    nft("add rule inet one in jump side");
    nft("add rule inet one in tcp option mptcp exists drop");
    nft("add table ip6 two");
    nft(`add chain ip6 two out ${hook("output")} }`);
    nft("add table bridge three");
    const list: { nftables: { chain?: Listed; rule?: Listed }[] } = JSON.parse(
      nft("-j", "list", "ruleset"),
    );
    const rules = list.nftables.flatMap(({ rule }) => rule ?? []);
    const expected = list.nftables.flatMap(({ chain }) => chain ?? [])
      .filter(({ hook }) => hook !== undefined)
      .map(({ family, table, name, policy }): FirewallTable => ({
        kind: "nftables",
        name: `${family} ${table}`,
        rules:
          rules.filter((rule) =>
            rule.family === family && rule.table === table &&
            rule.chain === name
          ).length,
        drops: policy === "drop",
      }));
    assertEquals(expected.map(({ rules }) => rules), [2, 0]);
    assertEquals(diag.firewall(), expected);
    client.exec("iptables-legacy", "-t", "mangle", "-L", "-n");
    assertEquals(diag.firewall(), [
      ...expected,
      { kind: "iptables", name: "mangle" },
    ]);
  },
  Lab.missing() ?? missingProgram("nft", "--version") ??
    missingProgram("iptables-legacy", "-V"),
);
