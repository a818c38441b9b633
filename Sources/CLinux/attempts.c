// Attempts to leave a sandbox, or to reach what a sandbox keeps from a program: each is made in a
// process of its own, which may be killed for it. They harm nothing where they succeed.

#define _GNU_SOURCE
#include "clinux.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <linux/sched.h>
#include <netinet/in.h>
#include <sched.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#ifndef SYS_memfd_secret
#define SYS_memfd_secret 447
#endif

// The answer of an attempt: 0 where it has succeeded, else the errno.
static int answer(long result) { return result >= 0 ? 0 : errno; }

// Of a call whose arguments no kernel takes: any other error than those of a refusal says that the
// kernel has looked at them.
static int reached(long result) {
    if (result >= 0) return 0;
    switch (errno) {
    case EPERM:
    case EACCES:
    case ENOSYS:
    case EAFNOSUPPORT:
    case EPROTONOSUPPORT:
    case ESOCKTNOSUPPORT:
        return errno;
    default:
        return 0;
    }
}

// The numbers in `text`, up to `count`.
static void numbers(const char *text, long *found, int count) {
    char *end = (char *)(uintptr_t)text;
    for (int index = 0; index < count; index++)
        found[index] = strtol(end, &end, 0);
}

// A child that waits until it is killed.
static pid_t make_child(void) {
    pid_t child = fork();
    if (child != 0) return child;
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    for (;;)
        pause();
}

static void end_child(pid_t child) {
    kill(child, SIGKILL);
    waitpid(child, NULL, 0);
}

static int try_clone(const char *flags) {
    long pid = syscall(SYS_clone, strtoul(flags, NULL, 0) | SIGCHLD, 0, 0, 0, 0);
    if (pid == 0) _exit(0);
    int found = answer(pid);
    if (pid > 0) waitpid((pid_t)pid, NULL, 0);
    return found;
}

static int try_clone3(const char *flags) {
    struct clone_args arguments = {.flags = strtoul(flags, NULL, 0), .exit_signal = SIGCHLD};
    long pid = syscall(SYS_clone3, &arguments, sizeof arguments);
    if (pid == 0) _exit(0);
    int found = answer(pid);
    if (pid > 0) waitpid((pid_t)pid, NULL, 0);
    return found;
}

static int try_unshare(const char *flags) { return answer(unshare((int)strtoul(flags, NULL, 0))); }

static int try_setns(const char *unused) {
    (void)unused;
    return reached(setns(-1, 0));
}

static int try_socket(const char *words) {
    long found[3];
    numbers(words, found, 3);
    return answer(socket((int)found[0], (int)found[1] | SOCK_CLOEXEC, (int)found[2]));
}

static int try_io_uring(const char *unused) {
    (void)unused;
    return reached(syscall(SYS_io_uring_setup, 1, NULL));
}

static int try_bpf(const char *unused) {
    (void)unused;
    return reached(syscall(SYS_bpf, 9999, NULL, 0));
}

static int try_perf(const char *unused) {
    (void)unused;
    return reached(syscall(SYS_perf_event_open, NULL, 0, -1, -1, 0));
}

static int try_userfaultfd(const char *unused) {
    (void)unused;
    return answer(syscall(SYS_userfaultfd, O_CLOEXEC | 1 /* UFFD_USER_MODE_ONLY */));
}

static int try_keyctl(const char *unused) {
    (void)unused;
    return reached(syscall(SYS_keyctl, 9999, 0, 0, 0, 0));
}

static int try_add_key(const char *unused) {
    (void)unused;
    return answer(syscall(SYS_add_key, "user", "vfs-run selftest", "x", 1, -1));
}

static int try_request_key(const char *unused) {
    (void)unused;
    return reached(syscall(SYS_request_key, "user", "vfs-run selftest", NULL, 0));
}

static int try_attach(const char *request) {
    pid_t child = make_child();
    if (child < 0) return errno;
    int found = answer(ptrace((enum __ptrace_request)strtol(request, NULL, 0), child, 0, 0));
    end_child(child);
    return found;
}

static int try_trace_init(const char *unused) {
    (void)unused;
    if (getpid() == 1) return 0;
    return answer(ptrace(PTRACE_SEIZE, 1, 0, 0));
}

static int try_trace_own(const char *unused) {
    (void)unused;
    pid_t child = fork();
    if (child == 0) {
        if (ptrace(PTRACE_TRACEME, 0, 0, 0) != 0) _exit(1);
        raise(SIGSTOP);
        _exit(0);
    }
    if (child < 0) return errno;
    int status = 0;
    waitpid(child, &status, 0);
    int found = WIFSTOPPED(status) ? answer(ptrace(PTRACE_CONT, child, 0, 0)) : EPERM;
    end_child(child);
    return found;
}

static int try_read_memory(const char *unused) {
    (void)unused;
    static char source, target;
    struct iovec local = {.iov_base = &target, .iov_len = 1};
    struct iovec remote = {.iov_base = &source, .iov_len = 1};
    return answer(process_vm_readv(getpid(), &local, 1, &remote, 1, 0));
}

static int try_take_descriptor(const char *unused) {
    (void)unused;
    int own = (int)syscall(SYS_pidfd_open, getpid(), 0);
    if (own < 0) return errno;
    return answer(syscall(SYS_pidfd_getfd, own, 0, 0));
}

static int try_mount(const char *place) {
    if (mount("none", place, "tmpfs", 0, NULL) != 0) return errno;
    umount2(place, MNT_DETACH);
    return 0;
}

static int try_bind_mount(const char *place) {
    if (mount(place, place, NULL, MS_BIND, NULL) != 0) return errno;
    umount2(place, MNT_DETACH);
    return 0;
}

static int try_remount(const char *place) {
    return answer(mount(NULL, place, NULL, MS_REMOUNT | MS_BIND, NULL));
}

static int try_fsopen(const char *unused) {
    (void)unused;
    return answer(syscall(SYS_fsopen, "tmpfs", 0));
}

static int try_open_tree(const char *place) {
    return answer(syscall(SYS_open_tree, AT_FDCWD, place, 1 /* OPEN_TREE_CLONE */));
}

static int try_pivot_root(const char *unused) {
    (void)unused;
    return reached(syscall(SYS_pivot_root, ".", "."));
}

static int try_chroot(const char *unused) {
    (void)unused;
    return answer(chroot("/"));
}

static int try_handle(const char *unused) {
    (void)unused;
    return reached(syscall(SYS_open_by_handle_at, AT_FDCWD, NULL, 0));
}

static int try_module(const char *unused) {
    (void)unused;
    return reached(syscall(SYS_finit_module, -1, "", 0));
}

static int try_kexec(const char *unused) {
    (void)unused;
    return reached(syscall(SYS_kexec_load, 0, 99, NULL, 0));
}

static int try_reboot(const char *unused) {
    (void)unused;
    return reached(syscall(SYS_reboot, 0, 0, 0, NULL));
}

static int try_swap(const char *unused) {
    (void)unused;
    return reached(syscall(SYS_swapon, "/proc/selftest-missing", 0));
}

static int try_log(const char *unused) {
    (void)unused;
    static char text[64];
    return answer(syscall(SYS_syslog, 3, text, sizeof text));
}

static int try_host_name(const char *unused) {
    (void)unused;
    return answer(sethostname("selftest", 8));
}

static int try_personality(const char *persona) {
    return answer(syscall(SYS_personality, strtoul(persona, NULL, 0)));
}

static int try_device(const char *place) {
    if (mknod(place, S_IFCHR | 0600, makedev(1, 1)) != 0) return errno;
    unlink(place);
    return 0;
}

static int try_read(const char *path) {
    char byte;
    int file = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    if (file < 0) return errno;
    ssize_t count = read(file, &byte, 1);
    // Masked: there, and empty.
    return count > 0 ? 0 : count == 0 ? ENODATA : errno;
}

static int try_list(const char *path) {
    static char entries[4096];
    int directory = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (directory < 0) return errno;
    long length = syscall(SYS_getdents64, directory, entries, sizeof entries);
    // More than `.` and `..`.
    return length > 48 ? 0 : ENODATA;
}

static int try_write(const char *path) {
    return answer(open(path, O_WRONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY));
}

static int try_create(const char *path) {
    int file = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (file < 0) return errno;
    unlink(path);
    return 0;
}

static int try_make_directory(const char *path) {
    if (mkdir(path, 0700) != 0) return errno;
    rmdir(path);
    return 0;
}

static int try_signal(const char *pid) {
    // Of any user: EPERM says that the process is there.
    int found = answer(kill((pid_t)strtol(pid, NULL, 10), 0));
    return found == EPERM ? 0 : found;
}

static int try_abstract_socket(const char *name) {
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    size_t length = strlen(name);
    if (length > sizeof address.sun_path - 1) return ENAMETOOLONG;
    memcpy(address.sun_path + 1, name, length);
    int file = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (file < 0) return errno;
    return answer(connect(file, (struct sockaddr *)&address,
                          (socklen_t)(offsetof(struct sockaddr_un, sun_path) + 1 + length)));
}

static int try_local_port(const char *port) {
    struct sockaddr_in address = {.sin_family = AF_INET,
                                  .sin_port = htons((uint16_t)atoi(port)),
                                  .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int file = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (file < 0) return errno;
    return answer(connect(file, (struct sockaddr *)&address, sizeof address));
}

// Any capability that the process has or a program that it executes could get.
static int try_capabilities(const char *unused) {
    (void)unused;
    uint64_t sets[3];
    if (clinux_get_capabilities(sets) != 0) return errno;
    for (int number = 0; number < 64; number++) {
        if (clinux_has_ambient(number) == 1) return 0;
    }
    return sets[0] | sets[1] | sets[2] ? 0 : EPERM;
}

static int try_privileges(const char *unused) {
    (void)unused;
    return prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) == 1 ? EPERM : 0;
}

static int try_unfiltered(const char *unused) {
    (void)unused;
    return prctl(PR_GET_SECCOMP, 0, 0, 0, 0) == 2 ? EPERM : 0;
}

static int try_be_first(const char *unused) {
    (void)unused;
    // The parent is the process that was started as the program.
    return getppid() == 1 ? 0 : EPERM;
}

static int try_core(const char *unused) {
    (void)unused;
    struct rlimit limit;
    if (getrlimit(RLIMIT_CORE, &limit) != 0) return errno;
    return limit.rlim_max == 0 ? EPERM : 0;
}

// A number in a file that has to be 0.
static int try_number(const char *path) {
    char text[32] = {0};
    int file = open(path, O_RDONLY | O_CLOEXEC);
    if (file < 0) return errno;
    if (read(file, text, sizeof text - 1) <= 0) return EIO;
    return strtoll(text, NULL, 10) == 0 ? ENOSPC : 0;
}

static int try_i386(const char *unused) {
    (void)unused;
#if defined(__x86_64__)
    long result;
    // getpid(2).
    __asm__ volatile("int $0x80" : "=a"(result) : "a"(20) : "memory");
    return result > 0 ? 0 : result < 0 ? (int)-result : ENOSYS;
#else
    return ENOSYS;
#endif
}

static int try_x32(const char *unused) {
    (void)unused;
#if defined(__x86_64__)
    return answer(syscall(0x40000000 | SYS_getpid));
#else
    return ENOSYS;
#endif
}

static int try_ldt(const char *unused) {
    (void)unused;
#if defined(SYS_modify_ldt)
    static char table[64];
    return answer(syscall(SYS_modify_ldt, 0, table, sizeof table));
#else
    return ENOSYS;
#endif
}

static int try_ports(const char *unused) {
    (void)unused;
#if defined(SYS_iopl)
    return answer(syscall(SYS_iopl, 3));
#else
    return ENOSYS;
#endif
}

static int try_secret_memory(const char *unused) {
    (void)unused;
    return answer(syscall(SYS_memfd_secret, 0));
}

static int try_pair(const char *unused) {
    (void)unused;
    int ends[2];
    return answer(socketpair(AF_UNIX, SOCK_STREAM, 0, ends));
}

static int try_process(const char *unused) {
    (void)unused;
    pid_t child = fork();
    if (child == 0) _exit(0);
    if (child < 0) return errno;
    return answer(waitpid(child, NULL, 0));
}

static int try_memory_file(const char *unused) {
    (void)unused;
    return answer(syscall(SYS_memfd_create, "selftest", 1));
}

static const struct {
    const char *name;
    int (*make)(const char *);
} attempts[] = {
    {"abstract-socket", try_abstract_socket},
    {"add-key", try_add_key},
    {"attach", try_attach},
    {"be-first", try_be_first},
    {"bind-mount", try_bind_mount},
    {"bpf", try_bpf},
    {"capabilities", try_capabilities},
    {"chroot", try_chroot},
    {"clone", try_clone},
    {"clone3", try_clone3},
    {"core", try_core},
    {"create", try_create},
    {"device", try_device},
    {"fsopen", try_fsopen},
    {"handle", try_handle},
    {"host-name", try_host_name},
    {"i386", try_i386},
    {"io-uring", try_io_uring},
    {"kexec", try_kexec},
    {"keyctl", try_keyctl},
    {"ldt", try_ldt},
    {"list", try_list},
    {"local-port", try_local_port},
    {"log", try_log},
    {"make-directory", try_make_directory},
    {"memory-file", try_memory_file},
    {"module", try_module},
    {"mount", try_mount},
    {"number", try_number},
    {"open-tree", try_open_tree},
    {"pair", try_pair},
    {"perf", try_perf},
    {"personality", try_personality},
    {"pivot-root", try_pivot_root},
    {"ports", try_ports},
    {"privileges", try_privileges},
    {"process", try_process},
    {"read", try_read},
    {"read-memory", try_read_memory},
    {"reboot", try_reboot},
    {"remount", try_remount},
    {"request-key", try_request_key},
    {"secret-memory", try_secret_memory},
    {"setns", try_setns},
    {"signal", try_signal},
    {"socket", try_socket},
    {"swap", try_swap},
    {"take-descriptor", try_take_descriptor},
    {"trace-init", try_trace_init},
    {"trace-own", try_trace_own},
    {"unfiltered", try_unfiltered},
    {"unshare", try_unshare},
    {"userfaultfd", try_userfaultfd},
    {"write", try_write},
    {"x32", try_x32},
};

int clinux_attempt(const char *name, const char *subject) {
    for (size_t index = 0; index < sizeof attempts / sizeof *attempts; index++) {
        if (strcmp(attempts[index].name, name) == 0) return attempts[index].make(subject);
    }
    return -1;
}

int clinux_listen_abstract(const char *name) {
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    size_t length = strlen(name);
    if (length > sizeof address.sun_path - 1) length = sizeof address.sun_path - 1;
    memcpy(address.sun_path + 1, name, length);
    int file = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (file < 0) return -1;
    socklen_t size = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + 1 + length);
    if (bind(file, (struct sockaddr *)&address, size) == 0 && listen(file, 64) == 0) return file;
    int saved_errno = errno;
    close(file);
    errno = saved_errno;
    return -1;
}

int clinux_listen_locally(int *port) {
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof address;
    int file = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (file < 0) return -1;
    if (bind(file, (struct sockaddr *)&address, size) == 0 && listen(file, 64) == 0 &&
        getsockname(file, (struct sockaddr *)&address, &size) == 0) {
        *port = ntohs(address.sin_port);
        return file;
    }
    int saved_errno = errno;
    close(file);
    errno = saved_errno;
    return -1;
}
