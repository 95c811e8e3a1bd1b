import {
  type Command,
  command,
  option,
  required,
  UsageError,
} from "../words/grammar.ts";
import { file, secondsIn } from "../words/operands.ts";
import { lostText } from "../output.ts";

/** How long a link has to be as it is. */
const settle = option(
  "settle",
  "SECONDS",
  "how long a link has to be without carrier, or calm, 0 to 600; else 1",
  (keyword, value) => {
    const number = secondsIn(value);
    if (number <= 600) return number;
    throw new UsageError(
      `Invalid ${keyword} "${value}": it is seconds, 0 to 600`,
    );
  },
);

/** `mptcp watch FILE` */
export const COMMANDS: readonly Command[] = [
  command({
    summary: "Keep endpoints, limits and settings what a file says",
    // The keyword first: a file can have any name.
    operands: { settle, file: required({ ...file, help: "what is wanted" }) },
    options: ["prune", "clean", "takeover", "timestamp"],
    lost: (lines) => ({
      text: lostText(lines),
      json: { event: "lost", lines },
    }),
    async *run(context, { file, settle, timestamp, ...options }) {
      if (file === "-") {
        throw new UsageError(
          "A file is needed: standard input cannot be read again",
        );
      }
      const [{ watch }, { watchOutput }, { Reporter }] = await Promise.all([
        import("../../config/mod.ts"),
        import("./watch_output.ts"),
        import("./watch_report.ts"),
      ]);
      // SIGHUP says that the file is to be read again.
      const { signal } = context.stop(false);
      const reporter = new Reporter(context.service());
      const agent = watch(file, {
        ...options,
        ...{ namespace: context.place(), signal, tickMs: reporter.tickMs },
        onLook: (status) => reporter.look(status),
        ...settle !== undefined && { settleMs: settle * 1000 },
      });
      signal.addEventListener("abort", () => reporter.end());
      using _ = reporter.onReload(() => agent.reload());
      for await (const event of agent) {
        reporter.hear(event);
        yield watchOutput(event, file, context.screen, timestamp);
      }
    },
  }),
];
