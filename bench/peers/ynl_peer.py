"""The netlink client of the kernel's own tools, tools/net/ynl. Arguments: where
the kernel's source is."""

import ipaddress
import sys

source = sys.argv[1]
sys.path.insert(0, f"{source}/tools/net/ynl")

from lib import YnlFamily  # noqa: E402

from serve import serve  # noqa: E402

AF_INET = 2
SIGNAL = 1  # the spec does not say that flags have names

ynl = YnlFamily(f"{source}/Documentation/netlink/specs/mptcp_pm.yaml")


def nest(address, number):
    # It takes this address as a number, and leaves the text to its caller.
    return {
        "family": AF_INET,
        "id": int(number),
        "addr4": int(ipaddress.IPv4Address(address)),
    }


def get_addr(number):
    ynl.do("get-addr", {"addr": {"id": int(number)}})


def dump_announced(token):
    ynl.dump("get-addr", {"token": int(token)})


def add_delete(address, number):
    ynl.do("add-addr", {"addr": nest(address, number)})
    ynl.do("del-addr", {"addr": {"id": int(number)}})


def announce_remove(token, address, number):
    addr = {**nest(address, number), "flags": SIGNAL}
    ynl.do("announce", {"addr": addr, "token": int(token)})
    ynl.do("remove", {"token": int(token), "loc-id": int(number)})


serve({
    "get-limits": lambda: ynl.do("get-limits", {}),
    "get-addr": get_addr,
    "set-limits": lambda number: ynl.do("set-limits", {"subflows": int(number)}),
    "dump-addrs": lambda: ynl.dump("get-addr", {}),
    "dump-announced": dump_announced,
    "add-delete": add_delete,
    "announce-remove": announce_remove,
})
