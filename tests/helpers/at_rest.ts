import type { Host, Subflow } from "../../testing/host.ts";

/** The subflows of a host, once nothing has been acknowledged for a while. */
export async function atRest(host: Host): Promise<Subflow[]> {
  for (let before = "";;) {
    const subflows = host.subflows();
    const now = JSON.stringify(subflows);
    if (now === before) return subflows;
    before = now;
    // Longer than an acknowledgement is delayed.
    await new Promise((resolve) => setTimeout(resolve, 300));
  }
}
