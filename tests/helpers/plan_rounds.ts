/**
 * Plans between random configurations, done by a kernel.
 *
 * @module
 */

import { assertEquals } from "@std/assert";
import { apply, goBack } from "../../config/apply.ts";
import type { Governs } from "../../config/config.ts";
import { configOf } from "../../config/export.ts";
import { type Contents, plan } from "../../config/plan.ts";
import { readState } from "../../config/state.ts";
import type { DiagOptions } from "../../diag/mod.ts";
import type { Random } from "./random.ts";
import { ConfigGenerator, type HostNames } from "./random_config.ts";

/** A host whose kernel does plans. */
export interface Host {
  readonly names: HostNames;
  /** Where it is. */
  readonly at: DiagOptions;
  /** What it has, without a question to the code that is tested. */
  readonly contents: () => Contents;
  /** Makes an endpoint as the kernel makes one by itself. */
  readonly addImplicit?: () => void;
}

/** What a kernel has, but implicit endpoints; with or without ids. */
function contents(
  { endpoints, limits, settings }: Contents,
  hasIds = false,
) {
  return {
    endpoints: endpoints.filter(({ flags }) => !flags.includes("implicit"))
      .map(({ address, port, id, flags, ifIndex }) =>
        JSON.stringify({ address, port, flags, ifIndex, ...hasIds && { id } })
      ).toSorted(),
    limits,
    settings,
  };
}

/**
 * Goes from one random configuration to another, in one go, in parts, and back,
 * and returns in how many steps.
 */
export function goThere(
  random: Random,
  governs: Governs,
  { names, at, contents: read, addImplicit }: Host,
): number {
  const prune = { prune: true };
  const now = (hasIds?: boolean) => contents(read(), hasIds);
  const generator = new ConfigGenerator(random, names);
  const [a, b] = [generator.config(governs), generator.config(governs)];
  apply(plan(a, readState(at), prune), at);
  const hasImplicit = addImplicit !== undefined && random(4) === 0;
  if (hasImplicit) addImplicit();
  const start = readState(at);

  // What there is, exported, is what there is.
  assertEquals(plan(configOf(start), start, prune).steps, []);

  const whole = plan(b, start, prune);
  const { undo, differences } = apply(whole, at);
  const end = readState(at);
  assertEquals(differences, []);
  assertEquals(contents(end), contents(whole.after));
  for (const one of b.endpoints!) {
    if ("match" in one) continue;
    const { dev, flags } = one;
    const found = end.endpoints.find(({ address, port }) =>
      address === one.address && port === (one.port ?? 0)
    )!;
    assertEquals(
      { dev, flags: flags.toSorted(), id: one.id ?? found.id },
      { dev: found.dev, flags: found.flags.toSorted(), id: found.id },
    );
  }
  assertEquals({ ...end.limits, ...b.limits }, end.limits);
  assertEquals({ ...end.settings, ...b.settings }, end.settings);
  // Once more, there is nothing to do.
  assertEquals(plan(b, end, prune).steps, []);

  // All of it can be taken back.
  assertEquals(goBack(undo, at), []);
  assertEquals(now(true), contents(start, true));

  // Killed after each step, and run again.
  for (let length = 0; length < whole.steps.length; length++) {
    // Only the kernel itself makes an implicit endpoint again.
    const again = hasImplicit ? plan(b, readState(at), prune) : whole;
    const steps = again.steps.slice(0, length);
    const first = apply({ ...again, steps }, at);
    const rest = apply(plan(b, readState(at), prune), at);
    assertEquals(now(), contents(end));
    assertEquals(goBack([...rest.undo, ...first.undo], at), []);
  }
  return whole.steps.length;
}
