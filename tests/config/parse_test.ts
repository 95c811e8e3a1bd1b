import {
  assert,
  assertEquals,
  assertLess,
  assertMatch,
  assertRejects,
} from "@std/assert";
import { DocumentError, parseConfig } from "../../config/mod.ts";
import { BAD_FILES } from "./bad_files.ts";

/** What is wrong in a text. */
async function errorOf(text: string): Promise<DocumentError> {
  return await assertRejects(() => parseConfig(text, "f"), DocumentError);
}

Deno.test("each bad file is refused with all that is wrong in it", async () => {
  assert(BAD_FILES.length > 180);
  for (const [text, ...faults] of BAD_FILES) {
    const { message } = await errorOf(text);
    assertEquals(
      [text, ...message.split("\n").map((line) => line.replace(/^f:? ?/, ""))],
      [text, ...faults],
    );
  }
});

Deno.test("a fault has line, column, path and message", async () => {
  const error = await errorOf("limits:\n  subflow: 3\nendpoints: [1]\n");
  assertEquals(error.name, "DocumentError");
  assertEquals(error.file, "f");
  assertEquals(error.faults, [
    {
      line: 2,
      column: 3,
      path: "limits.subflow",
      message: 'unknown key "subflow" (did you mean "subflows"?)',
    },
    {
      line: 3,
      column: 13,
      path: "endpoints[0]",
      message: "must be a mapping with address or match, not 1",
    },
  ]);
  const { message } = await assertRejects(() => parseConfig(""), DocumentError);
  assertMatch(message, /^configuration: there is nothing in it/);
});

const GOVERNS_ALL = { governs: "all" } as const;

/** Files, and what they mean. */
const GOOD_FILES: readonly (readonly [text: string, config: object])[] = [
  ["{}", GOVERNS_ALL],
  ["%YAML 1.2\n--- # nothing\n{}\n...\n", GOVERNS_ALL],
  ["limits: {}\nsettings: {}\nendpoints: []\ngoverns: all\n", {
    ...{ limits: {}, settings: {}, endpoints: [] },
    ...GOVERNS_ALL,
  }],
  [
    `# yaml-language-server: $schema=mptcp.schema.json
limits: { subflows: 4, add_addr_accepted: 2 }
settings: { path_manager: kernel, enabled: true } # sysctls of net.mptcp
endpoints:
  - address: 10.0.2.1
    dev: eth1
    flags: [subflow, backup]
  - match: { dev: "wlan*", family: ipv4, scope: global, not: { address: 192.168.0.0/16 } }
    flags: [subflow, fullmesh]
governs: all # or ids
`,
    {
      limits: { subflows: 4, addAddrAccepted: 2 },
      settings: { path_manager: "kernel", enabled: "1" },
      endpoints: [
        {
          ...{ address: "10.0.2.1", dev: "eth1" },
          ...{ flags: ["subflow", "backup"], place: 0 },
        },
        {
          match: {
            ...{ dev: ["wlan*"], family: 4, scope: "global" },
            not: [{ address: ["192.168.0.0/16"] }],
          },
          ...{ each: "device", flags: ["subflow", "fullmesh"], place: 1 },
        },
      ],
      ...GOVERNS_ALL,
    },
  ],
  // JSON, as programs write it and as people indent it.
  ['{"$schema":"x","limits":{"subflows":4},"governs":{"ids":["1-9",12]}}', {
    ...{ limits: { subflows: 4 }, governs: [[1, 9], [12, 12]] },
  }],
  [
    '{\n\t"endpoints": [\n\t\t{\n\t\t\t"address":"\\u0066d00::1"\n\t\t}\n\t]\n}',
    {
      endpoints: [{ address: "fd00::1", flags: [], place: 0 }],
      ...GOVERNS_ALL,
    },
  ],
  ["\ufefflimits:\r\n  subflows: 0\r\n", {
    limits: { subflows: 0 },
    ...GOVERNS_ALL,
  }],
  // Scalars mean what is written.
  [
    `settings: { enabled: "0", checksum_enabled: true, scheduler: 'no',
  stale_loss_cnt: 4294967295, new_thing: 012, other: 1_000 , a: true }
limits: { subflows: '64' }`,
    {
      settings: {
        ...{ enabled: "0", checksum_enabled: "1", scheduler: "no" },
        ...{ stale_loss_cnt: "4294967295", new_thing: "012" },
        ...{ other: "1_000", a: "true" },
      },
      limits: { subflows: 64 },
      ...GOVERNS_ALL,
    },
  ],
  [
    `endpoints:
- { address: FD00:0::1, dev: no, id: 255, flags: subflow }
- { address: 10.0.0.1, dev: 012, flags: [backup, subflow, '0x2', '0x40', '0x4'] }
- { address: "::ffff:10.0.0.2", flags: [signal], port: 65535 }
- { address: 10.0.0.2, flags: [signal], port: 1 }
- &unused { address: 10.0.0.3 }
`,
    {
      endpoints: [
        {
          ...{ address: "fd00::1", id: 255, dev: "no" },
          ...{ flags: ["subflow"], place: 0 },
        },
        {
          ...{ address: "10.0.0.1", dev: "012" },
          ...{ flags: ["subflow", "backup", "0x40"], place: 1 },
        },
        {
          ...{ address: "::ffff:10.0.0.2", port: 65535 },
          ...{ flags: ["signal"], place: 2 },
        },
        {
          ...{ address: "10.0.0.2", port: 1 },
          ...{ flags: ["signal"], place: 3 },
        },
        { address: "10.0.0.3", flags: [], place: 4 },
      ],
      ...GOVERNS_ALL,
    },
  ],
  [
    `endpoints:
- match: { dev: ["*", "a_name_of_16_by*", "null*"], family: ipv6, scope: link }
  each: address
- match:
    address: [10.0.0.1, 10.0.0.0/8, 0.0.0.0/0, "FD00::/8", 192.168.5.128/25]
    states: [temporary, deprecated]
    not: [{ dev: lo }, { scope: host, not: { family: ipv4 } }]
`,
    {
      endpoints: [
        {
          match: {
            dev: ["*", "a_name_of_16_by*", "null*"],
            ...{ family: 6, scope: "link" },
          },
          ...{ each: "address", flags: [], place: 0 },
        },
        {
          match: {
            address: [
              ...["10.0.0.1/32", "10.0.0.0/8", "0.0.0.0/0", "fd00::/8"],
              "192.168.5.128/25",
            ],
            states: ["temporary", "deprecated"],
            not: [{ dev: ["lo"] }, { scope: "host", not: [{ family: 4 }] }],
          },
          ...{ each: "device", flags: [], place: 1 },
        },
      ],
      ...GOVERNS_ALL,
    },
  ],
  ["governs: { ids: [20, 1-9, 10-12, 5-11, 19, 255] }", {
    governs: [[1, 12], [19, 20], [255, 255]],
  }],
];

Deno.test("a good file means what is written", async () => {
  for (const [text, config] of GOOD_FILES) {
    assertEquals<unknown>(await parseConfig(text), config, text);
  }
});

const MEGABYTE = 1 << 20;

/** As much of something as a file may hold. */
const full = (part: string, before = "", after = "") =>
  before + part.repeat(
    Math.floor((MEGABYTE - before.length - after.length) / part.length),
  ) + after;

/** A list of ten aliases of a list of ten aliases, and so on. */
const EXPLODING = Array.from(
  { length: 10 },
  (_, at) =>
    `a${at}: &a${at} [${at === 0 ? "x" : `*a${at - 1},`.repeat(10)}]\n`,
).join("");

const TOO_DEEP = /^f(:\d+:\d+)?: lists and mappings are nested too deeply$/;

/** Files that try to take long, or much. */
const HOSTILE: Readonly<
  Record<string, readonly [text: string, message: RegExp]>
> = {
  "10 MB": [
    "limits: {}\n".repeat(MEGABYTE),
    /^f: it is longer than 1048576 ch/,
  ],
  "20,000 brackets": ["[".repeat(20_000), TOO_DEEP],
  "20,000 closed brackets": [
    `limits: ${"[".repeat(20_000)}${"]".repeat(20_000)}`,
    TOO_DEEP,
  ],
  "1,000 brackets": [`a: ${"[".repeat(1000)}${"]".repeat(1000)}`, TOO_DEEP],
  "20,000 dashes": ["- ".repeat(20_000), TOO_DEEP],
  "33 levels of not": [
    `endpoints: [{ match: ${"{ not: ".repeat(33)}x${"}".repeat(34)}]`,
    TOO_DEEP,
  ],
  "exploding aliases": [EXPLODING, /^f:2:10: aliases are not supported/],
  "a list in itself": ["limits: &a [*a]", /^f:1:13: aliases are not supp/],
  "a mapping in itself": [
    "&a\nlimits: *a",
    /^f:2:9: aliases are not supported/,
  ],
  "many endpoints": [
    full("- { address: 10.0.0.1 }\n", "endpoints:\n"),
    /^f:2:1: endpoints: 43690 addresses: no .*\nf:3:14: endpoints\[1\].address: duplicate address/,
  ],
  "many ports": [
    `endpoints: [${
      Array.from(
        { length: 20_000 },
        (_, at) => `{address: 1.1.1.1, flags: signal, port: ${at + 1}}`,
      )
    }]`,
    /^f:1:12: endpoints: 20000 addresses: no kernel holds more than 64$/,
  ],
  "many unknown keys": [
    `limits: {${Array.from({ length: 90_000 }, (_, at) => `k${at}: 1`)}}`,
    /^f:1:10: limits.k0: unknown .*\n(f:1:.*\n){49}f: and 89950 more$/,
  ],
  "many ids": [
    full("1-9,", "governs: { ids: [", "x] }"),
    /ids\[\d+\]: must be/,
  ],
  "a long key": [
    full("k", "", ": 1"),
    /^f:1:1: \["k{60}…"\]: unknown key "k{60}…"/,
  ],
  "a long flag": [
    full("backup", "endpoints: [{ address: 10.0.0.1, flags: ", " }]"),
    /: unknown flag "(backup){10}…": known are/,
  ],
  "a long address": [
    full("1:", "endpoints: [{ address: ", "1 }]"),
    /: must be an IPv4 or IPv6 address, not "(1:){30}…"$/,
  ],
  "a long number": [full("9", "limits: { subflows: ", "}"), /from 0 to 64/],
  "spaces": [full(" ", "limits: 1 ", "# x"), /^f:1:9: limits: must be a map/],
  "line breaks": [full("\n", "limits: 1", "x: 1"), /^f:1:9: limits: must/],
  "comments": [full("# #\n", "limits: 1\n"), /^f:1:9: limits: must/],
  "tabs": [full("\t", "limits: 1", "# x"), /^f:1:9: limits: must/],
  "quotes": [full("''", "limits: '", "'"), /^f:1:9: limits: must be a mapping/],
  "escapes": [full("\\\\", 'limits: "', '"'), /^f:1:9: limits: must be a map/],
  "colons": [full(":", "limits: x", "x"), /^f:1:9: limits: must be a mapping/],
  "lines of a scalar": [full("\n x", "limits: x"), /^f:1:9: limits: must be/],
  "lines of a block": [full("\n x", "limits: |"), /^f:1:9: limits: must be/],
  "hashes": [full("#", "limits: x"), /^f:1:9: limits: must be a mapping/],
  "anchors": [full("&a ", "limits: ", "*"), /^f:1:\d+: \S+/],
  "dashes": [full("- x\n", "limits:\n"), /^f:2:1: limits: must be a mapping/],
};

for (const [what, [text, message]] of Object.entries(HOSTILE)) {
  Deno.test(`a file is refused in no time: ${what}`, async () => {
    const start = performance.now();
    const error = await errorOf(text);
    assertLess(performance.now() - start, 5_000);
    assertMatch(error.message, message);
    assertLess(error.message.length, 20_000);
  });
}
