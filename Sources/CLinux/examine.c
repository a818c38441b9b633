// What is asked about another process, and the names of errors.

#define _GNU_SOURCE
#include "clinux.h"

#include <errno.h>
#include <string.h>
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
