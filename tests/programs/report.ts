/**
 * Prints what the doctor reads here, before and after nothing happens.
 *
 * @module
 */

import { reproduce, snapshotJson } from "../../doctor/mod.ts";

console.log(snapshotJson(await reproduce({ happen() {} })));
