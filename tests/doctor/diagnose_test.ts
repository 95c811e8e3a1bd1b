/** What holds for each diagnosis, whatever was read. */
import { assert, assertEquals, assertThrows } from "@std/assert";
import {
  CHECK_NAMES,
  type CheckName,
  CHECKS,
  diagnose,
  type Finding,
  isHealthy,
  type Reading,
  type Snapshot,
  snapshotJson,
} from "../../doctor/mod.ts";
import { NotFoundError } from "../../mod.ts";
import { generatorAt, pick } from "../helpers/random.ts";
import { randomSnapshot } from "../helpers/random_snapshot.ts";
import {
  changed,
  type Draft,
  frozen,
  HEALTHY,
  RECORDED,
} from "../helpers/snapshots.ts";

const STATUSES = ["problem", "warning", "unknown", "ok"];

const isComplaint = ({ status }: Finding) =>
  status === "problem" || status === "warning";

/** The checks that say something, and the one that may have nothing to say. */
function namedIn(findings: readonly Finding[]): ReadonlySet<CheckName> {
  return new Set([...findings.map(({ check }) => check), "target"]);
}

/** Fails unless this can be a diagnosis. */
function assertDiagnosis(findings: readonly Finding[], what: string): void {
  const named = namedIn(findings);
  assertEquals([...named].sort(), [...CHECK_NAMES].sort(), what);
  const places = findings.map(({ status, because }) =>
    2 * STATUSES.indexOf(status) + (because === undefined ? 0 : 1)
  );
  assertEquals(places, places.toSorted((one, other) => one - other), what);
  for (const { check, status, summary, evidence, because } of findings) {
    assert(STATUSES.includes(status) && summary !== "", what);
    const texts = [summary, ...evidence];
    assert(texts.every((text) => !/undefined|NaN|\[object/.test(text)), what);
    for (const cause of because ?? []) {
      // Without MPTCP in the kernel there is nothing to look at.
      const isAbsence = status === "unknown" && cause === "kernel";
      assert(isAbsence || CHECKS[check].because.includes(cause), what);
      assert(findings.some((one) => one.check === cause && isComplaint(one)));
    }
  }
}

/** The places in a value, at any depth. */
function* placesIn(value: unknown, path: string[] = []): Generator<string[]> {
  if (typeof value !== "object" || value === null) return;
  for (const name of Object.keys(value)) {
    const own = [...path, name];
    yield own;
    yield* placesIn((value as Record<string, unknown>)[name], own);
  }
}

/** What stands in the place of a value; absent: nothing. */
const OTHERS = [undefined, null, 7, "x", true, [], {}, [null], [{}], ["x"]];

/** A copy in which one place has another value. */
function broken(snapshot: Snapshot, path: string[], other: unknown): Snapshot {
  const copy = structuredClone(snapshot) as unknown;
  const last = path.at(-1)!;
  const parent = path.slice(0, -1).reduce(
    (value, name) => (value as Record<string, unknown>)[name],
    copy,
  ) as Record<string, unknown>;
  if (other === undefined) delete parent[last];
  else parent[last] = other;
  return frozen(copy as Snapshot);
}

/** The version is looked at before all else. */
const isRead = ([first]: string[]) => first !== "version";

Deno.test("`diagnose()` never throws, and names each check, whatever is missing", () => {
  const rows: [string, Snapshot, string[], unknown][] = [];
  for (const [name, snapshot] of RECORDED) {
    const places = [...placesIn(snapshot)].filter(isRead);
    const random = generatorAt(1, name, 0);
    // Each place of one host, and some of the others.
    const chosen = name === "two paths"
      ? places
      : Array.from({ length: 40 }, () => pick(random, places));
    for (const path of chosen) {
      rows.push([name, snapshot, path, undefined]);
      rows.push([name, snapshot, path, pick(random, OTHERS)]);
    }
  }
  for (const [name, snapshot, path, other] of rows) {
    const what = `${name}: ${path.join(".")} is ${Deno.inspect(other)}`;
    const findings = diagnose(broken(snapshot, path, other));
    assertEquals(namedIn(findings).size, CHECK_NAMES.length, what);
  }
});

Deno.test("`diagnose()` is a diagnosis of each snapshot, recorded or made up", () => {
  const made = Array.from(
    { length: 300 },
    (_, at) => frozen(randomSnapshot(generatorAt(2, "diagnose", at))),
  );
  for (const [at, snapshot] of [...RECORDED.values(), ...made].entries()) {
    const errors: Error[] = [];
    const onError = (error: Error) => void errors.push(error);
    const findings = diagnose(snapshot, { onError });
    assertEquals(errors, []);
    assertDiagnosis(findings, `${at}`);
    // Frozen snapshots are not changed, and nothing else is looked at.
    assertEquals(diagnose(snapshot), findings);
  }
});

/** What can be unread: whole parts, of the earlier reading too. */
function partsOf(snapshot: Snapshot): string[][] {
  const own = Object.keys(snapshot).filter((name) =>
    typeof snapshot[name as keyof Snapshot] === "object" && name !== "unknown"
  );
  const earlier = Object.keys(snapshot.earlier ?? {}) as (keyof Reading)[];
  return [
    ...own.map((name) => [name]),
    ...earlier.map((name) => ["earlier", name]),
  ];
}

Deno.test("a check says the same without a part, or that it could not look", () => {
  let unknown = 0;
  for (const [name, snapshot] of RECORDED) {
    const whole = Map.groupBy(diagnose(snapshot), ({ check }) => check);
    for (const path of partsOf(snapshot)) {
      const without = diagnose(broken(snapshot, path, undefined));
      for (const [check, all] of Map.groupBy(without, ({ check }) => check)) {
        const what = `${name} without ${path.join(".")}: ${check}`;
        if (all.length === 1 && all[0]!.status === "unknown") {
          unknown++;
          const part = path.join(".").replace(/[A-Z]/g, "_$&").toLowerCase();
          assertEquals(all[0]!.summary, `the snapshot has no "${part}"`, what);
        } else {
          const plain = (findings: readonly Finding[]) =>
            findings.map(({ because: _, ...finding }) => finding);
          assertEquals(plain(all), plain(whole.get(check)!), what);
        }
      }
    }
  }
  assert(unknown > 1000);
});

/** What kernels of a later time may say. */
const LATER: Readonly<Record<string, (draft: Draft<Snapshot>) => void>> = {
  flags(draft) {
    for (const part of [draft, draft.earlier!]) {
      const { connections = [], links = [], addresses = [] } = part;
      const subflows = connections.flatMap(({ subflows }) => subflows);
      for (const one of [...subflows, ...links, ...addresses]) {
        one.flags.push("new" as never);
        one.unknownFlags = 0x8000_0000;
      }
    }
    for (const { flags } of draft.endpoints!) flags.push("0x400");
  },
  "only such flags"(draft) {
    for (const one of draft.endpoints!) one.flags = ["0x400"];
  },
  "states of connections"(draft) {
    for (const part of [draft, draft.earlier!]) {
      for (const one of part.connections!) one.state = "new" as never;
    }
  },
  "states of subflows"(draft) {
    for (const part of [draft, draft.earlier!]) {
      for (const { subflows } of part.connections!) {
        for (const one of subflows) one.state = "new" as never;
      }
    }
  },
  "states of links"(draft) {
    for (const one of draft.links!) one.state = 99;
  },
  scopes(draft) {
    draft.addresses!.push({
      ...draft.addresses![1]!,
      address: "10.9.9.9",
      scope: 7,
    });
  },
  counters(draft) {
    Object.assign(draft.counters!, { NewDrop: 9, MPJoinNew: 9 });
  },
  settings(draft) {
    Object.assign(draft.settings!, {
      pathManager: "bpf",
      scheduler: "bpf_new",
      unknown: { new: "1" },
    });
  },
  rules(draft) {
    for (const one of draft.rules!) one.action = 99;
  },
  routes(draft) {
    for (const { route } of draft.routes!) if (route.found) route.type = 99;
  },
  "rp_filter"(draft) {
    for (const one of draft.reversePath!) one.value = 7;
  },
  managers(draft) {
    draft.managers!.found.push({ name: "newd", pid: 7, about: "new" });
  },
  firewalls(draft) {
    draft.firewall!.push({ kind: "newtables" as never, name: "new" });
  },
  protocols(draft) {
    draft.protocols!.push("MPTCPv7");
  },
};

Deno.test("a word or number that is not known is no problem", () => {
  for (const [what, change] of Object.entries(LATER)) {
    for (const name of HEALTHY.keys()) {
      const findings = diagnose(changed(name, change));
      assertDiagnosis(findings, what);
      assertEquals(findings.filter(isComplaint), [], `${name}, ${what}`);
    }
  }
});

Deno.test("no check explains itself, over others neither", () => {
  const causesOf = (name: CheckName, seen: readonly CheckName[]): void => {
    assert(!seen.includes(name), `${[...seen, name].join(" because ")}`);
    for (const cause of CHECKS[name].because) causesOf(cause, [...seen, name]);
  };
  for (const name of CHECK_NAMES) causesOf(name, []);
});

Deno.test("what follows from something else names it, if it is about the same", () => {
  const snapshot = changed("device that is gone", (draft) => {
    draft.endpoints!.push({
      ...{ address: "10.77.9.9", port: 0, id: 2, ifIndex: 0 },
      flags: ["subflow"],
    });
  });
  assertEquals(
    diagnose(snapshot).filter(isComplaint)
      .map(({ check, about, because }) => [check, about, because]),
    [
      ["endpoint-device", "endpoint 1", undefined],
      ["endpoint-address", "endpoint 2", undefined],
      ["endpoint-address", "endpoint 1", ["endpoint-device"]],
    ],
  );
  // Without its cause it stands for itself.
  const rest = diagnose(snapshot, { ignore: ["endpoint-device"] });
  assert(!rest.some(({ check }) => check === "endpoint-device"));
  assertEquals(
    rest.filter(isComplaint).map(({ because }) => because),
    [undefined, undefined],
  );
});

Deno.test("`isHealthy()` takes no unknown for healthy, and a warning for no problem", () => {
  const rows: [string, boolean | null][] = [
    ["two paths", true],
    ["connection without data", true],
    ["no endpoint", false],
  ];
  for (const [name, healthy] of rows) {
    assertEquals(isHealthy(diagnose(RECORDED.get(name)!)), healthy, name);
  }
  const { links: _, ...blind } = RECORDED.get("two paths")!;
  assertEquals(isHealthy(diagnose(blind)), null);
  const { limits: __, ...worse } = RECORDED.get("no endpoint")!;
  assertEquals(isHealthy(diagnose(worse)), null);
});

Deno.test("`diagnose()` looks at one connection, if it is there", () => {
  const snapshot = changed("server", (draft) => {
    for (const part of [draft, draft.earlier!]) {
      part.connections![0]!.token = 5;
      part.connections![0]!.fallback = true;
    }
  });
  const of = (token?: number) =>
    diagnose(snapshot, token === undefined ? {} : { token })
      .find(({ check }) => check === "fallback")!.status;
  assertEquals([of(), of(5)], ["ok", "problem"]);
  assertThrows(
    () => diagnose(snapshot, { token: 6 }),
    NotFoundError,
    "There is no connection of token 0x00000006",
  );
  for (const wrong of [0, NaN, 2 ** 32]) {
    assertThrows(() => of(wrong), RangeError, "Invalid token");
  }
});

Deno.test("`diagnose()` refuses checks and versions that are not known", () => {
  const snapshot = RECORDED.get("two paths")!;
  const rows: [unknown, object, string][] = [
    [{ ...snapshot, version: 2 }, {}, "Invalid version 2 of a snapshot"],
    [undefined, {}, "Invalid version undefined"],
    [JSON.parse(snapshotJson(snapshot)), {}, "Invalid snapshot: it has the"],
    [snapshot, { ignore: ["limit"] }, 'Invalid check "limit": kernel, enabled'],
    [snapshot, { ignore: ["toString"] }, 'Invalid check "toString"'],
  ];
  for (const [other, options, message] of rows) {
    assertThrows(
      () => diagnose(other as Snapshot, options),
      TypeError,
      message,
    );
  }
});

Deno.test("a check that fails is unknown, hides no other, and says why", () => {
  const seen: string[] = [];
  const snapshot = changed("two paths", (draft) => {
    draft.managers = { found: 7 as never, seesAll: true };
  });
  const findings = diagnose(snapshot, {
    onError: (error, check) => void seen.push(`${check}: ${error.name}`),
  });
  assertEquals(seen, ["managers: TypeError"]);
  const [first, ...rest] = findings;
  assertEquals([first!.check, first!.status], ["managers", "unknown"]);
  assert(first!.summary.startsWith("the check failed: "));
  assert(rest.every(({ status }) => status === "ok"));
});
