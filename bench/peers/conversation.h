/* One question at a time to a generic netlink family, by libmnl. */

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <libmnl/libmnl.h>
#include <linux/genetlink.h>
#include <linux/mptcp.h>

static struct mnl_socket *sock;
static unsigned int port_id;
static uint32_t seq;
static char request_buffer[256];
static char buffer[65536];

static void die(const char *what)
{
	perror(what);
	exit(1);
}

static struct nlmsghdr *request(uint16_t type, uint16_t flags, uint8_t cmd)
{
	struct nlmsghdr *nlh = mnl_nlmsg_put_header(request_buffer);
	struct genlmsghdr *genl;

	nlh->nlmsg_type = type;
	nlh->nlmsg_flags = NLM_F_REQUEST | flags;
	nlh->nlmsg_seq = ++seq;
	genl = mnl_nlmsg_put_extra_header(nlh, sizeof(*genl));
	genl->cmd = cmd;
	genl->version = MPTCP_PM_VER;
	return nlh;
}

/* Until the callback, an ack or the end of a dump says that this is all. */
static int converse(const struct nlmsghdr *nlh, mnl_cb_t on_reply, void *data)
{
	ssize_t length;
	int result;

	if (mnl_socket_sendto(sock, nlh, nlh->nlmsg_len) < 0)
		return -1;
	do {
		length = mnl_socket_recvfrom(sock, buffer, sizeof(buffer));
		if (length < 0)
			return -1;
		result = mnl_cb_run(buffer, length, seq, port_id, on_reply,
				    data);
	} while (result > MNL_CB_STOP);
	return result;
}
