/** The package in a program of somebody else, with compiler options of its own. */
import { assertEquals } from "@std/assert";
import denoJson from "../../deno.json" with { type: "json" };
import { root, run } from "../helpers/command_line.ts";

const OPTIONS = [
  {},
  { erasableSyntaxOnly: true, verbatimModuleSyntax: true },
  { noUnusedLocals: true, noUnusedParameters: true },
];

const entryPoints = Object.entries(denoJson.exports).map(([name, file]) =>
  [denoJson.name + name.slice(1), file] as const
);

for (const compilerOptions of OPTIONS) {
  const names = Object.keys(compilerOptions).join(", ");
  Deno.test(`every entry point type-checks with ${names || "Deno's defaults"}`, () => {
    const folder = Deno.makeTempDirSync({ prefix: "mptcp-" });
    try {
      const write = (name: string, value: unknown) =>
        Deno.writeTextFileSync(`${folder}/${name}`, `${value}\n`);
      write(
        "deno.json",
        JSON.stringify({
          imports: {
            ...Object.fromEntries(
              entryPoints.map(([name, file]) => [name, root + file]),
            ),
            "@std/cli/parse-args": import.meta.resolve("@std/cli/parse-args"),
          },
          compilerOptions,
          lock: false,
        }),
      );
      const uses = entryPoints.map(([name], index) =>
        `import * as used${index} from "${name}"; console.log(used${index});`
      );
      write("main.ts", uses.join("\n"));
      const { code, err } = run(
        ["deno", "check", "--quiet", "main.ts"],
        { cwd: folder },
      );
      assertEquals([code, err], [0, ""]);
    } finally {
      Deno.removeSync(folder, { recursive: true });
    }
  });
}
