/**
 * Random YAML in every style that people write, and in some that they do not.
 *
 * @module
 */

import { pick, type Random } from "./random.ts";

const KEYS = [
  ...["a", "b", "key", "two words", "x:y", "a#b", "-c", "no", "012", "7"],
  ...["'it''s'", '"q: \\"uoted"', '"\\u0062"', "é", "🖧", "_", "$schema"],
];
const PLAIN = [
  ...["1", "no", "012", "two words", "a:b", "a#b", "-1", "-", "~", "10.0.0.1"],
  ...["fd00::1", "x, y", "{}", "é", "🖧", "wlan?", "a 'b'", 'a "b"', "x]"],
];
const QUOTED = [
  ...["''", '""', "'it''s'", '"a: b"', "'# no'", '"\\"", "', "'{'", '"\\\\"'],
  ...['"a\\n\\tb"', '"two\n   lines"', "'two\n\n   lines'", '"a \\\n   b"'],
];

/** Writes random documents. */
export class YamlWriter {
  readonly #random: Random;

  constructor(random: Random) {
    this.#random = random;
  }

  document(): string {
    const text = pick(this.#random, ["", "", "---\n", "# first\n", "\n \n"]) +
      this.#block(0, 0, true) +
      pick(this.#random, ["", "\n", "# last", "...\n"]);
    return this.#one(4) ? text.replaceAll("\n", "\r\n") : text;
  }

  #one(of: number): boolean {
    return this.#random(of) === 0;
  }

  /** What may stand at the end of a line. */
  #end(): string {
    return pick(this.#random, [
      ...[
        "\n",
        "\n",
        "\n",
        " \n",
        "  # comment: [\n",
        "\n\n",
        "\n# - comment\n",
      ],
      "\t\n",
    ]);
  }

  #property(): string {
    return this.#one(10)
      ? pick(this.#random, ["&x ", "!!str ", "! ", "&y !!str "])
      : "";
  }

  #key(): string {
    return pick(this.#random, KEYS);
  }

  /** A block value; it begins where a line does if `isLine`. */
  #block(indent: number, depth: number, isLine: boolean): string {
    const kind = depth > 4 ? 3 : this.#random(isLine ? 4 : 6);
    const pad = " ".repeat(indent);
    if (kind < 2) {
      const keys = new Set(
        Array.from({ length: 1 + this.#random(3) }, () => this.#key()),
      );
      return Array.from(keys, (key, at) => {
        const colon = this.#one(8) ? " :" : ":";
        return (at === 0 && !isLine ? "" : pad) + this.#anchor() + key + colon +
          this.#value(indent, depth);
      }).join("");
    }
    if (kind < 3) {
      return Array.from({ length: 1 + this.#random(3) }, (_, at) => {
        const dash = (at === 0 && !isLine ? "" : pad) + "-";
        if (this.#one(8)) return dash + this.#end();
        const gap = 1 + this.#random(2);
        return this.#one(3)
          ? dash + this.#scalar(indent, depth)
          : dash + " ".repeat(gap) +
            this.#block(indent + 1 + gap, depth + 1, false);
      }).join("");
    }
    return (isLine ? pad : "") + this.#scalar(indent, depth).trimStart();
  }

  #anchor(): string {
    return this.#one(20) ? "&k " : "";
  }

  /** What a key stands for. */
  #value(indent: number, depth: number): string {
    if (this.#one(10)) return this.#end();
    if (depth > 4 || this.#one(2)) return this.#scalar(indent, depth);
    const further = indent + pick(this.#random, [1, 2, 2, 4]);
    const text = this.#block(further, depth + 1, true);
    // A list may be in the column of its key.
    const isList = /^ *-( |\r?\n)/.test(text);
    return this.#end() +
      (isList && this.#one(2)
        ? text.replaceAll(new RegExp(`^ {${further - indent}}`, "gm"), "")
        : text);
  }

  /** A value that does not begin with a line of its own, and its line's end. */
  #scalar(indent: number, depth: number): string {
    const pad = " ".repeat(indent + 1 + this.#random(3));
    switch (this.#random(7)) {
      case 0:
        return ` ${this.#property()}${this.#flow(depth)}${this.#end()}`;
      case 1: {
        const mark = pick(this.#random, ["|", ">", "|-", ">+", "| # comment"]);
        const lines = ["text", "- no item", "no: key", "", "  further", "# no"];
        const text = Array.from(
          { length: 1 + this.#random(3) },
          () => pick(this.#random, lines),
        );
        return ` ${mark}\n` +
          ["first", ...text].map((line) => line && pad + line).join("\n") +
          "\n";
      }
      case 2:
        return ` one\n${pad}two${this.#one(2) ? `\n\n${pad}- three` : ""}` +
          this.#end();
      case 3:
      case 4: {
        const text = pick(this.#random, QUOTED).replaceAll(/\n +/g, `\n${pad}`);
        return ` ${this.#property()}${text}${this.#end()}`;
      }
      default:
        return ` ${this.#property()}${pick(this.#random, PLAIN)}${this.#end()}`;
    }
  }

  #flow(depth: number): string {
    const space = () =>
      pick(this.#random, ["", " ", " ", "\n      ", " # c\n       "]);
    const item = (): string => {
      if (depth < 4 && this.#one(4)) return this.#flow(depth + 1);
      const plain = PLAIN.filter((text) => !/[\]{,]|^-$/.test(text));
      return this.#property() +
        (this.#one(3) ? pick(this.#random, QUOTED) : pick(this.#random, plain))
          .replaceAll(/\n +/g, "\n        ");
    };
    const length = this.#random(4);
    if (this.#one(2)) {
      const items = Array.from({ length }, () => space() + item() + space());
      return `[${items.join(",")}${this.#one(6) && length > 0 ? "," : ""}]`;
    }
    const keys = new Set(Array.from({ length }, () => this.#key()));
    const items = Array.from(keys, (key) => {
      const colon = /^["']/.test(key) && this.#one(2) ? ":" : ": ";
      return space() + key +
        (this.#one(8) ? "" : colon + space() + item()) + space();
    });
    return `{${items.join(",")}}`;
  }
}

const PARTS = [
  ...[" ", "  ", "\n", "\n  ", "- ", ": ", "#", " #", ",", "[", "]", "{", "}"],
  ...["'", '"', "|\n", "? ", "&a ", "!t ", "x", ":", "-", "\\", "\r\n", "\t"],
];

/** A text with parts of it moved, cut or replaced. */
export function spoilt(random: Random, text: string): string {
  for (let times = 1 + random(2); times > 0; times--) {
    const at = random(text.length + 1);
    const put = random(3) ? pick(random, PARTS) : "";
    text = text.slice(0, at) + put + text.slice(at + random(3));
  }
  return text;
}
