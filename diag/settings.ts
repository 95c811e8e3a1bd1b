import { ProtocolError } from "../netlink/errors.ts";
import type { Namespace } from "../netlink/transport.ts";

/**
 * The sysctls of `net.mptcp`, which are the network namespace's own. One that
 * the running kernel lacks is absent.
 */
export interface Settings {
  /** Whether MPTCP sockets can be made. */
  readonly enabled: boolean;
  /** `kernel` or `userspace`, for new connections. Since Linux 6.15. */
  readonly pathManager?: string;
  /** Which path managers there are. Since Linux 6.15. */
  readonly availablePathManagers?: readonly string[];
  /** The older name of `pathManager`: 0 kernel, 1 userspace. Since Linux 5.19. */
  readonly pmType?: number;
  /** The packet scheduler of new connections. Since Linux 6.6. */
  readonly scheduler?: string;
  /** Which schedulers there are. Since Linux 6.10. */
  readonly availableSchedulers?: readonly string[];
  /**
   * How long the echo of an announcement is waited for before it is sent again;
   * 0: it is sent once. Since Linux 5.11.
   */
  readonly addAddrTimeoutSeconds?: number;
  /**
   * Whether peers may join to the address of the initial subflow. Since Linux
   * 5.14.
   */
  readonly allowJoinInitialAddrPort?: boolean;
  /** Whether this host asks for checksums of the data. Since Linux 5.14. */
  readonly checksumEnabled?: boolean;
  /**
   * How often a subflow may time out while others go on, before it is stale and
   * no longer used; 0: never. Since Linux 5.15.
   */
  readonly staleLossCnt?: number;
  /**
   * How long a connection without subflows waits for a new one. Since Linux
   * 6.7.
   */
  readonly closeTimeoutSeconds?: number;
  /**
   * How long new connections do without MPTCP once it was found to be blocked,
   * twice as long the next time; 0: it is not looked at. Since Linux 6.12.
   */
  readonly blackholeTimeoutSeconds?: number;
  /**
   * How many SYNs with MP_CAPABLE are sent again before one without it, 0 to
   * 255; from 128 on there is none. Since Linux 6.14.
   */
  readonly synRetransBeforeTcpFallback?: number;
  /** Those that this library cannot read, as text by the kernel's names. */
  readonly unknown: Readonly<Record<string, string>>;
}

const FOLDER = "/proc/sys/net/mptcp";

const number = (text: string) =>
  /^-?\d+$/.test(text) ? Number(text) : undefined;
const isOn = (text: string) => {
  const value = number(text);
  return value === undefined ? undefined : value !== 0;
};
const name = (text: string) => text;
const names = (text: string) => text.split(/\s+/).filter((one) => one !== "");

/** The kernel's names, ours, and how the text is read. */
const TABLE: Readonly<
  Record<string, readonly [keyof Settings, (text: string) => unknown]>
> = {
  enabled: ["enabled", isOn],
  path_manager: ["pathManager", name],
  available_path_managers: ["availablePathManagers", names],
  pm_type: ["pmType", number],
  scheduler: ["scheduler", name],
  available_schedulers: ["availableSchedulers", names],
  add_addr_timeout: ["addAddrTimeoutSeconds", number],
  allow_join_initial_addr_port: ["allowJoinInitialAddrPort", isOn],
  checksum_enabled: ["checksumEnabled", isOn],
  stale_loss_cnt: ["staleLossCnt", number],
  close_timeout: ["closeTimeoutSeconds", number],
  blackhole_timeout: ["blackholeTimeoutSeconds", number],
  syn_retrans_before_tcp_fallback: ["synRetransBeforeTcpFallback", number],
};

/** Reads the settings of a namespace, as text by the kernel's names. */
export function readSysctls(namespace: Namespace): Record<string, string> {
  const found = namespace.listDirectory(FOLDER);
  if (found === undefined || !found.includes("enabled")) {
    throw new ProtocolError(
      `Cannot read net.mptcp: ${FOLDER} cannot be seen here`,
    );
  }
  const texts: Record<string, string> = {};
  for (const file of found.toSorted()) {
    const text = namespace.readFile(`${FOLDER}/${file}`)?.trim();
    if (text !== undefined) texts[file] = text;
  }
  return texts;
}

/** Reads the settings of a namespace. */
export function readSettings(namespace: Namespace): Settings {
  const settings: Record<string, unknown> = {};
  const unknown: Record<string, string> = {};
  for (const [file, text] of Object.entries(readSysctls(namespace))) {
    const [key = "", read = () => undefined] = Object.hasOwn(TABLE, file)
      ? TABLE[file]!
      : [];
    const value = read(text);
    if (value === undefined) unknown[file] = text;
    else settings[key] = value;
  }
  return { ...settings, unknown } as unknown as Settings;
}

/**
 * Settings as the kernel's names and texts, as `sysctl` prints them.
 *
 * @param settings What was read.
 */
export function sysctlTexts(
  { unknown, ...settings }: Settings,
): Record<string, string> {
  const known = Object.entries(TABLE).flatMap(([file, [name]]) => {
    const value = (settings as Record<string, unknown>)[name];
    if (value === undefined) return [];
    return [[
      file,
      Array.isArray(value)
        ? value.join(" ")
        : `${typeof value === "boolean" ? Number(value) : value}`,
    ]];
  });
  const all = [...known, ...Object.entries(unknown ?? {})];
  return Object.fromEntries(
    all.toSorted(([one], [other]) => one! < other! ? -1 : 1),
  );
}
