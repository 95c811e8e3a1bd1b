/*
 * Opens connections and keeps them: COUNT of them from the network namespace
 * CLIENT to the address TO and PORT in SERVER, until standard input ends. Each
 * carries a byte both ways, so that it is established and may have more
 * subflows. Prints a line when all are there; from then on, with EVERY, each
 * sends a segment once in so many milliseconds.
 */

#define _GNU_SOURCE
#include <arpa/inet.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "hosts.h"

static void segment(int from, int to)
{
	char bytes[1000] = { 0 };
	size_t left = sizeof(bytes);

	if (send(from, bytes, sizeof(bytes), MSG_NOSIGNAL) != sizeof(bytes))
		die("send");
	while (left > 0) {
		ssize_t length = recv(to, bytes, left, 0);

		if (length <= 0)
			die("recv");
		left -= length;
	}
}

int main(int argc, char **argv)
{
	struct sockaddr_in to = { .sin_family = AF_INET };
	struct rlimit limit;
	struct pollfd input = { .fd = 0, .events = POLLIN };
	int listener, (*ends)[2];
	long count, index;

	if (argc < 6 || argc > 7 || inet_pton(AF_INET, argv[3], &to.sin_addr) != 1) {
		fprintf(stderr,
			"usage: connections CLIENT SERVER TO PORT COUNT "
			"[EVERY]\n");
		return 1;
	}
	to.sin_port = htons(atoi(argv[4]));
	if (getrlimit(RLIMIT_NOFILE, &limit) < 0)
		die("getrlimit");
	limit.rlim_cur = limit.rlim_max;
	if (setrlimit(RLIMIT_NOFILE, &limit) < 0)
		die("setrlimit");
	enter(argv[2]);
	listener = mptcp_socket();
	if (bind(listener, (const void *)&to, sizeof(to)) < 0 ||
	    listen(listener, 16) < 0)
		die("listen");
	enter(argv[1]);
	count = atol(argv[5]);
	ends = calloc(count, sizeof(*ends));
	if (!ends)
		die("calloc");
	for (index = 0; index < count; index++) {
		int near = mptcp_socket(), far;

		/* Not bound before: there are 28,000 ports for each of TO. */
		if (connect(near, (const void *)&to, sizeof(to)) < 0)
			die("connect");
		far = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
		if (far < 0)
			die("accept4");
		transfer(near, far);
		transfer(far, near);
		ends[index][0] = near;
		ends[index][1] = far;
	}
	puts("ready");
	fflush(stdout);
	while (argc == 7 && poll(&input, 1, atoi(argv[6])) == 0)
		for (index = 0; index < count; index++)
			segment(ends[index][0], ends[index][1]);
	return getchar() != EOF;
}
