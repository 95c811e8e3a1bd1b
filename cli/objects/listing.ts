import type { Connection, ConnectionFilter, Diag } from "../../diag/mod.ts";

/**
 * Lists connections again and again. That there is no such device is told the
 * first time; later it may go and come back, and none is on it meanwhile.
 */
export function listing(
  diag: Diag,
  filter: ConnectionFilter,
): (more?: ConnectionFilter) => Connection[] {
  let isFirst = true;
  return (more = {}) => {
    try {
      return [...diag.connections({ ...filter, ...more })];
    } catch (error) {
      // Whatever else can be wrong with a filter is so from the beginning.
      if (isFirst || !(error instanceof RangeError)) throw error;
      return [];
    } finally {
      isFirst = false;
    }
  };
}
