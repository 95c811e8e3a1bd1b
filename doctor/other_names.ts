/**
 * Other names in the place of those of a host: of devices, processes, hosts,
 * and of the tables of firewalls.
 *
 * @module
 */

/** How devices are called, by what they are: the longer name comes first. */
const DEVICES = [
  ...["enp", "ens", "eno", "enx", "en", "eth", "wlan", "wlp", "wlo", "wlx"],
  ...["wl", "wwan", "wwp", "wwx", "ww", "usb", "ppp", "rmnet", "ib"],
  ...["vlan", "bond", "team", "dummy", "vrf", "macvlan", "ipvlan", "vxlan"],
  ...["ifb", "tun", "tap", "wg", "gre", "sit", "tailscale", "ipsec"],
  ...["docker", "virbr", "veth", "cni", "podman", "lxc", "lxd", "vmnet"],
  ...["vboxnet", "br-", "br"],
];

/** The device that each host has, and the word for all devices. */
const EVERYWHERE = ["lo", "all"];

/** The checks look at these, and at those of `mptcp`, which many hosts have. */
const PROCESSES = ["NetworkManager", "mptcpd", "ip"];

/** The tables of iptables, and of programs that many hosts have. */
const TABLES = [
  ...["filter", "nat", "mangle", "raw", "security", "firewalld", "ufw"],
  ...["libvirt_network", "fw4"],
];

/** Replaces names by numbers, in the order in which they come. */
export class OtherNames {
  readonly #known = new Map<string, string>();
  readonly #counts = new Map<string, number>();

  /** All that were replaced, and by what. */
  get known(): ReadonlyMap<string, string> {
    return this.#known;
  }

  /** A device: its kind stays, such as `wlan`. */
  device(name: string): string {
    if (EVERYWHERE.includes(name)) return name;
    const kind = DEVICES.find((kind) => name.startsWith(kind)) ?? "dev";
    return this.#numbered(name, kind);
  }

  /** A process. */
  process(name: string): string {
    const isOfMany = PROCESSES.includes(name) || name.startsWith("mptcp ");
    return isOfMany ? name : this.#numbered(name, "process");
  }

  /** A host. */
  host(name: string): string {
    return this.#numbered(name, "host");
  }

  /** A table of a firewall, such as `inet filter`: its family stays. */
  table(name: string): string {
    const [, family = "", own = ""] = name.match(/^(\w+ )?(.*)$/s) ?? [];
    return family +
      (TABLES.includes(own) ? own : this.#numbered(own, "table"));
  }

  #numbered(name: string, kind: string): string {
    const known = this.#known.get(name);
    if (known !== undefined) return known;
    const count = (this.#counts.get(kind) ?? 0) + 1;
    this.#counts.set(kind, count);
    const other = `${kind}${count}`;
    this.#known.set(name, other);
    return other;
  }
}
