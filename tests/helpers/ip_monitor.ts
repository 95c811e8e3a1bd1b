/**
 * `ip mptcp monitor`, to hold our own events against.
 *
 * @module
 */

import { assertEquals } from "@std/assert";
import type { PathManagerEvent } from "../../mod.ts";
import type { Host } from "../../testing/host.ts";
import { waitFor } from "../../testing/lab.ts";
import { listeners } from "./proc.ts";
import { within } from "./within.ts";

/** Name and fields of an event. */
type Printed = readonly [name: string, fields: Record<string, string>];

/** What `ip` calls the events. Until 6.1 it did not know the last two. */
const NAMES: Partial<Record<PathManagerEvent["type"], string>> = {
  created: "CREATED",
  established: "ESTABLISHED",
  closed: "CLOSED",
  announced: "ANNOUNCED",
  removed: "REMOVED",
  "sub-established": "SF_ESTABLISHED",
  "sub-closed": "SF_CLOSED",
  "sub-priority": "SF_PRIO",
  "listener-created": "LISTENER_CREATED",
  "listener-closed": "LISTENER_CLOSED",
};
const UNKNOWN: Record<string, string> = {
  "UNKNOWN 15": "LISTENER_CREATED",
  "UNKNOWN 16": "LISTENER_CLOSED",
};

/** The events of one host, as `ip` prints them. */
export class IpMonitor implements AsyncDisposable {
  readonly #process: Deno.ChildProcess;
  readonly #reader: ReadableStreamDefaultReader<string>;
  #text = "";

  private constructor(process: Deno.ChildProcess) {
    this.#process = process;
    this.#reader = process.stdout.pipeThrough(new TextDecoderStream())
      .getReader();
  }

  /** Starts it; it listens when this returns. */
  static open(host: Host): IpMonitor {
    const process = new Deno.Command("ip", {
      args: ["-n", host.netns, "mptcp", "monitor"],
      stdin: "null",
      stdout: "piped",
      stderr: "null",
    }).spawn();
    waitFor(
      () => listeners(host).some(({ port }) => port === process.pid),
      "ip mptcp monitor to listen",
    );
    return new IpMonitor(process);
  }

  /** Asserts that it printed the same events. */
  async assertSame(events: readonly PathManagerEvent[]): Promise<void> {
    const lines = () => this.#text.split("\n").slice(0, -1);
    while (lines().length < events.length) {
      const { value = "" } = await within(
        this.#reader.read(),
        () => `${events.length} lines of ip, instead of\n${this.#text}`,
      );
      this.#text += value;
    }
    const printed = lines().map(parse);
    assertEquals(
      printed.map(([name, fields]) => [
        name,
        name in UNKNOWN ? {} : withoutFlags(fields),
      ]),
      events.map((event, index) => {
        const name = printed[index]![0];
        const [ours, fields] = print(event);
        return name in UNKNOWN && UNKNOWN[name] === ours
          ? [name, {}]
          : [ours, withoutFlags(fields)];
      }),
    );
    for (const [index, [, { flags }]] of printed.entries()) {
      if (flags === undefined) continue;
      assertEquals(flags, print(events[index]!)[1]["flags"]);
    }
  }

  /** Ends it. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#process.kill("SIGKILL");
    await this.#reader.cancel();
    await this.#process.status;
  }
}

function parse(line: string): Printed {
  const [, name, rest] = line.match(/^\[ *([A-Z_]+(?: \d+)?)\](.*)$/)!;
  return [
    name!,
    Object.fromEntries(
      Array.from(rest!.matchAll(/(\w+)=(\S+)/g), ([, key, value]) => [
        key!,
        value!,
      ]),
    ),
  ];
}

/** The versions differ in these; where there are flags they are compared. */
function withoutFlags(
  { flags: _, dev: __, ...fields }: Record<string, string>,
): Record<string, string> {
  return fields;
}

function print(event: PathManagerEvent): Printed {
  const fields: Record<string, string | number> = {};
  const end = (letter: string, address: string, port: number) => {
    fields[`${letter}addr${address.includes(":") ? 6 : 4}`] = address;
    fields[`${letter}port`] = port;
  };
  if ("token" in event) {
    fields["token"] = event.token.toString(16).padStart(8, "0");
  }
  if ("remId" in event) fields["remid"] = event.remId;
  if ("locId" in event) fields["locid"] = event.locId;
  if ("local" in event) end("s", event.local.address, event.local.port);
  if ("remote" in event) end("d", event.remote.address, event.remote.port);
  if ("address" in event) end("d", event.address, event.port);
  if ("flags" in event && event.flags !== 0) {
    fields["flags"] = event.flags.toString(16);
  }
  if ("backup" in event) {
    fields["backup"] = Number(event.backup);
    if (event.ifIndex !== 0) fields["ifindex"] = event.ifIndex;
    if (event.error !== undefined) fields["error"] = event.error.errno;
    if (event.reset !== undefined) {
      fields["reset_reason"] = event.reset.reason;
      fields["reset_flags"] = `0x${event.reset.flags.toString(16)}`;
    }
  }
  return [
    NAMES[event.type]!,
    Object.fromEntries(
      Object.entries(fields).map(([key, value]) => [key, `${value}`]),
    ),
  ];
}
