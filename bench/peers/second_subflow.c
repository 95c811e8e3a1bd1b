/*
 * How soon connections get a second subflow, by the packets alone: makes COUNT
 * connections one after the other, from the network namespace CLIENT to the
 * address TO and PORT in SERVER, with WAIT microseconds in between. Prints for
 * each the nanoseconds from the packet that establishes it on the client, the
 * first one that acknowledges data, to the SYN with MP_JOIN. The time stamps
 * are those of the kernel, for a packet socket in CLIENT.
 */

#define _GNU_SOURCE
#include <arpa/inet.h>
#include <netinet/if_ether.h>
#include <netinet/ip.h>
#include <netinet/tcp.h>
#include <netpacket/packet.h>
#include <poll.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "hosts.h"

#define TCPOPT_MPTCP 30
#define MP_JOIN 1
#define DSS 2
#define DSS_DATA_ACK 1
#define TIMEOUT_MS 2000

static int packet_socket(void)
{
	int fd = socket(AF_PACKET, SOCK_DGRAM | SOCK_CLOEXEC, htons(ETH_P_ALL));
	int on = 1;

	if (fd < 0 ||
	    setsockopt(fd, SOL_SOCKET, SO_TIMESTAMPNS, &on, sizeof(on)) < 0)
		die("packet socket");
	return fd;
}

struct packet {
	bool outgoing;
	bool syn;
	bool join;
	bool data_ack;
	int64_t ns;
};

static void parse(const unsigned char *bytes, size_t length,
		  struct packet *packet)
{
	const struct iphdr *ip = (const void *)bytes;
	const struct tcphdr *tcp;
	const unsigned char *option, *end;

	if (length < sizeof(*ip) || ip->version != 4 ||
	    ip->protocol != IPPROTO_TCP ||
	    length < ip->ihl * 4 + sizeof(*tcp))
		return;
	tcp = (const void *)(bytes + ip->ihl * 4);
	packet->syn = tcp->syn && !tcp->ack;
	option = (const unsigned char *)(tcp + 1);
	end = (const unsigned char *)tcp + tcp->doff * 4;
	if (end > bytes + length)
		return;
	while (option < end && *option != TCPOPT_EOL) {
		if (*option == TCPOPT_NOP) {
			option++;
			continue;
		}
		if (option + 2 > end || option[1] < 2 ||
		    option + option[1] > end)
			return;
		if (option[0] == TCPOPT_MPTCP && option[1] >= 4) {
			packet->join |= option[2] >> 4 == MP_JOIN;
			packet->data_ack |= option[2] >> 4 == DSS &&
					    option[3] & DSS_DATA_ACK;
		}
		option += option[1];
	}
}

/* The next packet, if there is one in time. */
static bool next(int fd, int timeout_ms, struct packet *packet)
{
	static unsigned char bytes[65536];
	char control[256];
	struct sockaddr_ll from;
	struct iovec part = { bytes, sizeof(bytes) };
	struct msghdr msg = {
		.msg_name = &from, .msg_namelen = sizeof(from),
		.msg_iov = &part, .msg_iovlen = 1,
		.msg_control = control, .msg_controllen = sizeof(control),
	};
	struct pollfd pollfd = { .fd = fd, .events = POLLIN };
	struct cmsghdr *cmsg;
	ssize_t length;

	if (poll(&pollfd, 1, timeout_ms) <= 0)
		return false;
	length = recvmsg(fd, &msg, 0);
	if (length < 0)
		die("recvmsg");
	memset(packet, 0, sizeof(*packet));
	packet->outgoing = from.sll_pkttype == PACKET_OUTGOING;
	for (cmsg = CMSG_FIRSTHDR(&msg); cmsg; cmsg = CMSG_NXTHDR(&msg, cmsg)) {
		struct timespec time;

		if (cmsg->cmsg_level != SOL_SOCKET ||
		    cmsg->cmsg_type != SO_TIMESTAMPNS)
			continue;
		memcpy(&time, CMSG_DATA(cmsg), sizeof(time));
		packet->ns = time.tv_sec * 1000000000ll + time.tv_nsec;
	}
	if (packet->ns == 0)
		die("time stamp");
	parse(bytes, length, packet);
	return true;
}

/* The nanoseconds between the two packets. */
static int64_t observe(int fd)
{
	struct packet packet;
	int64_t established = 0;

	while (next(fd, TIMEOUT_MS, &packet)) {
		if (!established && !packet.outgoing && packet.data_ack)
			established = packet.ns;
		if (packet.outgoing && packet.syn && packet.join)
			return established ? packet.ns - established : -1;
	}
	return -2;
}

static void empty(int fd)
{
	struct packet packet;

	while (next(fd, 0, &packet))
		;
}

int main(int argc, char **argv)
{
	struct sockaddr_in to = { .sin_family = AF_INET };
	int listener, packets;
	long count;

	if (argc != 7 || inet_pton(AF_INET, argv[3], &to.sin_addr) != 1) {
		fprintf(stderr, "usage: second_subflow CLIENT SERVER TO PORT "
				"COUNT WAIT\n");
		return 1;
	}
	to.sin_port = htons(atoi(argv[4]));
	enter(argv[2]);
	listener = mptcp_socket();
	if (setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &(int){ 1 },
		       sizeof(int)) < 0 ||
	    bind(listener, (const void *)&to, sizeof(to)) < 0 ||
	    listen(listener, 16) < 0)
		die("listen");
	enter(argv[1]);
	packets = packet_socket();
	for (count = atol(argv[5]); count > 0; count--) {
		int near = mptcp_socket(), far;
		int64_t ns;

		if (connect(near, (const void *)&to, sizeof(to)) < 0)
			die("connect");
		far = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
		if (far < 0)
			die("accept4");
		transfer(near, far);
		transfer(far, near);
		ns = observe(packets);
		if (ns < 0) {
			fprintf(stderr, ns == -1 ? "a second subflow too soon\n" : "no second subflow\n");
			return 1;
		}
		printf("%lld\n", (long long)ns);
		/* Until it is there: its handshake takes no longer. */
		usleep(1000);
		close(near);
		close(far);
		usleep(atol(argv[6]));
		empty(packets);
	}
	return 0;
}
