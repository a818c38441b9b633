// Messages between processes, and the sockets they go through.

#define _GNU_SOURCE
#include "clinux.h"

#include <errno.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

int clinux_socketpair(int ends[2]) {
    return socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends);
}

// A descriptor, and the sender of the message.
union control {
    struct cmsghdr header;
    char bytes[CMSG_SPACE(sizeof(int)) + CMSG_SPACE(sizeof(struct ucred))];
};

ssize_t clinux_send(int socket, const void *bytes, size_t length, int passed, int waits) {
    struct iovec part = {.iov_base = (void *)bytes, .iov_len = length};
    struct msghdr message = {.msg_iov = &part, .msg_iovlen = 1};
    union control control;
    if (passed >= 0) {
        memset(&control, 0, sizeof control);
        message.msg_control = &control;
        message.msg_controllen = CMSG_SPACE(sizeof(int));
        struct cmsghdr *header = CMSG_FIRSTHDR(&message);
        header->cmsg_level = SOL_SOCKET;
        header->cmsg_type = SCM_RIGHTS;
        header->cmsg_len = CMSG_LEN(sizeof(int));
        memcpy(CMSG_DATA(header), &passed, sizeof passed);
    }
    return sendmsg(socket, &message, MSG_NOSIGNAL | (waits ? 0 : MSG_DONTWAIT));
}

ssize_t clinux_send_quietly(int socket, const void *bytes, size_t length) {
    return send(socket, bytes, length, MSG_NOSIGNAL | MSG_DONTWAIT);
}

// The signal is this thread's: one that the write has raised is taken back before it is unblocked.
ssize_t clinux_write_quietly(int fd, const void *bytes, size_t length) {
    sigset_t broken, before, pending;
    sigemptyset(&broken);
    sigaddset(&broken, SIGPIPE);
    sigpending(&pending);
    sigprocmask(SIG_BLOCK, &broken, &before);
    ssize_t count = write(fd, bytes, length);
    int saved_errno = errno;
    const struct timespec now = {0};
    if (count < 0 && saved_errno == EPIPE && !sigismember(&pending, SIGPIPE))
        sigtimedwait(&broken, NULL, &now);
    sigprocmask(SIG_SETMASK, &before, NULL);
    errno = saved_errno;
    return count;
}

int clinux_ask_for_senders(int socket) {
    const int yes = 1;
    return setsockopt(socket, SOL_SOCKET, SO_PASSCRED, &yes, sizeof yes);
}

// One descriptor is expected; a peer may have sent more.
static void take_first(struct cmsghdr *header, int *passed) {
    size_t count = (header->cmsg_len - CMSG_LEN(0)) / sizeof(int);
    for (size_t index = 0; index < count; index++) {
        int fd;
        memcpy(&fd, CMSG_DATA(header) + index * sizeof fd, sizeof fd);
        if (*passed < 0) {
            *passed = fd;
        } else {
            close(fd);
        }
    }
}

ssize_t clinux_receive(int socket, void *bytes, size_t capacity, int *passed, pid_t *sender) {
    struct iovec part = {.iov_base = bytes, .iov_len = capacity};
    union control control;
    struct msghdr message = {.msg_iov = &part,
                             .msg_iovlen = 1,
                             .msg_control = &control,
                             .msg_controllen = sizeof control};
    *passed = -1;
    *sender = 0;
    ssize_t count = recvmsg(socket, &message, MSG_CMSG_CLOEXEC);
    if (count < 0) return -1;
    struct cmsghdr *header = CMSG_FIRSTHDR(&message);
    for (; header != NULL; header = CMSG_NXTHDR(&message, header)) {
        if (header->cmsg_level != SOL_SOCKET) continue;
        struct ucred credentials;
        if (header->cmsg_type == SCM_RIGHTS) take_first(header, passed);
        if (header->cmsg_type == SCM_CREDENTIALS) {
            memcpy(&credentials, CMSG_DATA(header), sizeof credentials);
            *sender = credentials.pid;
        }
    }
    return count;
}

// The name of a socket in a directory, of any length.
static int name_in(struct sockaddr_un *address, int directory, const char *name) {
    *address = (struct sockaddr_un){.sun_family = AF_UNIX};
    int length = snprintf(address->sun_path, sizeof address->sun_path, "/proc/self/fd/%d/%s",
                          directory, name);
    if (length < (int)sizeof address->sun_path) return 0;
    errno = ENAMETOOLONG;
    return -1;
}

// `fd`, or -1 when it could not be `used`: then it is closed.
static int keep_if(int used, int fd) {
    if (used == 0) return fd;
    int saved_errno = errno;
    close(fd);
    errno = saved_errno;
    return -1;
}

int clinux_connect(int directory, const char *name, int type) {
    struct sockaddr_un address;
    if (name_in(&address, directory, name) != 0) return -1;
    int fd = socket(AF_UNIX, type | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0) return -1;
    return keep_if(connect(fd, (struct sockaddr *)&address, sizeof address), fd);
}

int clinux_connect_abstract(const char *name, int type) {
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    size_t length = strlen(name);
    if (length >= sizeof address.sun_path) {
        errno = ENAMETOOLONG;
        return -1;
    }
    memcpy(address.sun_path + 1, name, length);
    int fd = socket(AF_UNIX, type | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0) return -1;
    socklen_t size = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + 1 + length);
    return keep_if(connect(fd, (struct sockaddr *)&address, size), fd);
}

int clinux_bind_datagram(int directory, const char *name) {
    struct sockaddr_un address;
    if (name_in(&address, directory, name) != 0) return -1;
    int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0) return -1;
    return keep_if(bind(fd, (struct sockaddr *)&address, sizeof address), fd);
}

int clinux_listen_loopback(uint16_t port) {
    struct sockaddr_in address = {
        .sin_family = AF_INET, .sin_port = htons(port), .sin_addr = {htonl(INADDR_LOOPBACK)}};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0) return -1;
    if (bind(fd, (struct sockaddr *)&address, sizeof address) != 0) return keep_if(-1, fd);
    return keep_if(listen(fd, 64), fd);
}

int clinux_listen(int directory, const char *name) {
    struct sockaddr_un address;
    if (name_in(&address, directory, name) != 0) return -1;
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0) return -1;
    // Of no other mode at any time.
    mode_t before = umask(0177);
    int bound = bind(fd, (struct sockaddr *)&address, sizeof address);
    int saved_errno = errno;
    umask(before);
    errno = saved_errno;
    if (bound != 0) return keep_if(-1, fd);
    return keep_if(listen(fd, 64), fd);
}

int clinux_peer(int socket, uint32_t *user, pid_t *process) {
    struct ucred peer;
    socklen_t size = sizeof peer;
    if (getsockopt(socket, SOL_SOCKET, SO_PEERCRED, &peer, &size) != 0) return -1;
    *user = peer.uid;
    *process = peer.pid;
    return 0;
}

int clinux_accept(int socket) { return accept4(socket, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK); }
