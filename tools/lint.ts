/**
 * What `deno lint` checks here besides its own rules.
 *
 * @module
 */

type Node = Deno.lint.Node;

const root = decodeURIComponent(new URL("../", import.meta.url).pathname);

/** The rules hold for code that users run. */
const isTest = (file: string) => /^(tests|tools|bench)\//.test(file);
const isFfi = (file: string) => /^ffi\//.test(file);

/** A rule for some of the files. */
function rule(
  applies: (file: string) => boolean,
  create: (context: Deno.lint.RuleContext) => Deno.lint.LintVisitor,
): Deno.lint.Rule {
  return {
    create: (context) =>
      applies(context.filename.replace(root, "")) ? create(context) : {},
  };
}

/** Whether an expression starts with `libc()`, or with a table of its functions. */
function isOfLibc(node: Node | null): boolean {
  switch (node?.type) {
    case "CallExpression":
      return isOfLibc(node.callee) ||
        node.callee.type === "Identifier" && node.callee.name === "libc";
    case "MemberExpression":
      return isOfLibc(node.object) || isTable(node.property);
    default:
      return isTable(node);
  }
}

function isTable(node: Node | null): boolean {
  return (node?.type === "Identifier" || node?.type === "PrivateIdentifier") &&
    node.name === "symbols";
}

/** The names that a pattern declares. */
function namesIn(pattern: Node): string[] {
  if (pattern.type === "Identifier") return [pattern.name];
  if (pattern.type !== "ObjectPattern") return [];
  return pattern.properties.flatMap((property) =>
    property.type === "Property" ? namesIn(property.value) : []
  );
}

const plugin: Deno.lint.Plugin = {
  name: "mptcp",
  rules: {
    /** `ffi/libc.ts` says why. */
    "errno": rule(isFfi, (context) => {
      const { sourceCode } = context;
      /** The functions of libc in a block, by where it begins. */
      const taken = new Map<number, string[]>();
      const isFunction = (node: Node) =>
        node.type === "Identifier"
          ? sourceCode.getAncestors(node).some(({ range }) =>
            taken.get(range[0])?.includes(node.name)
          )
          : node.type === "MemberExpression" && isOfLibc(node.object);
      return {
        VariableDeclarator({ id, init, parent }) {
          if (!isOfLibc(init)) return;
          if (id.type === "Identifier") {
            context.report({
              node: id,
              message: "Take the functions, not the table",
            });
          }
          const block = parent.parent.range[0];
          taken.set(block, [...taken.get(block) ?? [], ...namesIn(id)]);
        },
        CallExpression(node) {
          const { callee, parent } = node;
          // `libc().file()` only gives a table.
          if (node.arguments.length === 0 || !isFunction(callee)) return;
          const name = sourceCode.getText(callee).match(/\w+$/)![0];
          // Linux frees the number, whatever close() says.
          if (name === "memcpy" || name === "close") return;
          // errno of another thread stays there.
          if (parent.type === "AwaitExpression") return;
          const statement = parent.type === "VariableDeclarator" &&
            parent.parent;
          if (statement && statement.declarations.length === 1) {
            const next = sourceCode.text.slice(statement.range[1]);
            if (/^\s*memcpy\(errno, \w+, 4n\);/.test(next)) return;
          }
          context.report({
            node,
            message: `errno of ${name}() may be lost`,
            hint:
              "`const result = f(…);`, and next `memcpy(errno, pointer, 4n);`",
          });
        },
      };
    }),
    "prototype": rule(isFfi, (context) => ({
      Property({ key, value }) {
        if (key.type !== "Identifier" || key.name !== "parameters") return;
        if (value.type !== "ArrayExpression") return;
        for (const node of value.elements) {
          const rest = context.sourceCode.text.slice(node!.range[1]);
          if (/^,? \/\/ \w.* \**\w+/.test(rest)) continue;
          context.report({
            node: node!,
            message: "The parameter in C is missing here",
          });
        }
      },
    })),
    /** These need more than the permission for libc alone. */
    "unsafe": rule((file) => !isTest(file), (context) => ({
      Identifier(node) {
        if (!/^Unsafe[A-Z]/.test(node.name)) return;
        context.report({
          node,
          message: "This needs the whole permission for FFI",
        });
      },
    })),
    /** What `tools/imports.ts` cannot see. */
    "import": rule((file) => !isTest(file), (context) => ({
      ImportExpression({ source: node }) {
        if (node.type === "Literal") return;
        context.report({
          node,
          message: "The path of an import is not computed",
        });
      },
    })),
  },
};

export default plugin;
