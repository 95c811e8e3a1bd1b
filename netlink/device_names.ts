import type { Namespace } from "./transport.ts";

/** In a name whose bytes are no UTF-8, which no text can give back. */
const REPLACEMENT = "\ufffd";

/** Names devices, each once: those that can be found by their name. */
export class DeviceNames {
  readonly #namespace: Namespace;
  readonly #names = new Map<number, string | undefined>();

  constructor(namespace: Namespace) {
    this.#namespace = namespace;
  }

  /** Adds the name of the device whose index something has. */
  named<Value extends { readonly ifIndex: number }>(
    value: Value,
  ): Value & { dev?: string } {
    const { ifIndex } = value;
    if (ifIndex <= 0) return value;
    if (!this.#names.has(ifIndex)) {
      const name = this.#namespace.ifIndexToName(ifIndex);
      const isText = name?.includes(REPLACEMENT) === false;
      this.#names.set(ifIndex, isText ? name : undefined);
    }
    const dev = this.#names.get(ifIndex);
    return dev === undefined ? value : { ...value, dev };
  }
}
