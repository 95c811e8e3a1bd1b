import { assertEquals, assertStringIncludes } from "@std/assert";
import type { Finding } from "../../doctor/mod.ts";
import { Lab } from "../../testing/lab.ts";
import { AS_NOBODY, Copy } from "../helpers/copy.ts";
import { askDoctor, followDoctor } from "../helpers/doctor_rounds.ts";
import { HEALTHY_HOSTS, HOST_FAULTS } from "../helpers/host_faults.ts";
import { inEach, Scene } from "../helpers/host_faults/scene.ts";
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

liveTest("the doctor without privilege says what it cannot see", async () => {
  using copy = new Copy("doctor");
  // A firewall may be at fault, and only root sees whether there is one.
  const name = "SYN with MP_JOIN reset";
  const fault = HOST_FAULTS.find((one) => one.name === name)!;
  using scene = Scene.open(fault);
  const { client } = scene.lab;
  const command = copy.command({}, AS_NOBODY, ["--allow-ffi"]);
  const findings: Finding[] = JSON.parse(client.exec(...command));
  const [hidden] = findings.filter(({ status }) => status === "unknown");
  assertEquals(hidden?.check, "firewall");
  assertStringIncludes(hidden!.summary, "EPERM");
  // The rest is what root sees.
  const { findings: all } = await askDoctor(client);
  assertEquals(
    withoutRemedies(findings.filter((one) => one !== hidden)),
    withoutRemedies(all.filter(({ check }) => check !== "firewall")),
  );
}, missing);

/**
 * Remedies name the namespace where it is not the doctor's own, and evidence says
 * for how long it has been counted.
 */
function withoutRemedies(findings: readonly Finding[]) {
  return findings.map((finding) => ({
    ...finding,
    evidence: finding.evidence.map((text) =>
      text.replace(/ since boot \(.*?\)/, " since boot")
    ),
    remedies: [],
  }));
}
