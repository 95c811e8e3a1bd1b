/** Where the links of the documents lead. */
import { assertEquals, assertNotEquals } from "@std/assert";
import denoJson from "../../deno.json" with { type: "json" };
import { root } from "../helpers/command_line.ts";
import { documents, textOf } from "../helpers/shell_lines.ts";

const pages = [...documents(), "docs/ip-mptcp.md", "bench/RESULTS.md"]
  .filter((name) => name.endsWith(".md"));

interface Link {
  readonly page: string;
  readonly target: string;
  /** The file that it leads to, from the root. */
  readonly file: string;
  readonly anchor: string | undefined;
}

/** The links that lead to another file, or to a place in one. */
const links: readonly Link[] = pages.flatMap((page) => {
  const text = textOf(page).replaceAll(/^```[^]*?^```$/gm, "");
  return Array.from(text.matchAll(/\]\(([^)\s]+)\)/g), ([, target]) => target!)
    .filter((target) => !/^https?:/.test(target))
    .map((target) => {
      const url = new URL(target, `file:///${page}`);
      return {
        page,
        target,
        file: url.pathname.slice(1),
        anchor: url.hash === "" ? undefined : url.hash.slice(1),
      };
    });
});

/** The anchors of the headings, as GitHub and JSR make them. */
function anchorsOf(page: string): string[] {
  return Array.from(
    textOf(page).matchAll(/^#+ (.*)$/gm),
    ([, heading]) =>
      heading!.toLowerCase().replaceAll(/[^\p{L}\p{N}\s_-]/gu, "")
        .replaceAll(" ", "-"),
  );
}

function isFile(file: string): boolean {
  try {
    return Deno.statSync(root + file).isFile;
  } catch {
    return false;
  }
}

Deno.test("the links of the documents lead somewhere", () => {
  assertNotEquals(links, []);
  const broken = links.filter(({ file, anchor }) =>
    !isFile(file) ||
    anchor !== undefined && !anchorsOf(file).includes(anchor)
  );
  assertEquals(broken.map(({ page, target }) => `${page}: ${target}`), []);
});

Deno.test("what is published links to nothing that is not", () => {
  const isPublished = (file: string) =>
    denoJson.publish.include.some((name) =>
      name.endsWith("/") ? file.startsWith(name) : file === name
    );
  const lost = links.filter(({ page, file }) =>
    isPublished(page) && !isPublished(file)
  );
  assertEquals(lost.map(({ page, target }) => `${page}: ${target}`), []);
});

Deno.test("docs/README.md names every page of the guide", () => {
  const named = new Set(
    links.filter(({ page }) => page === "docs/README.md")
      .map(({ file }) => file),
  );
  const all = Array.from(Deno.readDirSync(`${root}docs`), ({ name }) => name)
    .filter((name) => name.endsWith(".md") && name !== "README.md");
  assertEquals(all.filter((name) => !named.has(`docs/${name}`)), []);
});
