/** Replacing a file, where each call of the C library can fail. */
import { assert, assertEquals, assertThrows } from "@std/assert";
import { checkReplaceable, replaceFile } from "../../ffi/replace_file.ts";
import { called, libc, restart } from "../helpers/fake_libc.ts";
import { arm, disarm, isHarmless, sweep, thrownBy } from "../helpers/faults.ts";

const PATH = "/var/lib/metrics/mptcp.prom";

const filesOf = () => Object.fromEntries(libc.kernel.files);

/** Does something with the file where calls fail. */
function tried(faults: Parameters<typeof arm>[0], action: () => void) {
  restart();
  libc.kernel.files.set(PATH, "old");
  const uses = arm(faults);
  let outcome = "";
  try {
    action();
  } catch (error) {
    outcome = String(error);
  }
  disarm();
  assertEquals([...libc.fds], []);
  return { uses, outcome, files: filesOf() };
}

/** One of the calls that failed is named, or none did harm. */
function assertNamed(
  outcome: string,
  harmful: readonly (readonly [use: string, code: string])[],
  what: string,
): void {
  if (harmful.length === 0) return assertEquals(outcome, "", what);
  assert(
    // The file beside it is opened by the function of another name.
    harmful.some(([use, code]) =>
      thrownBy(use === "create" ? "open" : use, code).test(outcome)
    ),
    `${what}: ${outcome}`,
  );
}

Deno.test("`replaceFile()` replaces the file, or says which call failed and changes nothing", () =>
  sweep(
    (faults) => tried(faults, () => replaceFile(PATH, "new")),
    ({ outcome, files, uses }, _clean, hits, what) => {
      const { [PATH]: text, ...others } = files;
      const harmful = hits.filter((hit) => !isHarmless(...hit));
      assertEquals(text, harmful.length === 0 ? "new" : "old", what);
      assertNamed(outcome, harmful, what);
      const isLeft = hits.some(([use]) => use === "unlink");
      assertEquals(Object.keys(others).length, isLeft ? 1 : 0, what);
      assertEquals(
        uses.includes("unlink"),
        Object.keys(others).length === 1 ||
          hits.some(([use]) =>
            ["write file", "fchmod", "rename"].includes(use)
          ),
      );
    },
  ));

Deno.test("`checkReplaceable()` changes nothing, and says which call failed", () =>
  sweep(
    (faults) => tried(faults, () => checkReplaceable(PATH)),
    ({ outcome, files }, _clean, hits, what) => {
      const { [PATH]: text, ...others } = files;
      const harmful = hits.filter(([use, code]) =>
        use === "unlink" || !isHarmless(use, code)
      );
      assertEquals(text, "old", what);
      assertNamed(outcome, harmful, what);
      const isLeft = hits.some(([use]) => use === "unlink");
      assertEquals(Object.keys(others).length, isLeft ? 1 : 0, what);
    },
  ));

Deno.test("`replaceFile()` writes beside the file, under a name that is free", () => {
  restart();
  const beside = "/var/lib/metrics/.mptcp-0.tmp";
  libc.kernel.files.set(beside, "of another");
  replaceFile(PATH, "new", 0o600);
  assertEquals(filesOf(), { [beside]: "of another", [PATH]: "new" });
  assertEquals(called(), [
    // The second one looks for a link to nothing.
    ...["statx", "statx", "create", "create", "write", "fchmod", "rename"],
  ]);
  assertEquals(libc.calls.find(({ use }) => use === "fchmod")!.args[1], 0o600);
  for (const path of ["", "a\0b"]) {
    libc.calls.length = 0;
    for (const call of [replaceFile, checkReplaceable]) {
      const { message } = assertThrows(() => call(path, ""), TypeError);
      assertEquals(message, `Invalid path ${JSON.stringify(path)}`);
      assertEquals(libc.calls, []);
    }
  }
});
