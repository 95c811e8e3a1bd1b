import { libcPaths } from "../../ffi/libc.ts";

/** Where the C library is here, for `--allow-ffi=`. */
export function libcPath(): string {
  return libcPaths(Deno.build.arch).find((path) => {
    try {
      return Deno.statSync(path).isFile;
    } catch {
      return false;
    }
  })!;
}
