/**
 * A registry that answers as JSR does.
 *
 * @module
 */

/** Serves HTTP on a port of this host. */
export function serve(
  handler: (request: Request) => Response | Promise<Response>,
): Deno.HttpServer<Deno.NetAddr> {
  const address = { hostname: "127.0.0.1", port: 0, onListen() {} };
  return Deno.serve(address, handler);
}

/** Where that is. */
export const url = ({ port }: { readonly port: number }): string =>
  `http://127.0.0.1:${port}/`;

/** Every package has one version of this module. */
export function jsr(source: string): (request: Request) => Promise<Response> {
  const module = new TextEncoder().encode(source);
  return async (request) => {
    const { pathname } = new URL(request.url);
    const hash = await crypto.subtle.digest("SHA-256", module);
    if (pathname.endsWith("/meta.json")) {
      return Response.json({ versions: { "1.9.0": {} } });
    }
    if (pathname.endsWith("_meta.json")) {
      const checksum = `sha256-${new Uint8Array(hash).toHex()}`;
      return Response.json({
        exports: { ".": "./mod.ts", "./parse-args": "./mod.ts" },
        manifest: { "/mod.ts": { size: module.length, checksum } },
      });
    }
    return new Response(module, {
      headers: { "content-type": "application/typescript" },
    });
  };
}
