/*
 * Opens connections and keeps them: COUNT of them from the network namespace
 * CLIENT to the address TO and PORT in SERVER, until standard input ends. Each
 * carries a byte both ways, so that it is established and may have more
 * subflows. Prints a line when all are there.
 */

#define _GNU_SOURCE
#include <arpa/inet.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

static void die(const char *what)
{
	perror(what);
	exit(1);
}

static void enter(const char *name)
{
	char path[256];
	int fd;

	snprintf(path, sizeof(path), "/run/netns/%s", name);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0 || setns(fd, CLONE_NEWNET) < 0)
		die(path);
	close(fd);
}

static int mptcp_socket(void)
{
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, IPPROTO_MPTCP);

	if (fd < 0)
		die("socket");
	return fd;
}

static void transfer(int from, int to)
{
	char byte = 0;

	if (send(from, &byte, 1, MSG_NOSIGNAL) != 1 ||
	    recv(to, &byte, 1, 0) != 1)
		die("transfer");
}

int main(int argc, char **argv)
{
	struct sockaddr_in to = { .sin_family = AF_INET };
	struct rlimit limit;
	int listener;
	long count;

	if (argc != 6 || inet_pton(AF_INET, argv[3], &to.sin_addr) != 1) {
		fprintf(stderr,
			"usage: connections CLIENT SERVER TO PORT COUNT\n");
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
	for (count = atol(argv[5]); count > 0; count--) {
		int near = mptcp_socket(), far;

		/* Not bound before: there are 28,000 ports for each of TO. */
		if (connect(near, (const void *)&to, sizeof(to)) < 0)
			die("connect");
		far = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
		if (far < 0)
			die("accept4");
		transfer(near, far);
		transfer(far, near);
	}
	puts("ready");
	fflush(stdout);
	return getchar() != EOF;
}
