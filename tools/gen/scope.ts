/**
 * Checks that many parts of a specification have in common. Faults are
 * collected, so that all are reported at once.
 *
 * @module
 */

import { INTEGER_WIDTH } from "../../codec/scalar.ts";
import type { Path, Report } from "../../config/types.ts";
import type { Described, Item } from "./model.ts";

interface Named {
  readonly name: string;
  readonly doc?: string;
}

/** `mptcp-pm-cmd-add-addr` -> `MPTCP_PM_CMD_ADD_ADDR` */
export function constantCase(name: string): string {
  return name.replaceAll("-", "_").toUpperCase();
}

/** The constants of one specification, and where its faults are reported. */
export class Scope {
  readonly report: Report;
  readonly #constants = new Map<string, string | number>();
  readonly #needsRelease: boolean;

  /** Takes whether each text must end in a Linux release. */
  constructor(report: Report, needsRelease: boolean) {
    this.report = report;
    this.#needsRelease = needsRelease;
  }

  missing(key: string, path: Path): undefined {
    this.report(path, `missing key "${key}"`);
  }

  unique<T>(value: T, taken: Set<T>, what: string, path: Path): void {
    if (taken.has(value)) this.report(path, `duplicate ${what} "${value}"`);
    taken.add(value);
  }

  /** Visits the items of a list, whose names must differ. */
  each<T extends Named, R>(
    items: readonly T[],
    path: Path,
    visit: (item: T, path: Path) => R | undefined,
  ): R[] {
    const taken = new Set<string>();
    return items.map((item, index) => {
      // In constants and in members the two separators look the same.
      const name = item.name.replaceAll("_", "-");
      this.unique(name, taken, "name", [...path, index]);
      return visit(item, [...path, index]);
    }).filter((result) => result !== undefined);
  }

  known(
    name: string | number | undefined,
    items: readonly Named[],
    path: Path,
    ...keys: string[]
  ): void {
    if (name === undefined || items.some((item) => item.name === name)) return;
    const names = items.map((item) => item.name).join(", ") || "none";
    this.report([...path, ...keys], `no "${name}" among ${names}`);
  }

  /** Two items may make the same constant, but not with different values. */
  define(name: string, value: string | number, path: Path): string {
    const constant = constantCase(name);
    const other = this.#constants.get(constant) ?? value;
    if (other !== value) {
      this.report(path, `${constant} is ${value} here, ${other} elsewhere`);
    }
    this.#constants.set(constant, value);
    return constant;
  }

  isBigEndian(
    item: { readonly type: string; readonly "byte-order"?: string },
    path: Path,
  ): boolean {
    const { type, "byte-order": order } = item;
    if (order === "little-endian" || (order && !(type in INTEGER_WIDTH))) {
      this.report([...path, "byte-order"], `no "${order}" ${type} supported`);
    }
    return order === "big-endian";
  }

  prose(item: { readonly doc?: string }, path: Path): string {
    const text = (item.doc ?? "").trim().replaceAll(/\s+/g, " ");
    if (text === "") this.missing("doc", path);
    return text;
  }

  /** Takes the release from the text. */
  described(item: Named, path: Path): Described {
    const text = this.prose(item, path);
    const [, doc, since] = /^(.+) Since (\d+\.\d+)\.$/.exec(text) ?? [];
    if (this.#needsRelease && text !== "" && since === undefined) {
      this.report([...path, "doc"], '"doc" must end in "Since X.Y."');
    }
    return { name: item.name, doc: doc ?? text, since: since ?? "" };
  }

  numbered(item: Named, value: number, prefix: string, path: Path): Item {
    const constant = this.define(prefix + item.name, value, path);
    return { ...this.described(item, path), value, constant };
  }
}
