/*
 * Lists connections as Diag.connections() does: MPTCP sockets, then TCP
 * sockets, each of both families, decoded into structures with the same fields,
 * addresses and flags as text, and joined by token.
 */

#include <arpa/inet.h>
#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include <libmnl/libmnl.h>
#include <linux/inet_diag.h>
#include <linux/mptcp.h>
#include <linux/sock_diag.h>
#include <linux/tcp.h>
#include <netinet/in.h>

#include "sock_diag.h"

#define LISTEN 10
#define TIME_WAIT 6
#define MAX_FLAGS 9

/* Later than the headers of Debian 12. */
struct info {
	uint8_t subflows, add_addr_signal, add_addr_accepted, subflows_max;
	uint8_t add_addr_signal_max, add_addr_accepted_max;
	uint32_t flags, token;
	uint64_t write_seq, snd_una, rcv_nxt;
	uint8_t local_addr_used, local_addr_max, csum_enabled;
	uint32_t retransmits;
	uint64_t bytes_retrans, bytes_sent, bytes_received, bytes_acked;
	uint8_t subflows_total, endp_laminar_max, endp_fullmesh_max, reserved;
	uint32_t last_data_sent, last_data_recv, last_ack_recv;
};

struct end {
	char address[INET6_ADDRSTRLEN];
	uint16_t port;
	uint8_t id;
};

struct figures {
	struct end local, remote;
	const char *state;
	uint64_t cookie;
	uint32_t inode, uid, receive_queue, send_queue, if_index;
};

struct subflow {
	struct figures figures;
	struct subflow *next;
	bool initial, opened_here, backup;
	uint8_t timer_retransmits, backoff;
	int flag_count;
	const char *flags[MAX_FLAGS];
	uint32_t unknown_flags;
	uint32_t rtt_us, rtt_var_us, min_rtt_us, rto_us, congestion_window, mss;
	uint32_t path_mtu, unacked, lost, retransmits, last_data_sent_ms;
	uint32_t last_data_received_ms, last_ack_received_ms;
	uint64_t bytes_sent, bytes_received, bytes_acked, bytes_retransmitted;
	uint64_t delivery_rate;
};

struct connection {
	struct figures figures;
	uint32_t token;
	bool fallback, remote_key_received, checksums, partial;
	uint8_t extra_subflows, subflows_total, subflows_max, add_addr_signal;
	uint8_t add_addr_accepted, add_addr_accepted_max, add_addr_signal_max;
	uint8_t local_addr_used, local_addr_max, laminar_max;
	uint32_t retransmits, last_data_sent_ms, last_data_received_ms;
	uint32_t last_ack_received_ms;
	uint64_t bytes_sent, bytes_received, bytes_acked, bytes_retransmitted;
	struct subflow *subflows;
};

/* All that was found; the hash has indexes into the list, and 0 for none. */
struct found {
	struct connection *list;
	size_t count, room;
	uint32_t *hash;
	size_t slots;
	struct subflow *spare, **blocks;
	size_t spares, block_count;
};

static const char *const states[] = {
	[1] = "established", "syn-sent", "syn-recv", "fin-wait-1",
	"fin-wait-2", "time-wait", "closed", "close-wait", "last-ack",
	"listening", "closing", "syn-recv",
};

static const char *const flag_words[MAX_FLAGS] = {
	"mcap-rem", "mcap-loc", "join-rem", "join-loc", "bkup-rem",
	"bkup-loc", "fully-established", "connected", "mapvalid",
};

static uint32_t *slot_of(const struct found *found, uint32_t token)
{
	size_t slot = token * 2654435769u & (found->slots - 1);

	while (found->hash[slot] &&
	       found->list[found->hash[slot] - 1].token != token)
		slot = (slot + 1) & (found->slots - 1);
	return &found->hash[slot];
}

static int grow(struct found *found)
{
	size_t room = found->room ? 2 * found->room : 1024, index;
	void *list = realloc(found->list, room * sizeof(*found->list));

	if (!list)
		return -1;
	found->list = list;
	found->room = room;
	free(found->hash);
	found->slots = 2 * room;
	found->hash = calloc(found->slots, sizeof(*found->hash));
	if (!found->hash)
		return -1;
	for (index = 0; index < found->count; index++)
		*slot_of(found, found->list[index].token) = index + 1;
	return 0;
}

static struct subflow *new_subflow(struct found *found)
{
	if (!found->spares) {
		size_t count = 1024;
		void *blocks = realloc(found->blocks,
				       (found->block_count + 1) *
				       sizeof(*found->blocks));

		if (!blocks)
			return NULL;
		found->blocks = blocks;
		found->spare = calloc(count, sizeof(*found->spare));
		if (!found->spare)
			return NULL;
		found->blocks[found->block_count++] = found->spare;
		found->spares = count;
	}
	found->spares--;
	return found->spare++;
}

static void release(struct found *found)
{
	while (found->block_count)
		free(found->blocks[--found->block_count]);
	free(found->blocks);
	free(found->list);
	free(found->hash);
}

static int read_figures(const struct inet_diag_msg *msg,
			struct figures *figures)
{
	const struct inet_diag_sockid *id = &msg->id;

	if (!inet_ntop(msg->idiag_family, id->idiag_src,
		       figures->local.address, INET6_ADDRSTRLEN) ||
	    !inet_ntop(msg->idiag_family, id->idiag_dst,
		       figures->remote.address, INET6_ADDRSTRLEN))
		return -1;
	figures->local.port = ntohs(id->idiag_sport);
	figures->remote.port = ntohs(id->idiag_dport);
	figures->state = msg->idiag_state < MNL_ARRAY_SIZE(states) ?
			 states[msg->idiag_state] : "closed";
	figures->cookie = (uint64_t)id->idiag_cookie[1] << 32 |
			  id->idiag_cookie[0];
	figures->inode = msg->idiag_inode;
	figures->uid = msg->idiag_uid;
	figures->receive_queue = msg->idiag_rqueue;
	figures->send_queue = msg->idiag_wqueue;
	figures->if_index = id->idiag_if;
	return 0;
}

struct attributes {
	const struct nlattr *info, *ulp_info;
};

static int each_attribute(const struct nlattr *attr, void *data)
{
	struct attributes *attributes = data;

	switch (mnl_attr_get_type(attr)) {
	case INET_DIAG_INFO:
		attributes->info = attr;
		break;
	case INET_DIAG_ULP_INFO:
		attributes->ulp_info = attr;
		break;
	}
	return MNL_CB_OK;
}

/* What a kernel does not report is 0 here. */
static void read_info(const struct nlattr *attr, void *info, size_t length)
{
	size_t has = attr ? mnl_attr_get_payload_len(attr) : 0;

	if (has > length)
		has = length;
	if (has)
		memcpy(info, mnl_attr_get_payload(attr), has);
	memset((char *)info + has, 0, length - has);
}

static int on_mptcp(const struct nlmsghdr *nlh, void *data)
{
	const struct inet_diag_msg *msg = mnl_nlmsg_get_payload(nlh);
	struct attributes attributes = { NULL };
	struct found *found = data;
	struct connection *one;
	struct info info;
	uint32_t *slot;

	if (mnl_nlmsg_get_payload_len(nlh) < sizeof(*msg) ||
	    mnl_attr_parse(nlh, sizeof(*msg), each_attribute,
			   &attributes) < 0)
		return MNL_CB_ERROR;
	read_info(attributes.info, &info, sizeof(info));
	if (!info.token)
		return MNL_CB_OK;
	if (found->count == found->room && grow(found) < 0)
		return MNL_CB_ERROR;
	slot = slot_of(found, info.token);
	if (*slot)
		return MNL_CB_OK;
	one = &found->list[found->count];
	memset(one, 0, sizeof(*one));
	if (read_figures(msg, &one->figures) < 0)
		return MNL_CB_ERROR;
	one->token = info.token;
	*slot = ++found->count;
	one->fallback = info.flags & 1;
	one->remote_key_received = info.flags & 2;
	one->extra_subflows = info.subflows;
	one->subflows_total = info.subflows_total;
	one->subflows_max = info.subflows_max;
	one->add_addr_signal = info.add_addr_signal;
	one->add_addr_accepted = info.add_addr_accepted;
	one->add_addr_accepted_max = info.add_addr_accepted_max;
	one->add_addr_signal_max = info.add_addr_signal_max;
	one->local_addr_used = info.local_addr_used;
	one->local_addr_max = info.local_addr_max;
	one->laminar_max = info.endp_laminar_max;
	one->checksums = info.csum_enabled;
	one->bytes_sent = info.bytes_sent;
	one->bytes_received = info.bytes_received;
	one->bytes_acked = info.bytes_acked;
	one->bytes_retransmitted = info.bytes_retrans;
	one->retransmits = info.retransmits;
	one->last_data_sent_ms = info.last_data_sent;
	one->last_data_received_ms = info.last_data_recv;
	one->last_ack_received_ms = info.last_ack_recv;
	return MNL_CB_OK;
}

struct mptcp {
	bool is_there;
	uint32_t token, flags;
	uint8_t local_id, remote_id;
};

static int each_mptcp(const struct nlattr *attr, void *data)
{
	struct mptcp *mptcp = data;

	switch (mnl_attr_get_type(attr)) {
	case MPTCP_SUBFLOW_ATTR_TOKEN_LOC:
		if (mnl_attr_validate(attr, MNL_TYPE_U32) < 0)
			return MNL_CB_ERROR;
		mptcp->token = mnl_attr_get_u32(attr);
		break;
	case MPTCP_SUBFLOW_ATTR_FLAGS:
		if (mnl_attr_validate(attr, MNL_TYPE_U32) < 0)
			return MNL_CB_ERROR;
		mptcp->flags = mnl_attr_get_u32(attr);
		break;
	case MPTCP_SUBFLOW_ATTR_ID_REM:
		if (mnl_attr_validate(attr, MNL_TYPE_U8) < 0)
			return MNL_CB_ERROR;
		mptcp->remote_id = mnl_attr_get_u8(attr);
		break;
	case MPTCP_SUBFLOW_ATTR_ID_LOC:
		if (mnl_attr_validate(attr, MNL_TYPE_U8) < 0)
			return MNL_CB_ERROR;
		mptcp->local_id = mnl_attr_get_u8(attr);
		break;
	}
	return MNL_CB_OK;
}

static int each_ulp(const struct nlattr *attr, void *data)
{
	struct mptcp *mptcp = data;

	if (mnl_attr_get_type(attr) != INET_ULP_INFO_MPTCP)
		return MNL_CB_OK;
	mptcp->is_there = true;
	return mnl_attr_parse_nested(attr, each_mptcp, mptcp);
}

/* Subflows are in the order of Diag: the initial one, then by ids. */
static int compare(const struct subflow *one, const struct subflow *other)
{
	const struct figures *left = &one->figures, *right = &other->figures;

	if (one->initial != other->initial)
		return one->initial ? -1 : 1;
	if (left->local.id != right->local.id)
		return left->local.id < right->local.id ? -1 : 1;
	if (left->remote.id != right->remote.id)
		return left->remote.id < right->remote.id ? -1 : 1;
	return left->cookie == right->cookie ? 0 :
	       left->cookie < right->cookie ? -1 : 1;
}

static int on_tcp(const struct nlmsghdr *nlh, void *data)
{
	const struct inet_diag_msg *msg = mnl_nlmsg_get_payload(nlh);
	struct attributes attributes = { NULL };
	struct mptcp mptcp = { false };
	struct subflow *one, **place;
	struct found *found = data;
	struct tcp_info info;
	uint32_t index;
	int flag;

	if (mnl_nlmsg_get_payload_len(nlh) < sizeof(*msg) ||
	    mnl_attr_parse(nlh, sizeof(*msg), each_attribute,
			   &attributes) < 0)
		return MNL_CB_ERROR;
	if (attributes.ulp_info &&
	    mnl_attr_parse_nested(attributes.ulp_info, each_ulp, &mptcp) < 0)
		return MNL_CB_ERROR;
	if (!mptcp.is_there || !mptcp.token || !found->slots)
		return MNL_CB_OK;
	index = *slot_of(found, mptcp.token);
	if (!index)
		return MNL_CB_OK;
	one = new_subflow(found);
	if (!one || read_figures(msg, &one->figures) < 0)
		return MNL_CB_ERROR;
	read_info(attributes.info, &info, sizeof(info));
	one->figures.local.id = mptcp.local_id;
	one->figures.remote.id = mptcp.remote_id;
	one->initial = !(mptcp.flags & (MPTCP_SUBFLOW_FLAG_JOIN_LOC |
					MPTCP_SUBFLOW_FLAG_JOIN_REM));
	one->opened_here = mptcp.flags & (MPTCP_SUBFLOW_FLAG_JOIN_LOC |
					  MPTCP_SUBFLOW_FLAG_MCAP_LOC);
	one->backup = mptcp.flags & (MPTCP_SUBFLOW_FLAG_BKUP_LOC |
				     MPTCP_SUBFLOW_FLAG_BKUP_REM);
	for (flag = 0; flag < MAX_FLAGS; flag++) {
		if (mptcp.flags & 1 << flag)
			one->flags[one->flag_count++] = flag_words[flag];
	}
	one->unknown_flags = mptcp.flags & ~((1u << MAX_FLAGS) - 1);
	one->timer_retransmits = msg->idiag_retrans;
	one->rtt_us = info.tcpi_rtt;
	one->rtt_var_us = info.tcpi_rttvar;
	one->min_rtt_us = info.tcpi_min_rtt;
	one->rto_us = info.tcpi_rto;
	one->backoff = info.tcpi_backoff;
	one->congestion_window = info.tcpi_snd_cwnd;
	one->mss = info.tcpi_snd_mss;
	one->path_mtu = info.tcpi_pmtu;
	one->unacked = info.tcpi_unacked;
	one->lost = info.tcpi_lost;
	one->retransmits = info.tcpi_total_retrans;
	one->bytes_sent = info.tcpi_bytes_sent;
	one->bytes_received = info.tcpi_bytes_received;
	one->bytes_acked = info.tcpi_bytes_acked;
	one->bytes_retransmitted = info.tcpi_bytes_retrans;
	one->delivery_rate = info.tcpi_delivery_rate;
	one->last_data_sent_ms = info.tcpi_last_data_sent;
	one->last_data_received_ms = info.tcpi_last_data_recv;
	one->last_ack_received_ms = info.tcpi_last_ack_recv;
	place = &found->list[index - 1].subflows;
	while (*place && compare(*place, one) < 0)
		place = &(*place)->next;
	/* A dump is not made at once: a socket may come twice. */
	if (*place && compare(*place, one) == 0)
		return MNL_CB_OK;
	one->next = *place;
	*place = one;
	return MNL_CB_OK;
}

/* How many sockets there are; marks those that lack subflows. */
static size_t finish(struct found *found)
{
	size_t index, sockets = found->count;

	for (index = 0; index < found->count; index++) {
		struct connection *one = &found->list[index];
		const struct subflow *subflow = one->subflows;
		size_t count = 0;

		for (; subflow; subflow = subflow->next)
			count++;
		one->partial = count < one->subflows_total;
		sockets += count;
	}
	return sockets;
}

static int dump(struct mnl_socket *sock, uint8_t family, bool is_mptcp,
		struct found *found)
{
	static unsigned int seq;
	static char buffer[65536];
	struct nlmsghdr *nlh = mnl_nlmsg_put_header(buffer);
	unsigned int port_id = mnl_socket_get_portid(sock);
	struct inet_diag_req_v2 *request;
	int result;

	nlh->nlmsg_type = SOCK_DIAG_BY_FAMILY;
	nlh->nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP;
	nlh->nlmsg_seq = ++seq;
	request = mnl_nlmsg_put_extra_header(nlh, sizeof(*request));
	request->sdiag_family = family;
	request->sdiag_protocol = IPPROTO_TCP;
	request->idiag_ext = 1 << (INET_DIAG_INFO - 1);
	request->idiag_states = ~(1u << LISTEN);
	if (is_mptcp)
		mnl_attr_put_u32(nlh, INET_DIAG_REQ_PROTOCOL, IPPROTO_MPTCP);
	else
		request->idiag_states &= ~(1u << TIME_WAIT);
	if (mnl_socket_sendto(sock, nlh, nlh->nlmsg_len) < 0)
		return -1;
	do {
		ssize_t length =
			mnl_socket_recvfrom(sock, buffer, sizeof(buffer));

		if (length < 0)
			return -1;
		result = mnl_cb_run(buffer, length, seq, port_id,
				    is_mptcp ? on_mptcp : on_tcp, found);
	} while (result > MNL_CB_STOP);
	return result;
}

int list_connections(char **arguments)
{
	struct mnl_socket *sock = mnl_socket_open2(NETLINK_SOCK_DIAG,
						   SOCK_CLOEXEC);
	struct found found = { NULL };
	int result = -1;

	if (!sock)
		return -1;
	if (mnl_socket_bind(sock, 0, MNL_SOCKET_AUTOPID) == 0 &&
	    dump(sock, AF_INET, true, &found) >= 0 &&
	    dump(sock, AF_INET6, true, &found) >= 0 &&
	    dump(sock, AF_INET, false, &found) >= 0 &&
	    dump(sock, AF_INET6, false, &found) >= 0) {
		errno = ENODATA;
		result = finish(&found) ? 0 : -1;
	}
	release(&found);
	mnl_socket_close(sock);
	return result;
}

/* The whole file, which stays in memory. */
static char *contents(const char *path, size_t *length)
{
	static char *bytes;
	static size_t size;
	struct stat stat;
	FILE *file;

	*length = size;
	if (bytes)
		return bytes;
	file = fopen(path, "r");
	if (!file || fstat(fileno(file), &stat) < 0)
		return NULL;
	*length = size = stat.st_size;
	bytes = malloc(size);
	if (bytes && fread(bytes, 1, size, file) != size)
		return NULL;
	fclose(file);
	return bytes;
}

int decode_connections(char **arguments)
{
	struct found found = { NULL };
	bool is_mptcp = true;
	size_t at = 0, size;
	char *bytes = contents(arguments[0], &size);
	int result = 0;

	if (!bytes)
		return -1;
	while (result >= 0 && at < size) {
		uint32_t length;

		memcpy(&length, bytes + at, sizeof(length));
		at += sizeof(length);
		if (length)
			result = mnl_cb_run(bytes + at, length, 0, 0,
					    is_mptcp ? on_mptcp : on_tcp,
					    &found);
		else
			is_mptcp = false;
		at += length;
	}
	if (result >= 0) {
		errno = ENODATA;
		result = finish(&found) ? 0 : -1;
	}
	release(&found);
	return result;
}
