"""The class MPTCP of pyroute2, which can neither get one endpoint nor announce
addresses."""

from pyroute2.netlink.generic.mptcp import MPTCP

from serve import serve

mptcp = MPTCP()


def add_delete(address, number):
    mptcp.endpoint("add", addr=address, id=int(number))
    mptcp.endpoint("del", id=int(number))


def dump_addrs():
    list(mptcp.endpoint("show"))


serve({
    "get-limits": lambda: mptcp.limits("show"),
    "set-limits": lambda number: mptcp.limits("set", subflows=int(number)),
    "dump-addrs": dump_addrs,
    "add-delete": add_delete,
})
