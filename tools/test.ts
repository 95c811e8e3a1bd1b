/**
 * Runs all tests: those that ask the kernel one after the other, since some
 * change what others would see, and beside them, as far as the processors have
 * nothing else to do, those that need only memory.
 *
 * usage: deno run -A tools/test.ts [OPTION OF deno test]...
 *
 * @module
 */

const root = decodeURIComponent(new URL("..", import.meta.url).pathname);

function* testFiles(folder: string): Generator<string> {
  for (const { name, isDirectory } of Deno.readDirSync(root + folder)) {
    const path = `${folder}/${name}`;
    if (isDirectory) yield* testFiles(path);
    else if (name.endsWith("_test.ts")) yield path;
  }
}

const asksKernel = (path: string) =>
  /^tests\/live\/|helpers\/live\.ts"/.test(
    path + Deno.readTextFileSync(root + path),
  );

const { alone = [], beside = [] } = Object.groupBy(
  [...testFiles("tests")].sort(),
  (path) => asksKernel(path) ? "alone" : "beside",
);

const test = (nice: number, files: string[], output: "inherit" | "piped") =>
  new Deno.Command("nice", {
    args: [
      ...["-n", `${nice}`, Deno.execPath(), "test", "-A"],
      ...[...Deno.args, ...files],
    ],
    cwd: root,
    stdin: "null",
    stdout: output,
    stderr: output,
  });

const others = test(10, beside, "piped").output();
const { code } = await test(0, alone, "inherit").spawn().status;
const { code: othersCode, stdout, stderr } = await others;
for (const bytes of [stdout, stderr]) {
  const text = ReadableStream.from([bytes]);
  await text.pipeTo(Deno.stdout.writable, { preventClose: true });
}
Deno.exit(code || othersCode);
