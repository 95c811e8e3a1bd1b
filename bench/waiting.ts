// What Deno itself takes while it waits, after it has printed so many lines:
// the measure of a monitor. As with events, the lines come in small groups.

const lines = Number(Deno.args[0]);
const text = new TextEncoder();

for (let line = 1; line <= lines; line++) {
  Deno.stdout.writeSync(text.encode(`${"a line".padEnd(120, ".")} ${line}\n`));
  if (line % 3 === 0) await new Promise((resolve) => setTimeout(resolve, 0));
}
setTimeout(() => {}, 2 ** 31 - 1);
