/** docs/doctor.md shows what the doctor says of faults that are there. */
import { assertEquals } from "@std/assert";
import { Lab } from "../../testing/lab.ts";
import { freshPage, withoutChance } from "../../tools/doctor_page.ts";
import { liveTest, missingProgram } from "../helpers/live.ts";
import { textOf } from "../helpers/shell_lines.ts";

liveTest(
  "docs/doctor.md is what the doctor says",
  async () => {
    const page = textOf("docs/doctor.md");
    assertEquals(withoutChance(await freshPage()), withoutChance(page));
  },
  Lab.missing() ?? missingProgram("nft", "--version"),
);
