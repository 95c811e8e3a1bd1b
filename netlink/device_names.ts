import type { Namespace } from "./transport.ts";

/** Names devices, each once. */
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
      this.#names.set(ifIndex, this.#namespace.ifIndexToName(ifIndex));
    }
    const dev = this.#names.get(ifIndex);
    return dev === undefined ? value : { ...value, dev };
  }
}
