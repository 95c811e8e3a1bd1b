/**
 * What can go wrong in the C library, as this module uses it: the errors of
 * the man pages, except those of arguments that it never passes, and those
 * that the functions of the kernel have besides.
 *
 * @module
 */

import { errnoName } from "../../codec/errno.ts";

const NUMBERS = new Map(
  Array.from({ length: 133 }, (_, errno) => [errnoName(errno), errno]),
);

/** The number of an error, such as 1 of `"EPERM"`. */
export function errnoOf(code: string): number {
  const errno = NUMBERS.get(code);
  if (errno === undefined) throw new TypeError(`Unknown error "${code}"`);
  return errno;
}

/** Errors by the use of a function, the commonest first. */
export const ERRORS: Readonly<Record<string, string>> = {
  // socket(2); netlink_create(), __sock_create(); a seccomp filter.
  "socket": "EMFILE EACCES EAFNOSUPPORT EINVAL ENFILE ENOBUFS ENOMEM EPERM " +
    "EPROTONOSUPPORT ESOCKTNOSUPPORT",
  // mptcp_init_sock(); SELinux, a seccomp filter or a program of BPF.
  "socket of a stream": "ENOPROTOOPT EACCES EAFNOSUPPORT EINVAL EMFILE " +
    "ENFILE ENOBUFS ENOMEM EPERM EPROTONOSUPPORT",
  // socket(7), bind(2), tcp(7), ip(7).
  "setsockopt SO_BINDTODEVICE": "ENODEV EBADF EFAULT EINVAL ENOTSOCK EPERM",
  "bind": "EADDRNOTAVAIL EACCES EADDRINUSE EBADF EINVAL ENODEV ENOMEM " +
    "ENOTSOCK EPERM",
  "connect of a stream": "ENETUNREACH EACCES EADDRINUSE EADDRNOTAVAIL " +
    "EAFNOSUPPORT EAGAIN EALREADY EBADF ECONNREFUSED EFAULT EHOSTUNREACH " +
    "EINTR EINVAL EISCONN ENETDOWN ENOTSOCK EPERM ETIMEDOUT",
  "getsockopt SO_ERROR": "EBADF EFAULT EINVAL ENOPROTOOPT ENOTSOCK",
  "getsockname": "ENOBUFS EBADF EFAULT EINVAL ENOTSOCK",
  "send of a stream": "EPIPE EACCES EAGAIN EBADF ECONNRESET EFAULT EINTR " +
    "EINVAL EMSGSIZE ENOBUFS ENOMEM ENOTCONN ENOTSOCK",
  // getaddrinfo(3): EAI_SYSTEM.
  "getaddrinfo": "EMFILE EACCES ECONNREFUSED EINTR ENFILE ENOMEM",
  "getaddrinfoAside": "EMFILE",
  // setsockopt(2); netlink_setsockopt().
  "setsockopt ack": "ENOPROTOOPT EBADF EFAULT EINVAL ENOTSOCK EPERM",
  // genl_bind(), netlink_realloc_groups().
  "setsockopt NETLINK_ADD_MEMBERSHIP":
    "EPERM EBADF EFAULT EINVAL ENOENT ENOMEM ENOTSOCK",
  // socket(7); sk_setsockopt().
  "setsockopt SO_RCVBUFFORCE": "EINVAL EBADF EFAULT ENOTSOCK EPERM",
  "setsockopt SO_RCVBUF": "EINVAL EBADF EFAULT ENOTSOCK EPERM",
  // connect(2); netlink_connect(), netlink_autobind(), netlink_insert().
  "connect": "ENOMEM EACCES EADDRINUSE EAFNOSUPPORT EBADF EFAULT EINTR " +
    "EINVAL ENOTSOCK EOVERFLOW EPERM",
  // send(2), netlink(7); netlink_sendmsg(), netlink_unicast().
  "send": "ENOBUFS EACCES EAGAIN EBADF ECONNREFUSED EFAULT EINTR EINVAL " +
    "EMSGSIZE ENOMEM ENOTCONN ENOTSOCK EPERM EPIPE",
  // recv(2), netlink(7): ENOBUFS; netlink_recvmsg().
  "recv": "ENOMEM EAGAIN EBADF ECONNREFUSED EFAULT EINTR EINVAL ENOBUFS " +
    "ENOTCONN ENOTSOCK",
  "recvfrom": "ENOMEM EAGAIN EBADF ECONNREFUSED EFAULT EINTR EINVAL ENOBUFS " +
    "ENOTCONN ENOTSOCK",
  // poll(2).
  "poll": "ENOMEM EFAULT EINTR EINVAL",
  "pollAside": "ENOMEM EFAULT EINTR EINVAL",
  // eventfd(2).
  "eventfd": "EMFILE EINVAL ENFILE ENODEV ENOMEM",
  // Nothing to read; the counter is full, and so can be read.
  "read eventfd": "EAGAIN",
  "write eventfd": "EAGAIN",
  // open(2), for a path of the caller's: any file.
  "open namespace": "ENOENT EACCES EINTR EINVAL EIO ELOOP EMFILE " +
    "ENAMETOOLONG ENFILE ENODEV ENOMEM ENOTDIR ENXIO EOVERFLOW EPERM ESRCH",
  // proc_sys_open(), proc_sys_permission().
  "open file to read": "EMFILE EACCES EINTR ELOOP ENFILE ENOENT ENOMEM " +
    "ENOTDIR EPERM",
  "open file to write": "EACCES EINTR ELOOP EMFILE ENFILE ENOENT ENOMEM " +
    "ENOTDIR EPERM EROFS",
  // read(2), write(2); proc_sys_call_handler(), set_path_manager().
  "read file": "EIO EBADF EFAULT EINTR EINVAL EISDIR ENOENT ENOMEM EPERM",
  "write file": "EINVAL EBADF EFAULT EINTR EIO ENOENT ENOMEM EPERM",
  // getdents64(2); proc_sys_readdir(), proc_pid_readdir().
  "getdents64": "ENOENT EBADF EFAULT EINVAL ENOMEM ENOTDIR",
  // readlink(2); proc_pid_readlink().
  "readlink": "EACCES EFAULT EINVAL EIO ELOOP ENAMETOOLONG ENOENT ENOMEM " +
    "ENOTDIR ESRCH",
  // statx(2), realpath(3).
  "statx": "EACCES EFAULT EINVAL ELOOP ENAMETOOLONG ENOENT ENOMEM ENOSYS " +
    "ENOTDIR",
  "realpath": "EACCES EINVAL EIO ELOOP ENAMETOOLONG ENOENT ENOMEM ENOTDIR",
  // open(2) of a new file, fchmod(2), rename(2), unlink(2).
  "create": "EACCES EDQUOT EEXIST EINTR EMFILE ENAMETOOLONG ENFILE ENOENT " +
    "ENOMEM ENOSPC ENOTDIR EPERM EROFS",
  "fchmod": "EPERM EBADF EIO EROFS",
  "rename": "EACCES EBUSY EDQUOT EISDIR ELOOP ENAMETOOLONG ENOENT ENOMEM " +
    "ENOSPC ENOTDIR EPERM EROFS EXDEV",
  "unlink": "EACCES EBUSY EIO ENOENT ENOMEM EPERM EROFS",
  // ioctl(2), netdevice(7); dev_ioctl(), dev_ifname().
  "ioctl SIOCGIFINDEX": "EPERM EBADF EFAULT EINVAL ENODEV ENOTTY",
  "ioctl SIOCGIFNAME": "EPERM EBADF EFAULT EINVAL ENODEV ENOTTY",
  // bind(2); unix_bind_abstract().
  "bind a name": "EADDRINUSE EACCES EBADF EINVAL ENOMEM ENOTSOCK",
  // setns(2); netns_install(), create_new_namespaces().
  "setns": "EPERM EBADF EINVAL ENOMEM ESRCH",
  // close(2): the number is free all the same.
  "close": "EIO EDQUOT EINTR ENOSPC",
};

/** What is no error to the caller. */
export const HARMLESS: Readonly<Record<string, string>> = {
  "setsockopt SO_RCVBUFFORCE": "EPERM",
  "send": "EINTR",
  "send of a stream": "EAGAIN",
  "recv": "EAGAIN EINTR",
  "recvfrom": "EAGAIN EINTR",
  "poll": "EINTR",
  "pollAside": ERRORS["pollAside"]!,
  "read eventfd": ERRORS["read eventfd"]!,
  "write eventfd": ERRORS["write eventfd"]!,
  // Older kernels have other sysctls, or none.
  "open file to read": "ENOENT",
  "readlink": "ENOENT",
  // Another one has the name.
  "bind a name": "EADDRINUSE",
  // A new file; what a process that was killed left behind; the first error
  // counts.
  "statx": "ENOENT",
  "create": "EEXIST",
  "unlink": ERRORS["unlink"]!,
  "close": ERRORS["close"]!,
};
