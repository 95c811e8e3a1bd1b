import { assertEquals } from "@std/assert";
import { Lab } from "../../testing/lab.ts";
import { askDoctor, followDoctor } from "../helpers/doctor_rounds.ts";
import { HEALTHY_HOSTS, HOST_FAULTS } from "../helpers/host_faults.ts";
import { inEach } from "../helpers/host_faults/scene.ts";
import { liveTest, missingProgram } from "../helpers/live.ts";

const missing = Lab.missing() ?? missingProgram("nft", "--version");

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
