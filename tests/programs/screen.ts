/** Takes the screen of the terminal, and ends in the way that is asked for. */
import { PLAIN } from "../../cli/style.ts";
import { Terminal } from "../../cli/terminal.ts";

const [way] = Deno.args;

/** Ends with the block, by what the case says. */
async function show(): Promise<void> {
  using terminal = new Terminal();
  terminal.draw([`a screen for ${way}`], { ...PLAIN, rows: 3 });
  switch (way) {
    case "return":
      return;
    case "throw":
      throw new Error("thrown here");
    case "throw later":
      setTimeout(() => {
        throw new Error("thrown later");
      });
      break;
    case "reject":
      void Promise.reject(new Error("rejected"));
      break;
    case "exit":
      Deno.exit(7);
  }
  for (;;) {
    const happening = await terminal.next(60_000);
    if (typeof happening === "object") {
      terminal.draw([`key ${happening.key}`], { ...PLAIN, rows: 1 });
      if (happening.key === "q") return;
    }
  }
}

await show();
if (way === "twice") await show();
Deno.exit(0);
