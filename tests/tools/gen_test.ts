import { assert, assertEquals, assertMatch, assertRejects } from "@std/assert";
import * as mptcpPm from "../../codec/mptcp_pm.gen.ts";
import type {
  AttrSet,
  MessagePolicy,
  StructPolicy,
} from "../../codec/policy.ts";
import * as sockDiag from "../../codec/sock_diag.gen.ts";
import { DocumentError } from "../../config/document.ts";
import { generate, main } from "../../tools/gen/main.ts";
import { parseSpec } from "../../tools/gen/resolve.ts";

const ROOT = new URL("../../", import.meta.url);
const SPEC = new URL("codec/spec/mptcp_pm.yaml", ROOT);
const PATH = "codec/spec/mptcp_pm.yaml";
const POLICY = new URL("codec/policy.ts", ROOT);

/** Runs the generator and returns its exit code and what it said. */
async function run(root: URL, ...args: string[]): Promise<[number, string]> {
  const { error } = console;
  const said: string[] = [];
  console.error = (line: string) => said.push(line);
  try {
    return [await main(args, root), said.join("\n")];
  } finally {
    console.error = error;
  }
}

/** A tree with a specification, and a generated module if there is a text. */
async function tree(spec: string, output?: string): Promise<[URL, URL]> {
  const root = new URL(`file://${await Deno.makeTempDir()}/`);
  await Deno.mkdir(new URL("codec/spec/", root), { recursive: true });
  await Deno.writeTextFile(new URL("codec/spec/mptcp_pm.yaml", root), spec);
  const path = new URL("codec/mptcp_pm.gen.ts", root);
  if (output !== undefined) await Deno.writeTextFile(path, output);
  return [root, path];
}

Deno.test("the committed tables are those of the specification", async () => {
  assertEquals(await run(ROOT, "--check"), [0, ""]);
});

Deno.test("`main()` names what is stale and the command that mends it", async () => {
  const spec = await Deno.readTextFile(SPEC);
  for (const output of [undefined, "// another\n"]) {
    const [root, path] = await tree(spec, output);
    assertEquals(await run(root, "--check"), [
      1,
      "codec/mptcp_pm.gen.ts is not what codec/spec/mptcp_pm.yaml says;" +
      " run: deno task gen",
    ]);
    assertEquals(await run(root), [0, "codec/mptcp_pm.gen.ts written"]);
    assertEquals(await run(root, "--check"), [0, ""]);
    assertEquals(await Deno.readTextFile(path), await generate(spec, PATH));
    await Deno.remove(root, { recursive: true });
  }
});

Deno.test("`main()` leaves identical output untouched", async () => {
  const spec = await Deno.readTextFile(SPEC);
  const [root, path] = await tree(spec, await generate(spec, PATH));
  await Deno.utime(path, 1, 1);
  assertEquals(await run(root), [0, ""]);
  assertEquals((await Deno.stat(path)).mtime, new Date(1000));
  await Deno.remove(root, { recursive: true });
});

Deno.test("`main()` prints the faults of a specification", async () => {
  const [root, path] = await tree("name: demo\ncolour: red\n");
  assertEquals(await run(root), [
    1,
    [
      'codec/spec/mptcp_pm.yaml:1:1: missing key "doc"',
      'codec/spec/mptcp_pm.yaml:1:1: missing key "attribute-sets"',
      'codec/spec/mptcp_pm.yaml:1:1: missing key "operations"',
      'codec/spec/mptcp_pm.yaml:2:1: colour: unknown key "colour": known are ' +
      "name, doc, protocol, protonum, uapi-header, c-family-name, " +
      "c-version-name, max-by-define, kernel-policy, cmd-cnt-name, " +
      "cmd-max-name, version, definitions, attribute-sets, operations, " +
      "mcast-groups",
    ].join("\n"),
  ]);
  await Deno.stat(path).then(
    () => assert(false, "wrote something"),
    (error) => assert(error instanceof Deno.errors.NotFound),
  );
  await Deno.remove(root, { recursive: true });
});

Deno.test("`main()` refuses other arguments", async () => {
  const usage = "usage: deno task gen [--check]";
  assertEquals(await run(ROOT, "--force"), [255, usage]);
});

/** A small specification without a fault, to be spoilt. */
const DEMO = `name: demo
protocol: genetlink-legacy
doc: A family.
definitions:
  - name: modes
    type: flags
    doc: Modes.
    entries:
      - name: fast
        doc: Quick. Since 5.7.
      - name: safe
        doc: Careful. Since 5.8.
attribute-sets:
  - name: inner
    doc: Inside.
    attributes:
      - name: unspec
        type: unused
        value: 0
        doc: Reserved. Since 5.7.
      - name: mode
        type: u32
        enum: modes
        doc: Bits. Since 5.7.
  - name: outer
    doc: Outside.
    attributes:
      - name: item
        type: nest
        nested-attributes: inner
        doc: One. Since 5.7.
      - name: source
        type: u32
        byte-order: big-endian
        display-hint: ipv4
        doc: From. Since 5.7.
      - name: target
        type: binary
        display-hint: ipv6
        checks:
          exact-len: 16
        doc: To. Since 5.7.
operations:
  enum-model: directional
  async-prefix: demo-event-
  list:
    - name: get
      doc: Ask. Since 5.7.
      attribute-set: outer
      do:
        request:
          attributes:
            - item
        reply:
          attributes: [item, source]
      dump:
        reply:
          attributes:
            - item
    - name: told
      doc: Tell. Since 5.7.
      attribute-set: outer
      mcgrp: news
      event:
        attributes:
          - item
mcast-groups:
  list:
    - name: news
`;

/** What is wrong; text and its replacement, with `#!` on the line; message. */
const FAULTS: [what: string, text: string, by: string, message: string][] = [
  // The document.
  ["bad YAML", "doc: A family.", "doc: A: B #!", ""],
  ["a key twice", "doc: A family.", "doc: A.\ndoc: B. #!", ""],
  ["a list for a document", DEMO, "[] #!", "must be a mapping, not a list"],

  // The schema.
  [
    "an unknown key",
    "enum-model: directional",
    "enum-model: directional\n  colour: red #!",
    'unknown key "colour": known are enum-model, name-prefix, enum-name,' +
    " async-prefix, async-enum, fixed-header, list",
  ],
  [
    "an unknown key of a message",
    "          attributes: [item, source]",
    "          attribute: [] #!",
    'unknown key "attribute" (did you mean "attributes"?)',
  ],
  ["a missing key", "name: demo\n", "", 'missing key "name"'],
  [
    "a missing key of an item",
    "- name: item\n        type: nest",
    "- name: item #!",
    'missing key "type"',
  ],
  [
    "an unknown attribute type",
    "type: binary",
    "type: bytes #!",
    'unknown type "bytes": known are unused, pad, flag, binary, bitfield32,' +
    " uint, sint, u8, u16, u32, u64, s8, s16, s32, s64, string, nest," +
    " array-nest, nest-type-value",
  ],
  [
    "an unknown definition type",
    "type: flags",
    "type: bits #!",
    'unknown type "bits": known are const, enum, flags, struct',
  ],
  [
    "a string for a number",
    "value: 0",
    "value: none #!",
    'must be a whole number of 0 or more, not "none"',
  ],
  [
    "a negative number",
    "value: 0",
    "value: -1 #!",
    "must be a whole number of 0 or more, not -1",
  ],
  [
    "a fractional number",
    "- name: safe",
    "- name: safe\n        value: 1.5 #!",
    'must be a whole number, not "1.5"',
  ],
  [
    "a list for a scalar",
    "exact-len: 16",
    "exact-len: [16] #!",
    "must be a text or a whole number, not a list",
  ],
  [
    "a string for a boolean",
    "enum: modes",
    'enum: modes\n        enum-as-flags: "yes" #!',
    'must be true or false, not "yes"',
  ],
  [
    "a scalar for a list",
    "attributes: [item, source]",
    "attributes: item #!",
    'must be a list, not "item"',
  ],
  [
    "a scalar for a mapping",
    "checks:\n          exact-len: 16",
    "checks: 16 #!",
    "must be a mapping, not 16",
  ],
  [
    "a scalar for an item",
    "attributes:\n      - name: item",
    "attributes:\n      - item #!\n      - name: item",
    'must be a mapping, not "item"',
  ],
  [
    "a name in capitals",
    "name: source",
    "name: Source #!",
    'must be a name in kebab case, not "Source"',
  ],
  [
    "an entry without documentation",
    "- name: fast",
    "- slow #!\n      - name: fast",
    'entry "slow" has no "doc"',
  ],
  [
    "what the tables cannot say",
    "type: binary",
    "type: binary\n        sub-type: u8 #!",
    '"sub-type" is not supported by this generator',
  ],

  // Documentation.
  [
    "an attribute without documentation",
    "- name: mode\n        type: u32\n        enum: modes\n        doc: Bits. Since 5.7.",
    "- name: mode #!\n        type: u32",
    'missing key "doc"',
  ],
  [
    "a set without documentation",
    "- name: inner\n    doc: Inside.",
    "- name: inner #!",
    'missing key "doc"',
  ],
  [
    "a definition without documentation",
    "- name: modes\n    type: flags\n    doc: Modes.",
    "- name: modes #!\n    type: flags",
    'missing key "doc"',
  ],
  ...["To.", "To. Since 5.", "To. Since v5.7.", "Since 5.7.", "To. Since 5.7"]
    .map((doc): [string, string, string, string] => [
      `the release in "${doc}"`,
      "doc: To. Since 5.7.",
      `doc: ${doc} #!`,
      '"doc" must end in "Since X.Y."',
    ]),
  [
    "an operation without release",
    "doc: Ask. Since 5.7.",
    "doc: Ask. #!",
    '"doc" must end in "Since X.Y."',
  ],
  [
    "an event without release",
    "doc: Tell. Since 5.7.",
    "doc: Tell. #!",
    '"doc" must end in "Since X.Y."',
  ],
  [
    "an entry without release",
    "doc: Quick. Since 5.7.",
    "doc: Quick. #!",
    '"doc" must end in "Since X.Y."',
  ],

  // References.
  [
    "an unknown nested set",
    "nested-attributes: inner",
    "nested-attributes: outside #!",
    'no "outside" among inner, outer',
  ],
  [
    "an unknown enum",
    "enum: modes",
    "enum: moods #!",
    'no "moods" among modes',
  ],
  [
    "an unknown flags mask",
    "enum: modes",
    "checks:\n          flags-mask: moods #!",
    'no "moods" among modes',
  ],
  [
    "an unknown attribute set",
    "doc: Ask. Since 5.7.\n      attribute-set: outer",
    "doc: Ask. Since 5.7.\n      attribute-set: upper #!",
    'no "upper" among inner, outer',
  ],
  [
    "an unknown attribute of a request",
    "request:\n          attributes:\n            - item",
    "request:\n          attributes:\n            - thing #!",
    'no "thing" among item, source, target',
  ],
  [
    "an unknown attribute of a reply",
    "[item, source]",
    "[item, sauce] #!",
    'no "sauce" among item, source, target',
  ],
  [
    "an unknown attribute of a dump",
    "dump:\n        reply:\n          attributes:\n            - item",
    "dump:\n        reply:\n          attributes:\n            - items #!",
    'no "items" among item, source, target',
  ],
  [
    "an unknown attribute of an event",
    "event:\n        attributes:\n          - item",
    "event:\n        attributes:\n          - item\n          - thing #!",
    'no "thing" among item, source, target',
  ],
  [
    "an unused attribute of an event",
    "attribute-set: outer\n      mcgrp: news\n      event:\n        attributes:\n          - item",
    "attribute-set: inner\n      event:\n        attributes:\n          - unspec #!",
    'no "unspec" among mode',
  ],
  [
    "an unknown multicast group",
    "mcgrp: news",
    "mcgrp: olds #!",
    'no "olds" among news',
  ],
  [
    "a reference where there is nothing",
    "mcgrp: news\n      event:\n        attributes:\n          - item\n" +
    "mcast-groups:\n  list:\n    - name: news",
    "event: {}\n      mcgrp: news #!",
    'no "news" among none',
  ],
  [
    "a nest without a set",
    "- name: item\n        type: nest\n        nested-attributes: inner",
    "- name: item #!\n        type: nest",
    'missing key "nested-attributes"',
  ],
  [
    "an operation without a set",
    "- name: get\n      doc: Ask. Since 5.7.\n      attribute-set: outer",
    "- name: get #!\n      doc: Ask. Since 5.7.",
    'missing key "attribute-set"',
  ],
  [
    "sets that nest each other",
    "- name: inner\n    doc: Inside.\n    attributes:",
    "- name: inner #!\n    doc: Inside.\n    attributes:\n      - name: back\n" +
    "        type: nest\n        nested-attributes: outer\n" +
    "        doc: Back. Since 5.7.\n        value: 9",
    'set "inner" nests itself',
  ],

  // What is there twice, and what contradicts itself.
  [
    "two definitions of one name",
    "attribute-sets:\n",
    "  - name: modes #!\n    type: const\n    value: 1\n    doc: One.\n" +
    "attribute-sets:\n",
    'duplicate name "modes"',
  ],
  [
    "two entries of one name",
    "- name: safe",
    "- name: fast #!\n        value: 0",
    'duplicate name "fast"\nx.yaml:11: duplicate value "1"',
  ],
  [
    "two entries of one value",
    "- name: safe",
    "- name: safe #!\n        value: 0",
    'duplicate value "1"',
  ],
  [
    "two sets of one name",
    "operations:\n",
    "  - name: inner #!\n    doc: Inside.\n    attributes: []\noperations:\n",
    'duplicate name "inner"',
  ],
  [
    "two attributes of one name",
    "- name: target",
    "- name: source #!\n        value: 2",
    'duplicate name "source"\nx.yaml:37: duplicate value "2"',
  ],
  [
    "two attributes of one name, with different separators",
    "- name: target",
    "- name: a-b\n        type: u8\n        doc: A. Since 5.7.\n" +
    "      - name: a_b #!",
    'duplicate name "a-b"\n' +
    "x.yaml:40: DEMO_OUTER_A_A_B is 4 here, 3 elsewhere",
  ],
  [
    "two attributes of one value",
    "- name: target",
    "- name: target #!\n        value: 2",
    'duplicate value "2"',
  ],
  [
    "two operations of one name",
    "- name: told\n      doc: Tell. Since 5.7.\n      attribute-set: outer",
    "- name: get #!\n      doc: Tell. Since 5.7.\n      attribute-set: outer",
    'duplicate name "get"',
  ],
  [
    "two operations of one value",
    "    - name: told",
    "    - name: put #!\n      doc: Give. Since 5.7.\n      value: 1\n" +
    "    - name: told",
    'duplicate value "1"',
  ],
  [
    "two groups of one name",
    "- name: news\n",
    "- name: news\n    - name: news #!\n",
    'duplicate name "news"',
  ],
  [
    "an attribute that a message lists twice",
    "event:\n        attributes:\n          - item",
    "event:\n        attributes:\n          - item\n          - item #!",
    'duplicate attribute "item"',
  ],
  [
    "an operation with two values",
    "- name: get\n      doc: Ask. Since 5.7.\n      attribute-set: outer\n" +
    "      do:\n        request:\n",
    "- name: get #!\n      doc: Ask. Since 5.7.\n      attribute-set: outer\n" +
    "      value: 7\n      do:\n        request:\n          value: 8\n",
    "different values in one: 7, 8",
  ],
  [
    "one constant with two values",
    "doc: Outside.\n    attributes:\n",
    "doc: Outside.\n    name-prefix: demo-inner-a-\n    attributes:\n" +
    "      - name: mode #!\n        value: 9\n        type: u8\n" +
    "        doc: Mode. Since 5.7.\n",
    "DEMO_INNER_A_MODE is 9 here, 1 elsewhere",
  ],

  // What cannot be rendered.
  [
    "an attribute type without a kind",
    "type: binary\n        display-hint: ipv6\n        checks:\n          exact-len: 16",
    "type: uint #!",
    'type "uint" is not supported',
  ],
  [
    "a header in front of generic netlink",
    "- name: get\n",
    "- name: get #!\n      fixed-header: modes\n",
    'a fixed header needs netlink-raw\nx.yaml:48: no "modes" among none',
  ],
  [
    "a constant without a value",
    "attribute-sets:\n",
    "  - name: one #!\n    type: const\n    doc: One.\nattribute-sets:\n",
    'missing key "value"',
  ],
  [
    "an enum without entries",
    "attribute-sets:\n",
    "  - name: none #!\n    type: enum\n    doc: None.\nattribute-sets:\n",
    'missing key "entries"',
  ],
  [
    "little endian",
    "byte-order: big-endian\n        display-hint: ipv4",
    "byte-order: little-endian #!",
    'no "little-endian" u32 supported',
  ],
  [
    "a byte order for bytes",
    "type: binary",
    "type: binary\n        byte-order: big-endian #!",
    'no "big-endian" binary supported',
  ],
  [
    "an IPv4 address in host byte order",
    "byte-order: big-endian\n        display-hint: ipv4",
    "display-hint: ipv4 #!",
    '"ipv4" needs a big-endian u32',
  ],
  [
    "an IPv6 address of another length",
    "display-hint: ipv6\n        checks:\n          exact-len: 16",
    "display-hint: ipv6 #!\n        checks:\n          exact-len: 4",
    '"ipv6" needs a 16-byte binary',
  ],
  [
    "a number that no attribute can have",
    "- name: target",
    "- name: target #!\n        value: 16384",
    "value exceeds 16383",
  ],
];

/** A protocol that is not generic netlink, with a struct. */
const RAW = `name: raw
protocol: netlink-raw
protonum: 9
doc: A protocol.
definitions:
  - name: head
    type: struct
    doc: In front.
    members:
      - { name: family, type: u8, doc: Family. }
      - { name: pad, type: pad, len: 1 }
      - { name: port, type: u16, byte-order: big-endian, doc: Port. }
      - { name: address, type: binary, len: 6, doc: Address. Since 6.1. }
attribute-sets:
  - name: things
    doc: Things.
    attributes:
      - name: info
        type: binary
        struct: head
        doc: Information.
      - name: item
        type: bitfield32
        multi-attr: true
        doc: One of them. Since 6.1.
operations:
  enum-model: directional
  fixed-header: head
  list:
    - name: get
      doc: Ask.
      attribute-set: things
      do: { request: { value: 20 } }
    - name: new
      doc: Answer.
      attribute-set: things
      do: { reply: { value: 20, attributes: [info, item] } }
`;

const RAW_FAULTS: typeof FAULTS = [
  ["no number", "protonum: 9", "", 'missing key "protonum"'],
  [
    "a member that is not aligned",
    "      - { name: pad, type: pad, len: 1 }\n      - { name: port,",
    "      - { name: port, #!\n         ",
    "at byte 1, no multiple of 2",
  ],
  [
    "bytes without a length",
    "len: 6, doc: Address. Since 6.1. }",
    "doc: Address. } #!",
    'missing key "len"',
  ],
  [
    "a member of two bytes orders",
    "byte-order: big-endian, doc: Port. }",
    "byte-order: little-endian, doc: Port. } #!",
    'no "little-endian" u16 supported',
  ],
  [
    "a member without documentation",
    "type: u8, doc: Family. }",
    "type: u8 } #!",
    'missing key "doc"',
  ],
  [
    "two members of one name",
    "name: address",
    "name: port",
    'duplicate name "port"',
  ],
  [
    "a struct without members",
    RAW.slice(RAW.indexOf("    members:"), RAW.indexOf("attribute-sets:")),
    "",
    'missing key "members"',
  ],
  [
    "a struct in a number",
    "type: binary\n        struct: head",
    "type: u8\n        struct: head #!",
    "a struct needs a binary",
  ],
  [
    "an unknown struct",
    "struct: head",
    "struct: tail #!",
    'no "tail" among head',
  ],
  [
    "an unknown header",
    "- name: get",
    "- name: get\n      fixed-header: tail #!",
    'no "tail" among head',
  ],
  ["no header", "  fixed-header: head\n", "", 'missing key "fixed-header"'],
  [
    "two messages in one",
    "- name: get\n      doc: Ask.\n      attribute-set: things\n      do: { request: { value: 20 } }",
    "- name: get #!\n      doc: Ask.\n      attribute-set: things\n      do: { request: { value: 20 }, reply: {} }",
    "more than one message",
  ],
  [
    "two messages of one number",
    "do: { reply:",
    "do: { request:",
    'duplicate value "20"',
  ],
];

for (
  const [what, text, by, message, base] of [
    ...FAULTS.map((row) => [...row, DEMO] as const),
    ...RAW_FAULTS.map((row) => [...row, RAW] as const),
  ]
) {
  Deno.test(`\`parseSpec()\` rejects ${what} with its line`, async () => {
    assert(base.includes(text), "nothing to replace");
    const spoilt = base.replace(text, by);
    const line = spoilt.slice(0, spoilt.indexOf("#!")).split("\n").length;
    const error = await assertRejects(
      () => parseSpec(spoilt, "x.yaml"),
      DocumentError,
    );
    const faults = error.faults
      .map(({ line, message }) => `x.yaml:${line}: ${message}`).join("\n");
    // The words for bad YAML are those of the parser.
    if (message === "") assertMatch(error.message, RegExp(`^x.yaml:${line}:`));
    else if (spoilt.includes("#!")) {
      assertEquals(faults, `x.yaml:${line}: ${message}`);
    } else assertMatch(faults, RegExp(`^x.yaml:\\d+: ${message}$`, "m"));
  });
}

Deno.test("`parseSpec()` reports all faults in the order of their lines", async () => {
  const spoilt = DEMO.replace("enum: modes", "enum: moods")
    .replace("Tell. Since 5.7.", "Tell.").replace("Modes.", '""');
  const error = await assertRejects(
    () => parseSpec(spoilt, "x.yaml"),
    DocumentError,
  );
  assertEquals(error.message.split("\n"), [
    'x.yaml:5:5: definitions[0]: missing key "doc"',
    'x.yaml:23:15: attribute-sets[0].attributes[1].enum: no "moods" among modes',
    'x.yaml:61:12: operations.list[1].doc: "doc" must end in "Since X.Y."',
  ]);
});

Deno.test("`parseSpec()` numbers commands and events apart or together", async () => {
  const numbers = async (text: string) => {
    const { commands, events } = await parseSpec(text, "x.yaml");
    return [...commands, ...events]
      .map(({ constant, value }) => `${constant} ${value}`);
  };
  assertEquals(await numbers(DEMO), ["DEMO_CMD_GET 1", "DEMO_EVENT_TOLD 1"]);
  assertEquals(
    await numbers(DEMO.replace("directional", "unified")),
    ["DEMO_CMD_GET 1", "DEMO_EVENT_TOLD 2"],
  );
});

/** The specification with more in it, of every kind that can be rendered. */
async function grown(): Promise<string> {
  const insert = (text: string, before: string, what: string) => {
    assert(text.includes(before), `no ${before}`);
    return text.replace(before, what + before);
  };
  const attribute = (name: string, type: string, more = "") =>
    `      - name: ${name}\n        type: ${type}\n${more}` +
    "        doc: Probed. Since 7.2.\n";
  let spec = await Deno.readTextFile(SPEC);
  spec = insert(
    spec,
    "  - name: event-attr\n",
    [
      attribute(
        "probe-inner",
        "nest",
        "        nested-attributes: probe-set\n",
      ),
      attribute(
        "probe-list",
        "array-nest",
        "        nested-attributes: probe-set\n",
      ),
      attribute("probe-gap", "u8", "        value: 10\n"),
      attribute("probe-bits", "u16", "        enum: probe-bits\n"),
      "  - name: probe-set\n    doc: More.\n    attributes:\n",
      attribute("big", "u64"),
      attribute("signed", "s64"),
      attribute("bytes", "binary"),
      attribute("text", "string"),
      attribute("there", "flag"),
      attribute("wide", "s16", "        byte-order: big-endian\n"),
    ].join("").replace("  - name: probe-set", "\n  - name: probe-set"),
  );
  spec = insert(
    spec,
    "attribute-sets:\n",
    [
      "  - name: probe-bits\n    type: flags\n    doc: B.\n    entries:\n",
      "      - name: odd\n        value: 31\n        doc: O. Since 7.2.\n",
      "  - name: probe-max\n    type: const\n    value: 64\n    doc: M.\n",
    ].join(""),
  );
  return insert(
    spec,
    "mcast-groups:\n",
    [
      "    - name: probe\n      doc: Probe */ it. Since 7.2.\n",
      "      attribute-set: attr\n      do:\n        request:\n",
      "          value: 12\n          attributes: [addr, probe-inner]\n",
      "        reply:\n          attributes: [probe-list]\n",
      "    - name: sub-probed\n      doc: Was probed. Since 7.2.\n",
      "      value: 20\n      attribute-set: event-attr\n",
      "      event:\n        attributes: [token, if-idx]\n",
    ].join(""),
  );
}

Deno.test("`generate()` brings what is new into tables and types", async () => {
  const [root, path] = await tree("", await generate(await grown(), PATH));
  await Deno.copyFile(POLICY, new URL("codec/policy.ts", root));
  const { compilerOptions } = JSON.parse(
    await Deno.readTextFile(new URL("deno.json", ROOT)),
  );
  await Deno.writeTextFile(
    new URL("deno.json", root),
    JSON.stringify({ compilerOptions }),
  );
  await Deno.writeTextFile(
    new URL("codec/use.ts", root),
    `import * as all from "./mptcp_pm.gen.ts";
export const number: 12 = all.MPTCP_PM_CMD_PROBE;
export const event: 20 = all.MPTCP_EVENT_SUB_PROBED;
export const op: all.OpName = "probe";
export const name: all.EventName = "sub-probed";
export const bit: all.ProbeBit = "odd";
type Probe = typeof all.OPS["probe"]["set"];
type Request = NonNullable<Probe["$input"]>;
type Reply = NonNullable<Probe["$values"]>;
type Event = NonNullable<typeof all.EVENTS["sub-probed"]["set"]["$values"]>;
export const request: Request = {
  addr: { id: 1 },
  probeInner: {
    big: 1n, signed: -1n, bytes: new Uint8Array(), text: "", there: true,
    wide: 1,
  },
};
export const reply: Reply = { probeList: [{ text: "" }] };
export const attrs: Event = { token: 1, ifIdx: 2 };
// @ts-expect-error: the request does not carry it
export const none: Request = { token: 1 };
// What is undefined is not sent.
export const empty: all.AttrAttrs = { probeGap: undefined };
`,
  );
  const { code, stderr } = await new Deno.Command(Deno.execPath(), {
    args: ["check", "codec/use.ts"],
    cwd: root,
  }).output();
  assertEquals([code, new TextDecoder().decode(stderr).match(/error.*/)?.[0]], [
    0,
    undefined,
  ]);

  interface Probe {
    readonly PROBE_SET: AttrSet;
    readonly PROBE_BITS: unknown;
    readonly PROBE_MAX: unknown;
    readonly MPTCP_PM_ATTR_PROBE_GAP: unknown;
  }
  const module: typeof mptcpPm & Probe = await import(path.href);
  const { ATTR, EVENT_ATTR, OPS, EVENTS, PROBE_SET: set } = module;
  assertEquals(ATTR.attrs.slice(7), [
    {
      type: 7,
      name: "probe-inner",
      key: "probeInner",
      kind: "nest",
      nested: set,
    },
    {
      type: 8,
      name: "probe-list",
      key: "probeList",
      kind: "array",
      nested: set,
    },
    undefined,
    { type: 10, name: "probe-gap", key: "probeGap", kind: "u8" },
    { type: 11, name: "probe-bits", key: "probeBits", kind: "u16" },
  ]);
  assertEquals(set, {
    name: "probe-set",
    attrs: [
      undefined,
      { type: 1, name: "big", key: "big", kind: "u64" },
      { type: 2, name: "signed", key: "signed", kind: "s64" },
      { type: 3, name: "bytes", key: "bytes", kind: "binary" },
      { type: 4, name: "text", key: "text", kind: "string" },
      { type: 5, name: "there", key: "there", kind: "flag" },
      { type: 6, name: "wide", key: "wide", kind: "s16", bigEndian: true },
    ],
  });
  assertEquals(Object.entries(OPS).at(-1), [
    "probe",
    { name: "probe", cmd: 12, set: ATTR, admin: false, since: "7.2" },
  ]);
  assertEquals(Object.entries(EVENTS).at(-1), [
    "sub-probed",
    { name: "sub-probed", cmd: 20, set: EVENT_ATTR },
  ]);
  assertEquals(module.PROBE_BITS, [["odd", 2 ** 31]]);
  assertEquals(module.PROBE_MAX, 64);
  assertEquals(module.MPTCP_PM_ATTR_PROBE_GAP, 10);
  await Deno.remove(root, { recursive: true });
});

Deno.test("`generate()` makes headers and messages of netlink-raw", async () => {
  const [root, path] = await tree("", await generate(RAW, "raw.yaml"));
  const module: {
    readonly HEAD: StructPolicy;
    readonly MESSAGES: Readonly<Record<string, MessagePolicy>>;
    readonly NETLINK_RAW: unknown;
    readonly THINGS: AttrSet;
  } = await import(path.href);
  const { HEAD, MESSAGES, NETLINK_RAW, THINGS } = module;
  assertEquals(NETLINK_RAW, 9);
  assertEquals(HEAD, {
    name: "head",
    length: 10,
    isHeader: true,
    members: [
      { key: "family", kind: "u8", offset: 0 },
      { key: "port", kind: "u16", offset: 2, bigEndian: true },
      { key: "address", kind: "binary", offset: 4, length: 6 },
    ],
  });
  assertEquals(THINGS.attrs.slice(1), [
    { type: 1, name: "info", key: "info", kind: "struct", struct: HEAD },
    { type: 2, name: "item", key: "item", kind: "bitfield32", multi: true },
  ]);
  assertEquals(MESSAGES, {
    get: { name: "get", type: 20, header: HEAD, set: THINGS },
    new: { name: "new", type: 20, header: HEAD, set: THINGS },
  });
  const text = await Deno.readTextFile(path);
  for (
    const line of [
      "  readonly family: number;",
      "  /** Address. Since Linux 6.1. */\n  readonly address: Uint8Array;",
      "  readonly info?: Head | undefined;",
      "  readonly item?: readonly Bitfield32[] | undefined;",
      '  readonly "get": MessagePolicy<Head, Pick<ThingsAttrs, never>>;',
      'MessagePolicy<Head, Pick<ThingsAttrs, "info" | "item">>;',
    ]
  ) assert(text.includes(line), line);
  await Deno.remove(root, { recursive: true });
});

/**
 * The numbers of the interface, written down by hand from what a 6.18 kernel
 * sends and accepts. Names without a number follow the one before.
 */
const NUMBERS: Record<string, string> = {
  MPTCP_PM_CMD_: "ADD_ADDR=1 DEL_ADDR GET_ADDR FLUSH_ADDRS SET_LIMITS " +
    "GET_LIMITS SET_FLAGS ANNOUNCE REMOVE SUBFLOW_CREATE SUBFLOW_DESTROY",
  MPTCP_EVENT_: "CREATED=1 ESTABLISHED CLOSED ANNOUNCED=6 REMOVED " +
    "SUB_ESTABLISHED=10 SUB_CLOSED SUB_PRIORITY=13 LISTENER_CREATED=15 " +
    "LISTENER_CLOSED",
  MPTCP_PM_ENDPOINT_: "ADDR=1",
  MPTCP_PM_ATTR_: "ADDR=1 RCV_ADD_ADDRS SUBFLOWS TOKEN LOC_ID " +
    "ADDR_REMOTE",
  MPTCP_PM_ADDR_ATTR_: "FAMILY=1 ID ADDR4 ADDR6 PORT FLAGS IF_IDX",
  MPTCP_ATTR_: "TOKEN=1 FAMILY LOC_ID REM_ID SADDR4 SADDR6 DADDR4 " +
    "DADDR6 SPORT DPORT BACKUP ERROR FLAGS TIMEOUT IF_IDX RESET_REASON " +
    "RESET_FLAGS SERVER_SIDE",
  MPTCP_SUBFLOW_ATTR_: "TOKEN_REM=1 TOKEN_LOC RELWRITE_SEQ MAP_SEQ " +
    "MAP_SFSEQ SSN_OFFSET MAP_DATALEN FLAGS ID_REM ID_LOC",
  MPTCP_PM_ADDR_FLAG_: "SIGNAL=1 SUBFLOW BACKUP=4 FULLMESH=8 IMPLICIT=16 " +
    "LAMINAR=32",
  MPTCP_PM_EV_FLAG_: "DENY_JOIN_ID0=1 SERVER_SIDE",
  MPTCP_SUBFLOW_FLAG_: "MCAP_REM=1 MCAP_LOC JOIN_REM=4 JOIN_LOC=8 " +
    "BKUP_REM=16 BKUP_LOC=32 FULLY_ESTABLISHED=64 CONNECTED=128 MAPVALID=256",
  MPTCP_RST_: "EUNSPEC=0 EMPTCP ERESOURCE EPROHIBIT EWQ2BIG EBADPERF " +
    "EMIDDLEBOX",
};

/** Whatever of the generated module is spelled like the kernel's. */
function constants(): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries({ ...mptcpPm, ...sockDiag })
      .filter(([name, value]) =>
        /^MPTCP_/.test(name) && typeof value !== "object"
      ),
  );
}

Deno.test("the constants have the kernel's names and numbers", () => {
  const expected: Record<string, unknown> = {
    MPTCP_PM_NAME: "mptcp_pm",
    MPTCP_PM_VER: 1,
    MPTCP_PM_CMD_GRP_NAME: "mptcp_pm_cmds",
    MPTCP_PM_EV_GRP_NAME: "mptcp_pm_events",
  };
  for (const [prefix, names] of Object.entries(NUMBERS)) {
    let next = 0;
    for (const item of names.split(" ")) {
      const [name, number = next] = item.split("=");
      expected[prefix + name] = Number(number);
      next = Number(number) + 1;
    }
  }
  assertEquals(constants(), expected);
});

/** The constants of a C header, as far as their values are written plainly. */
function parseHeader(text: string): Record<string, unknown> {
  const found: Record<string, unknown> = {};
  const plain = text.replaceAll(/\/\*[^]*?\*\//g, "");
  for (const [, name, value] of plain.matchAll(/^#define\s+(\w+)\s+(.+)$/gm)) {
    const bit = /^_BITUL\((\d+)\)|^\(1 << (\d+)\)/.exec(value!);
    if (bit !== null) found[name!] = 2 ** Number(bit[1] ?? bit[2]);
    else if (/^(0x)?[\da-f]+\s*$/.test(value!)) found[name!] = Number(value);
    else if (value!.startsWith('"')) found[name!] = JSON.parse(value!);
  }
  for (const [, body] of plain.matchAll(/enum\s*\w*\s*{([^}]*)}/g)) {
    let next = 0;
    for (const [, name, value] of body!.matchAll(/(\w+)(?:\s*=\s*(\d+))?/g)) {
      found[name!] = Number(value ?? next);
      next = Number(value ?? next) + 1;
    }
  }
  return found;
}

/** The headers of this machine; before 6.7 there was one file. */
const HEADERS = ["mptcp.h", "mptcp_pm.h"].flatMap((name) => {
  try {
    return [Deno.readTextFileSync(`/usr/include/linux/${name}`)];
  } catch {
    return [];
  }
}).join("\n");

Deno.test({
  name: "the constants agree with /usr/include/linux/mptcp*.h" +
    (HEADERS === "" ? " (not installed: linux-libc-dev)" : ""),
  ignore: HEADERS === "",
  fn() {
    const ours = constants();
    const common = Object.entries(parseHeader(HEADERS))
      .filter(([name]) => name in ours);
    // A header of 5.10, before the events, has 46 of them.
    assert(common.length > 40, `only ${common.length} names in common`);
    assertEquals(
      Object.fromEntries(common),
      Object.fromEntries(common.map(([name]) => [name, ours[name]])),
    );
  },
});
