import { assert, assertEquals } from "@std/assert";
import { configOf, exportState, parseConfig, plan } from "../../config/mod.ts";
import { ADDR_FLAGS } from "../../codec/mptcp_pm.gen.ts";
import type { Endpoint, EndpointFlag } from "../../mod.ts";
import { presentState } from "../helpers/present_state.ts";
import { generatorAt, type Random } from "../helpers/random.ts";

const prune = { prune: true };

/** Names that a device may have, and that YAML or a file reads otherwise. */
const NAMES = [
  ...["eth0", "no", "0x10", "1", "-", "---", "#", "'"],
  ...['"', "\\", "é", "\u{1f600}", "\x1b[2J", "eth0.100", "@", "{a}", "[b]"],
  ...[
    "&x",
    "!x",
    "|",
    "%y",
    "`",
    ",",
    "true",
    "if9",
    "a\x7f",
    "a*",
    "?",
    "~",
    "null",
    "\u2028",
  ],
];

/** An endpoint that a kernel can have, whatever made it. */
function endpointOf(random: Random, id: number): Endpoint {
  const words = ADDR_FLAGS.map(([word]) => word)
    .filter((word) => word !== "implicit" && random(3) === 0);
  const hasPort = words.includes("signal") && !words.includes("subflow") &&
    random(2) === 0;
  const flags: EndpointFlag[] = words.includes("signal")
    ? words.filter((word) => word !== "fullmesh")
    : words;
  if (random(5) === 0) flags.push("0x40");
  const at = random(NAMES.length + 1);
  const dev = NAMES[at];
  const kind = random(3);
  return {
    // Few addresses, so that ports tell them apart.
    address: kind === 0
      ? `10.0.0.${id}`
      : kind === 1
      ? `fd00::${id}`
      : `::ffff:10.0.1.${id}`,
    port: hasPort ? 1 + random(65535) : 0,
    id,
    flags,
    ifIndex: random(3) === 0 ? 0 : 100 + at,
    ...dev !== undefined && { dev },
  };
}

Deno.test("`exportState()` writes a file whose apply changes nothing", async () => {
  const links = NAMES.map((dev, at) => ({
    ...presentState().links[1]!,
    ifIndex: 100 + at,
    dev,
  }));
  for (let index = 0; index < 500; index++) {
    const random = generatorAt(4, "export", index);
    const ids = new Set(Array.from({ length: random(9) }, () => 1 + random(9)));
    const state = {
      ...presentState({ links }),
      endpoints: [...ids].toSorted().map((id) => {
        const { dev, ...one } = endpointOf(random, id);
        return one.ifIndex === 0 || dev === undefined ? one : { ...one, dev };
      }),
      limits: { subflows: random(9), addAddrAccepted: random(9) },
    };
    const text = exportState(state);
    const config = await parseConfig(text, "exported");
    assertEquals(config, configOf(state));
    assertEquals(plan(config, state, prune).steps, [], text);
    const counted = 2 + 4 + state.endpoints.length;
    assertEquals(plan(config, state, prune).summary.keep, counted);
  }
});

Deno.test("`exportState()` says in comments what it cannot say", async () => {
  const state = {
    ...presentState({
      endpoints: [
        "1 10.0.0.1 subflow eth0",
        "2 10.0.1.1 implicit",
        "3 10.0.2.1#80 signal",
        "4 10.0.2.1 subflow",
        "5 10.0.3.1 subflow if77",
      ],
    }),
  };
  const [, second] = state.endpoints;
  const text = exportState({
    ...state,
    endpoints: [
      ...state.endpoints,
      { ...second!, address: "10.0.8.1", id: 7, flags: [], ifIndex: -1 },
    ],
  });
  assertEquals(text.split("\n"), [
    "# yaml-language-server: $schema=mptcp.schema.json",
    "# for editors; beside this file: mptcp schema >mptcp.schema.json",
    "# what there was on Linux 6.18.44",
    "limits:",
    "  subflows: 2",
    "  add_addr_accepted: 0",
    "settings:",
    "  enabled: 1",
    "  path_manager: kernel",
    "  scheduler: default",
    "  stale_loss_cnt: 4",
    "endpoints:",
    "  - address: 10.0.0.1",
    "    id: 1",
    "    dev: eth0",
    "    flags: [subflow]",
    "  - address: 10.0.2.1",
    "    port: 80",
    "    id: 3",
    "    flags: [signal]",
    "  - address: 10.0.2.1",
    "    id: 4",
    "    flags: [subflow]",
    "  - address: 10.0.3.1",
    "    id: 5",
    "    dev: if77",
    "    flags: [subflow]",
    "# left out: 10.0.1.1 id 2: the kernel made it by itself (implicit)",
    "# left out: 10.0.8.1 id 7: it has the device index -1; --prune would remove it",
    "",
  ]);
  const config = await parseConfig(text, "exported");
  assertEquals(plan(config, state, prune).steps, []);
  // Before Linux 6.15 there is one name only, and nothing is a list, too.
  const older = presentState({ settings: { enabled: "1", pm_type: "1" } });
  const again = await parseConfig(exportState(older), "exported");
  assertEquals(again.settings, { enabled: "1", pm_type: "1" });
  assertEquals(again.endpoints, []);
  assert(plan(again, older, prune).steps.length === 0);
});
