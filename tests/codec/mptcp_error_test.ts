import { assert, assertEquals } from "@std/assert";
import { DecodeError, MptcpError } from "../../codec/mod.ts";

Deno.test("all errors have a common base, and names of their own", () => {
  const error = new DecodeError("a length", 3, ".addr");
  assert(error instanceof MptcpError && error instanceof Error);
  assertEquals(error.name, "DecodeError");
  assertEquals(`${new MptcpError("What failed")}`, "MptcpError: What failed");
});
