/**
 * The lines that `ip mptcp` of iproute2 takes, by its source and manual page:
 * each keyword, beginning, option and order. The live test runs them through
 * both programs, and docs/ip-mptcp.md is made from them.
 *
 * `d[ev]` stands for `d`, `de` and `dev`, `{ a ; b }` for both orders.
 *
 * @module
 */

/** The options of `ip`, as far as the object follows them. */
export const OPTIONS_OF_IP: readonly string[] = [
  ...["-j[son]", "-p[retty]", "-d[etails]", "-s[tats]", "-s[tatistics]"],
  ...["-o[neline]", "-br[ief]", "-t[imestamp]", "-ts[hort]", "-fo[rce]"],
  ...["-4", "-6", "-0", "-M", "-B", "-f[amily] inet", "-f[amily] inet6"],
  ...["-hu[man-readable]", "-i[ec]", "-r[esolve]", "-N[umeric]", "-a[ll]"],
  ...["-c[olor]", "-c[olor]=", "-c[olor]=always", "-c[olor]=auto"],
  ...["-c[olor]=never", "-l[oops] 3", "-rc[vbuf] 65536", "-echo"],
];

/**
 * The lines that a pattern stands for: all words as short as can be, each word
 * in each length, and each order.
 */
export function expand(pattern: string): string[] {
  const [, before = pattern, inner, after = ""] =
    pattern.match(/^(.*)\{ (.*) \}(.*)$/) ?? [];
  const lines = inner === undefined
    ? lengths(pattern)
    : permutations(inner.split(" ; ")).flatMap((parts, order) => {
      const line = `${before}${parts.join(" ")}${after}`;
      // One order in all lengths, the others written out.
      return order === 0 ? lengths(line) : [inFull(line)];
    });
  return [...new Set(lines)];
}

const CUT = /\[([^\]]*)\]/g;

function inFull(line: string): string {
  return line.replace(CUT, "$1");
}

function lengths(line: string): string[] {
  const cuts = [...line.matchAll(CUT)];
  return [
    inFull(line),
    line.replace(CUT, ""),
    ...cuts.flatMap(({ index, 0: { length }, 1: rest }) =>
      Array.from(rest!, (_, kept) =>
        inFull(
          line.slice(0, index) + rest!.slice(0, kept) +
            line.slice(index + length),
        ))
    ),
  ];
}

function permutations(parts: readonly string[]): string[][] {
  return parts.length < 2
    ? [[...parts]]
    : parts.flatMap((part, at) =>
      permutations(parts.toSpliced(at, 1)).map((others) => [part, ...others])
    );
}
