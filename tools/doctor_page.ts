/**
 * Fills docs/doctor.md with what the doctor says of real faults, made in a
 * laboratory. Needs root.
 *
 * usage: deno task doctor-page
 *
 * @module
 */

import { HOST_FAULTS } from "../tests/helpers/host_faults.ts";
import { Scene } from "../tests/helpers/host_faults/scene.ts";
import { environment, launcher } from "../tests/helpers/command_line.ts";

const PAGE = new URL("../docs/doctor.md", import.meta.url);

/** A fault, and what the doctor said of it. */
const BLOCK = /(<!-- fault: (.*) -->\n\n```console\n)[^]*?(?=```)/g;

/** The page, with what the doctor says now. */
export function freshPage(): string {
  return Deno.readTextFileSync(PAGE).replaceAll(
    BLOCK,
    (_, head, name) => head + consult(name),
  );
}

/** What is another one each time: tokens, ports, times and counts. */
export function withoutChance(page: string): string {
  return page.replaceAll(/\b0x[0-9a-f]{8}\b/g, "TOKEN")
    .replaceAll(/:\d{4,5}\b|\bport \d+/g, ":PORT")
    .replaceAll(/\bin \d\.\d s/g, "in N s")
    .replaceAll(/\d+ (since boot|meanwhile|times)/g, "N $1")
    // Names and ports of other lengths break lines elsewhere.
    .replaceAll(/\s+/g, " ");
}

/** Makes a fault, and runs the doctor. */
function consult(name: string): string {
  const fault = HOST_FAULTS.find((fault) => fault.name === name);
  if (fault === undefined) throw new Error(`There is no fault "${name}"`);
  using scene = Scene.open(fault);
  const { client, server } = scene.lab;
  const { netns } = fault.where === "client" ? client : server;
  const { stdout } = new Deno.Command(launcher, {
    args: ["-n", netns, "doctor"],
    env: environment(),
    stdin: "null",
    stderr: "inherit",
  }).outputSync();
  const text = new TextDecoder().decode(stdout);
  return `$ mptcp -n ${fault.where} doctor\n` +
    text.replaceAll(netns, fault.where);
}

if (import.meta.main) Deno.writeTextFileSync(PAGE, freshPage());
