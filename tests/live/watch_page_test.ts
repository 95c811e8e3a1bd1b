/** The agent follows a cable under a running transfer as docs/watch.md shows. */
import { assertEquals } from "@std/assert";
import { textOf } from "../helpers/shell_lines.ts";
import { liveTest } from "../helpers/live.ts";
import { freshPage, withoutChance } from "../../tools/watch_page.ts";

liveTest("the agent says what docs/watch.md shows", async () => {
  assertEquals(
    withoutChance(await freshPage()),
    withoutChance(textOf("docs/watch.md")),
  );
});
