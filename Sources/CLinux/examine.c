// What is asked about another process, and the names of errors.

#define _GNU_SOURCE
#include "clinux.h"

#include <errno.h>
#include <linux/seccomp.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/ptrace.h>
#include <sys/wait.h>

#ifndef PTRACE_SECCOMP_GET_FILTER
#define PTRACE_SECCOMP_GET_FILTER 0x420c
#endif

int clinux_seize(pid_t pid) {
    if (ptrace(PTRACE_SEIZE, pid, 0, 0) != 0) return -1;
    if (ptrace(PTRACE_INTERRUPT, pid, 0, 0) != 0) return -1;
    int status;
    pid_t stopped;
    do {
        stopped = waitpid(pid, &status, __WALL);
    } while (stopped < 0 && errno == EINTR);
    if (stopped < 0) return -1;
    if (!WIFSTOPPED(status)) {
        errno = ESRCH;
        return -1;
    }
    return status >> 16 == PTRACE_EVENT_STOP ? 0 : WSTOPSIG(status);
}

long clinux_seccomp_filter(pid_t pid, uint32_t index, void *instructions) {
    return ptrace((enum __ptrace_request)PTRACE_SECCOMP_GET_FILTER, pid, (void *)(uintptr_t)index,
                  instructions);
}

void clinux_let_go(pid_t pid, int signal) {
    ptrace(PTRACE_DETACH, pid, 0, (void *)(intptr_t)signal);
}

const char *clinux_errno_name(int number) { return strerrorname_np(number); }

// Each buffer has room for what a later kernel adds to its structures.
enum { ROOM = 1024 };

int clinux_receive_notification(int listener, uint64_t words[10]) {
    union {
        struct seccomp_notif notification;
        char room[ROOM];
    } buffer;
    memset(&buffer, 0, sizeof buffer);
    if (ioctl(listener, SECCOMP_IOCTL_NOTIF_RECV, &buffer) != 0) return -1;
    const struct seccomp_notif *found = &buffer.notification;
    words[0] = found->id;
    words[1] = found->pid;
    words[2] = (uint32_t)found->data.nr;
    words[3] = found->data.arch;
    for (int index = 0; index < 6; index++)
        words[4 + index] = found->data.args[index];
    return 0;
}

int clinux_answer_notification(int listener, uint64_t id, int error) {
    union {
        struct seccomp_notif_resp response;
        char room[ROOM];
    } buffer;
    memset(&buffer, 0, sizeof buffer);
    buffer.response.id = id;
    if (error < 0)
        buffer.response.flags = SECCOMP_USER_NOTIF_FLAG_CONTINUE;
    else
        buffer.response.error = -error;
    return ioctl(listener, SECCOMP_IOCTL_NOTIF_SEND, &buffer);
}

int clinux_notification_lives(int listener, uint64_t id) {
    return ioctl(listener, SECCOMP_IOCTL_NOTIF_ID_VALID, &id);
}
