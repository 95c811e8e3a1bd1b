import { assertEquals } from "@std/assert";
import { Lab } from "../../testing/lab.ts";
import { askDoctor, followDoctor } from "../helpers/doctor_rounds.ts";
import { HEALTHY_HOSTS, HOST_FAULTS } from "../helpers/host_faults.ts";
import { type HostState, Scene } from "../helpers/host_faults/scene.ts";
import { liveTest, missingProgram } from "../helpers/live.ts";

const missing = Lab.missing() ?? missingProgram("nft", "--version");

/** How many hosts are looked at together: most of the time the doctor waits. */
const TOGETHER = 8;

/** Tries it in each state, several at a time, and tells where it fails. */
async function inEach<State extends HostState>(
  states: readonly State[],
  attempt: (state: State, scene: Scene) => Promise<void>,
): Promise<void> {
  const failures: string[] = [];
  const rest = states.values();
  await Promise.all(Array.from({ length: TOGETHER }, async () => {
    for (const state of rest) {
      try {
        using scene = Scene.open(state);
        await attempt(state, scene);
      } catch (error) {
        failures.push(`${state.name}: ${(error as Error).message}`);
      }
    }
  }));
  assertEquals(failures.join("\n\n"), "");
}

liveTest(
  "the doctor finds each fault first, and what it says mends it",
  () => inEach(HOST_FAULTS, followDoctor),
  missing,
);

liveTest(
  "the doctor finds nothing on healthy hosts",
  () =>
    inEach(HEALTHY_HOSTS, async ({ where }, { lab }) => {
      const { findings } = await askDoctor(lab[where]);
      assertEquals(
        findings.filter(({ status }) =>
          status === "problem" || status === "warning"
        ),
        [],
      );
    }),
  missing,
);
