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
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>

#ifndef CLONE_INTO_CGROUP
#define CLONE_INTO_CGROUP 0x200000000ULL
#endif

// The state of the watchdog. `target` is written by the kernel itself, before
// the process it names takes its first step.
static struct {
    int lifeline, target, tty;
    struct termios saved;
    char *const *directories;
    int mounts;
    // Of a program beside the container; written by the kernel as `target` is.
    int companion;
} watched = {.target = -1, .mounts = -1, .companion = -1};

// The stacks of the two processes that share this one's memory, the watchdog and the sleeper, lie
// between guard pages: a process that runs over the end of one is killed at once.
enum { STACK_SIZE = 65536, GUARD_SIZE = 65536 };

// The end of a new one, where it begins. Sizes are multiples of every page size.
static char *make_stack(void) {
    const size_t size = GUARD_SIZE + STACK_SIZE + GUARD_SIZE;
    char *mapped = mmap(NULL, size, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_STACK, -1, 0);
    if (mapped == MAP_FAILED) return NULL;
    if (mprotect(mapped + GUARD_SIZE, STACK_SIZE, PROT_READ | PROT_WRITE) == 0)
        return mapped + GUARD_SIZE + STACK_SIZE;
    int saved_errno = errno;
    munmap(mapped, size);
    errno = saved_errno;
    return NULL;
}

// A copy of this process, on a copy of its stack, goes into `body` and does not come back.
static pid_t copy_into(struct clone_args *arguments, int (*body)(void *), void *context) {
    long result = syscall(SYS_clone3, arguments, sizeof *arguments);
    if (result == 0) _exit(body(context));
    return (pid_t)result;
}

pid_t clinux_spawn(uint64_t flags, int cgroup, int *pidfd, int (*body)(void *), void *context) {
    struct clone_args arguments = {
        .flags = flags | CLONE_PIDFD,
        .pidfd = (uint64_t)(uintptr_t)&watched.target,
        .exit_signal = SIGCHLD,
    };
    if (cgroup >= 0) {
        arguments.flags |= CLONE_INTO_CGROUP;
        arguments.cgroup = (uint64_t)cgroup;
    }
    pid_t pid = copy_into(&arguments, body, context);
    if (pid < 0) watched.target = -1;
    *pidfd = watched.target;
    return pid;
}

pid_t clinux_spawn_sibling(uint64_t flags, int (*body)(void *), void *context) {
    struct clone_args arguments = {.flags = flags | CLONE_PARENT};
    return copy_into(&arguments, body, context);
}

pid_t clinux_fork_sibling(void) {
    struct clone_args arguments = {.flags = CLONE_PARENT};
    long result = syscall(SYS_clone3, &arguments, sizeof arguments);
    if (result < 0 && (errno == ENOSYS || errno == EPERM))
        result = syscall(SYS_clone, CLONE_PARENT, 0, 0, 0, 0);
    return (pid_t)result;
}

pid_t clinux_spawn_companion(int *pidfd, int (*body)(void *), void *context) {
    struct clone_args arguments = {
        .flags = CLONE_PIDFD,
        .pidfd = (uint64_t)(uintptr_t)&watched.companion,
        .exit_signal = SIGCHLD,
    };
    pid_t pid = copy_into(&arguments, body, context);
    if (pid < 0) watched.companion = -1;
    *pidfd = watched.companion;
    return pid;
}

pid_t clinux_spawn_beside(int *pidfd, int (*body)(void *), void *context) {
    struct clone_args arguments = {
        .flags = CLONE_PIDFD,
        .pidfd = (uint64_t)(uintptr_t)pidfd,
        .exit_signal = SIGCHLD,
    };
    return copy_into(&arguments, body, context);
}

void clinux_forget_companion(void) { watched.companion = -1; }

void clinux_watch(int pidfd) { watched.target = pidfd; }

// Without an exit signal only __WALL finds it.
static int wait_for(pid_t pid) {
    while (waitpid(pid, NULL, __WALL) < 0) {
        if (errno != EINTR) return -1;
    }
    return 0;
}

int clinux_run_aside(uint64_t flags, int (*body)(void *), void *context) {
    struct clone_args arguments = {.flags = flags};
    pid_t pid = copy_into(&arguments, body, context);
    return pid < 0 ? -1 : wait_for(pid);
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

// Of the one sleeper that there is at a time.
static char *sleeper_stack;

pid_t clinux_spawn_sleeper(int flags) {
    static pid_t parent;
    if (sleeper_stack == NULL) sleeper_stack = make_stack();
    if (sleeper_stack == NULL) return -1;
    parent = getpid();
    return clone(sleeper, sleeper_stack, flags | CLONE_VM, &parent);
}

int clinux_end_sleeper(pid_t pid) {
    if (kill(pid, SIGKILL) == 0) return wait_for(pid);
    // It lives on with its stack until this process ends: the next one needs another stack.
    sleeper_stack = NULL;
    return -1;
}

void clinux_watch_directories(char *const *paths) { watched.directories = paths; }

int clinux_watch_mounts(pid_t pid) {
    char name[32];
    snprintf(name, sizeof name, "/proc/%d/ns/mnt", pid);
    // The descriptor stays open, so that the kernel gives the namespace's inode number to no other
    // one: the next container's processes would be killed in place of this one's.
    watched.mounts = open(name, O_RDONLY | O_CLOEXEC);
    return watched.mounts < 0 ? -1 : 0;
}

// Whether `pid`, a name of /proc, is in the mount namespace that is watched.
static int has_mounts(int proc, const char *pid, const struct stat *own) {
    char name[32];
    struct stat found;
    if (snprintf(name, sizeof name, "%s/ns/mnt", pid) >= (int)sizeof name) return 0;
    if (fstatat(proc, name, &found, 0) != 0) return 0;
    return found.st_ino == own->st_ino && found.st_dev == own->st_dev;
}

// Kills all that are in the container's mount namespace, once; says whether there were any. With
// no memory of its own: the thread that held the lock of the heap may be gone.
static int kill_by_mounts(void) {
    static char entries[8192] __attribute__((aligned(8)));
    struct stat own;
    if (fstat(watched.mounts, &own) != 0) return 0;
    int proc = open("/proc", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    int any = 0;
    long length;
    while ((length = syscall(SYS_getdents64, proc, entries, sizeof entries)) > 0) {
        for (long at = 0; at < length;) {
            struct dirent64 *entry = (struct dirent64 *)(entries + at);
            at += entry->d_reclen;
            if (entry->d_name[0] < '1' || entry->d_name[0] > '9') continue;
            if (!has_mounts(proc, entry->d_name, &own)) continue;
            int pidfd = (int)syscall(SYS_pidfd_open, atoi(entry->d_name), 0);
            // Still the same: the number may have changed hands meanwhile.
            if (pidfd >= 0 && has_mounts(proc, entry->d_name, &own))
                any |= syscall(SYS_pidfd_send_signal, pidfd, SIGKILL, NULL, 0) == 0;
            if (pidfd >= 0) close(pidfd);
        }
    }
    close(proc);
    return any;
}

// The descendants of the killed process, in a pid namespace that it shares with others.
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
    int is_own = 1;
    for (char *const *path = watched.directories; *path != NULL; path++) {
        if (**path == 0) is_own = 0;
        for (int tries = 0; tries < 200; tries++) {
            if (syscall(SYS_unlinkat, AT_FDCWD, *path, AT_REMOVEDIR) == 0 || errno != EBUSY) break;
            if (!is_own) break;
            kill_members(*path);
            syscall(SYS_nanosleep, &moment, NULL);
        }
    }
}

static int watchdog(void *unused) {
    (void)unused;
    prctl(PR_SET_NAME, "vfs-run-watch");
    // A signal to the runtime's process group must not reach this process.
    setsid();
    struct pollfd poller = {.fd = watched.lifeline, .events = POLLIN};
    // Every signal is blocked: SIGTTOU must not stop the tcsetattr below.
    while (syscall(SYS_ppoll, &poller, 1, NULL, NULL, 0) < 0 && errno == EINTR) {
    }
    if (watched.tty >= 0) ioctl(watched.tty, TCSETS, &watched.saved);
    if (watched.target >= 0) syscall(SYS_pidfd_send_signal, watched.target, SIGKILL, NULL, 0);
    if (watched.companion >= 0) syscall(SYS_pidfd_send_signal, watched.companion, SIGKILL, NULL, 0);
    // Processes that they have made meanwhile are found in the next round.
    for (int tries = 0; watched.mounts >= 0 && tries < 1000 && kill_by_mounts(); tries++) {
    }
    remove_directories();
    syscall(SYS_exit_group, 0);
    return 0;
}

pid_t clinux_start_watchdog(int lifeline, int tty, const void *saved) {
    watched.lifeline = lifeline;
    watched.tty = tty;
    if (saved != NULL) memcpy(&watched.saved, saved, sizeof watched.saved);
    char *stack = make_stack();
    if (stack == NULL) return -1;
    sigset_t all, before;
    sigfillset(&all);
    sigprocmask(SIG_SETMASK, &all, &before);
    // It shares the descriptors too, since the one it needs does not exist yet; they stay open
    // when the runtime process dies. No exit signal: its parent gets no SIGCHLD.
    pid_t pid = clone(watchdog, stack, CLONE_VM | CLONE_FILES, NULL);
    int saved_errno = errno;
    sigprocmask(SIG_SETMASK, &before, NULL);
    errno = saved_errno;
    return pid;
}

void clinux_relieve_watchdog(void) {
    watched.tty = -1;
    watched.target = -1;
    int held = watched.mounts;
    watched.mounts = -1;
    if (held >= 0) close(held);
}

int clinux_end_watchdog(pid_t pid) {
    clinux_relieve_watchdog();
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
