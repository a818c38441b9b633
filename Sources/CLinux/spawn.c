// Making the init process, the watchdog that ends it, and programs beside it.

#define _GNU_SOURCE
#include "clinux.h"
#include "direct.h"

#include <asm/unistd.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/sched.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>

#ifndef CLONE_INTO_CGROUP
#define CLONE_INTO_CGROUP 0x200000000ULL
#endif

// What the watchdog looks at. `target` is written by the kernel itself, before
// the process it names takes its first step.
static struct {
    int lifeline, target, tty;
    struct termios saved;
    char *const *directories;
    char mounts[32];
} watched = {.target = -1};

// Stacks of the processes that share memory: touched pages only take room.
static char watchdog_stack[16384] __attribute__((aligned(16)));
static char init_stack[1 << 20] __attribute__((aligned(16)));
static char sibling_stack[1 << 20] __attribute__((aligned(16)));

// The new process returns from clone3 on another stack, where there is no frame
// to return to: it goes straight into `body`.
static long clone3_into(struct clone_args *arguments, int (*body)(void *), void *context) {
#if defined(__x86_64__)
    long result = SYS_clone3;
    register int (*function)(void *) __asm__("r12") = body;
    register void *argument __asm__("r13") = context;
    __asm__ volatile("syscall\n\t"
                     "test %%rax, %%rax\n\t"
                     "jnz 1f\n\t"
                     "xor %%ebp, %%ebp\n\t"
                     "mov %%r13, %%rdi\n\t"
                     "call *%%r12\n\t"
                     "ud2\n"
                     "1:"
                     : "+a"(result)
                     : "D"(arguments), "S"(sizeof *arguments), "r"(function), "r"(argument)
                     : "rcx", "r11", "memory", "cc");
    return result;
#elif defined(__aarch64__)
    register long x8 __asm__("x8") = SYS_clone3;
    register long x0 __asm__("x0") = (long)arguments;
    register long x1 __asm__("x1") = sizeof *arguments;
    register int (*function)(void *) __asm__("x19") = body;
    register void *argument __asm__("x20") = context;
    __asm__ volatile("svc 0\n\t"
                     "cbnz x0, 1f\n\t"
                     "mov x29, xzr\n\t"
                     "mov x0, x20\n\t"
                     "blr x19\n\t"
                     "brk 1\n"
                     "1:"
                     : "+r"(x0)
                     : "r"(x8), "r"(x1), "r"(function), "r"(argument)
                     : "memory", "cc");
    return x0;
#endif
}

pid_t clinux_spawn(uint64_t flags, int cgroup, int shares_memory, int *pidfd, int (*body)(void *),
                   void *context) {
    struct clone_args arguments = {
        .flags = flags | CLONE_PIDFD | (shares_memory ? CLONE_VM | CLONE_VFORK : 0),
        .pidfd = (uint64_t)(uintptr_t)&watched.target,
        .exit_signal = SIGCHLD,
        .stack = (uint64_t)(uintptr_t)init_stack,
        .stack_size = sizeof init_stack,
    };
    if (cgroup >= 0) {
        arguments.flags |= CLONE_INTO_CGROUP;
        arguments.cgroup = (uint64_t)cgroup;
    }
    long result = clone3_into(&arguments, body, context);
    if (result < 0) {
        watched.target = -1;
        errno = (int)-result;
        return -1;
    }
    *pidfd = watched.target;
    return (pid_t)result;
}

pid_t clinux_spawn_sibling(uint64_t flags, int (*body)(void *), void *context) {
    struct clone_args arguments = {
        .flags = flags | CLONE_PARENT,
        .stack = (uint64_t)(uintptr_t)sibling_stack,
        .stack_size = sizeof sibling_stack,
    };
    long result = clone3_into(&arguments, body, context);
    if (result < 0) {
        errno = (int)-result;
        return -1;
    }
    return (pid_t)result;
}

void clinux_watch(int pidfd) { watched.target = pidfd; }

// Without an exit signal only __WALL finds it.
static int wait_for(pid_t pid) {
    while (waitpid(pid, NULL, __WALL) < 0) {
        if (errno != EINTR) return -1;
    }
    return 0;
}

int clinux_run_aside(uint64_t flags, int (*body)(void *), void *context) {
    struct clone_args arguments = {
        .flags = flags | CLONE_VM | CLONE_VFORK | CLONE_FILES,
        .stack = (uint64_t)(uintptr_t)sibling_stack,
        .stack_size = sizeof sibling_stack,
    };
    long result = clone3_into(&arguments, body, context);
    if (result >= 0) return wait_for((pid_t)result);
    errno = (int)-result;
    return -1;
}

// Its errno would be the parent's: every call is made directly.
static int sleeper(void *parent) {
    call(__NR_prctl, PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
    // The parent may have ended before it was asked for.
    while (call(__NR_getppid, 0, 0, 0, 0, 0) == *(pid_t *)parent)
        call(__NR_ppoll, 0, 0, 0, 0, 0);
    call(__NR_exit_group, 0, 0, 0, 0, 0);
    return 0;
}

pid_t clinux_spawn_sleeper(uint64_t flags) {
    static pid_t parent;
    parent = getpid();
    struct clone_args arguments = {
        .flags = flags | CLONE_VM,
        .stack = (uint64_t)(uintptr_t)sibling_stack,
        .stack_size = sizeof sibling_stack,
    };
    long result = clone3_into(&arguments, sleeper, &parent);
    if (result >= 0) return (pid_t)result;
    errno = (int)-result;
    return -1;
}

int clinux_end_sleeper(pid_t pid) {
    if (kill(pid, SIGKILL) != 0) return -1;
    return wait_for(pid);
}

void clinux_watch_directories(char *const *paths) { watched.directories = paths; }

void clinux_watch_mounts(pid_t pid) {
    char name[32];
    snprintf(name, sizeof name, "/proc/%d/ns/mnt", pid);
    ssize_t length = readlink(name, watched.mounts, sizeof watched.mounts - 1);
    watched.mounts[length > 0 ? length : 0] = 0;
}

// Whether `pid`, a name of /proc, is in the mount namespace that is watched.
static int has_mounts(int proc, const char *pid) {
    char name[32], found[sizeof watched.mounts];
    if (snprintf(name, sizeof name, "%s/ns/mnt", pid) >= (int)sizeof name) return 0;
    ssize_t length = readlinkat(proc, name, found, sizeof found - 1);
    if (length <= 0) return 0;
    found[length] = 0;
    return strcmp(found, watched.mounts) == 0;
}

// Kills all that are in the container's mount namespace, once; says whether there were any. With
// no memory of its own: who held the lock of the heap is gone.
static int kill_by_mounts(void) {
    static char entries[8192] __attribute__((aligned(8)));
    int proc = open("/proc", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    int any = 0;
    long length;
    while ((length = syscall(SYS_getdents64, proc, entries, sizeof entries)) > 0) {
        for (long at = 0; at < length;) {
            struct dirent64 *entry = (struct dirent64 *)(entries + at);
            at += entry->d_reclen;
            if (entry->d_name[0] < '1' || entry->d_name[0] > '9') continue;
            if (!has_mounts(proc, entry->d_name)) continue;
            int pidfd = (int)syscall(SYS_pidfd_open, atoi(entry->d_name), 0);
            // Still the same: the number may have changed hands meanwhile.
            if (pidfd >= 0 && has_mounts(proc, entry->d_name))
                any |= syscall(SYS_pidfd_send_signal, pidfd, SIGKILL, NULL, 0) == 0;
            if (pidfd >= 0) close(pidfd);
        }
    }
    close(proc);
    return any;
}

// What has left the killed process, in a pid namespace that it shares with others.
static void kill_members(const char *path) {
    int directory = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
    int all = openat(directory, "cgroup.kill", O_WRONLY | O_CLOEXEC);
    // Version 1 has no such file.
    int members = write(all, "1", 1) == 1 ? -1 : openat(directory, "cgroup.procs", O_CLOEXEC);
    static char text[4096];
    ssize_t length;
    pid_t pid = 0;
    while ((length = read(members, text, sizeof text)) > 0) {
        for (ssize_t at = 0; at < length; at++) {
            if (text[at] >= '0' && text[at] <= '9') {
                pid = pid * 10 + text[at] - '0';
            } else {
                if (pid > 0) kill(pid, SIGKILL);
                pid = 0;
            }
        }
    }
    close(members);
    close(all);
    close(directory);
}

// Cgroups, which the kernel lets go of only when their last process has ended.
static void remove_directories(void) {
    if (watched.directories == NULL || *watched.directories == NULL) return;
    const struct timespec ten_seconds = {.tv_sec = 10}, moment = {.tv_nsec = 5000000};
    struct pollfd poller = {.fd = watched.target, .events = POLLIN};
    if (watched.target >= 0) syscall(SYS_ppoll, &poller, 1, &ten_seconds, NULL, 0);
    for (char *const *path = watched.directories; *path != NULL; path++) {
        for (int tries = 0; tries < 200; tries++) {
            if (syscall(SYS_unlinkat, AT_FDCWD, *path, AT_REMOVEDIR) == 0 || errno != EBUSY) break;
            kill_members(*path);
            syscall(SYS_nanosleep, &moment, NULL);
        }
    }
}

static int watchdog(void *unused) {
    (void)unused;
    prctl(PR_SET_NAME, "vfs-run-watch");
    // Whoever kills the runtime's whole process group must not meet this process too.
    setsid();
    struct pollfd poller = {.fd = watched.lifeline, .events = POLLIN};
    // Every signal is blocked: SIGTTOU must not stop the tcsetattr below.
    while (syscall(SYS_ppoll, &poller, 1, NULL, NULL, 0) < 0 && errno == EINTR) {
    }
    if (watched.tty >= 0) ioctl(watched.tty, TCSETS, &watched.saved);
    if (watched.target >= 0) syscall(SYS_pidfd_send_signal, watched.target, SIGKILL, NULL, 0);
    // What they have made meanwhile is found in the next round.
    for (int tries = 0; watched.mounts[0] != 0 && tries < 1000 && kill_by_mounts(); tries++) {
    }
    remove_directories();
    syscall(SYS_exit_group, 0);
    return 0;
}

pid_t clinux_start_watchdog(int lifeline, int tty, const void *saved) {
    watched.lifeline = lifeline;
    watched.tty = tty;
    if (saved != NULL) memcpy(&watched.saved, saved, sizeof watched.saved);
    sigset_t all, before;
    sigfillset(&all);
    sigprocmask(SIG_SETMASK, &all, &before);
    // It shares the descriptors too, since the one it needs does not exist yet; they stay open
    // when the runtime process dies. No exit signal: nobody is told of its end.
    pid_t pid =
        clone(watchdog, watchdog_stack + sizeof watchdog_stack, CLONE_VM | CLONE_FILES, NULL);
    int saved_errno = errno;
    sigprocmask(SIG_SETMASK, &before, NULL);
    errno = saved_errno;
    return pid;
}

int clinux_end_watchdog(pid_t pid) {
    watched.tty = -1;
    watched.target = -1;
    return kill(pid, SIGKILL);
}

int clinux_collect_watchdog(pid_t pid) { return wait_for(pid); }

pid_t clinux_start_program(const char *path, char *const *arguments, char *const *environment,
                           const char *directory, const int streams[3]) {
    posix_spawn_file_actions_t actions;
    int error = posix_spawn_file_actions_init(&actions);
    if (error != 0) {
        errno = error;
        return -1;
    }
    posix_spawnattr_t attributes;
    posix_spawnattr_init(&attributes); // never fails
    sigset_t all, none;
    // Not by sigfillset(3), which leaves out 32 and 33: posix_spawn would have these ignored.
    memset(&all, 0xff, sizeof all);
    sigemptyset(&none);
    posix_spawnattr_setsigdefault(&attributes, &all);
    posix_spawnattr_setsigmask(&attributes, &none);
    posix_spawnattr_setpgroup(&attributes, 0);
    posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSIGMASK |
                                              POSIX_SPAWN_SETPGROUP);
    for (int number = 0; number < 3 && error == 0; number++)
        error = posix_spawn_file_actions_adddup2(&actions, streams[number], number);
    if (error == 0) error = posix_spawn_file_actions_addclosefrom_np(&actions, 3);
    if (error == 0 && directory != NULL)
        error = posix_spawn_file_actions_addchdir_np(&actions, directory);
    pid_t pid = -1;
    if (error == 0) error = posix_spawn(&pid, path, &actions, &attributes, arguments, environment);
    posix_spawnattr_destroy(&attributes);
    posix_spawn_file_actions_destroy(&actions);
    if (error == 0) return pid;
    errno = error;
    return -1;
}
