/** The time of day, which can be set, changes nothing. */
import { assert, assertEquals } from "@std/assert";
import { NetlinkError } from "../../netlink/errors.ts";
import { PathManager } from "../../ops/path_manager.ts";
import { FakeKernel } from "../../testing/fake_kernel.ts";
import { HARMLESS } from "../helpers/distortions.ts";
import { golden } from "../helpers/golden.ts";
import { fill, OPERATIONS } from "../helpers/operations.ts";

Deno.test("no operation reads a clock that can be set", async () => {
  const { Date, Temporal } = globalThis;
  const trap = new Proxy({}, {
    get() {
      throw new Error("a clock was read that can be set");
    },
  });
  let waits = 0;
  Object.assign(globalThis, { Date: trap, Temporal: trap });
  try {
    for (const operation of Object.values(OPERATIONS).flat()) {
      const kernel = new FakeKernel();
      const pm = PathManager.open({ namespace: kernel });
      fill(kernel);
      const action = operation(pm);
      kernel.distort = HARMLESS["each datagram late"]!;
      try {
        action();
      } catch (error) {
        if (!(error instanceof NetlinkError)) throw error;
      }
      waits += kernel.waits.length;
    }
    const kernel = new FakeKernel();
    using stream = PathManager.open({ namespace: kernel }).events();
    const next = stream.next();
    kernel.emit(golden("event/kpm-v4/client/created").bytes);
    assertEquals((await next).value?.type, "created");
  } finally {
    Object.assign(globalThis, { Date, Temporal });
  }
  assert(waits > 0);
});

for (const directory of ["codec", "ffi", "netlink", "ops"]) {
  Deno.test(`nothing in ${directory}/ knows the time of day`, () => {
    const folder = new URL(`../../${directory}/`, import.meta.url);
    const files = [...Deno.readDirSync(folder)]
      .filter(({ name }) => name.endsWith(".ts"));
    assert(files.length > 0);
    for (const { name } of files) {
      const source = Deno.readTextFileSync(new URL(name, folder));
      assertEquals(
        source.match(/\b(Date|Temporal|timeOrigin)\b/g),
        null,
        name,
      );
    }
  });
}
