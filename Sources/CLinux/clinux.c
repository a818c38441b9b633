#define _GNU_SOURCE
#include "clinux.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <link.h>
#include <linux/close_range.h>
#include <linux/fs.h>
#include <linux/mount.h>
#include <linux/openat2.h>
#include <linux/sched.h>
#include <linux/seccomp.h>
#include <net/if.h>
#include <poll.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/sendfile.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/vfs.h>
#include <sys/wait.h>
#include <sys/xattr.h>
#include <termios.h>
#include <unistd.h>

_Static_assert(CLINUX_O_PATH == O_PATH, "O_PATH");
_Static_assert(CLINUX_O_TMPFILE == O_TMPFILE, "O_TMPFILE");
_Static_assert(CLINUX_AT_EMPTY_PATH == AT_EMPTY_PATH, "AT_EMPTY_PATH");
_Static_assert(CLINUX_AT_RECURSIVE == AT_RECURSIVE, "AT_RECURSIVE");
_Static_assert(CLINUX_OPEN_TREE_CLONE == OPEN_TREE_CLONE, "OPEN_TREE_CLONE");
_Static_assert(CLINUX_OPEN_TREE_CLOEXEC == OPEN_TREE_CLOEXEC, "OPEN_TREE_CLOEXEC");
_Static_assert(CLINUX_MOVE_MOUNT_F_EMPTY_PATH == MOVE_MOUNT_F_EMPTY_PATH, "F_EMPTY_PATH");
_Static_assert(CLINUX_MOVE_MOUNT_T_EMPTY_PATH == MOVE_MOUNT_T_EMPTY_PATH, "T_EMPTY_PATH");
_Static_assert(CLINUX_FSCONFIG_SET_FD == FSCONFIG_SET_FD, "FSCONFIG_SET_FD");
_Static_assert(CLINUX_FSCONFIG_CMD_CREATE == FSCONFIG_CMD_CREATE, "FSCONFIG_CMD_CREATE");
_Static_assert(CLINUX_RESOLVE_NO_XDEV == RESOLVE_NO_XDEV, "NO_XDEV");
_Static_assert(CLINUX_RESOLVE_BENEATH == RESOLVE_BENEATH, "BENEATH");
_Static_assert(CLINUX_RESOLVE_NO_MAGICLINKS == RESOLVE_NO_MAGICLINKS, "NO_MAGICLINKS");
_Static_assert(CLINUX_RESOLVE_NO_SYMLINKS == RESOLVE_NO_SYMLINKS, "NO_SYMLINKS");
_Static_assert(CLINUX_RESOLVE_IN_ROOT == RESOLVE_IN_ROOT, "IN_ROOT");
_Static_assert(CLINUX_CLOSE_RANGE_CLOEXEC == CLOSE_RANGE_CLOEXEC, "CLOSE_RANGE_CLOEXEC");

int clinux_setns(int fd, int kind) { return setns(fd, kind); }

int clinux_unshare(int kind) { return unshare(kind); }

int clinux_pivot_root(const char *new_root, const char *put_old) {
    return (int)syscall(SYS_pivot_root, new_root, put_old);
}

int clinux_pidfd_open(pid_t pid) { return (int)syscall(SYS_pidfd_open, pid, 0); }

int clinux_pidfd_send_signal(int pidfd, int signal) {
    return (int)syscall(SYS_pidfd_send_signal, pidfd, signal, NULL, 0);
}

int clinux_pidfd_getfd(int pidfd, int number) {
    return (int)syscall(SYS_pidfd_getfd, pidfd, number, 0);
}

int clinux_wait_pidfd(int pidfd, int keep, int *status, int *signaled, struct rusage *usage) {
    siginfo_t info;
    // Not by waitid(3), which leaves out the last argument.
    int options = WEXITED | (keep ? WNOWAIT : 0);
    if (syscall(SYS_waitid, P_PIDFD, pidfd, &info, options, usage) != 0) return -1;
    *status = info.si_status;
    *signaled = info.si_code == CLD_EXITED ? 0 : info.si_code == CLD_DUMPED ? 2 : 1;
    return 0;
}

int clinux_close_range(unsigned int first, unsigned int last, unsigned int flags) {
    return (int)syscall(SYS_close_range, first, last, flags);
}

int clinux_set_parent_death_signal(int signal) { return prctl(PR_SET_PDEATHSIG, signal); }
int clinux_set_dumpable(int dumpable) { return prctl(PR_SET_DUMPABLE, dumpable, 0, 0, 0); }
int clinux_set_no_new_privileges(void) { return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0); }
int clinux_join_new_session_keyring(void) {
    return (int)syscall(SYS_keyctl, 1 /* KEYCTL_JOIN_SESSION_KEYRING */, NULL);
}
int clinux_set_keep_capabilities(int keep) { return prctl(PR_SET_KEEPCAPS, keep, 0, 0, 0); }

int clinux_set_child_subreaper(void) { return prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0); }

int clinux_openat2(int directory, const char *path, uint64_t flags, uint64_t mode,
                   uint64_t resolve) {
    struct open_how how = {.flags = flags, .mode = mode, .resolve = resolve};
    return (int)syscall(SYS_openat2, directory, path, &how, sizeof how);
}

int clinux_ioctl_int(int fd, unsigned long request, long argument) {
    return ioctl(fd, request, argument);
}

int clinux_ioctl_pointer(int fd, unsigned long request, void *argument) {
    return ioctl(fd, request, argument);
}

int64_t clinux_filesystem_type(int fd) {
    struct statfs found;
    return fstatfs(fd, &found) == 0 ? (int64_t)found.f_type : -1;
}

int clinux_mknodat(int directory, const char *name, mode_t mode, unsigned int major,
                   unsigned int minor) {
    return mknodat(directory, name, mode, makedev(major, minor));
}

unsigned int clinux_major(dev_t device) { return major(device); }
unsigned int clinux_minor(dev_t device) { return minor(device); }

int clinux_fsetxattr(int fd, const char *name, const void *value, size_t size) {
    return fsetxattr(fd, name, value, size, 0);
}

int clinux_copy_times(int source, int directory, const char *name) {
    struct stat found;
    if (fstat(source, &found) != 0) return -1;
    struct timespec times[2] = {found.st_atim, found.st_mtim};
    return utimensat(directory, name, times, AT_SYMLINK_NOFOLLOW);
}

int clinux_copy_data(int source, int target, int64_t size) {
    off_t at = 0;
    while (at < size) {
        off_t start = lseek(source, at, SEEK_DATA);
        if (start < 0 && errno == ENXIO) break; // nothing but a hole is left
        if (start < 0) return -1;
        off_t end = lseek(source, start, SEEK_HOLE);
        if (end < 0) return -1;
        if (end > size) end = size;
        if (lseek(target, start, SEEK_SET) < 0) return -1;
        while (start < end) {
            ssize_t count = sendfile(target, source, &start, (size_t)(end - start));
            if (count < 0 && errno != EINTR) return -1;
            if (count == 0) return ftruncate(target, start); // it has become shorter
        }
        at = end;
    }
    return ftruncate(target, size);
}

int clinux_memfd_create(const char *name) {
    return (int)syscall(SYS_memfd_create, name, MFD_CLOEXEC | MFD_ALLOW_SEALING);
}

int clinux_pipe_cloexec(int ends[2]) { return pipe2(ends, O_CLOEXEC); }

int clinux_eventfd(void) { return eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK); }

int clinux_mount_id(int fd, uint64_t *id) {
    struct statx found;
    if (statx(fd, "", AT_EMPTY_PATH, STATX_MNT_ID, &found) != 0) return -1;
    if (!(found.stx_mask & STATX_MNT_ID)) {
        errno = ENOTSUP;
        return -1;
    }
    *id = found.stx_mnt_id;
    return 0;
}

const char *clinux_next_entry(int directory, void **stream) {
    if (*stream == NULL) {
        int own = openat(directory, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        if (own < 0) return NULL;
        *stream = fdopendir(own);
        if (*stream == NULL) {
            int saved_errno = errno;
            close(own);
            errno = saved_errno;
            return NULL;
        }
    }
    struct dirent *entry;
    do {
        errno = 0;
        entry = readdir(*stream);
    } while (entry != NULL &&
             (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0));
    if (entry != NULL) return entry->d_name;
    int saved_errno = errno;
    closedir(*stream);
    *stream = NULL;
    errno = saved_errno;
    return NULL;
}

void clinux_end_entries(void **stream) {
    int saved_errno = errno;
    if (*stream != NULL) closedir(*stream);
    *stream = NULL;
    errno = saved_errno;
}

int clinux_mount_setattr(int fd, unsigned int flags, uint64_t set, uint64_t clear,
                         uint64_t propagation) {
    struct mount_attr attributes = {.attr_set = set, .attr_clr = clear, .propagation = propagation};
    return (int)syscall(SYS_mount_setattr, fd, "", AT_EMPTY_PATH | flags, &attributes,
                        sizeof attributes);
}

int clinux_set_root_propagation(unsigned int flags, uint64_t propagation) {
    struct mount_attr attributes = {.propagation = propagation};
    return (int)syscall(SYS_mount_setattr, AT_FDCWD, "/", flags, &attributes, sizeof attributes);
}

int clinux_mount_idmap(int fd, unsigned int flags, int user_namespace) {
    struct mount_attr attributes = {.attr_set = MOUNT_ATTR_IDMAP,
                                    .userns_fd = (uint64_t)user_namespace};
    return (int)syscall(SYS_mount_setattr, fd, "", AT_EMPTY_PATH | flags, &attributes,
                        sizeof attributes);
}

int clinux_setresuid(uid_t id) { return (int)syscall(SYS_setresuid, id, id, id); }
int clinux_setresgid(gid_t id) { return (int)syscall(SYS_setresgid, id, id, id); }

int clinux_set_personality(unsigned long persona) { return (int)syscall(SYS_personality, persona); }

int clinux_set_scheduler(pid_t process, uint32_t policy, uint64_t flags, int32_t nice,
                         uint32_t priority, uint64_t runtime, uint64_t deadline, uint64_t period) {
    struct {
        uint32_t size, policy;
        uint64_t flags;
        int32_t nice;
        uint32_t priority;
        uint64_t runtime, deadline, period;
    } attributes = {sizeof attributes, policy, flags, nice, priority, runtime, deadline, period};
    return (int)syscall(SYS_sched_setattr, process, &attributes, 0);
}

int clinux_set_io_priority(int class_and_level) {
    // 1: IOPRIO_WHO_PROCESS
    return (int)syscall(SYS_ioprio_set, 1, 0, class_and_level);
}

int clinux_set_affinity(const void *cpus, size_t bytes) {
    return syscall(SYS_sched_setaffinity, 0, bytes, cpus) < 0 ? -1 : 0;
}

int clinux_get_affinity(void *cpus, size_t bytes) {
    return (int)syscall(SYS_sched_getaffinity, 0, bytes, cpus);
}

int clinux_set_memory_policy(int mode, const void *nodes, unsigned long bits) {
    // The kernel leaves the last bit out.
    return (int)syscall(SYS_set_mempolicy, mode, bits == 0 ? NULL : nodes,
                        bits == 0 ? 0 : bits + 1);
}

int clinux_signalfd(const sigset_t *set) { return signalfd(-1, set, SFD_CLOEXEC | SFD_NONBLOCK); }

static int interruption = -1, interruption_is_deferred;
static uint64_t interruption_deadline;

int clinux_interruption(void) { return interruption_is_deferred ? -1 : interruption; }

void clinux_set_interruption(int fd) { interruption = fd; }

uint64_t clinux_interruption_deadline(void) {
    return interruption_is_deferred ? 0 : interruption_deadline;
}

void clinux_set_interruption_deadline(uint64_t nanoseconds) { interruption_deadline = nanoseconds; }

int clinux_defer_interruption(int deferred) {
    int before = interruption_is_deferred;
    interruption_is_deferred = deferred;
    return before;
}

int clinux_unblock_signals(const sigset_t *set) { return sigprocmask(SIG_UNBLOCK, set, NULL); }

int clinux_block_signals(const sigset_t *set, sigset_t *old) {
    return sigprocmask(SIG_BLOCK, set, old);
}

void clinux_reap_others(pid_t kept) {
    for (;;) {
        siginfo_t info = {.si_pid = 0};
        if (waitid(P_ALL, 0, &info, WEXITED | WNOHANG | WNOWAIT) != 0) return;
        if (info.si_pid == 0 || info.si_pid == kept) return;
        waitpid(info.si_pid, NULL, WNOHANG);
    }
}

int clinux_is_child(int pidfd) {
    siginfo_t info;
    return waitid(P_PIDFD, (id_t)pidfd, &info, WEXITED | WNOHANG | WNOWAIT);
}

int clinux_may_execute(const char *path) {
    return (int)syscall(SYS_faccessat2, AT_FDCWD, path, X_OK, AT_EACCESS);
}

int clinux_has_children(void) {
    siginfo_t info;
    return waitid(P_ALL, 0, &info, WEXITED | WNOHANG | WNOWAIT) == 0;
}

int clinux_is_ignored(int number) {
    struct sigaction found;
    return sigaction(number, NULL, &found) == 0 && found.sa_handler == SIG_IGN;
}

int clinux_set_default(int number) { return signal(number, SIG_DFL) == SIG_ERR ? -1 : 0; }

int clinux_reset_signals(void) {
    // An ignored signal stays ignored across exec. Not by signal(3): it refuses 32 and 33, which
    // the C library keeps for itself and a caller may have ignored all the same.
    static const unsigned long default_action[4];
    for (int number = 1; number <= 64; number++) {
        // Files are still written, which may become too large: an error then, not an end.
        if (number == SIGKILL || number == SIGSTOP || number == SIGXFSZ) continue;
        if (syscall(SYS_rt_sigaction, number, default_action, NULL, 8) != 0) return -1;
    }
    sigset_t none;
    sigemptyset(&none);
    return sigprocmask(SIG_SETMASK, &none, NULL);
}

int clinux_loopback_up(void) {
    int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (fd < 0) return -1;
    struct ifreq request = {.ifr_name = "lo", .ifr_flags = IFF_UP | IFF_RUNNING};
    int result = ioctl(fd, SIOCSIFFLAGS, &request);
    int saved_errno = errno;
    close(fd);
    errno = saved_errno;
    return result;
}

int clinux_install_seccomp(unsigned int flags, const void *instructions, unsigned short count) {
    struct {
        unsigned short count;
        const void *instructions;
    } program = {.count = count, .instructions = instructions};
    return (int)syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, flags, &program);
}

static int argument_count;
static char **argument_vector;

// The C library hands these to constructors.
__attribute__((constructor)) static void keep_arguments(int count, char **vector) {
    argument_count = count;
    argument_vector = vector;
}

int clinux_argument_count(void) { return argument_count; }
const char *clinux_argument(int index) { return argument_vector[index]; }

int clinux_getopt_long(int argc, char *const *argv, const char *short_options,
                       const void *long_options, char **argument, int *next) {
    opterr = 0;
    optarg = NULL;
    if (*next == 0) optind = 0;
    int option = getopt_long(argc, argv, short_options, long_options, NULL);
    *argument = optarg;
    *next = optind;
    return option;
}

void clinux_set_option(void *long_options, int index, const char *name, int has_value, int value) {
    struct option *option = (struct option *)long_options + index;
    *option = (struct option){
        .name = name, .has_arg = has_value ? required_argument : optional_argument, .val = value};
}

size_t clinux_option_size(void) { return sizeof(struct option); }
