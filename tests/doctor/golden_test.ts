import { assertEquals } from "@std/assert";
import { diagnose } from "../../doctor/mod.ts";
import {
  goldenSnapshot,
  snapshotFile,
  snapshotFiles,
} from "../helpers/doctor_golden.ts";
import { HEALTHY_HOSTS, HOST_FAULTS } from "../helpers/host_faults.ts";
import type { HostState } from "../helpers/host_faults/scene.ts";

/** The checks that see something wrong, the most probable cause first. */
function complaints(state: HostState): string[] {
  return diagnose(goldenSnapshot(state)).filter(({ status }) =>
    status === "problem" || status === "warning"
  ).map(({ check }) => check);
}

Deno.test("the doctor finds each recorded fault first", () => {
  const found = HOST_FAULTS.map((fault) => [fault.name, complaints(fault)[0]]);
  assertEquals(found, HOST_FAULTS.map(({ name, check }) => [name, check]));
});

Deno.test("the doctor finds nothing on the recorded healthy hosts", () => {
  const found = HEALTHY_HOSTS.map((host) => [host.name, complaints(host)]);
  assertEquals(found, HEALTHY_HOSTS.map(({ name }) => [name, []]));
});

Deno.test("each host is recorded", () => {
  const names = [...HOST_FAULTS, ...HEALTHY_HOSTS].map((state) =>
    snapshotFile(state).pathname.replace(/.*\//, "")
  );
  assertEquals(snapshotFiles(), names.toSorted());
});
