/**
 * Stands in for `@std/yaml` where JSR cannot be reached: `parse` and
 * `stringify` over js-yaml, which std's own derives from. (`npm:yaml` reads
 * environment variables and so needs a permission.)
 *
 * One known difference: `0o14` is 12 here, and a string in std.
 *
 * @module
 */
// Inline, since the root's deno.json must not name what only this file needs.
// deno-lint-ignore no-import-prefix
import * as yaml from "npm:js-yaml@4.3.2";

const schemas: Record<"core" | "default" | "failsafe" | "json", unknown> = {
  core: yaml.CORE_SCHEMA,
  default: yaml.DEFAULT_SCHEMA,
  failsafe: yaml.FAILSAFE_SCHEMA,
  json: yaml.JSON_SCHEMA,
};

/** Options of {@linkcode parse}. */
export interface ParseOptions {
  /** Which types are known. */
  schema?: keyof typeof schemas;
  /** Let the last of two equal keys win instead of throwing. */
  allowDuplicateKeys?: boolean;
  /** Is called with what is odd but no error. */
  onWarning?: (error: Error) => void;
}

/** Reads a document; throws a {@linkcode YamlSyntaxError}. */
export function parse(content: string, options: ParseOptions = {}): unknown {
  try {
    return yaml.load(content, {
      schema: schemas[options.schema ?? "default"],
      json: options.allowDuplicateKeys,
      onWarning: options.onWarning &&
        ((warning: yaml.YAMLException) =>
          options.onWarning!(new YamlSyntaxError(warning))),
    }) ?? null;
  } catch (error) {
    throw error instanceof yaml.YAMLException
      ? new YamlSyntaxError(error)
      : error;
  }
}

/** A document is no YAML. Where is from 1, `offset` from 0. */
export class YamlSyntaxError extends SyntaxError {
  override readonly name = "YamlSyntaxError";
  readonly line: number | undefined;
  readonly column: number | undefined;
  readonly offset: number | undefined;

  /** Made of what js-yaml throws. */
  constructor({ reason, mark }: yaml.YAMLException) {
    const line = mark && mark.line + 1;
    const column = mark && mark.column + 1;
    super(
      mark === undefined
        ? reason
        : `${reason} at line ${line}, column ${column}:\n${mark.snippet}`,
    );
    this.line = line;
    this.column = column;
    this.offset = mark?.position;
  }
}

/** Options of {@linkcode stringify}. */
export interface StringifyOptions {
  /** Spaces for each level; 2. */
  indent?: number;
  /** Indent the dashes of an array in an object; true. */
  arrayIndent?: boolean;
  /** Leave out functions and the like instead of throwing. */
  skipInvalid?: boolean;
  /** From which level on to write flow style; -1 is never. */
  flowLevel?: number;
  /** Whether, or how, to sort keys. */
  sortKeys?: boolean | ((a: string, b: string) => number);
  /** Where to fold; 80. */
  lineWidth?: number;
  /** Write an object that comes twice as anchor and alias; true. */
  useAnchors?: boolean;
}

/** Writes a value as a document; throws a `TypeError` where YAML cannot. */
export function stringify(
  data: unknown,
  { arrayIndent = true, useAnchors = true, ...same }: StringifyOptions = {},
): string {
  try {
    return yaml.dump(data, {
      ...same,
      noArrayIndent: !arrayIndent,
      noRefs: !useAnchors,
    });
  } catch (error) {
    throw error instanceof yaml.YAMLException
      ? new TypeError((error as Error).message, { cause: error })
      : error;
  }
}
