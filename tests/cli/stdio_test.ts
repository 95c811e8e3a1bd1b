import { assertEquals, assertRejects, assertThrows } from "@std/assert";
import { lines, OutputError, rerun, write } from "../../cli/stdio.ts";

/** A stream that takes some bytes at a time. */
function stream(atOnce: number): { taken: string; writeSync: Writer } {
  return {
    taken: "",
    writeSync(bytes) {
      const part = bytes.subarray(0, atOnce);
      for (const byte of part) this.taken += String.fromCharCode(byte);
      return part.length;
    },
  };
}

type Writer = (this: { taken: string }, bytes: Uint8Array) => number;

function failing(error: Error) {
  return {
    writeSync(): number {
      throw error;
    },
  };
}

Deno.test("`write()` writes on until all is written", () => {
  for (const atOnce of [1, 3, 100]) {
    const out = stream(atOnce);
    write(out, "one line\n");
    write(out, "");
    write(out, "…");
    write(out, Uint8Array.of(0x62, 0xff));
    assertEquals(out.taken, "one line\n\xe2\x80\xa6b\xff");
  }
});

Deno.test("`write()` writes long texts, no character in two", () => {
  for (const shift of ["", "a", "ab", "abc"]) {
    const text = `${shift}${"\u{1f600}é漢".repeat(50_000)}\ud800`;
    const out = stream(100_000);
    write(out, text);
    const bytes = Uint8Array.from(out.taken, (byte) => byte.charCodeAt(0));
    assertEquals(new TextDecoder().decode(bytes), text.toWellFormed());
  }
});

Deno.test("`write()` is content when nobody reads, and with nothing else", () => {
  write(failing(new Deno.errors.BrokenPipe()), "text");
  const full = new Error("No space left on device");
  assertThrows(
    () => write(failing(full), "text"),
    OutputError,
    "Cannot write: No space left on device",
  );
});

Deno.test("`lines()` refuses a line without end", async () => {
  const pieces = function* () {
    yield "one\nt";
    for (;;) yield "x".repeat(2 ** 20);
  };
  const seen: string[] = [];
  await assertRejects(
    async () => {
      for await (const line of lines(pieces())) seen.push(line);
    },
    Deno.errors.NotSupported,
    "Cannot read a line of more than 128 MiB",
  );
  assertEquals(seen, ["one"]);
});

Deno.test("`rerun()` gives a line that can be copied into a shell", () => {
  const lines: [string, string[], string][] = [
    ["file:///opt/mptcp/cli.ts", ["limits"], "/opt/mptcp/cli.ts limits"],
    ["file:///cli.ts", ["-n", "a=b:c@d%,+./-_9"], "/cli.ts -n a=b:c@d%,+./-_9"],
    ["file:///cli.ts", ["", "a b"], "/cli.ts '' 'a b'"],
    ["file:///cli.ts", ["it's", "$x"], "/cli.ts 'it'\\''s' '$x'"],
    ["file:///cli.ts", ["*", "~", "a\nb"], "/cli.ts '*' '~' 'a\nb'"],
    [
      "https://jsr.io/@mptcp/pm/0.1.0/cli.ts",
      ["-j", "endpoint"],
      "jsr:@mptcp/pm/cli -j endpoint",
    ],
    ["https://example.com/cli.ts", [], "https://example.com/cli.ts"],
  ];
  for (const [script, args, expected] of lines) {
    assertEquals(rerun(script, args), `deno run --allow-ffi ${expected}`);
  }
});

Deno.test("`rerun()` names a file as it is on the disk", () => {
  assertEquals(
    rerun("file:///home/my%20work/50%25/cli.ts", []),
    "deno run --allow-ffi '/home/my work/50%/cli.ts'",
  );
});
