/**
 * Files that are right, and what they mean.
 *
 * @module
 */

/** The text of a file, and what it means. */
export const GOOD_FILES: readonly (readonly [text: string, config: object])[] =
  [
    ["{}", {}],
    ["%YAML 1.2\n--- # nothing\n{}\n...\n", {}],
    ["limits: {}\nsettings: {}\nendpoints: []\ngoverns: all\n", {
      ...{ limits: {}, settings: {}, endpoints: [] },
      governs: "all",
    }],
    [
      `# yaml-language-server: $schema=mptcp.schema.json
limits: { subflows: 4, add_addr_accepted: 2 }
settings: { path_manager: kernel, enabled: true } # sysctls of net.mptcp
endpoints:
  - address: 10.0.2.1
    dev: eth1
    flags: [subflow, backup]
  - match: { dev: "wlan*", family: ipv4, scope: global, not: { address: 192.168.0.0/16 } }
    flags: [subflow, fullmesh]
governs: all # or ids
`,
      {
        limits: { subflows: 4, addAddrAccepted: 2 },
        settings: { path_manager: "kernel", enabled: "1" },
        endpoints: [
          {
            ...{ address: "10.0.2.1", dev: "eth1" },
            ...{ flags: ["subflow", "backup"], place: 0 },
          },
          {
            match: {
              ...{ dev: ["wlan*"], family: 4, scope: "global" },
              not: [{ address: ["192.168.0.0/16"] }],
            },
            ...{ each: "device", flags: ["subflow", "fullmesh"], place: 1 },
          },
        ],
        governs: "all",
      },
    ],
    // JSON, as programs write it and as people indent it.
    ['{"$schema":"x","limits":{"subflows":4},"governs":{"ids":["1-9",12]}}', {
      ...{ limits: { subflows: 4 }, governs: [[1, 9], [12, 12]] },
    }],
    [
      '{\n\t"endpoints": [\n\t\t{\n\t\t\t"address":"\\u0066d00::1"\n\t\t}\n\t]\n}',
      {
        endpoints: [{ address: "fd00::1", flags: [], place: 0 }],
      },
    ],
    ["\ufefflimits:\r\n  subflows: 0\r\n", {
      limits: { subflows: 0 },
    }],
    // Scalars mean what is written.
    [
      `settings: { enabled: "0", checksum_enabled: true, scheduler: 'no',
  stale_loss_cnt: 4294967295, close_timeout: -1, new_thing: 012, other: 1_000 , a: true }
limits: { subflows: '64' }`,
      {
        settings: {
          ...{ enabled: "0", checksum_enabled: "1", scheduler: "no" },
          ...{ stale_loss_cnt: "4294967295", close_timeout: "-1" },
          ...{ new_thing: "012" },
          ...{ other: "1_000", a: "true" },
        },
        limits: { subflows: 64 },
      },
    ],
    [
      `endpoints:
- { address: FD00:0::1, dev: no, id: 255, flags: subflow }
- { address: 10.0.0.1, dev: 012, flags: [backup, subflow, '0x2', '0x40', '0x4'] }
- { address: "::ffff:10.0.0.2", flags: [signal], port: 65535 }
- { address: 10.0.0.2, flags: [signal], port: 1 }
- { address: 10.0.0.2, flags: [subflow] }
- &unused { address: 10.0.0.3 }
`,
      {
        endpoints: [
          {
            ...{ address: "fd00::1", id: 255, dev: "no" },
            ...{ flags: ["subflow"], place: 0 },
          },
          {
            ...{ address: "10.0.0.1", dev: "012" },
            ...{ flags: ["subflow", "backup", "0x40"], place: 1 },
          },
          {
            ...{ address: "::ffff:10.0.0.2", port: 65535 },
            ...{ flags: ["signal"], place: 2 },
          },
          {
            ...{ address: "10.0.0.2", port: 1 },
            ...{ flags: ["signal"], place: 3 },
          },
          { address: "10.0.0.2", flags: ["subflow"], place: 4 },
          { address: "10.0.0.3", flags: [], place: 5 },
        ],
      },
    ],
    [
      `endpoints:
- match: { dev: ["*", "a_name_of_16_by*", "null*"], family: ipv6, scope: link }
  each: address
- match:
    address: [10.0.0.1, 10.0.0.0/8, 0.0.0.0/0, "FD00::/8", 192.168.5.128/25]
    states: [temporary, deprecated]
    not: [{ dev: lo }, { scope: host, not: { family: ipv4 } }]
`,
      {
        endpoints: [
          {
            match: {
              dev: ["*", "a_name_of_16_by*", "null*"],
              ...{ family: 6, scope: "link" },
            },
            ...{ each: "address", flags: [], place: 0 },
          },
          {
            match: {
              address: [
                ...["10.0.0.1/32", "10.0.0.0/8", "0.0.0.0/0", "fd00::/8"],
                "192.168.5.128/25",
              ],
              states: ["temporary", "deprecated"],
              not: [{ dev: ["lo"] }, { scope: "host", not: [{ family: 4 }] }],
            },
            ...{ each: "device", flags: [], place: 1 },
          },
        ],
      },
    ],
    // The kernel takes nearly any name.
    [
      `endpoints: [{ address: 10.0.0.1, dev: "eth*", flags: [] },
  { address: 10.0.0.2, dev: null }, { address: 10.0.0.3, dev: "a[?]\\e\u3000" }]`,
      {
        endpoints: [
          { address: "10.0.0.1", dev: "eth*", flags: [], place: 0 },
          { address: "10.0.0.2", dev: "null", flags: [], place: 1 },
          { address: "10.0.0.3", dev: "a[?]\x1b\u3000", flags: [], place: 2 },
        ],
      },
    ],
    ["governs: { ids: [20, 1-9, 10-12, 5-11, 19, 255] }", {
      governs: [[1, 12], [19, 20], [255, 255]],
    }],
  ];
