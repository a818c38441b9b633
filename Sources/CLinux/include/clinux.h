/// The C that Swift cannot import: raw system calls and constants that the
/// `Glibc` module lacks. Every function returns what the call it names returns,
/// −1 with `errno` on failure. No policy, no allocation, no printing.

#ifndef CLINUX_H
#define CLINUX_H

#include <signal.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/resource.h>
#include <sys/types.h>

#pragma clang assume_nonnull begin

// Constants, checked against the system's headers in clinux.c. ---------------

enum {
    CLINUX_O_PATH = 010000000,
// __O_TMPFILE and O_DIRECTORY, which is another bit on AArch64.
#if defined(__aarch64__)
    CLINUX_O_TMPFILE = 020000000 | 040000,
#else
    CLINUX_O_TMPFILE = 020000000 | 0200000,
#endif
    CLINUX_AT_EMPTY_PATH = 0x1000,
    CLINUX_AT_RECURSIVE = 0x8000,
    CLINUX_OPEN_TREE_CLONE = 1,
    CLINUX_OPEN_TREE_CLOEXEC = 02000000,
    CLINUX_MOVE_MOUNT_F_EMPTY_PATH = 0x04,
    CLINUX_MOVE_MOUNT_T_EMPTY_PATH = 0x40,
    CLINUX_FSCONFIG_SET_FLAG = 0,
    CLINUX_FSCONFIG_SET_STRING = 1,
    CLINUX_FSCONFIG_SET_FD = 5,
    CLINUX_FSCONFIG_CMD_CREATE = 6,
    CLINUX_MNT_DETACH = 2,
    CLINUX_RESOLVE_NO_XDEV = 0x01,
    CLINUX_RESOLVE_NO_MAGICLINKS = 0x02,
    CLINUX_RESOLVE_NO_SYMLINKS = 0x04,
    CLINUX_RESOLVE_BENEATH = 0x08,
    CLINUX_RESOLVE_IN_ROOT = 0x10,
    CLINUX_RENAME_NOREPLACE = 1,
    CLINUX_RENAME_EXCHANGE = 2,
    CLINUX_CLOSE_RANGE_CLOEXEC = 4,
};

// Namespaces and processes. ---------------------------------------------------

/// clone3(2): a copy of this process runs `body(context)`, which must not return.
/// `flags` are namespaces; `CLONE_PIDFD` is added, the exit signal is SIGCHLD.
/// `cgroup` is −1 or the descriptor of a cgroup2 directory (`CLONE_INTO_CGROUP`).
/// The watchdog knows the pidfd before `body` runs.
pid_t clinux_spawn(uint64_t flags, int cgroup, int *pidfd, int (*body)(void *_Nullable),
                   void *_Nullable context);
/// clone3(2) with CLONE_PARENT, for the process that `clinux_spawn` has made: the new
/// one is a child of that one's parent, and a copy. `flags` are namespaces.
pid_t clinux_spawn_sibling(uint64_t flags, int (*body)(void *_Nullable), void *_Nullable context);
/// As fork(2), but the new process is a child of this one's parent. By clone(2) where a filter
/// forbids clone3(2).
pid_t clinux_fork_sibling(void);
/// For process 1 of a pid namespace: makes a copy of itself, which returns from here with 0, and
/// becomes the init of the namespace, which does not return. It has no capability, no descriptor
/// but `report`, is not dumpable, and may make the calls of its own loop alone. Every signal that
/// it gets it passes on to the copy. When the copy has ended, it writes two bytes to `report`,
/// `si_code` and `si_status` of waitid(2), waits until the other end is closed, and exits with the
/// code of the copy, or with 128 + the number of the signal that has ended it. On failure −1 with
/// `*failed`, the call that has failed: in the copy too.
int clinux_fork_under_init(int report, const char *_Nullable *_Nonnull failed);
/// Runs `body(context)`, which must end its process, in a copy of this one with namespaces of its
/// own (`flags`), and waits for its end.
int clinux_run_aside(uint64_t flags, int (*body)(void *_Nullable), void *_Nullable context);
/// clone(2): a process in new namespaces that does nothing until `clinux_end_sleeper`, or until
/// this one ends; one at a time. It shares this one's memory, where it reads a single number, and
/// has a stack between guard pages.
pid_t clinux_spawn_sleeper(int flags);
int clinux_end_sleeper(pid_t pid);
/// clone3(2): a copy of this process runs `body(context)`, which executes a program beside the
/// container; one at a time. The watchdog knows it before `body` runs, and kills it too.
pid_t clinux_spawn_companion(int *pidfd, int (*body)(void *_Nullable), void *_Nullable context);
/// clone3(2): a copy of this process runs `body(context)` beside it; the watchdog does not know it.
pid_t clinux_spawn_beside(int *pidfd, int (*body)(void *_Nullable), void *_Nullable context);
/// It has been waited for: the watchdog forgets it.
void clinux_forget_companion(void);
int clinux_setns(int fd, int kind);
int clinux_unshare(int kind);
int clinux_pivot_root(const char *new_root, const char *put_old);
int clinux_pidfd_open(pid_t pid);
int clinux_pidfd_send_signal(int pidfd, int signal);
/// pidfd_getfd(2): the process's descriptor `number` as a close-on-exec one of this process.
int clinux_pidfd_getfd(int pidfd, int number);
/// waitid(P_PIDFD, …, WEXITED): stores the exit code in `*status`; in `*signaled` 1 when it is a
/// signal's number, 2 when there is a core too; and in `*usage` what the process and those that it
/// has waited for have used. With `keep` also WNOWAIT.
int clinux_wait_pidfd(int pidfd, int keep, int *status, int *signaled,
                      struct rusage *_Nullable usage);
/// posix_spawn(3): starts the program `path` as a process of its own, leader of a process group.
/// `streams` become its standard streams, every other descriptor is closed; every signal has its
/// default action and none is blocked. Answers −1 also when the program cannot be executed.
pid_t clinux_start_program(const char *path, char *_Nullable const *_Nonnull arguments,
                           char *_Nullable const *_Nonnull environment,
                           const char *_Nullable directory, const int streams[_Nonnull 3]);
int clinux_close_range(unsigned int first, unsigned int last, unsigned int flags);

/// Starts the watchdog: a process that shares this one's memory and descriptors,
/// sleeps until the process behind `lifeline` is gone and then kills the one that
/// `clinux_spawn` has made, whatever that one has done to its own parent-death
/// signal. When `tty` is not −1, `saved` (a `struct termios`) is put back on it
/// first. `lifeline` must stay open. Its stack lies between guard pages. Returns its pid.
pid_t clinux_start_watchdog(int lifeline, int tty, const void *_Nullable saved);

/// Has the watchdog kill the process behind `pidfd` instead.
void clinux_watch(int pidfd);
/// Has it kill all that are in the mount namespace of process `pid`, too. Opens a descriptor of the
/// namespace, which stays open.
int clinux_watch_mounts(pid_t pid);

/// The directories that the watchdog removes (rmdir(2)) after it has killed: paths up to a null,
/// which must stay where they are. What is in them is killed first; not so in those behind an empty
/// path, which others may have processes in. May be called again while it runs.
void clinux_watch_directories(char *_Nullable const *_Nonnull paths);

/// The init process has been waited for: the watchdog forgets it, its mount namespace and the
/// terminal, and goes on to watch the directories.
void clinux_relieve_watchdog(void);
/// Ends the watchdog: it kills nothing and puts nothing back.
int clinux_end_watchdog(pid_t pid);
/// Waits for the ended watchdog.
int clinux_collect_watchdog(pid_t pid);

// prctl(2), one function an operation. ---------------------------------------

int clinux_set_parent_death_signal(int signal);
int clinux_set_dumpable(int dumpable);
int clinux_set_no_new_privileges(void);
int clinux_join_new_session_keyring(void);
int clinux_set_keep_capabilities(int keep);
/// Orphans below this process become its children.
int clinux_set_child_subreaper(void);

// Files. ----------------------------------------------------------------------

int clinux_openat2(int directory, const char *path, uint64_t flags, uint64_t mode,
                   uint64_t resolve);
int clinux_ioctl_int(int fd, unsigned long request, long argument);
int clinux_ioctl_pointer(int fd, unsigned long request, void *argument);
/// The `f_type` of fstatfs(2), or −1.
int64_t clinux_filesystem_type(int fd);
/// mknodat(2) with the device number put together from its two halves.
int clinux_mknodat(int directory, const char *name, mode_t mode, unsigned int major,
                   unsigned int minor);
unsigned int clinux_major(dev_t device);
unsigned int clinux_minor(dev_t device);
/// fcntl(2) with F_OFD_SETLK: locks the byte at `place` of an open file, without waiting.
int clinux_lock_byte(int fd, int64_t place, int exclusive);
int clinux_fremovexattr(int fd, const char *name);
int clinux_fsetxattr(int fd, const char *name, const void *value, size_t size);
/// utimensat(2) of `name`, no link followed, with the times of `source`.
int clinux_copy_times(int source, int directory, const char *name);
/// sendfile(2) of the first `size` bytes, without what are holes in `source`.
int clinux_copy_data(int source, int target, int64_t size);
/// getxattr(2), listxattr(2) and setxattr(2) of `name` in an open directory, no link followed;
/// an empty name is the open file itself.
ssize_t clinux_get_attribute(int directory, const char *name, const char *attribute,
                             void *_Nullable value, size_t size);
ssize_t clinux_list_attributes(int directory, const char *name, char *_Nullable list, size_t size);
int clinux_set_attribute(int directory, const char *name, const char *attribute,
                         const void *_Nullable value, size_t size);
int clinux_remove_attribute(int directory, const char *name, const char *attribute);
/// Whether the first `size` bytes of two files are the same: 1, 0, or −1. Holes are not read. Not
/// for two threads at once.
int clinux_same_data(int one, int other, int64_t size);
/// renameat2(2) with RENAME_EXCHANGE of two names in one directory.
int clinux_exchange(int directory, const char *one, const char *other);
int clinux_memfd_create(const char *name);
int clinux_lsetxattr(const char *path, const char *name, const void *value, size_t size);
ssize_t clinux_lgetxattr(const char *path, const char *name, void *value, size_t size);
int clinux_syncfs(int fd);
/// renameat2(2).
int clinux_rename(int from, const char *name, int to, const char *other, unsigned int flags);
/// fchownat(2) of an open file, which may be a handle (O_PATH).
int clinux_change_owner(int fd, uid_t user, gid_t group);
/// utimensat(2) of an open file, which may be a handle and is no symbolic link: the time of its
/// last change; the time of the last access stays.
int clinux_change_time(int fd, int64_t seconds, int64_t nanoseconds);
/// Fills a new file with the first `size` bytes of `source`: a clone (FICLONE) where there are
/// clones. Not for two threads at once.
int clinux_copy_file(int source, int target, int64_t size);
int clinux_pipe_cloexec(int ends[_Nonnull 2]);
/// eventfd(2) of 0, close-on-exec and non-blocking.
int clinux_eventfd(void);
/// The mount id of statx(2), which names the mount an open file is reached
/// through; ENOTSUP where the kernel does not tell it.
int clinux_mount_id(int fd, uint64_t *_Nonnull id);
/// The entries of an open directory but `.` and `..`, one by one: a name, or NULL at
/// the end and on failure. `*stream` is NULL before the first call, and NULL again
/// after the last.
const char *_Nullable clinux_next_entry(int directory, void *_Nullable *_Nonnull stream);
/// Ends before the last entry; does nothing after it, and leaves errno as it is.
void clinux_end_entries(void *_Nullable *_Nonnull stream);

// Mounts. ---------------------------------------------------------------------

int clinux_mount_setattr(int fd, unsigned int flags, uint64_t set, uint64_t clear,
                         uint64_t propagation);

/// mount_setattr(2) of the mount on "/".
int clinux_set_root_propagation(unsigned int flags, uint64_t propagation);
/// mount_setattr(2) with MOUNT_ATTR_IDMAP: ids as the user namespace behind `user_namespace` maps
/// them.
int clinux_mount_idmap(int fd, unsigned int flags, int user_namespace);

// Devices of cgroup2. ---------------------------------------------------------

/// bpf(2): loads a program of type `BPF_PROG_TYPE_CGROUP_DEVICE` of `count` instructions (`struct
/// bpf_insn`). Returns its descriptor.
int clinux_bpf_load_device(const uint64_t *instructions, uint32_t count);
/// Attaches it to the directory of a cgroup2 in the place of the programs that are there.
int clinux_bpf_attach_device(int cgroup, int program);

// Messages. -------------------------------------------------------------------

/// A SEQPACKET pair, both ends close-on-exec.
int clinux_socketpair(int ends[_Nonnull 2]);
/// Sends `length` bytes and, when it is not −1, the descriptor `passed`; EAGAIN where it would have
/// to wait and does not.
ssize_t clinux_send(int socket, const void *_Nullable bytes, size_t length, int passed, int waits);
/// SO_PASSCRED: the kernel adds the sender to each message.
int clinux_ask_for_senders(int socket);
/// Receives one message; `*passed` is a new close-on-exec descriptor or −1, `*sender` its pid,
/// 0 where that was not asked for.
ssize_t clinux_receive(int socket, void *_Nullable bytes, size_t capacity, int *passed,
                       pid_t *sender);
/// Connects a socket, close-on-exec and non-blocking, to the socket `name` in `directory`, of
/// any length: by way of /proc/self/fd.
int clinux_connect(int directory, const char *name, int type);
/// write(2) and send(2) whose reader may be gone: EPIPE and no signal.
ssize_t clinux_write_quietly(int fd, const void *_Nullable bytes, size_t length);
ssize_t clinux_send_quietly(int socket, const void *_Nullable bytes, size_t length);
/// The same to a name that is in no directory (unix(7), abstract), without its NUL.
int clinux_connect_abstract(const char *name, int type);
/// Makes the datagram socket `name` in `directory`: close-on-exec and non-blocking.
int clinux_bind_datagram(int directory, const char *name);

/// Listens at a port of 127.0.0.1: a socket, close-on-exec and non-blocking.
int clinux_listen_loopback(uint16_t port);
/// A stream socket `name` in `directory`, of the mode 0600, that listens and never blocks.
int clinux_listen(int directory, const char *_Nonnull name);
/// The user and the process at the other end when it connected (SO_PEERCRED).
int clinux_peer(int socket, uint32_t *_Nonnull user, pid_t *_Nonnull process);
/// accept4(2): a socket, close-on-exec and non-blocking.
int clinux_accept(int socket);

// Credentials, signals, terminals, network. -----------------------------------

/// Empties the ambient set with one call; cap_reset_ambient asks for each
/// capability.
int clinux_clear_ambient(void);

int clinux_setresuid(uid_t id);
int clinux_setresgid(gid_t id);
/// personality(2).
int clinux_set_personality(unsigned long persona);
/// sched_setattr(2) of this process.
int clinux_set_scheduler(pid_t process, uint32_t policy, uint64_t flags, int32_t nice,
                         uint32_t priority, uint64_t runtime, uint64_t deadline, uint64_t period);
/// ioprio_set(2) of this process.
int clinux_set_io_priority(int class_and_level);
/// sched_setaffinity(2) of this process: `bytes` bytes of bits.
int clinux_set_affinity(const void *_Nullable cpus, size_t bytes);
/// sched_getaffinity(2): how many bytes of `cpus` were written.
int clinux_get_affinity(void *_Nullable cpus, size_t bytes);
/// set_mempolicy(2): `bits` is how many `nodes` has.
int clinux_set_memory_policy(int mode, const void *_Nullable nodes, unsigned long bits);
int clinux_prlimit(int resource, uint64_t soft, uint64_t hard);
/// setrlimit(2): raises the soft limit of open files to the hard one.
int clinux_raise_open_files(void);
/// Takes that back: 1, or 0 where there is nothing to take back.
int clinux_give_back_open_files(void);
/// The limit has got another value since: there is nothing to take back.
void clinux_forget_open_files(void);
/// getrlimit(2): a limit as it is, or as it was before `clinux_raise_open_files`.
int clinux_get_limit(int resource, int of_caller, uint64_t *soft, uint64_t *hard);
/// signal(2): write(2) beyond RLIMIT_FSIZE fails with EFBIG, and no more.
int clinux_ignore_file_size_signal(void);
int clinux_signalfd(const sigset_t *set);
/// The descriptor that every wait of this process looks at too, −1 for none, and for as long as
/// that is deferred.
void clinux_set_interruption(int fd);
int clinux_interruption(void);
/// When the waits end, in nanoseconds of CLOCK_MONOTONIC; 0 is never.
void clinux_set_interruption_deadline(uint64_t nanoseconds);
uint64_t clinux_interruption_deadline(void);
/// Returns what it was before.
int clinux_defer_interruption(int deferred);
int clinux_unblock_signals(const sigset_t *set);
/// Blocks `set` for this process; the earlier mask is stored in `old`.
int clinux_block_signals(const sigset_t *set, sigset_t *old);
/// Takes note of every child that has ended but `kept`.
void clinux_reap_others(pid_t kept);
/// waitid(2) without waiting: 0 for a child of this process, ended or not.
int clinux_is_child(int pidfd);
/// faccessat2(2) with X_OK and AT_EACCESS: what execve(2) would say, capabilities and all.
int clinux_may_execute(const char *path);
/// Whether a child is left that waitpid(2) would wait for: one with an exit signal.
int clinux_has_children(void);
/// 1 when `signal` is ignored, 0 when not.
int clinux_is_ignored(int signal);
/// `signal` back to its default action.
int clinux_set_default(int signal);
/// Every signal back to its default action, none blocked.
int clinux_reset_signals(void);
int clinux_loopback_up(void);
int clinux_install_seccomp(unsigned int flags, const void *_Nullable instructions,
                           unsigned short count);

// The command line. ------------------------------------------------------------

/// The arguments of `main`. The standard library would find them by reading
/// /proc/self/maps.
int clinux_argument_count(void);
const char *clinux_argument(int index);

/// One step of getopt_long(3), without its global variables: the option's value,
/// or −1 at the end; `*argument` and `*next` are `optarg` and `optind`. `*next` is
/// 0 before the first step of a command line. Prints nothing.
int clinux_getopt_long(int argc, char *_Nullable const *_Nonnull argv, const char *short_options,
                       const void *long_options, char *_Nullable *_Nonnull argument, int *next);
/// Fills one `struct option` of the array behind `long_options`.
void clinux_set_option(void *long_options, int index, const char *_Nullable name, int has_value,
                       int value);
size_t clinux_option_size(void);

/// This process's pagemap, for clinux_open_at_rest; `proc` is the root of a procfs.
int clinux_open_pagemap(int proc);
/// openat(2) of something that may take long: before it, all memory goes that is free or
/// that comes back from the program's file when it is touched. By `pagemap`, which is closed, data
/// goes too that was never written; -1 leaves it.
int clinux_open_at_rest(int directory, const char *path, int flags, int pagemap);
/// Has `signal` end this process with the exit code 128 + its number, until the next execve(2).
int clinux_end_by(int signal);

// The rights of a process. -------------------------------------------------------

/// capget(2), a bit for each capability: the effective, permitted, inheritable set.
int clinux_get_capabilities(uint64_t sets[_Nonnull 3]);
/// capset(2), in the same order.
int clinux_set_capabilities(const uint64_t sets[_Nonnull 3]);
/// prctl(2) with PR_CAPBSET_READ: 1 or 0; -1 with EINVAL for what the kernel does not know.
int clinux_has_bounding(int number);
/// prctl(2) with PR_CAPBSET_DROP.
int clinux_drop_bounding(int number);
/// prctl(2) with PR_CAP_AMBIENT_RAISE, with PR_CAP_AMBIENT_IS_SET: 1 or 0.
int clinux_raise_ambient(int number);
int clinux_has_ambient(int number);
/// getresuid(2) and setfsuid(2): real, effective, saved, of the file system; the same of groups.
int clinux_get_ids(uint32_t users[_Nonnull 4], uint32_t groups[_Nonnull 4]);
/// prctl(2) with PR_GET_NO_NEW_PRIVS, PR_GET_DUMPABLE, PR_GET_KEEPCAPS.
int clinux_get_no_new_privileges(void);
int clinux_get_dumpable(void);
int clinux_get_keep_capabilities(void);
/// prlimit(2) of this process.
int clinux_get_own_limit(int resource, uint64_t *soft, uint64_t *hard);

// Landlock. -------------------------------------------------------------------------

/// landlock_create_ruleset(2): a close-on-exec descriptor of rules that handle these accesses to
/// files
/// (`LANDLOCK_ACCESS_FS_*`) and these scopes (`LANDLOCK_SCOPE_*`).
int clinux_landlock_create(uint64_t files, uint64_t scopes);
/// landlock_add_rule(2) with LANDLOCK_RULE_PATH_BENEATH.
int clinux_landlock_add(int rules, int place, uint64_t access);
/// landlock_restrict_self(2).
int clinux_landlock_restrict(int rules);

// The features of a kernel. --------------------------------------------------------

/// fork(2).
pid_t clinux_fork(void);
/// waitpid(2): as `clinux_wait_pidfd`.
int clinux_wait(pid_t pid, int *status, int *signaled);
/// renameat2(2) with RENAME_WHITEOUT.
int clinux_rename_whiteout(int directory, const char *from, const char *to);
/// The `d_type` that readdir(3) tells of an entry; 0 where the file system tells none.
int clinux_entry_type(int directory, const char *name);
/// 1 where fgetxattr(2) finds the attribute.
int clinux_has_attribute(int fd, const char *name);
/// landlock_create_ruleset(2) with LANDLOCK_CREATE_RULESET_VERSION.
int clinux_landlock_version(void);
/// statmount(2) of nothing: EFAULT where there is such a call.
int clinux_try_statmount(void);
/// Makes one of the calls that change nothing: its name, NULL behind the last.
/// `*error` is its `errno`, EPERM or ENOSYS where it does not reach the kernel.
const char *_Nullable clinux_try_harmless(int index, int *error);

/// Makes the attempt `name` of `vfs-run selftest` in this process, which it may change or end: 0
/// where it has succeeded, else its errno; −1 where there is no such attempt.
int clinux_attempt(const char *name, const char *subject);
/// Sockets that listen for such attempts: of an abstract name, and of any free port of 127.0.0.1.
int clinux_listen_abstract(const char *name);
int clinux_listen_locally(int *port);

// The seal. -------------------------------------------------------------------

/// 1 when this process runs from a detached mount of its own binary, which
/// no process can open for writing; 0 when not.
int clinux_is_sealed(void);
/// Starts this program anew from a copy of its binary that lives in memory and can no
/// more be changed (memfd_create(2), F_ADD_SEALS). Returns when that is not allowed.
void clinux_seal_copy(void);
/// Starts this program anew, sealed, where its entry point has not done so. Returns
/// when it is sealed already, and when that is not allowed.
void clinux_seal_now(void);

// Another process. -------------------------------------------------------------

/// ptrace(2), PTRACE_SEIZE and PTRACE_INTERRUPT: returns when `pid` has stopped. Returns the signal
/// that it was about to get, which it is let go with, or 0.
int clinux_seize(pid_t pid);
/// ptrace(2), PTRACE_SECCOMP_GET_FILTER, of a process that has stopped; the last installed is 0.
/// Returns how many instructions of eight bytes there are, at most 4096; ENOENT behind the last.
long clinux_seccomp_filter(pid_t pid, uint32_t index, void *instructions);
/// ptrace(2), PTRACE_DETACH.
void clinux_let_go(pid_t pid, int signal);
/// ioctl(2), SECCOMP_IOCTL_NOTIF_RECV: the id, the pid, the call's number, the architecture and the
/// six arguments. ENOENT where the process has ended since.
int clinux_receive_notification(int listener, uint64_t words[_Nonnull 10]);
/// ioctl(2), SECCOMP_IOCTL_NOTIF_SEND: the call fails with `error`, or does nothing and returns 0
/// where that is 0; a negative one has the kernel carry out the call.
int clinux_answer_notification(int listener, uint64_t id, int error);
/// ioctl(2), SECCOMP_IOCTL_NOTIF_ID_VALID: 0 as long as the process waits for the answer.
int clinux_notification_lives(int listener, uint64_t id);
/// strerrorname_np(3): `EPERM`; null for a number that has no name.
const char *_Nullable clinux_errno_name(int number);

#pragma clang assume_nonnull end

#endif
