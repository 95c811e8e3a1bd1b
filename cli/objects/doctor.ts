import type { CheckName, Place, Snapshot } from "../../doctor/mod.ts";
import type { Context } from "../context.ts";
import { EXIT } from "../exit.ts";
import { type Command, command, UsageError } from "../words/grammar.ts";
import { nearest } from "../../codec/nearest.ts";
import { connectionFilter, place } from "../words/operands.ts";

/** `mptcp doctor …` */
export const COMMANDS: readonly Command[] = [
  command({
    summary:
      "Say why there is no second path, and what mends it; exit code 3 " +
      "if there is a problem",
    operands: { token: connectionFilter.token, place },
    options: ["strict", "ignore", "from"],
    async run(context, { token, place, strict, ignore, from }) {
      const target = place && withPort(place);
      const other = token !== undefined ? "token" : from && "--from";
      if (target !== undefined && other !== undefined) {
        throw new UsageError(`"to" and "${other}" do not go together`);
      }
      const { CHECK_NAMES, diagnose, isHealthy } = await import(
        "../../doctor/mod.ts"
      );
      const ignored = [
        ...new Set((ignore ?? "").split(",").filter((one) => one !== "")),
      ];
      for (const name of ignored) refuseUnknown(name, CHECK_NAMES);
      const snapshot = await take(context, token, target, from);
      const findings = diagnose(snapshot, {
        ignore: ignored as CheckName[],
        ...token !== undefined && { token },
        onError: (error, check) => context.detail(`${check}: ${error.stack}`),
      });
      const { report } = await import("./doctor_output.ts");
      const healthy = isHealthy(findings);
      return {
        ...report(findings, snapshot, healthy, ignored, {
          screen: context.screen,
          netns: from === undefined ? context.entered : undefined,
        }),
        code: healthy === false || strict && healthy === null
          ? EXIT.problem
          : EXIT.done,
      };
    },
  }),
];

function refuseUnknown(name: string, known: readonly string[]): void {
  if (known.includes(name)) return;
  const [likely] = nearest(name, known);
  throw new UsageError(`Unknown check "${name}"`, {
    hint: likely === undefined
      ? `the checks are ${known.join(", ")}`
      : `did you mean "${likely}"?`,
  });
}

/** A place without its port is none. */
function withPort(
  { host, port }: { readonly host: string; readonly port?: number },
): Place {
  if (port !== undefined) return { host, port };
  const isIPv6 = host.includes(":");
  const [, before, last] = host.match(/^(.*[^:]):(\d+)$/) ?? [];
  const place = !isIPv6
    ? `${host}:443`
    : last === undefined
    ? `[${host}]:443`
    : `[${before}]:${last}`;
  throw new UsageError(`The port of "${host}" is missing`, {
    hint: `write to ${place}, or to ${host} port 443`,
  });
}

/** What is here, or what was elsewhere. */
async function take(
  context: Context,
  token: number | undefined,
  target: Place | undefined,
  from: string | undefined,
): Promise<Snapshot> {
  const { collect, parseSnapshot, SNAPSHOT_LIMIT } = await import(
    "../../doctor/mod.ts"
  );
  if (from === undefined) {
    return await collect({
      namespace: context.place(),
      signal: context.stop().signal,
      ...token !== undefined && { token },
      ...target !== undefined && { target },
    });
  }
  let text = "";
  for await (const line of context.lines(from)) {
    text += `${line}\n`;
    // What is too large is refused, and may have no end.
    if (text.length > SNAPSHOT_LIMIT) break;
  }
  return parseSnapshot(text);
}
