/**
 * Files that are wrong, each with all that is said of it: `LINE:COLUMN: PATH:
 * MESSAGE`, without the name of the file.
 *
 * @module
 */

/** The text of a file, and what is wrong in it. */
export const BAD_FILES: readonly (readonly [
  text: string,
  ...faults: string[],
])[] = [
  ["", "there is nothing in it; {} is a file that wants nothing"],
  [
    "# nothing yet\n",
    "there is nothing in it; {} is a file that wants nothing",
  ],
  ["---\n", "there is nothing in it; {} is a file that wants nothing"],
  ["  \n\n", "there is nothing in it; {} is a file that wants nothing"],
  ["null", '1:1: must be a mapping, not "null"'],
  ["subflows", '1:1: must be a mapping, not "subflows"'],
  ["- address: 10.0.0.1\n", "1:1: must be a mapping, not a list"],
  ["42", "1:1: must be a mapping, not 42"],
  [
    "limits: {}\n---\nlimits: {}\n",
    "2:1: there are several documents: one is needed",
  ],
  ["--- {}\n--- {}\n", "2:1: there are several documents: one is needed"],
  [
    "limits: {}\n...\nlimits: {}\n",
    "2:1: there are several documents: one is needed",
  ],
  [
    "endpoints:\n\t- address: 10.0.0.1\n",
    "2:1: a tab cannot be indentation: use spaces",
  ],
  [
    "limits:\n  subflows: 1\n \t add_addr_accepted: 1\n",
    "3:2: a tab cannot be indentation: use spaces",
  ],
  [
    "limits: { subflows: 1\u0000 }",
    "1:22: the character U+0000 is not allowed",
  ],
  ["limits: {} # \u001b[31m", "1:14: the character U+001B is not allowed"],
  [
    "limits: {subflows: 1",
    "1:21: unexpected end of the stream within a flow collection",
  ],
  [
    "limits:\n  subflows: 1\n add_addr_accepted: 2\n",
    "3:2: bad indentation of a mapping entry",
  ],
  [
    'settings: { scheduler: "default }',
    "1:34: unexpected end of the stream within a double quoted scalar",
  ],
  [
    "endpoints: [10.0.0.1",
    "1:21: unexpected end of the stream within a flow collection",
  ],
  ["a: b: c\n", "1:5: bad indentation of a mapping entry"],
  [
    "limits: { subflows: 1 }\nendpoints: []\nlimits: { subflows: 2 }\n",
    '3:1: duplicate key "limits"',
  ],
  ["limits:\n  subflows: 1\n  subflows: 1\n", '3:3: duplicate key "subflows"'],
  ['limits: { subflows: 1, "subflows": 2 }', '1:24: duplicate key "subflows"'],
  [
    "settings:\n  scheduler: &x [*x]\n",
    '2:18: aliases are not supported: quote what begins with "*"',
  ],
  [
    "limits: &all { subflows: 1 }\nsettings: *all\n",
    '2:11: aliases are not supported: quote what begins with "*"',
  ],
  [
    "settings: { scheduler: &a default, path_manager: *a }\n",
    '1:50: aliases are not supported: quote what begins with "*"',
  ],
  [
    "endpoints:\n  - match: { dev: *wlan }\n",
    '2:24: aliases are not supported: quote what begins with "*"',
  ],
  [
    "endpoints:\n  - match: { dev: * }\n",
    '2:20: aliases are not supported: quote what begins with "*"',
  ],
  ["limits: !!int 4\n", "1:16: unknown tag !<tag:yaml.org,2002:int>"],
  ["limits: !limits {}\n", "1:19: unknown tag !<!limits>"],
  [
    "<<: { limits: {} }\n",
    '1:1: ["<<"]: unknown key "<<": known are limits, settings, endpoints, governs, $schema',
  ],
  [
    "__proto__: { limits: {} }\n",
    '1:1: __proto__: unknown key "__proto__": known are limits, settings, endpoints, governs, $schema',
  ],
  [
    "constructor: {}\n",
    '1:1: constructor: unknown key "constructor": known are limits, settings, endpoints, governs, $schema',
  ],
  [
    "? limits\n: { subflows: 65 }\n",
    "limits.subflows: must be a whole number from 0 to 64, not 65",
  ],
  [
    "limit: { subflows: 1 }\n",
    '1:1: limit: unknown key "limit" (did you mean "limits"?)',
  ],
  [
    "endpoint: []\n",
    '1:1: endpoint: unknown key "endpoint" (did you mean "endpoints"?)',
  ],
  [
    "Endpoints: []\n",
    '1:1: Endpoints: unknown key "Endpoints" (did you mean "endpoints"?)',
  ],
  [
    "limits: { subflow: 1 }\n",
    '1:11: limits.subflow: unknown key "subflow" (did you mean "subflows"?)',
  ],
  [
    "limits: { add-addr-accepted: 1 }\n",
    '1:11: limits.add-addr-accepted: unknown key "add-addr-accepted" (did you mean "add_addr_accepted"?)',
  ],
  [
    "governs: { id: 1-9 }\n",
    '1:10: governs: missing key "ids"',
    '1:12: governs.id: unknown key "id" (did you mean "ids"?)',
  ],
  [
    '"a b": 1\n',
    '1:1: ["a b"]: unknown key "a b": known are limits, settings, endpoints, governs, $schema',
  ],
  ["limits: 4\n", "1:9: limits: must be a mapping, not 4"],
  ["limits: [subflows]\n", "1:9: limits: must be a mapping, not a list"],
  ["limits:\n", "1:1: limits: nothing is written here: a mapping is needed"],
  [
    "limits: { subflows: }\n",
    "1:11: limits.subflows: nothing is written here: a whole number from 0 to 64 is needed",
  ],
  [
    "limits: { subflows: -1 }",
    "1:21: limits.subflows: must be a whole number from 0 to 64, not -1",
  ],
  [
    "limits: { subflows: 65 }",
    "1:21: limits.subflows: must be a whole number from 0 to 64, not 65",
  ],
  [
    "limits: { subflows: 4.0 }",
    '1:21: limits.subflows: must be a whole number from 0 to 64, not "4.0"',
  ],
  [
    "limits: { subflows: 1e1 }",
    '1:21: limits.subflows: must be a whole number from 0 to 64, not "1e1"',
  ],
  [
    "limits: { subflows: 0x4 }",
    '1:21: limits.subflows: must be a whole number from 0 to 64, not "0x4"',
  ],
  [
    "limits: { subflows: 04 }",
    "1:21: limits.subflows: 04 has a leading 0, which may be read as octal: a whole number from 0 to 64 is needed",
  ],
  [
    "limits: { subflows: 0o4 }",
    '1:21: limits.subflows: must be a whole number from 0 to 64, not "0o4"',
  ],
  [
    "limits: { subflows: 1_0 }",
    '1:21: limits.subflows: must be a whole number from 0 to 64, not "1_0"',
  ],
  [
    "limits: { subflows: four }",
    '1:21: limits.subflows: must be a whole number from 0 to 64, not "four"',
  ],
  [
    "limits: { subflows: true }",
    '1:21: limits.subflows: must be a whole number from 0 to 64, not "true"',
  ],
  [
    "limits: { subflows: ~ }",
    '1:21: limits.subflows: must be a whole number from 0 to 64, not "~"',
  ],
  [
    "limits: { subflows: '' }",
    '1:21: limits.subflows: must be a whole number from 0 to 64, not ""',
  ],
  [
    "limits: { subflows: [1] }",
    "1:21: limits.subflows: must be a whole number from 0 to 64, not a list",
  ],
  [
    "limits: { subflows: {} }",
    "1:21: limits.subflows: must be a whole number from 0 to 64, not a mapping",
  ],
  [
    "limits: { subflows: 99999999999999999999 }",
    "1:21: limits.subflows: must be a whole number from 0 to 64, not 99999999999999999999",
  ],
  [
    "settings: [enabled]\n",
    "1:11: settings: must be a mapping of sysctls, not a list",
  ],
  [
    "settings: { enabled: yes }",
    '1:22: settings.enabled: must be true or false, not "yes"',
  ],
  [
    "settings: { enabled: 2 }",
    "1:22: settings.enabled: must be true or false, not 2",
  ],
  [
    "settings: { enabled: [] }",
    "1:22: settings.enabled: must be true or false, not a list",
  ],
  [
    "settings: { net.mptcp.enabled: 1 }",
    '1:13: settings["net.mptcp.enabled"]: unknown sysctl "net.mptcp.enabled" (did you mean "enabled"?)',
  ],
  [
    "settings: { path-manager: kernel }",
    '1:13: settings.path-manager: unknown sysctl "path-manager" (did you mean "path_manager"?)',
  ],
  [
    "settings: { PathManager: kernel }",
    '1:13: settings.PathManager: unknown sysctl "PathManager" (did you mean "path_manager"?)',
  ],
  [
    'settings: { "": 1 }',
    '1:13: settings[""]: unknown sysctl "": known are enabled, path_manager, pm_type, scheduler, add_addr_timeout, allow_join_initial_addr_port, checksum_enabled, stale_loss_cnt, close_timeout, blackhole_timeout, syn_retrans_before_tcp_fallback',
  ],
  [
    "settings: { available_schedulers: bpf }",
    "1:13: settings.available_schedulers: this sysctl can only be read",
  ],
  [
    "settings: { scheduler: a_name_of_16_char }",
    '1:24: settings.scheduler: must be a name of 1 to 15 characters, not "a_name_of_16_char"',
  ],
  [
    "settings: { scheduler: two words }",
    '1:24: settings.scheduler: must be a name of 1 to 15 characters, not "two words"',
  ],
  [
    "settings: { syn_retrans_before_tcp_fallback: 256 }",
    "1:46: settings.syn_retrans_before_tcp_fallback: must be a whole number from 0 to 255, not 256",
  ],
  [
    "settings: { add_addr_timeout: 2m }",
    '1:31: settings.add_addr_timeout: must be a whole number from -21474836 to 21474836, not "2m"',
  ],
  [
    "settings: { pm_type: 2 }",
    "1:22: settings.pm_type: must be a whole number from 0 to 1, not 2",
  ],
  [
    "settings: { new_thing: [1] }",
    "1:24: settings.new_thing: must be a text or a number, not a list",
  ],
  [
    "settings: { new_thing: '' }",
    '1:24: settings.new_thing: must be a text or a number, not ""',
  ],
  [
    "settings: { new_thing: }",
    "1:13: settings.new_thing: nothing is written here: a text or a number is needed",
  ],
  [
    'settings: { new_thing: "a\\nb" }',
    '1:24: settings.new_thing: must be a text or a number, not "a\\nb"',
  ],
  ["endpoints: 10.0.0.1\n", '1:12: endpoints: must be a list, not "10.0.0.1"'],
  ["endpoints: {}\n", "1:12: endpoints: must be a list, not a mapping"],
  ["endpoints:\n", "1:1: endpoints: nothing is written here: a list is needed"],
  [
    "endpoints: [10.0.0.1]\n",
    '1:13: endpoints[0]: must be a mapping with address or match, not "10.0.0.1"',
  ],
  [
    "endpoints: [[]]\n",
    "1:13: endpoints[0]: must be a mapping with address or match, not a list",
  ],
  [
    "endpoints:\n  -\n  - flags: [subflow]\n",
    "2:3: endpoints[0]: nothing is written here: a mapping with address or match is needed",
    '3:5: endpoints[1]: missing key "address", or "match" for the addresses of this host',
  ],
  [
    'endpoints: [{ address: "10.0.0.256" }]',
    '1:24: endpoints[0].address: invalid IPv4 address "10.0.0.256": 256 is above 255',
  ],
  [
    'endpoints: [{ address: "10.0.0" }]',
    '1:24: endpoints[0].address: invalid IPv4 address "10.0.0": 4 numbers are needed, not 3',
  ],
  [
    'endpoints: [{ address: "010.0.0.1" }]',
    '1:24: endpoints[0].address: invalid IPv4 address "010.0.0.1": "010" may be read as octal',
  ],
  [
    'endpoints: [{ address: "10.0.0.1/24" }]',
    '1:24: endpoints[0].address: invalid address "10.0.0.1/24": it is given without prefix length',
  ],
  [
    'endpoints: [{ address: "10.0.0.1:80" }]',
    '1:24: endpoints[0].address: invalid address "10.0.0.1:80": its port stands under "port"',
  ],
  [
    'endpoints: [{ address: "fe80::1%eth0" }]',
    '1:24: endpoints[0].address: invalid IPv6 address "fe80::1%eth0": a zone is not part of it, name the device',
  ],
  [
    'endpoints: [{ address: "1::2::3" }]',
    '1:24: endpoints[0].address: invalid IPv6 address "1::2::3": "::" occurs twice',
  ],
  [
    'endpoints: [{ address: "eth1" }]',
    '1:24: endpoints[0].address: invalid address "eth1": an IPv4 or IPv6 address is needed',
  ],
  [
    "endpoints: [{ address: '' }]",
    '1:24: endpoints[0].address: invalid address "": an IPv4 or IPv6 address is needed',
  ],
  [
    "endpoints: [{ address: [10.0.0.1] }]",
    "1:24: endpoints[0].address: must be an IPv4 or IPv6 address, not a list",
  ],
  [
    "endpoints: [{ adress: 10.0.0.1 }]\n",
    '1:13: endpoints[0]: missing key "address", or "match" for the addresses of this host',
    '1:15: endpoints[0].adress: unknown key "adress" (did you mean "address"?)',
  ],
  [
    "endpoints: [{ address: 10.0.0.1, dev: '' }]",
    '1:39: endpoints[0].dev: invalid device "": a name is needed',
  ],
  [
    "endpoints: [{ address: 10.0.0.1, dev: a_name_of_16_byt }]",
    '1:39: endpoints[0].dev: invalid device "a_name_of_16_byt": a name has 15 bytes at most',
  ],
  [
    "endpoints: [{ address: 10.0.0.1, dev: ethé_ethé_ethé }]",
    '1:39: endpoints[0].dev: invalid device "ethé_ethé_ethé": a name has 15 bytes at most',
  ],
  [
    "endpoints: [{ address: 10.0.0.1, dev: a/b }]",
    '1:39: endpoints[0].dev: invalid device "a/b": a name has no "/"',
  ],
  [
    "endpoints: [{ address: 10.0.0.1, dev: 'a b' }]",
    '1:39: endpoints[0].dev: invalid device "a b": a name has no " "',
  ],
  [
    "endpoints: [{ address: 10.0.0.1, dev: a:b }]",
    '1:39: endpoints[0].dev: invalid device "a:b": a name has no ":"',
  ],
  [
    "endpoints: [{ address: 10.0.0.1, dev: .. }]",
    '1:39: endpoints[0].dev: invalid device "..": no device has this name',
  ],
  [
    "endpoints: [{ address: 10.0.0.1, dev: [eth0] }]",
    "1:39: endpoints[0].dev: must be the name of a device, not a list",
  ],
  [
    "endpoints: [{ address: 10.0.0.1, flags: bakup }]",
    '1:41: endpoints[0].flags: unknown flag "bakup" (did you mean "backup"?)',
  ],
  [
    "endpoints: [{ address: 10.0.0.1, flags: Subflow }]",
    '1:41: endpoints[0].flags: unknown flag "Subflow" (did you mean "subflow"?)',
  ],
  [
    "endpoints: [{ address: 10.0.0.1, flags: sub flow }]",
    '1:41: endpoints[0].flags: unknown flag "sub flow" (did you mean "subflow"?)',
  ],
  [
    "endpoints: [{ address: 10.0.0.1, flags: implicit }]",
    '1:41: endpoints[0].flags: the flag "implicit" is given by the kernel alone',
  ],
  [
    "endpoints: [{ address: 10.0.0.1, flags: [signal, fullmesh] }]",
    "1:41: endpoints[0].flags: contradicting flags: fullmesh goes with subflow, not with signal",
  ],
  [
    "endpoints: [{ address: 10.0.0.1, flags: [signal, fulmesh] }]",
    '1:50: endpoints[0].flags[1]: unknown flag "fulmesh" (did you mean "fullmesh"?)',
  ],
  [
    "endpoints: [{ address: 10.0.0.1, flags: [[subflow]] }]",
    "1:42: endpoints[0].flags[0]: must be signal, subflow, backup, fullmesh or laminar, not a list",
  ],
  [
    "endpoints: [{ address: 10.0.0.1, flags: subflow backup }]",
    '1:41: endpoints[0].flags: unknown flag "subflow backup": a list is [subflow, backup]',
  ],
  [
    "endpoints: [{ address: 10.0.0.1, flags: { backup: true } }]",
    "1:41: endpoints[0].flags: must be signal, subflow, backup, fullmesh or laminar, not a mapping",
  ],
  [
    "endpoints: [{ address: 10.0.0.1, flags: 0x4g }]",
    '1:41: endpoints[0].flags: unknown flag "0x4g": known are signal, subflow, backup, fullmesh, laminar',
  ],
  [
    "endpoints: [{ address: 10.0.0.1, flags: [signal, '0x8'] }]",
    "1:41: endpoints[0].flags: contradicting flags: fullmesh goes with subflow, not with signal",
  ],
  [
    "endpoints: [{ address: 10.0.0.1, id: 0 }]",
    "1:38: endpoints[0].id: must be a whole number from 1 to 255, not 0",
  ],
  [
    "endpoints: [{ address: 10.0.0.1, id: 256 }]",
    "1:38: endpoints[0].id: must be a whole number from 1 to 255, not 256",
  ],
  [
    "endpoints: [{ address: 10.0.0.1, id: -1 }]",
    "1:38: endpoints[0].id: must be a whole number from 1 to 255, not -1",
  ],
  [
    "endpoints: [{ address: 10.0.0.1, id: 1.5 }]",
    '1:38: endpoints[0].id: must be a whole number from 1 to 255, not "1.5"',
  ],
  [
    "endpoints: [{ address: 10.0.0.1, id: one }]",
    '1:38: endpoints[0].id: must be a whole number from 1 to 255, not "one"',
  ],
  [
    "endpoints: [{ address: 10.0.0.1, port: 0 }]",
    "1:40: endpoints[0].port: must be a whole number from 1 to 65535, not 0",
  ],
  [
    "endpoints: [{ address: 10.0.0.1, port: 65536 }]",
    "1:40: endpoints[0].port: must be a whole number from 1 to 65535, not 65536",
  ],
  [
    "endpoints: [{ address: 10.0.0.1, port: http }]",
    '1:40: endpoints[0].port: must be a whole number from 1 to 65535, not "http"',
  ],
  [
    "endpoints: [{ address: 10.0.0.1, port: 80 }]",
    "1:40: endpoints[0].port: contradicting flags: a port needs signal, and no subflow",
  ],
  [
    "endpoints: [{ address: 10.0.0.1, port: 80, flags: subflow }]",
    "1:40: endpoints[0].port: contradicting flags: a port needs signal, and no subflow",
  ],
  [
    "endpoints: [{ address: 10.0.0.1, port: 80, flags: [signal, subflow] }]",
    "1:40: endpoints[0].port: contradicting flags: a port needs signal, and no subflow",
  ],
  [
    "endpoints: [{ address: 10.0.0.1, port: 80, flags: [signal, fullmesh] }]",
    "1:51: endpoints[0].flags: contradicting flags: fullmesh goes with subflow, not with signal",
  ],
  [
    "endpoints: [{ address: 10.0.0.1 }, { address: 10.0.0.1, id: 7 }]",
    "1:47: endpoints[1].address: duplicate address 10.0.0.1: endpoints[0] has it",
  ],
  [
    "endpoints: [{ address: 10.0.0.1 }, { address: '::ffff:10.0.0.1' }]",
    "1:47: endpoints[1].address: duplicate address ::ffff:10.0.0.1: endpoints[0] has it",
  ],
  [
    "endpoints: [{ address: 'fd00::1' }, { address: 'FD00:0::1' }]",
    "1:48: endpoints[1].address: duplicate address fd00::1: endpoints[0] has it",
  ],
  [
    "endpoints: [{ address: 10.0.0.1, flags: signal, port: 1 }, { address: 10.0.0.1, flags: signal, port: 1 }]",
    "1:71: endpoints[1].address: duplicate address 10.0.0.1: endpoints[0] has it",
  ],
  [
    "endpoints: [{ address: 10.0.0.1, id: 7 }, { address: 10.0.0.2, id: 7 }]",
    "1:68: endpoints[1].id: duplicate id 7: endpoints[0] has it",
  ],
  [
    "endpoints: [{ match: {} }]",
    '1:22: endpoints[0].match: nothing is asked for: `dev: "*"` fits any device',
  ],
  [
    "endpoints: [{ match: }]",
    "1:15: endpoints[0].match: nothing is written here: a mapping is needed",
  ],
  [
    "endpoints: [{ match: eth0 }]",
    '1:22: endpoints[0].match: must be a mapping, not "eth0"',
  ],
  [
    "endpoints: [{ match: [] }]",
    "1:22: endpoints[0].match: must be a mapping, not a list",
  ],
  [
    "endpoints: [{ address: 10.0.0.1, match: { dev: eth0 } }]",
    "1:13: endpoints[0]: address and match: one of them is needed, not both",
  ],
  [
    "endpoints: [{ match: { dev: eth0 }, dev: eth0 }]",
    '1:37: endpoints[0].dev: "dev" goes with address, not with match: it stands in match',
  ],
  [
    "endpoints: [{ match: { dev: eth0 }, id: 1, port: 80 }]",
    '1:37: endpoints[0].id: "id" goes with address, not with match',
    '1:44: endpoints[0].port: "port" goes with address, not with match',
  ],
  [
    "endpoints: [{ address: 10.0.0.1, each: device }]",
    '1:34: endpoints[0].each: "each" goes with match, not with address',
  ],
  [
    "endpoints: [{ match: { dev: eth0 }, each: devices }]",
    '1:43: endpoints[0].each: unknown word "devices" (did you mean "device"?)',
  ],
  [
    "endpoints: [{ match: { dev: eth0 }, flags: [signal, fullmesh] }]",
    "1:44: endpoints[0].flags: contradicting flags: fullmesh goes with subflow, not with signal",
  ],
  [
    "endpoints: [{ match: { dev: [] } }]",
    "1:29: endpoints[0].match.dev: the list is empty: the name of a device or a glob is needed",
  ],
  [
    "endpoints: [{ match: { dev: '' } }]",
    '1:29: endpoints[0].match.dev: invalid glob "": a name is needed',
  ],
  [
    "endpoints: [{ match: { dev: 'eth[0-9]' } }]",
    '1:29: endpoints[0].match.dev: invalid glob "eth[0-9]": it has * for any text and ? for any character, no brackets',
  ],
  [
    "endpoints: [{ match: { dev: '!lo' } }]",
    '1:29: endpoints[0].match.dev: invalid glob "!lo": what does not fit stands under not',
  ],
  [
    "endpoints: [{ match: { dev: { not: lo } } }]",
    "1:29: endpoints[0].match.dev: must be the name of a device or a glob, not a mapping",
  ],
  [
    "endpoints: [{ match: { device: eth0 } }]",
    '1:24: endpoints[0].match.device: unknown key "device": known are dev, family, scope, address, states, not',
  ],
  [
    "endpoints: [{ match: { family: ip4 } }]",
    '1:32: endpoints[0].match.family: unknown family "ip4" (did you mean "ipv4"?)',
  ],
  [
    "endpoints: [{ match: { family: 4 } }]",
    "1:32: endpoints[0].match.family: unknown family 4: known are ipv4, ipv6",
  ],
  [
    "endpoints: [{ match: { scope: globl } }]",
    '1:31: endpoints[0].match.scope: unknown scope "globl" (did you mean "global"?)',
  ],
  [
    "endpoints: [{ match: { scope: [global] } }]",
    "1:31: endpoints[0].match.scope: must be global, site, link or host, not a list",
  ],
  [
    "endpoints: [{ match: { address: 192.168.0.1/16 } }]",
    '1:33: endpoints[0].match.address: invalid prefix "192.168.0.1/16": it has bits behind its length; 192.168.0.0/16 or 192.168.0.1/32 is meant',
  ],
  [
    "endpoints: [{ match: { address: 10.0.0.0/33 } }]",
    '1:33: endpoints[0].match.address: invalid prefix "10.0.0.0/33": a length from 0 to 32 follows "/"',
  ],
  [
    "endpoints: [{ match: { address: 10.0.0.0/08 } }]",
    '1:33: endpoints[0].match.address: invalid prefix "10.0.0.0/08": a length from 0 to 32 follows "/"',
  ],
  [
    "endpoints: [{ match: { address: 'fd00::/129' } }]",
    '1:33: endpoints[0].match.address: invalid prefix "fd00::/129": a length from 0 to 128 follows "/"',
  ],
  [
    "endpoints: [{ match: { address: 10.0/16 } }]",
    '1:33: endpoints[0].match.address: invalid IPv4 address "10.0": 4 numbers are needed, not 2',
  ],
  [
    "endpoints: [{ match: { address: 10.0.0.0/8/8 } }]",
    '1:33: endpoints[0].match.address: invalid prefix "10.0.0.0/8/8": a length from 0 to 32 follows "/"',
  ],
  [
    "endpoints: [{ match: { address: fd00::1/64 } }]",
    '1:33: endpoints[0].match.address: invalid prefix "fd00::1/64": it has bits behind its length; fd00::/64 or fd00::1/128 is meant',
  ],
  [
    "endpoints: [{ match: { states: tentativ } }]",
    '1:32: endpoints[0].match.states: unknown state "tentativ" (did you mean "tentative"?)',
  ],
  [
    "endpoints: [{ match: { states: [permanent] } }]",
    '1:33: endpoints[0].match.states[0]: unknown state "permanent": known are tentative, failed, deprecated, temporary',
  ],
  [
    "endpoints: [{ match: { not: {} } }]",
    '1:29: endpoints[0].match.not: nothing is asked for: `dev: "*"` fits any device',
  ],
  [
    "endpoints: [{ match: { not: [] } }]",
    "1:29: endpoints[0].match.not: the list is empty: a mapping is needed",
  ],
  [
    "endpoints: [{ match: { not: lo } }]",
    '1:29: endpoints[0].match.not: must be a mapping, not "lo"',
  ],
  [
    "endpoints: [{ match: { not: [{ dev: lo }, { family: ipv5 }] } }]",
    '1:53: endpoints[0].match.not[1].family: unknown family "ipv5" (did you mean "ipv4" or "ipv6"?)',
  ],
  [
    "governs: some",
    '1:10: governs: must be all, or ids as { ids: 100-199 }, not "some"',
  ],
  [
    "governs: 100-199",
    '1:10: governs: must be all, or ids as { ids: 100-199 }, not "100-199"',
  ],
  [
    "governs: [100-199]",
    "1:10: governs: must be all, or ids as { ids: 100-199 }, not a list",
  ],
  ["governs: {}", '1:10: governs: missing key "ids"'],
  [
    "governs: { ids: }",
    "1:12: governs.ids: nothing is written here: ids as 100-199 is needed",
  ],
  [
    "governs: { ids: [] }",
    "1:17: governs.ids: the list is empty: ids as 100-199 is needed",
  ],
  ["governs: { ids: 0 }", "1:17: governs.ids: must be ids as 100-199, not 0"],
  [
    "governs: { ids: 1-256 }",
    '1:17: governs.ids: invalid ids "1-256": an id is a whole number from 1 to 255',
  ],
  [
    "governs: { ids: 9-1 }",
    '1:17: governs.ids: invalid ids "9-1": 1-9 is the right order',
  ],
  [
    "governs: { ids: 1..9 }",
    '1:17: governs.ids: must be ids as 100-199, not "1..9"',
  ],
  [
    "governs: { ids: '1,2' }",
    '1:17: governs.ids: must be ids as 100-199, not "1,2"',
  ],
  [
    "governs: { ids: [1-9, x] }",
    '1:23: governs.ids[1]: must be ids as 100-199, not "x"',
  ],
  [
    "governs: { ids: 100-199 }\nendpoints: [{ address: 10.0.0.1, id: 7 }]\n",
    "2:38: endpoints[0].id: this file governs 100-199, not 7",
  ],
  [
    "governs: { ids: [5, 7-9] }\nendpoints: [{ address: 10.0.0.1, id: 6 }]\n",
    "2:38: endpoints[0].id: this file governs 5, 7-9, not 6",
  ],
  [
    "governs: { ids: 1-2 }\nendpoints: [{ address: 10.0.0.1 }, { address: 10.0.0.2 }, { address: 10.0.0.3 }]\n",
    "2:12: endpoints: 3 addresses: this file governs 1-2 alone",
  ],
  ["$schema: [x]", "1:10: $schema: must be a text, not a list"],
  [
    `endpoints: [${
      Array.from({ length: 65 }, (_, at) => `{ address: 10.0.0.${at} }`)
    }]`,
    "1:12: endpoints: 65 addresses: no kernel holds more than 64",
  ],
  [
    "%YAML 1.2\n%TAG ! x\n---\nlimits: 4\n",
    "4:9: limits: must be a mapping, not 4",
  ],
  [
    "limits: { [a]: 4 }\n",
    'limits.a: unknown key "a" (did you mean "add_addr_accepted"?)',
  ],
  ["limits: [a: 4]\n", "limits: must be a mapping, not a list"],
  [
    "endpoints: [{ match: { address: 11111111111111111111111111111111111111111111111111 } }]",
    '1:33: endpoints[0].match.address: must be a prefix as 192.0.2.0/24, not "11111111111111111111111111111111111111111111111111"',
  ],
  [
    'endpoints: [{ address: "10.0.0\\n.1" }]',
    '1:24: endpoints[0].address: invalid IPv4 address "10.0.0\\n.1": "0\\n" is not a decimal number',
  ],
  [
    "endpoints: # none\n  # yet\nlimits: {}\n",
    "1:1: endpoints: nothing is written here: a list is needed",
  ],
  [
    "endpoints: []\r\nlimits:\r\n  subflows: 99\r\n",
    "3:13: limits.subflows: must be a whole number from 0 to 64, not 99",
  ],
  [
    "\ufefflimits: { subflows: 99 }",
    "1:21: limits.subflows: must be a whole number from 0 to 64, not 99",
  ],
  [
    '{\n\t"limits": {\n\t\t"subflows": 99,\n\t\t"add_addr_accepted": "two"\n\t}\n}\n',
    "3:15: limits.subflows: must be a whole number from 0 to 64, not 99",
    '4:24: limits.add_addr_accepted: must be a whole number from 0 to 64, not "two"',
  ],
  [
    "limits: &x { subflows: 99 }",
    "1:24: limits.subflows: must be a whole number from 0 to 64, not 99",
  ],
  [
    "limits: { subflows: 5 } # 🖧\n🖧: 1\n",
    '2:1: ["🖧"]: unknown key "🖧": known are limits, settings, endpoints, governs, $schema',
  ],
  [
    "'🖧': { }\n\"🖧🖧\": 2\n",
    '1:1: ["🖧"]: unknown key "🖧": known are limits, settings, endpoints, governs, $schema',
    '2:1: ["🖧🖧"]: unknown key "🖧🖧": known are limits, settings, endpoints, governs, $schema',
  ],
  [
    "limits: { ? subflows : 99 }\n",
    "limits.subflows: must be a whole number from 0 to 64, not 99",
  ],
  [
    "endpoints:\n  - ? address\n    : 10.0.0\n  - address: 10.0.0\n",
    'endpoints[0].address: invalid IPv4 address "10.0.0": 4 numbers are needed, not 3',
    'endpoints[1].address: invalid IPv4 address "10.0.0": 4 numbers are needed, not 3',
  ],
  [
    "endpoints: [{ address: 10.0.0.1, id: 0, flags: [bakup], port: 0, dev: a/b, extra: 1 }]",
    "1:38: endpoints[0].id: must be a whole number from 1 to 255, not 0",
    '1:49: endpoints[0].flags[0]: unknown flag "bakup" (did you mean "backup"?)',
    "1:63: endpoints[0].port: must be a whole number from 1 to 65535, not 0",
    '1:71: endpoints[0].dev: invalid device "a/b": a name has no "/"',
    '1:76: endpoints[0].extra: unknown key "extra": known are address, match, flags, dev, id, port, each',
  ],
  [
    "governs: { ids: 7 }\nsettings:\n  enabled: on\nlimits:\n  subflows: 99\nendpoints:\n- address: 10.0.0.1\n  id: 8\n- match: { family: ip }\n- address: 10.0.0.1\n  id: 8\n",
    '3:12: settings.enabled: must be true or false, not "on"',
    "5:13: limits.subflows: must be a whole number from 0 to 64, not 99",
    "7:1: endpoints: 2 addresses: this file governs 7 alone",
    "8:7: endpoints[0].id: this file governs 7, not 8",
    '9:20: endpoints[1].match.family: unknown family "ip" (did you mean "ipv4" or "ipv6"?)',
    "10:12: endpoints[2].address: duplicate address 10.0.0.1: endpoints[0] has it",
    "11:7: endpoints[2].id: duplicate id 8: endpoints[0] has it",
    "11:7: endpoints[2].id: this file governs 7, not 8",
  ],
];
