/*
 * Two hosts in network namespaces, with both of which one program connects.
 * _GNU_SOURCE is needed.
 */

#include <fcntl.h>
#include <netinet/in.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
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
