/**
 * Fills docs/doctor.md with what the doctor says of real faults, made in a
 * laboratory. Needs root.
 *
 * usage: deno task doctor-page
 *
 * @module
 */

import type { Lab } from "../testing/lab.ts";
import { HOST_FAULTS } from "../tests/helpers/host_faults.ts";
import { type HostFault, inEach } from "../tests/helpers/host_faults/scene.ts";
import { environment, launcher } from "../tests/helpers/command_line.ts";

const PAGE = new URL("../docs/doctor.md", import.meta.url);

/** A fault, and what the doctor said of it. */
const BLOCK = /(<!-- fault: (.*) -->\n\n```console\n)[^]*?(?=```)/g;

/** The page, with what the doctor says now. */
export async function freshPage(): Promise<string> {
  const page = Deno.readTextFileSync(PAGE);
  const said = new Map<string, string>();
  const faults = Array.from(page.matchAll(BLOCK), ([, , name]) => find(name!));
  await inEach(faults, async (fault, { lab }) => {
    said.set(fault.name, await consult(fault, lab));
  });
  return page.replaceAll(BLOCK, (_, head, name) => head + said.get(name));
}

function find(name: string): HostFault {
  const fault = HOST_FAULTS.find((fault) => fault.name === name);
  if (fault === undefined) throw new Error(`There is no fault "${name}"`);
  return fault;
}

/** What is another one each time: tokens, ports, times and counts. */
export function withoutChance(page: string): string {
  return page.replaceAll(/\b0x[0-9a-f]{8}\b/g, "TOKEN")
    .replaceAll(/:\d{4,5}\b|\bport \d+/g, ":PORT")
    .replaceAll(/\bin \d\.\d s/g, "in N s")
    .replaceAll(/\bboot \(\d+ \w+\)/g, "boot (N min)")
    .replaceAll(/\d+ (since boot|meanwhile|times)/g, "N $1")
    // Names and ports of other lengths break lines elsewhere.
    .replaceAll(/\s+/g, " ");
}

/** Runs the doctor. */
async function consult({ where }: HostFault, lab: Lab): Promise<string> {
  const { netns } = lab[where];
  const { stdout } = await new Deno.Command(launcher, {
    args: ["-n", netns, "doctor"],
    env: environment(),
    stdin: "null",
    stderr: "inherit",
  }).output();
  const text = new TextDecoder().decode(stdout);
  return `$ mptcp -n ${where} doctor\n${text.replaceAll(netns, where)}`;
}

if (import.meta.main) Deno.writeTextFileSync(PAGE, await freshPage());
