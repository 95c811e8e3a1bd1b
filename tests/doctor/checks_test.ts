/** What each check says of hosts that are made of recorded ones. */
import { assert, assertEquals } from "@std/assert";
import { readLine } from "../../cli/words/options.ts";
import { findCommand, readOperands } from "../../cli/words/parse.ts";
import {
  CHECK_NAMES,
  diagnose,
  type Finding,
  isHealthy,
  type Snapshot,
} from "../../doctor/mod.ts";
import { CHANGED_HOSTS, FINE_HOSTS } from "../helpers/changed_hosts.ts";
import { changed, RECORDED } from "../helpers/snapshots.ts";

/** What is wrong, in the form of the rows. */
function found(snapshot: Snapshot): Finding[] {
  const errors: string[] = [];
  const onError = ({ stack }: Error) => void errors.push(stack!);
  const findings = diagnose(snapshot, { onError });
  assertEquals(errors, []);
  return findings.filter(({ status }) =>
    status === "problem" || status === "warning"
  );
}

const placeOf = ({ status, check, because }: Finding) =>
  `${because === undefined ? "" : "  "}${status} ${check}`;

Deno.test("each check says what is wrong with hosts that differ in one thing", () => {
  const said = new Set<string>();
  const wrong: string[] = [];
  for (const [what, from, change, ...expected] of CHANGED_HOSTS) {
    const findings = found(changed(from, change));
    const isExpected = findings.length === expected.length &&
      findings.every((finding, at) =>
        placeOf(finding) === expected[at]![0] &&
        finding.summary.includes(expected[at]![1])
      );
    if (!isExpected) {
      const texts = findings.map((one) => `${placeOf(one)}: ${one.summary}`);
      wrong.push([what, ...texts].join("\n  "));
    }
    for (const { check } of findings) said.add(check);
  }
  assertEquals(wrong.join("\n"), "");
  const silent = CHECK_NAMES.filter((name) => !said.has(name));
  // Recorded hosts show those.
  assertEquals(silent, ["target", "same-subnet"]);
});

Deno.test("where there is nothing to look at, nobody says that all is well", () => {
  type Link = NonNullable<Snapshot["links"]>[number];
  const rows: [name: string, isLink: (link: Link) => boolean][] = [
    ["empty", ({ flags }) => flags.includes("loopback")],
    ["down", () => true],
  ];
  for (const [name, isLink] of rows) {
    const snapshot = changed("two paths", (draft) => {
      draft.links = draft.links!.filter(isLink)
        .map((link) => ({ ...link, usable: false }));
      for (const one of [draft, draft.earlier!]) one.connections = [];
      draft.endpoints = [];
    });
    const findings = diagnose(snapshot);
    const [first] = findings;
    assertEquals([name, first!.status, first!.check], [
      ...[name, "unknown", "endpoints"],
    ]);
    assert(first!.summary.includes("it is the wrong namespace"));
    assertEquals(isHealthy(findings), null);
  }
});

Deno.test("a limit that the doctor proposes is enough for all endpoints", () => {
  const rows: [from: string, endpoints: number, remedy: string][] = [
    ["limit of subflows 0 on the client", 1, "subflows 2"],
    ["limit of subflows 0 on the client", 3, "subflows 3"],
    ["limit of subflows 0 on the client", 9, "subflows 8"],
    [
      "limit of subflows 0 on the server, seen by the client",
      3,
      "subflows 3  # on the peer",
    ],
  ];
  for (const [from, endpoints, remedy] of rows) {
    const snapshot = changed(from, (draft) => {
      const [first] = draft.endpoints!;
      draft.endpoints = Array.from(
        { length: endpoints },
        (_, at) => ({ ...first!, id: 1 + at }),
      );
    });
    const [limits] = found(snapshot);
    assertEquals(limits!.remedies[0], `mptcp limits set ${remedy}`);
  }
});

function msOf(snapshot: Snapshot): number {
  const start = performance.now();
  diagnose(snapshot);
  return performance.now() - start;
}

Deno.test("nothing is wrong with hosts on which nothing is", () => {
  for (const [what, from, change, ...expected] of FINE_HOSTS) {
    const snapshot = changed(from, change);
    const findings = found(snapshot);
    // Else the processors may be taken.
    const fastest = Math.min(...[1, 2, 3].map(() => msOf(snapshot)));
    assert(fastest < 2000, `${what} takes too long`);
    assertEquals(
      findings.map((one) => [placeOf(one), one.summary]),
      expected.map(([place, piece]) => [
        place,
        findings.find(({ summary }) => summary.includes(piece))?.summary,
      ]),
      what,
    );
  }
});

Deno.test("what was counted stands with the time since boot, where it is known", () => {
  const rows: [seconds: number | undefined, said: string][] = [
    [undefined, ""],
    [0, " (0 min)"],
    [119 * 60 + 59, " (119 min)"],
    [2 * 3600, " (2 h)"],
    [48 * 3600 - 1, " (47 h)"],
    [5 * 86_400, " (5 days)"],
  ];
  for (const [seconds, said] of rows) {
    const snapshot = changed("strict rp_filter on the client", (draft) => {
      delete draft.uptimeSeconds;
      if (seconds !== undefined) draft.uptimeSeconds = seconds;
      draft.counters!["IPReversePathFilter"] = 6;
      draft.earlier!.counters!["IPReversePathFilter"] = 1;
    });
    const [first] = diagnose(snapshot);
    assertEquals(
      first!.evidence.at(-1),
      `IPReversePathFilter 6 since boot${said}, 5 meanwhile`,
    );
  }
});

/** Names that a shell would obey, and that its own words could be taken for. */
const HOSTILE = [
  ...["$(reboot)", "`reboot`", "a;reboot", "a|reboot", "a&reboot", "it's"],
  ...["a>b", "*", "$PATH", '"', "a\\b", "#a", "~", "-x", "eth0.5", "=a"],
];

/** The words of a command, as a shell that has no programs reads it. */
function wordsOf(command: string): string[] {
  const { stdout, stderr } = new Deno.Command("/bin/sh", {
    args: ["-c", `printf '%s\\0' ${command}`],
    clearEnv: true,
    env: { PATH: "" },
  }).outputSync();
  const text = new TextDecoder();
  assertEquals(text.decode(stderr), "", command);
  return text.decode(stdout).split("\0").slice(0, -1);
}

/** A word that users fill in, as they may do it. */
const FILLED: Readonly<Record<string, string>> = { ADDRESS: "10.77.2.99" };

/** Devices and programs of the hosts. */
const NAMES = /client2|server2|curl|sshd/;
const OWN = new RegExp(`"(${NAMES.source})"`, "g");

const remediesOf = (snapshot: Snapshot) =>
  diagnose(snapshot).flatMap(({ remedies }) => remedies);

Deno.test("what the doctor proposes are commands, whatever devices are called", async () => {
  const hosts = [
    ...RECORDED.values(),
    ...CHANGED_HOSTS.map(([, from, change]) => changed(from, change)),
  ];
  const programs = new Set<string>();
  for (const [at, snapshot] of hosts.entries()) {
    const name = HOSTILE[at % HOSTILE.length]!;
    const renamed = JSON.parse(
      JSON.stringify(snapshot).replaceAll(OWN, () => JSON.stringify(name)),
    );
    const commands = remediesOf(renamed).map(wordsOf);
    assertEquals(
      commands,
      remediesOf(snapshot).map((remedy) =>
        wordsOf(remedy).map((word) => word.replace(NAMES, () => name))
      ),
      name,
    );
    for (const [program, ...words] of commands) {
      programs.add(program!);
      if (program !== "mptcp") continue;
      const line = await readLine(words.map((word) => FILLED[word] ?? word));
      const { path, command, rest } = await findCommand(
        line.words,
        false,
        line.plain,
      );
      readOperands(command!, rest, path[0]);
    }
  }
  assertEquals([...programs].toSorted(), [
    ...["ip", "ip6tables-legacy-save", "iptables-legacy-save", "mptcp"],
    ...["mptcpize", "nft", "sysctl", "systemctl"],
  ]);
});
