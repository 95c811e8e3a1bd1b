/*
 * What the commands cost in C: the peer that the others are measured by. One
 * socket and one buffer, as large as ours and with our socket options; replies
 * are parsed into structures, with addresses as text.
 *
 * It speaks the protocol of peer.ts.
 */

#include <arpa/inet.h>
#include <errno.h>
#include <malloc.h>
#include <string.h>
#include <time.h>

#include "conversation.h"
#include "sock_diag.h"

#define MAX_ENDPOINTS 256
#define MAX_ARGUMENTS 4

struct limits {
	uint32_t add_addr_accepted;
	uint32_t subflows;
};

struct endpoint {
	char address[INET6_ADDRSTRLEN];
	uint16_t port;
	uint8_t id;
	uint32_t flags;
	int32_t if_index;
};

struct endpoints {
	unsigned int count;
	struct endpoint list[MAX_ENDPOINTS];
};

static uint16_t family;
/* How long that took which is not to be counted. */
static int64_t aside_ns;

static int64_t now(void)
{
	struct timespec time;

	clock_gettime(CLOCK_MONOTONIC, &time);
	return time.tv_sec * 1000000000ll + time.tv_nsec;
}

static int parse_family(const struct nlattr *attr, void *data)
{
	if (mnl_attr_get_type(attr) == CTRL_ATTR_FAMILY_ID)
		*(uint16_t *)data = mnl_attr_get_u16(attr);
	return MNL_CB_OK;
}

static int on_family(const struct nlmsghdr *nlh, void *data)
{
	mnl_attr_parse(nlh, GENL_HDRLEN, parse_family, data);
	return MNL_CB_STOP;
}

static int parse_limits(const struct nlattr *attr, void *data)
{
	struct limits *limits = data;

	switch (mnl_attr_get_type(attr)) {
	case MPTCP_PM_ATTR_RCV_ADD_ADDRS:
		if (mnl_attr_validate(attr, MNL_TYPE_U32) < 0)
			return MNL_CB_ERROR;
		limits->add_addr_accepted = mnl_attr_get_u32(attr);
		break;
	case MPTCP_PM_ATTR_SUBFLOWS:
		if (mnl_attr_validate(attr, MNL_TYPE_U32) < 0)
			return MNL_CB_ERROR;
		limits->subflows = mnl_attr_get_u32(attr);
		break;
	}
	return MNL_CB_OK;
}

static int on_limits(const struct nlmsghdr *nlh, void *data)
{
	int result = mnl_attr_parse(nlh, GENL_HDRLEN, parse_limits, data);

	return result < 0 ? result : MNL_CB_STOP;
}

static int parse_text(const struct nlattr *attr, int af, size_t length,
		      struct endpoint *endpoint)
{
	if (mnl_attr_get_payload_len(attr) != length ||
	    !inet_ntop(af, mnl_attr_get_payload(attr), endpoint->address,
		       sizeof(endpoint->address)))
		return MNL_CB_ERROR;
	return MNL_CB_OK;
}

static int parse_address(const struct nlattr *attr, void *data)
{
	struct endpoint *endpoint = data;

	switch (mnl_attr_get_type(attr)) {
	case MPTCP_PM_ADDR_ATTR_ID:
		if (mnl_attr_validate(attr, MNL_TYPE_U8) < 0)
			return MNL_CB_ERROR;
		endpoint->id = mnl_attr_get_u8(attr);
		break;
	case MPTCP_PM_ADDR_ATTR_ADDR4:
		return parse_text(attr, AF_INET, 4, endpoint);
	case MPTCP_PM_ADDR_ATTR_ADDR6:
		return parse_text(attr, AF_INET6, 16, endpoint);
	case MPTCP_PM_ADDR_ATTR_PORT:
		if (mnl_attr_validate(attr, MNL_TYPE_U16) < 0)
			return MNL_CB_ERROR;
		endpoint->port = mnl_attr_get_u16(attr);
		break;
	case MPTCP_PM_ADDR_ATTR_FLAGS:
		if (mnl_attr_validate(attr, MNL_TYPE_U32) < 0)
			return MNL_CB_ERROR;
		endpoint->flags = mnl_attr_get_u32(attr);
		break;
	case MPTCP_PM_ADDR_ATTR_IF_IDX:
		if (mnl_attr_validate(attr, MNL_TYPE_U32) < 0)
			return MNL_CB_ERROR;
		endpoint->if_index = (int32_t)mnl_attr_get_u32(attr);
		break;
	}
	return MNL_CB_OK;
}

static int parse_endpoint(const struct nlattr *attr, void *data)
{
	struct endpoints *endpoints = data;
	struct endpoint *endpoint = &endpoints->list[endpoints->count];

	if (mnl_attr_get_type(attr) != MPTCP_PM_ATTR_ADDR)
		return MNL_CB_OK;
	if (endpoints->count == MAX_ENDPOINTS)
		return MNL_CB_ERROR;
	memset(endpoint, 0, sizeof(*endpoint));
	endpoints->count++;
	return mnl_attr_parse_nested(attr, parse_address, endpoint);
}

static int on_endpoint(const struct nlmsghdr *nlh, void *data)
{
	int result = mnl_attr_parse(nlh, GENL_HDRLEN, parse_endpoint, data);

	if (result < 0 || nlh->nlmsg_flags & NLM_F_MULTI)
		return result;
	return MNL_CB_STOP;
}

static int put_address(struct nlmsghdr *nlh, const char *text)
{
	unsigned char bytes[16];
	int af = strchr(text, ':') ? AF_INET6 : AF_INET;

	if (inet_pton(af, text, bytes) != 1) {
		errno = EINVAL;
		return -1;
	}
	mnl_attr_put_u16(nlh, MPTCP_PM_ADDR_ATTR_FAMILY, af);
	if (af == AF_INET)
		mnl_attr_put(nlh, MPTCP_PM_ADDR_ATTR_ADDR4, 4, bytes);
	else
		mnl_attr_put(nlh, MPTCP_PM_ADDR_ATTR_ADDR6, 16, bytes);
	return 0;
}

static int get_limits(char **arguments)
{
	struct limits limits = { 0 };

	return converse(request(family, 0, MPTCP_PM_CMD_GET_LIMITS), on_limits,
			&limits);
}

/* Arguments: id. */
static int get_addr(char **arguments)
{
	struct endpoints endpoints = { .count = 0 };
	struct nlmsghdr *nlh = request(family, 0, MPTCP_PM_CMD_GET_ADDR);
	struct nlattr *nest = mnl_attr_nest_start(nlh, MPTCP_PM_ATTR_ADDR);

	mnl_attr_put_u8(nlh, MPTCP_PM_ADDR_ATTR_ID, atoi(arguments[0]));
	mnl_attr_nest_end(nlh, nest);
	return converse(nlh, on_endpoint, &endpoints);
}

static int dump(const char *token)
{
	static struct endpoints endpoints;
	struct nlmsghdr *nlh =
		request(family, NLM_F_DUMP, MPTCP_PM_CMD_GET_ADDR);

	endpoints.count = 0;
	if (token)
		mnl_attr_put_u32(nlh, MPTCP_PM_ATTR_TOKEN,
				 strtoul(token, NULL, 10));
	return converse(nlh, on_endpoint, &endpoints);
}

static int dump_addrs(char **arguments)
{
	return dump(NULL);
}

/* Arguments: token. */
static int dump_announced(char **arguments)
{
	return dump(arguments[0]);
}

static int add_addr(const char *address, const char *id)
{
	struct nlmsghdr *nlh =
		request(family, NLM_F_ACK, MPTCP_PM_CMD_ADD_ADDR);
	struct nlattr *nest = mnl_attr_nest_start(nlh, MPTCP_PM_ATTR_ADDR);

	if (put_address(nlh, address) < 0)
		return -1;
	mnl_attr_put_u8(nlh, MPTCP_PM_ADDR_ATTR_ID, atoi(id));
	mnl_attr_nest_end(nlh, nest);
	return converse(nlh, NULL, NULL);
}

static int del_addr(const char *id)
{
	struct nlmsghdr *nlh =
		request(family, NLM_F_ACK, MPTCP_PM_CMD_DEL_ADDR);
	struct nlattr *nest = mnl_attr_nest_start(nlh, MPTCP_PM_ATTR_ADDR);

	mnl_attr_put_u8(nlh, MPTCP_PM_ADDR_ATTR_ID, atoi(id));
	mnl_attr_nest_end(nlh, nest);
	return converse(nlh, NULL, NULL);
}

/* Arguments: number. */
static int set_limits(char **arguments)
{
	struct nlmsghdr *nlh =
		request(family, NLM_F_ACK, MPTCP_PM_CMD_SET_LIMITS);

	mnl_attr_put_u32(nlh, MPTCP_PM_ATTR_SUBFLOWS, atoi(arguments[0]));
	return converse(nlh, NULL, NULL);
}

/* Arguments: address, id. */
static int add_alone(char **arguments)
{
	int64_t start;
	int result;

	if (add_addr(arguments[0], arguments[1]) < 0)
		return -1;
	start = now();
	result = del_addr(arguments[1]);
	aside_ns += now() - start;
	return result;
}

/* Arguments: address, id. */
static int add_delete(char **arguments)
{
	if (add_addr(arguments[0], arguments[1]) < 0)
		return -1;
	return del_addr(arguments[1]);
}

/*
 * Arguments: address, id. What addAddr() and delAddr() send: they look at the
 * table after the one and before the other.
 */
static int add_dump_delete(char **arguments)
{
	if (add_addr(arguments[0], arguments[1]) < 0 || dump(NULL) < 0 ||
	    dump(NULL) < 0)
		return -1;
	return del_addr(arguments[1]);
}

/* Arguments: token, address, id. */
static int announce_remove(char **arguments)
{
	uint32_t token = strtoul(arguments[0], NULL, 10);
	struct nlmsghdr *nlh =
		request(family, NLM_F_ACK, MPTCP_PM_CMD_ANNOUNCE);
	struct nlattr *nest = mnl_attr_nest_start(nlh, MPTCP_PM_ATTR_ADDR);

	if (put_address(nlh, arguments[1]) < 0)
		return -1;
	mnl_attr_put_u8(nlh, MPTCP_PM_ADDR_ATTR_ID, atoi(arguments[2]));
	mnl_attr_put_u32(nlh, MPTCP_PM_ADDR_ATTR_FLAGS,
			 MPTCP_PM_ADDR_FLAG_SIGNAL);
	mnl_attr_nest_end(nlh, nest);
	mnl_attr_put_u32(nlh, MPTCP_PM_ATTR_TOKEN, token);
	if (converse(nlh, NULL, NULL) < 0)
		return -1;
	nlh = request(family, NLM_F_ACK, MPTCP_PM_CMD_REMOVE);
	mnl_attr_put_u32(nlh, MPTCP_PM_ATTR_TOKEN, token);
	mnl_attr_put_u8(nlh, MPTCP_PM_ATTR_LOC_ID, atoi(arguments[2]));
	return converse(nlh, NULL, NULL);
}

static const struct {
	const char *name;
	int (*run)(char **arguments);
	int arguments;
} operations[] = {
	{ "get-limits", get_limits, 0 },
	{ "get-addr", get_addr, 1 },
	{ "dump-addrs", dump_addrs, 0 },
	{ "dump-announced", dump_announced, 1 },
	{ "set-limits", set_limits, 1 },
	{ "add-addr", add_alone, 2 },
	{ "add-delete", add_delete, 2 },
	{ "add-dump-delete", add_dump_delete, 2 },
	{ "announce-remove", announce_remove, 3 },
	{ "connections", list_connections, 0 },
	{ "decode-connections", decode_connections, 1 },
};

static void open_socket(void)
{
	struct nlmsghdr *nlh;
	int on = 1;

	sock = mnl_socket_open2(NETLINK_GENERIC, SOCK_CLOEXEC);
	if (!sock || mnl_socket_bind(sock, 0, MNL_SOCKET_AUTOPID) < 0 ||
	    mnl_socket_setsockopt(sock, NETLINK_EXT_ACK, &on, sizeof(on)) < 0 ||
	    mnl_socket_setsockopt(sock, NETLINK_CAP_ACK, &on, sizeof(on)) < 0)
		die("socket");
	port_id = mnl_socket_get_portid(sock);
	nlh = request(GENL_ID_CTRL, 0, CTRL_CMD_GETFAMILY);
	mnl_attr_put_strz(nlh, CTRL_ATTR_FAMILY_NAME, MPTCP_PM_NAME);
	if (converse(nlh, on_family, &family) < 0)
		die(MPTCP_PM_NAME);
}

static void answer(char *line)
{
	char *arguments[MAX_ARGUMENTS + 1] = { NULL };
	char *name = strtok(line, " \n");
	char *number = strtok(NULL, " \n");
	int64_t start;
	size_t index;
	long count;
	int given = 0;

	while (given < MAX_ARGUMENTS &&
	       (arguments[given] = strtok(NULL, " \n")))
		given++;
	for (index = 0; index < MNL_ARRAY_SIZE(operations); index++) {
		if (!name || !number || strcmp(name, operations[index].name) ||
		    given < operations[index].arguments)
			continue;
		aside_ns = 0;
		start = now();
		for (count = atol(number); count > 0; count--) {
			if (operations[index].run(arguments) < 0) {
				printf("error %s\n", strerror(errno));
				return;
			}
		}
		printf("%lld\n", (long long)(now() - start - aside_ns));
		return;
	}
	printf("error no such operation\n");
}

int main(void)
{
	char line[256];

	/* What was freed is used again: to ask for it anew takes longer than
	   to decode what it is for. */
	mallopt(M_MMAP_THRESHOLD, 1 << 30);
	mallopt(M_TRIM_THRESHOLD, 1 << 30);
	open_socket();
	setvbuf(stdout, NULL, _IOLBF, 0);
	while (fgets(line, sizeof(line), stdin))
		answer(line);
	return 0;
}
