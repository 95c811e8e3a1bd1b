/**
 * Stands in for `@std/cli/parse-args` where JSR cannot be reached: `parseArgs`
 * with the options that this project uses. `collect`, `negatable`,
 * `boolean: true` and dotted names are left out.
 *
 * Imports nothing, so that it costs no start-up time.
 *
 * @module
 */

/** What {@linkcode parseArgs} is told about the options. */
export interface ParseOptions<
  B extends string = string,
  S extends string = string,
  D extends Record<string, unknown> = Record<string, unknown>,
> {
  /** Names that take no value; false when not given. */
  boolean?: B | readonly B[];
  /** Names that take a value; `_` keeps positionals from becoming numbers. */
  string?: S | readonly S[];
  /** Other names of an option. */
  alias?: Record<string, string | readonly string[]>;
  /** Values of options that are not given. */
  default?: D;
  /** Take all after the first positional as positionals. */
  stopEarly?: boolean;
  /** Put what follows `--` into `["--"]` instead of into `_`. */
  "--"?: boolean;
  /** Is called with each argument not declared; false leaves it out. */
  unknown?: (arg: string, key?: string, value?: unknown) => unknown;
}

/** What {@linkcode parseArgs} found. */
export type Args<
  B extends string,
  S extends string,
  D extends Record<string, unknown>,
> =
  & Record<string, unknown>
  & { _: (string | number)[]; "--"?: string[] }
  & { [K in B]: boolean }
  & { [K in Exclude<S, "_">]?: string }
  & { [K in Extract<keyof D, S>]: string | D[K] };

interface Option {
  names: string[];
  type?: "boolean" | "string";
}

const list = <T extends string>(value: T | readonly T[] = []): readonly T[] =>
  typeof value === "string" ? [value] : value;

const isNumeric = (text: string) =>
  text.trim() !== "" && Number.isFinite(Number(text));

/** Takes a command line apart, as `parseArgs` of std does. */
export function parseArgs<
  const B extends string = never,
  const S extends string = never,
  const D extends Record<string, unknown> = Record<never, never>,
>(args: string[], options: ParseOptions<B, S, D> = {}): Args<B, S, D> {
  const known = new Map<string, Option>();
  for (const [name, others] of Object.entries(options.alias ?? {})) {
    const names = [name, ...list(others)];
    const option: Option = { names };
    for (const name of names) known.set(name, option);
  }
  const declare = (name: string, type: "boolean" | "string") => {
    const option = known.get(name) ?? { names: [name] };
    option.type = type;
    known.set(name, option);
  };
  for (const name of list(options.boolean)) declare(name, "boolean");
  for (const name of list(options.string)) declare(name, "string");

  const positionals: (string | number)[] = [];
  const found: Record<string, unknown> = { _: positionals };
  const typeOf = (name: string) => known.get(name)?.type;

  const assign = (name: string, value: unknown) => {
    for (const each of known.get(name)?.names ?? [name]) found[each] = value;
  };
  const set = (name: string, value: string | boolean, arg: string) => {
    const option = known.get(name);
    if (!option && options.unknown?.(arg, name, value) === false) return;
    const numeric = typeof value === "string" && option?.type !== "string" &&
      isNumeric(value);
    assign(name, numeric ? Number(value) : value);
  };

  const end = args.indexOf("--");
  const rest = end < 0 ? [] : args.slice(end + 1);
  const words = end < 0 ? args : args.slice(0, end);
  let at = 0;

  /** Sets an option whose value, if any, is the word that follows. */
  const setFromNext = (name: string, arg: string, isOption: RegExp) => {
    const type = typeOf(name);
    const next = words[at];
    if (next && type !== "boolean" && !isOption.test(next)) {
      set(name, next, arg);
      at++;
    } else if (next === "true" || next === "false") {
      set(name, next === "true", arg);
      at++;
    } else {
      set(name, type === "string" ? "" : true, arg);
    }
  };

  const long = (arg: string) => {
    const [, no = "", name, value] = /^--(no-)?(.+?)(?:=(.+))?$/s.exec(arg)!;
    if (value === undefined) return setFromNext(no + name, arg, /^-/);
    set(name!, typeOf(name!) === "boolean" ? value !== "false" : value, arg);
  };

  const short = (arg: string) => {
    const last = arg.length - 1;
    for (let i = 1; i < last; i++) {
      const name = arg[i]!;
      const tail = arg.slice(i + 1);
      const isLetter = /[A-Za-z]/.test(name);
      const given = /=(.+)/.exec(tail)?.[1];
      if (tail === "-") {
        set(name, tail, arg);
      } else if (isLetter && given !== undefined) {
        return set(name, given, arg);
      } else if (isLetter && /\d(\.\d*)?(e-?\d+)?$/.test(tail)) {
        return set(name, tail, arg);
      } else if (i + 1 < last && /\W/.test(tail[0]!)) {
        return set(name, tail, arg);
      } else {
        set(name, typeOf(name) === "string" ? "" : true, arg);
      }
    }
    if (arg[last] !== "-") setFromNext(arg[last]!, arg, /^--?[^-]/);
  };

  while (at < words.length) {
    const arg = words[at++]!;
    if (arg.startsWith("--")) {
      long(arg);
    } else if (arg.startsWith("-") && arg !== "-") {
      short(arg);
    } else {
      if (options.unknown?.(arg) !== false) {
        const numeric = typeOf("_") !== "string" && isNumeric(arg);
        positionals.push(numeric ? Number(arg) : arg);
      }
      if (options.stopEarly) {
        positionals.push(...words.slice(at));
        break;
      }
    }
  }

  for (const [name, value] of Object.entries(options.default ?? {})) {
    if (!Object.hasOwn(found, name)) assign(name, value);
  }
  for (const [name, { type }] of known) {
    if (type === "boolean" && !Object.hasOwn(found, name)) found[name] = false;
  }
  if (options["--"]) found["--"] = rest;
  else positionals.push(...rest);
  return found as Args<B, S, D>;
}
