/** What the compiler knows of the events that were asked for. */
import { assertEquals } from "@std/assert";
import {
  type AnnouncedEvent,
  type ClosedEvent,
  type CreatedEvent,
  type EstablishedEvent,
  type EventOf,
  type EventStream,
  type ListenerClosedEvent,
  type ListenerCreatedEvent,
  type OverrunEvent,
  PathManager,
  type PathManagerEvent,
  type RemovedEvent,
  type SubClosedEvent,
  type SubEstablishedEvent,
  type SubPriorityEvent,
  type UnknownEvent,
} from "../../mod.ts";
import { FakeKernel } from "../../testing/mod.ts";

/** `true` if two types are the same: neither wider nor narrower, not `any`. */
type Same<One, Other> = (<T>() => T extends One ? 1 : 2) extends
  (<T>() => T extends Other ? 1 : 2) ? true : false;

/** Compiles for `true` alone. */
function assertType<_Condition extends true>(): void {}

/** The interface of each event, by its name. */
interface Interfaces {
  "created": CreatedEvent;
  "established": EstablishedEvent;
  "closed": ClosedEvent;
  "announced": AnnouncedEvent;
  "removed": RemovedEvent;
  "sub-established": SubEstablishedEvent;
  "sub-closed": SubClosedEvent;
  "sub-priority": SubPriorityEvent;
  "listener-created": ListenerCreatedEvent;
  "listener-closed": ListenerClosedEvent;
  "overrun": OverrunEvent;
  "unknown": UnknownEvent;
}

Deno.test("each event has an interface of its own", () => {
  assertType<Same<keyof Interfaces, PathManagerEvent["type"]>>();
  assertType<
    Same<Interfaces, { [Type in keyof Interfaces]: EventOf<Type> }>
  >();
  // Of two types both.
  assertType<
    Same<EventOf<"created" | "closed">, CreatedEvent | ClosedEvent>
  >();
  assertType<
    Same<PathManagerEvent["type"], EventOf<PathManagerEvent["type"]>["type"]>
  >();
});

Deno.test("a stream has the type of the events that were asked for", async () => {
  const kernel = new FakeKernel();
  using pm = PathManager.open({ namespace: kernel });
  using all = pm.events();
  assertType<Same<typeof all, EventStream<PathManagerEvent>>>();
  using mine = pm.events({ token: 5 });
  assertType<Same<typeof mine, EventStream<PathManagerEvent>>>();
  using created = pm.events({ types: ["created"] });
  assertType<Same<typeof created, EventStream<CreatedEvent>>>();
  using two = pm.events({ types: ["created", "closed"] });
  assertType<Same<typeof two, EventStream<CreatedEvent | ClosedEvent>>>();
  const types: PathManagerEvent["type"][] = ["closed"];
  using any = pm.events({ types });
  assertType<Same<typeof any, EventStream<PathManagerEvent>>>();

  kernel.emitEvent("created", { token: 5, serverSide: true });
  kernel.emitEvent("established", { token: 5, serverSide: true });
  kernel.emitEvent("closed", { token: 5 });
  const { value } = await created.next();
  // No check is needed for what all of them have.
  assertEquals(value?.serverSide, true);

  const seen: string[] = [];
  for await (const event of two) {
    switch (event.type) {
      case "created":
        seen.push(`created from ${event.local.address}`);
        break;
      case "closed":
        seen.push(`closed ${event.token}`);
        break;
      default:
        event satisfies never;
    }
    if (event.type === "closed") break;
    assertType<Same<typeof event, CreatedEvent>>();
  }
  assertEquals(seen, ["created from 10.0.0.1", "closed 5"]);
});

Deno.test("an unknown type does not compile", () => {
  using pm = PathManager.open({ namespace: new FakeKernel() });
  // @ts-expect-error: there is no such event.
  const options = () => pm.events({ types: ["close"] });
  // @ts-expect-error: this event has no ends.
  const local = (event: EventOf<"closed">) => event.local;
  assertEquals([options, local].map((one) => typeof one), [
    "function",
    "function",
  ]);
});
