/*
 * The least that a path manager in C does: it hears that a connection is
 * established, and opens a subflow from the address FROM over the device DEV.
 * It looks at nothing else, and keeps nothing.
 *
 *	manager FROM DEV
 */

#include <arpa/inet.h>
#include <errno.h>
#include <net/if.h>
#include <stdbool.h>
#include <string.h>

#include "conversation.h"

#define FIRST_ID 1

static struct in_addr from;
static uint32_t if_index;

struct family {
	uint16_t id;
	uint32_t group;
};

struct connection {
	uint32_t token;
	struct in_addr to;
	uint16_t port;
	bool server_side;
};

static struct mnl_socket *open_socket(void)
{
	struct mnl_socket *opened = mnl_socket_open(NETLINK_GENERIC);

	if (!opened || mnl_socket_bind(opened, 0, MNL_SOCKET_AUTOPID) < 0)
		die("netlink socket");
	return opened;
}

static int parse_group(const struct nlattr *attr, void *data)
{
	if (mnl_attr_get_type(attr) == CTRL_ATTR_MCAST_GRP_ID)
		*(uint32_t *)data = mnl_attr_get_u32(attr);
	return MNL_CB_OK;
}

static int parse_family(const struct nlattr *attr, void *data)
{
	struct family *family = data;
	const struct nlattr *group, *name;

	switch (mnl_attr_get_type(attr)) {
	case CTRL_ATTR_FAMILY_ID:
		family->id = mnl_attr_get_u16(attr);
		break;
	case CTRL_ATTR_MCAST_GROUPS:
		mnl_attr_for_each_nested(group, attr) {
			uint32_t id = 0;
			bool is_events = false;

			mnl_attr_parse_nested(group, parse_group, &id);
			mnl_attr_for_each_nested(name, group)
				is_events |= mnl_attr_get_type(name) ==
						     CTRL_ATTR_MCAST_GRP_NAME &&
					     !strcmp(mnl_attr_get_str(name),
						     MPTCP_PM_EV_GRP_NAME);
			if (is_events)
				family->group = id;
		}
		break;
	}
	return MNL_CB_OK;
}

static int on_family(const struct nlmsghdr *nlh, void *data)
{
	mnl_attr_parse(nlh, GENL_HDRLEN, parse_family, data);
	return MNL_CB_OK;
}

static struct family find_family(void)
{
	struct nlmsghdr *nlh =
		request(GENL_ID_CTRL, NLM_F_ACK, CTRL_CMD_GETFAMILY);
	struct family family = { 0 };

	mnl_attr_put_strz(nlh, CTRL_ATTR_FAMILY_NAME, MPTCP_PM_NAME);
	if (converse(nlh, on_family, &family) < 0 || !family.id)
		die("find " MPTCP_PM_NAME);
	return family;
}

static void open_subflow(uint16_t family, const struct connection *connection)
{
	struct nlmsghdr *nlh =
		request(family, NLM_F_ACK, MPTCP_PM_CMD_SUBFLOW_CREATE);
	struct nlattr *nest;

	mnl_attr_put_u32(nlh, MPTCP_PM_ATTR_TOKEN, connection->token);
	nest = mnl_attr_nest_start(nlh, MPTCP_PM_ATTR_ADDR);
	mnl_attr_put_u16(nlh, MPTCP_PM_ADDR_ATTR_FAMILY, AF_INET);
	mnl_attr_put(nlh, MPTCP_PM_ADDR_ATTR_ADDR4, sizeof(from), &from);
	mnl_attr_put_u8(nlh, MPTCP_PM_ADDR_ATTR_ID, FIRST_ID);
	mnl_attr_put_u32(nlh, MPTCP_PM_ADDR_ATTR_IF_IDX, if_index);
	mnl_attr_nest_end(nlh, nest);
	nest = mnl_attr_nest_start(nlh, MPTCP_PM_ATTR_ADDR_REMOTE);
	mnl_attr_put_u16(nlh, MPTCP_PM_ADDR_ATTR_FAMILY, AF_INET);
	mnl_attr_put(nlh, MPTCP_PM_ADDR_ATTR_ADDR4, sizeof(connection->to),
		     &connection->to);
	mnl_attr_put_u16(nlh, MPTCP_PM_ADDR_ATTR_PORT, connection->port);
	mnl_attr_nest_end(nlh, nest);
	if (converse(nlh, NULL, NULL) < 0)
		perror("open a subflow");
}

static int parse_event(const struct nlattr *attr, void *data)
{
	struct connection *connection = data;

	switch (mnl_attr_get_type(attr)) {
	case MPTCP_ATTR_TOKEN:
		connection->token = mnl_attr_get_u32(attr);
		break;
	case MPTCP_ATTR_DADDR4:
		memcpy(&connection->to, mnl_attr_get_payload(attr),
		       sizeof(connection->to));
		break;
	case MPTCP_ATTR_DPORT:
		connection->port = ntohs(mnl_attr_get_u16(attr));
		break;
	case MPTCP_ATTR_SERVER_SIDE:
		connection->server_side = mnl_attr_get_u8(attr);
		break;
	}
	return MNL_CB_OK;
}

static int on_event(const struct nlmsghdr *nlh, void *data)
{
	const struct genlmsghdr *genl = mnl_nlmsg_get_payload(nlh);
	const struct family *family = data;
	struct connection connection = { 0 };

	if (nlh->nlmsg_type != family->id ||
	    genl->cmd != MPTCP_EVENT_ESTABLISHED)
		return MNL_CB_OK;
	mnl_attr_parse(nlh, GENL_HDRLEN, parse_event, &connection);
	if (!connection.server_side)
		open_subflow(family->id, &connection);
	return MNL_CB_OK;
}

int main(int argc, char **argv)
{
	static char event_buffer[65536];
	struct mnl_socket *events;
	struct family family;
	ssize_t length;

	if (argc != 3 || inet_pton(AF_INET, argv[1], &from) != 1 ||
	    !(if_index = if_nametoindex(argv[2]))) {
		fprintf(stderr, "usage: manager FROM DEV\n");
		return 1;
	}
	sock = open_socket();
	port_id = mnl_socket_get_portid(sock);
	family = find_family();
	events = open_socket();
	if (mnl_socket_setsockopt(events, NETLINK_ADD_MEMBERSHIP,
				  &family.group, sizeof(family.group)) < 0)
		die("join " MPTCP_PM_EV_GRP_NAME);
	for (;;) {
		length = mnl_socket_recvfrom(events, event_buffer,
					     sizeof(event_buffer));
		if (length < 0) {
			if (errno == ENOBUFS || errno == EINTR)
				continue;
			die("receive");
		}
		mnl_cb_run(event_buffer, length, 0, 0, on_event, &family);
	}
}
