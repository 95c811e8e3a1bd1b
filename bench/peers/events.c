/*
 * What an event costs in C: the captured datagrams of standard input, decoded
 * again and again into a structure that says what ours says, with addresses as
 * text, or copied as they are.
 *
 *	events text|bytes COUNT <datagrams
 *
 * Prints how many nanoseconds COUNT events took.
 */

#include <arpa/inet.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <libmnl/libmnl.h>
#include <linux/genetlink.h>
#include <linux/mptcp.h>

#define EV_FLAG_DENY_JOIN_ID0 1
#define EV_FLAG_SERVER_SIDE 2

struct end {
	char address[INET6_ADDRSTRLEN];
	uint16_t port;
};

struct event {
	uint8_t type;
	uint32_t token;
	uint8_t loc_id;
	uint8_t rem_id;
	struct end local;
	struct end remote;
	bool server_side;
	bool deny_join_id0;
	uint16_t flags;
	bool backup;
	int32_t if_index;
	const char *dev;
	uint8_t error;
	const char *error_text;
	bool has_reset;
	uint32_t reset_reason;
	uint32_t reset_flags;
};

static void refuse(const char *what)
{
	fprintf(stderr, "%s\n", what);
	exit(1);
}

static int64_t now(void)
{
	struct timespec time;

	clock_gettime(CLOCK_MONOTONIC, &time);
	return time.tv_sec * 1000000000ll + time.tv_nsec;
}

static void demand(const struct nlattr *attr, size_t length)
{
	if (mnl_attr_get_payload_len(attr) != length)
		refuse("an attribute has another length");
}

static uint8_t get_u8(const struct nlattr *attr)
{
	demand(attr, 1);
	return mnl_attr_get_u8(attr);
}

static uint16_t get_u16(const struct nlattr *attr)
{
	demand(attr, 2);
	return mnl_attr_get_u16(attr);
}

static uint32_t get_u32(const struct nlattr *attr)
{
	demand(attr, 4);
	return mnl_attr_get_u32(attr);
}

static bool as_text;

static void get_address(const struct nlattr *attr, int family, struct end *end)
{
	size_t length = family == AF_INET ? 4 : 16;

	demand(attr, length);
	if (as_text)
		inet_ntop(family, mnl_attr_get_payload(attr), end->address,
			  sizeof(end->address));
	else
		memcpy(end->address, mnl_attr_get_payload(attr), length);
}

static int each_attr(const struct nlattr *attr, void *data)
{
	struct event *event = data;

	switch (mnl_attr_get_type(attr)) {
	case MPTCP_ATTR_TOKEN:
		event->token = get_u32(attr);
		break;
	case MPTCP_ATTR_LOC_ID:
		event->loc_id = get_u8(attr);
		break;
	case MPTCP_ATTR_REM_ID:
		event->rem_id = get_u8(attr);
		break;
	case MPTCP_ATTR_SADDR4:
		get_address(attr, AF_INET, &event->local);
		break;
	case MPTCP_ATTR_SADDR6:
		get_address(attr, AF_INET6, &event->local);
		break;
	case MPTCP_ATTR_DADDR4:
		get_address(attr, AF_INET, &event->remote);
		break;
	case MPTCP_ATTR_DADDR6:
		get_address(attr, AF_INET6, &event->remote);
		break;
	case MPTCP_ATTR_SPORT:
		event->local.port = ntohs(get_u16(attr));
		break;
	case MPTCP_ATTR_DPORT:
		event->remote.port = ntohs(get_u16(attr));
		break;
	case MPTCP_ATTR_BACKUP:
		event->backup = get_u8(attr) != 0;
		break;
	case MPTCP_ATTR_ERROR:
		event->error = get_u8(attr);
		event->error_text = strerror(event->error);
		break;
	case MPTCP_ATTR_FLAGS:
		event->flags = get_u16(attr);
		event->deny_join_id0 = event->flags & EV_FLAG_DENY_JOIN_ID0;
		if (event->flags & EV_FLAG_SERVER_SIDE)
			event->server_side = true;
		break;
	case MPTCP_ATTR_SERVER_SIDE:
		if (get_u8(attr) != 0)
			event->server_side = true;
		break;
	case MPTCP_ATTR_IF_IDX:
		event->if_index = get_u32(attr);
		/* Ours does not ask the kernel here either. */
		event->dev = "eth0";
		break;
	case MPTCP_ATTR_RESET_REASON:
		event->has_reset = true;
		event->reset_reason = get_u32(attr);
		break;
	case MPTCP_ATTR_RESET_FLAGS:
		event->reset_flags = get_u32(attr);
		break;
	}
	return MNL_CB_OK;
}

static void decode(const struct nlmsghdr *nlh, struct event *event)
{
	const struct genlmsghdr *genl = mnl_nlmsg_get_payload(nlh);

	memset(event, 0, sizeof(*event));
	event->type = genl->cmd;
	if (mnl_attr_parse(nlh, sizeof(*genl), each_attr, event) < 0)
		refuse("an attribute ends past its message");
	/* The compiler is to believe that somebody reads it. */
	__asm__ volatile("" : : "r"(event) : "memory");
}

int main(int argc, char **argv)
{
	static char buffer[65536] __attribute__((aligned(NLMSG_ALIGNTO)));
	long count = argc > 2 ? atol(argv[2]) : 0;
	int length = fread(buffer, 1, sizeof(buffer), stdin);
	const struct nlmsghdr *nlh = (void *)buffer;
	struct event event;
	int left = length;
	int64_t start;

	if (count == 0 || !mnl_nlmsg_ok(nlh, length)) {
		fprintf(stderr, "usage: events text|bytes COUNT <datagrams\n");
		return 1;
	}
	as_text = strcmp(argv[1], "text") == 0;
	start = now();
	while (count-- > 0) {
		if (!mnl_nlmsg_ok(nlh, left)) {
			nlh = (void *)buffer;
			left = length;
		}
		decode(nlh, &event);
		nlh = mnl_nlmsg_next(nlh, &left);
	}
	printf("%lld\n", (long long)(now() - start));
	return 0;
}
