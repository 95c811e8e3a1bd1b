/**
 * A copy of the module for users who may not read this one.
 *
 * @module
 */

import denoJson from "../../deno.json" with { type: "json" };
import { run } from "../../testing/host.ts";

const ROOT = new URL("../../", import.meta.url);

/** Starts a program as a user without privilege. */
export const AS_NOBODY: readonly string[] = [
  "setpriv",
  "--reuid=65534",
  "--regid=65534",
  "--clear-groups",
];

/** A copy of the module that every user can read and run. */
export class Copy implements Disposable {
  readonly #folder = Deno.makeTempDirSync({ prefix: "mptcp-" });
  readonly #script: string;

  /** Copies what is published, and a program of `tests/programs/`. */
  constructor(program: string) {
    this.#script = `tests/programs/${program}.ts`;
    const published = denoJson.publish.include.map((name) =>
      name.replace(/\/$/, "")
    );
    for (const name of [...published, this.#script]) {
      const to = `${this.#folder}/${name}`;
      Deno.mkdirSync(to.slice(0, to.lastIndexOf("/")), { recursive: true });
      run("cp", "-r", new URL(name, ROOT).pathname, to);
    }
    run("chmod", "-R", "a+rX", this.#folder);
    Deno.mkdirSync(`${this.#folder}/deno`);
    Deno.chmodSync(`${this.#folder}/deno`, 0o777);
    // Where it is, perhaps only root may look.
    const copy = `${this.#folder}/program`;
    try {
      Deno.linkSync(Deno.execPath(), copy);
    } catch {
      Deno.copyFileSync(Deno.execPath(), copy);
    }
  }

  /** The command that runs the program, started by other programs. */
  command(
    input: unknown,
    via: readonly string[],
    permissions: readonly string[],
  ): string[] {
    return [
      ...["env", "-u", "DENO_COVERAGE_DIR", `DENO_DIR=${this.#folder}/deno`],
      "DENO_NO_UPDATE_CHECK=1",
      ...["NO_COLOR=1", ...via, `${this.#folder}/program`, "run"],
      ...["--no-prompt", "--no-config", "--no-lock", ...permissions],
      ...[`${this.#folder}/${this.#script}`, JSON.stringify(input)],
    ];
  }

  [Symbol.dispose](): void {
    Deno.removeSync(this.#folder, { recursive: true });
  }
}
