// The floor: the system calls of a start of vfs-run, in the same order, and
// nothing else. It parses no config and checks, plans and reports nothing; all
// values are constants below. The difference to vfs-run is the cost of the
// program itself, without the kernel.
//
// The floor is linked with vfs-run's seal, entry point and C shim
// (Sources/CLinux), so both make their calls through the same code. It leaves out
// the calls of the Swift runtime's and libcap's start. bench/run --syscalls counts
// the calls of both.
//
//   floor [--overlay] [--layers DIR N] [--binds DIR N] [--tmpfs N] [--limit FILE VALUE]…
//         CONFIG ROOT FILTER
//
// CONFIG is read and ignored; ROOT is an absolute path; FILTER is a file of
// vfs-run's seccomp cache, or "-" for none. --limit writes VALUE into FILE of the
// container's cgroup of version 2. --layers stacks DIR/0 … on ROOT, --binds mounts
// DIR/0 … on /mnt/f0 …, --tmpfs mounts on /mnt/t0 …, all of which must exist.

#define _GNU_SOURCE
#include "clinux.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/capability.h>
#include <linux/mount.h>
#include <poll.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/syscall.h>
#include <sys/vfs.h>
#include <unistd.h>

// The command line. -----------------------------------------------------------

static int overlay, layers, binds, tmpfs_mounts;
static struct limit { const char *file, *value; } limits[8];
static int limit_count;
static const char *layer_directory, *bind_directory, *config, *root_path, *filter_path;

static struct {
    unsigned int flags;
    unsigned short count;
    const void *instructions;
} filter;

// Checked calls. --------------------------------------------------------------

static int must(long result, const char *call) {
    if (result < 0) {
        fprintf(stderr, "floor: %s: %s\n", call, strerror(errno));
        _exit(125);
    }
    return (int)result;
}

enum { DIRECTORY = O_PATH | O_DIRECTORY | O_CLOEXEC };

static int open_path(const char *path, int flags) {
    return must(open(path, flags | O_CLOEXEC), path);
}

static int in_root(int root, const char *path, int flags, int refuse_links) {
    return clinux_openat2(root, path, (unsigned)(flags | O_PATH | O_CLOEXEC), 0,
                          CLINUX_RESOLVE_IN_ROOT | CLINUX_RESOLVE_NO_MAGICLINKS |
                              (refuse_links ? CLINUX_RESOLVE_NO_SYMLINKS : 0));
}

static int fs_open(const char *type) {
    return must(syscall(SYS_fsopen, type, FSOPEN_CLOEXEC), "fsopen");
}

static void fs_set(int context, int command, const char *key, const void *value, int number) {
    must(syscall(SYS_fsconfig, context, command, key, value, number), "fsconfig");
}

static int fs_mount(int context, unsigned attributes) {
    return must(syscall(SYS_fsmount, context, FSMOUNT_CLOEXEC, attributes), "fsmount");
}

static int clone_tree(int fd, unsigned recursive) {
    return must(syscall(SYS_open_tree, fd, "",
                        OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | AT_EMPTY_PATH | recursive),
                "open_tree");
}

static void attach(int tree, int target) {
    must(syscall(SYS_move_mount, tree, "", target, "",
                 MOVE_MOUNT_F_EMPTY_PATH | MOVE_MOUNT_T_EMPTY_PATH),
         "move_mount");
}

// The runtime process. --------------------------------------------------------

/// Reads an opened file and closes it.
static size_t read_all(int fd, char *bytes, size_t capacity) {
    struct stat status;
    must(fstat(fd, &status), "fstat");
    size_t count = 0;
    for (ssize_t got; (got = read(fd, bytes + count, capacity - count)) > 0;)
        count += got;
    close(fd);
    return count;
}

static void require_own(int fd) {
    struct stat status;
    must(fstat(fd, &status), "fstat");
    if (status.st_uid != geteuid() || status.st_mode & 022) must(-1, "cache");
}

static void lock(const char *path) {
    must(flock(open_path(path, O_RDONLY | O_DIRECTORY), LOCK_SH | LOCK_NB), "flock");
}

/// A file of the cache: the key's length, the key, flags, the program.
static void read_filter(void) {
    static char bytes[1 << 18];
    char directory[4096];
    const char *name = strrchr(filter_path, '/') + 1;
    snprintf(directory, sizeof directory, "%.*s", (int)(name - 1 - filter_path), filter_path);
    int folder = open_path(directory, DIRECTORY | O_NOFOLLOW);
    require_own(folder);
    int file = must(openat(folder, name, O_RDONLY | O_NONBLOCK | O_NOFOLLOW | O_CLOEXEC), name);
    require_own(file);
    size_t count = read_all(file, bytes, sizeof bytes);
    close(folder);
    uint64_t key;
    memcpy(&key, bytes, sizeof key);
    memcpy(&filter.flags, bytes + 8 + key, 4);
    filter.instructions = bytes + 8 + key + 4;
    filter.count = (unsigned short)((count - 8 - key - 4) / 8);
}

static void find_control_groups(void) {
    int hierarchy = open_path("/sys/fs/cgroup", DIRECTORY);
    clinux_filesystem_type(hierarchy);
    close(hierarchy);
}

// The container's root. -------------------------------------------------------

static void open_bind_sources(int *sources) {
    for (int index = 0; index < binds; index++) {
        char path[4096];
        struct stat status;
        snprintf(path, sizeof path, "%s/%d", bind_directory, index);
        int file = open_path(path, O_PATH);
        sources[index] = clone_tree(file, 0);
        must(fstat(file, &status), "fstat");
        close(file);
    }
}

static int mount_root_directory(int *mountpoint) {
    *mountpoint = open_path(root_path, DIRECTORY);
    int tree = clone_tree(*mountpoint, AT_RECURSIVE);
    attach(tree, *mountpoint);
    return tree;
}

static int make_directory(int scratch, const char *name, mode_t mode) {
    must(mkdirat(scratch, name, mode), "mkdirat");
    return must(openat(scratch, name, DIRECTORY | O_NOFOLLOW), name);
}

static int mount_overlay(int *mountpoint) {
    int lowers[layers + 1];
    lowers[0] = open_path(root_path, DIRECTORY);
    for (int index = 0; index < layers; index++) {
        char path[4096];
        snprintf(path, sizeof path, "%s/%d", layer_directory, index);
        lowers[index + 1] = open_path(path, DIRECTORY);
    }
    *mountpoint = open_path(root_path, DIRECTORY);
    int context = fs_open("tmpfs");
    fs_set(context, FSCONFIG_SET_STRING, "mode", "755", 0);
    fs_set(context, FSCONFIG_CMD_CREATE, NULL, NULL, 0);
    int scratch = fs_mount(context, 0);
    attach(scratch, *mountpoint);
    close(context);
    int upper = make_directory(scratch, "upper", 0755);
    int work = make_directory(scratch, "work", 0700);

    context = fs_open("overlay");
    fs_set(context, FSCONFIG_SET_STRING, "source", "overlay", 0);
    for (int index = layers; index >= 0; index--)
        fs_set(context, FSCONFIG_SET_FD, "lowerdir+", NULL, lowers[index]);
    fs_set(context, FSCONFIG_SET_FD, "upperdir", NULL, upper);
    fs_set(context, FSCONFIG_SET_FD, "workdir", NULL, work);
    fs_set(context, FSCONFIG_CMD_CREATE, NULL, NULL, 0);
    int tree = fs_mount(context, 0);
    attach(tree, scratch);
    close(context);
    close(scratch);
    close(work);
    close(upper);
    for (int index = 0; index <= layers; index++)
        close(lowers[index]);
    return tree;
}

static void pivot(int root, int mountpoint) {
    // EINVAL if the root is not a mount, as in vfs-run.
    clinux_mount_setattr(mountpoint, 0, 0, 0, MS_PRIVATE);
    must(fchdir(root), "fchdir");
    must(clinux_pivot_root(".", "."), "pivot_root");
    must(umount2(".", MNT_DETACH), "umount2");
    must(chdir("/"), "chdir");
    close(mountpoint);
}

// Mounts. ---------------------------------------------------------------------

enum {
    NOSUID = MOUNT_ATTR_NOSUID,
    NODEV = MOUNT_ATTR_NODEV,
    NOEXEC = MOUNT_ATTR_NOEXEC,
    RDONLY = MOUNT_ATTR_RDONLY,
};

static const struct file_system {
    const char *target, *type, *source;
    struct {
        const char *key, *value;
    } parameters[4];
    unsigned attributes;
    int refuse_links;
} file_systems[] = {
    {.target = "/proc",
     .type = "proc",
     .source = "proc",
     .attributes = NOSUID | NOEXEC | NODEV,
     .refuse_links = 1},
    {.target = "/dev",
     .type = "tmpfs",
     .source = "tmpfs",
     .parameters = {{"mode", "755"}, {"size", "65536k"}},
     .attributes = NOSUID | MOUNT_ATTR_STRICTATIME},
    {.target = "/dev/pts",
     .type = "devpts",
     .source = "devpts",
     .parameters = {{"newinstance", NULL}, {"ptmxmode", "0666"}, {"mode", "0620"}, {"gid", "5"}},
     .attributes = NOSUID | NOEXEC},
    {.target = "/dev/shm",
     .type = "tmpfs",
     .source = "shm",
     .parameters = {{"mode", "1777"}, {"size", "65536k"}},
     .attributes = NOSUID | NOEXEC | NODEV},
    {.target = "/dev/mqueue",
     .type = "mqueue",
     .source = "mqueue",
     .attributes = NOSUID | NOEXEC | NODEV},
    {.target = "/sys",
     .type = "sysfs",
     .source = "sysfs",
     .attributes = NOSUID | NOEXEC | NODEV | RDONLY,
     .refuse_links = 1},
};

/// Opens `path`. Missing components are made one by one below opened parents.
static int make_directories(int root, const char *path, int refuse_links) {
    int found = in_root(root, path, O_DIRECTORY, refuse_links);
    if (found >= 0) return found;
    int current = must(in_root(root, "/", O_DIRECTORY, 0), "openat2 /");
    char reached[256];
    for (const char *name = path + 1, *end; *name; name = *end ? end + 1 : end) {
        end = strchrnul(name, '/');
        snprintf(reached, sizeof reached, "%.*s", (int)(end - path), path);
        int next = in_root(root, reached, O_DIRECTORY, refuse_links);
        if (next < 0) {
            must(mkdirat(current, strrchr(reached, '/') + 1, 0755), "mkdirat");
            next = must(in_root(root, reached, O_DIRECTORY, refuse_links), reached);
        }
        close(current);
        current = next;
    }
    return current;
}

static int open_target(int root, const char *path, int refuse_links) {
    int target = make_directories(root, path, refuse_links);
    clinux_filesystem_type(target);
    return target;
}

// The mounts that are verified at the end.
static struct held {
    const char *target;
    uint64_t mount;
} held[3];

static void hold(const char *target, int tree) {
    static const char *const verified[] = {"/proc", "/sys", "/dev"};
    for (int index = 0; index < 3; index++) {
        if (strcmp(target, verified[index]) != 0) continue;
        held[index].target = target;
        must(clinux_mount_id(tree, &held[index].mount), "statx");
    }
}

static void mount_file_system(int root, const struct file_system *mount) {
    int target = open_target(root, mount->target, mount->refuse_links);
    int context = fs_open(mount->type);
    fs_set(context, FSCONFIG_SET_STRING, "source", mount->source, 0);
    for (int index = 0; index < 4 && mount->parameters[index].key; index++) {
        const char *value = mount->parameters[index].value;
        fs_set(context, value ? FSCONFIG_SET_STRING : FSCONFIG_SET_FLAG,
               mount->parameters[index].key, value, 0);
    }
    fs_set(context, FSCONFIG_CMD_CREATE, NULL, NULL, 0);
    int tree = fs_mount(context, mount->attributes);
    attach(tree, target);
    hold(mount->target, tree);
    close(tree);
    close(context);
    close(target);
}

/// The names still lead to the mounts that were made.
static void verify_mounts(int root) {
    for (int index = 0; index < 3; index++) {
        uint64_t found;
        int place = must(in_root(root, held[index].target, 0, 0), held[index].target);
        must(clinux_mount_id(place, &found), "statx");
        if (found != held[index].mount) must(-1, "another mount");
        close(place);
    }
}

static void mount_control_groups(int root) {
    int target = open_target(root, "/sys/fs/cgroup", 0);
    int context = fs_open("cgroup2");
    fs_set(context, FSCONFIG_CMD_CREATE, NULL, NULL, 0);
    int tree = fs_mount(context, RDONLY);
    close(context);
    must(clinux_mount_setattr(tree, 0, NOSUID | NODEV | NOEXEC | RDONLY, MOUNT_ATTR__ATIME, 0),
         "mount_setattr");
    attach(tree, target);
    close(tree);
    close(target);
}

static void mount_extra(int root, const int *sources) {
    char path[64];
    for (int index = 0; index < binds; index++) {
        snprintf(path, sizeof path, "/mnt/f%d", index);
        int target = must(in_root(root, path, 0, 0), path);
        clinux_filesystem_type(target);
        must(clinux_mount_setattr(sources[index], 0, RDONLY, 0, 0), "mount_setattr");
        attach(sources[index], target);
        close(sources[index]);
        close(target);
    }
    for (int index = 0; index < tmpfs_mounts; index++) {
        snprintf(path, sizeof path, "/mnt/t%d", index);
        mount_file_system(
            root, &(struct file_system){
                      .target = path, .type = "tmpfs", .source = "tmpfs", .attributes = NOSUID});
    }
}

// Devices and paths. ----------------------------------------------------------

static void make_devices(int root) {
    static const struct {
        const char *name;
        unsigned major, minor;
    } nodes[] = {{"null", 1, 3},   {"zero", 1, 5},    {"full", 1, 7},
                 {"random", 1, 8}, {"urandom", 1, 9}, {"tty", 5, 0}};
    static const char *links[][2] = {{"/proc/self/fd", "fd"},
                                     {"/proc/self/fd/0", "stdin"},
                                     {"/proc/self/fd/1", "stdout"},
                                     {"/proc/self/fd/2", "stderr"},
                                     {"pts/ptmx", "ptmx"}};
    int folder = must(in_root(root, "/dev", O_DIRECTORY, 1), "/dev");
    for (size_t index = 0; index < sizeof nodes / sizeof *nodes; index++)
        must(clinux_mknodat(folder, nodes[index].name, S_IFCHR | 0666, nodes[index].major,
                            nodes[index].minor),
             "mknodat");
    for (size_t index = 0; index < sizeof links / sizeof *links; index++)
        must(symlinkat(links[index][0], folder, links[index][1]), "symlinkat");
    close(folder);
}

static void mask(int root, const char *path) {
    static int null_device = -1, empty_directory = -1;
    struct stat status;
    int target = in_root(root, path, 0, 0);
    if (target < 0) return;
    must(fstat(target, &status), "fstat");
    if (S_ISDIR(status.st_mode) && empty_directory < 0) {
        int context = fs_open("tmpfs");
        fs_set(context, FSCONFIG_SET_STRING, "mode", "555", 0);
        fs_set(context, FSCONFIG_SET_STRING, "nr_inodes", "1", 0);
        fs_set(context, FSCONFIG_CMD_CREATE, NULL, NULL, 0);
        empty_directory = fs_mount(context, RDONLY | NOSUID | NODEV | NOEXEC);
        attach(empty_directory, target);
        close(context);
    } else {
        if (!S_ISDIR(status.st_mode) && null_device < 0) {
            null_device = must(in_root(root, "/dev/null", O_NOFOLLOW, 1), "/dev/null");
            must(fstat(null_device, &status), "fstat");
        }
        int tree = clone_tree(S_ISDIR(status.st_mode) ? empty_directory : null_device, 0);
        attach(tree, target);
        close(tree);
    }
    close(target);
}

static void protect(int root, const char *path) {
    struct stat status;
    int target = in_root(root, path, 0, 0);
    if (target < 0) return;
    must(fstat(target, &status), "fstat");
    int tree = clone_tree(target, AT_RECURSIVE);
    must(clinux_mount_setattr(tree, AT_RECURSIVE, RDONLY, 0, 0), "mount_setattr");
    attach(tree, target);
    close(tree);
    close(target);
}

static const char *const masked[] = {
    "/proc/acpi",        "/proc/asound",        "/proc/interrupts", "/proc/kcore",
    "/proc/keys",        "/proc/latency_stats", "/proc/timer_list", "/proc/timer_stats",
    "/proc/sched_debug", "/proc/scsi",          "/sys/firmware",    "/sys/devices/virtual/powercap",
};
static const char *const protected_paths[] = {"/proc/bus", "/proc/fs", "/proc/irq", "/proc/sys",
                                              "/proc/sysrq-trigger"};

// The process. ----------------------------------------------------------------

static void enter_working_directory(int root) {
    char path[4096];
    int directory = must(in_root(root, "/", O_DIRECTORY, 0), "/");
    must(fchdir(directory), "fchdir");
    close(directory);
    must(syscall(SYS_getcwd, path, sizeof path), "getcwd");
}

enum {
    KEPT = 1U << CAP_KILL | 1U << CAP_NET_BIND_SERVICE | 1U << CAP_AUDIT_WRITE,
};

static int is_kept(int capability) { return capability < 32 && KEPT >> capability & 1; }

static void drop_bounding_set(void) {
    for (int capability = 0; capability <= CAP_LAST_CAP; capability++) {
        if (!is_kept(capability)) must(prctl(PR_CAPBSET_DROP, capability), "PR_CAPBSET_DROP");
    }
}

static void set_capabilities(void) {
    struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
    struct __user_cap_data_struct data[2];
    syscall(SYS_capget, &header, NULL);
    must(syscall(SYS_capget, &header, data), "capget");
    memset(data, 0, sizeof data);
    data[0].effective = data[0].permitted = KEPT;
    syscall(SYS_capget, &header, NULL);
    must(syscall(SYS_capset, &header, data), "capset");
    must(clinux_clear_ambient(), "PR_CAP_AMBIENT_CLEAR_ALL");
}

/// Reads back what the calls before have set.
static void verify_rights(void) {
    uint64_t sets[3], soft, hard;
    uint32_t users[4], groups[4];
    must(clinux_get_capabilities(sets), "capget");
    for (int capability = 0; capability <= CAP_LAST_CAP; capability++) {
        if (clinux_has_bounding(capability) > is_kept(capability)) must(-1, "bounding set");
    }
    if (sets[1] != KEPT || sets[2] != 0) must(-1, "capabilities");
    if (must(clinux_get_no_new_privileges(), "prctl") != 1) must(-1, "no_new_privs");
    if (must(clinux_get_dumpable(), "prctl") != 0) must(-1, "dumpable");
    if (must(clinux_get_keep_capabilities(), "prctl") != 0) must(-1, "keep capabilities");
    must(clinux_get_ids(users, groups), "getresuid");
    if (must(getgroups(0, NULL), "getgroups") != 0) must(-1, "groups");
    must(clinux_get_own_limit(RLIMIT_NOFILE, &soft, &hard), "prlimit");
    if (users[0] != 0 || groups[0] != 0 || soft != 1024) must(-1, "ids, limits");
}

/// The init process, from its first call to the program.
static void run_container(int channel) {
    clinux_reset_signals();
    must(clinux_set_parent_death_signal(SIGKILL), "PR_SET_PDEATHSIG");
    must(clinux_set_dumpable(0), "PR_SET_DUMPABLE");
    struct pollfd poller = {.fd = channel};
    must(poll(&poller, 1, 0), "poll");
    umask(0);
    if (limit_count) must(clinux_unshare(CLONE_NEWCGROUP), "unshare");
    int host = open_path("/", DIRECTORY);
    must(clinux_mount_setattr(host, AT_RECURSIVE, 0, 0, MS_SLAVE), "mount_setattr");
    close(host);

    int sources[binds + 1], mountpoint;
    open_bind_sources(sources);
    int root = overlay ? mount_overlay(&mountpoint) : mount_root_directory(&mountpoint);
    pivot(root, mountpoint);
    for (size_t index = 0; index < sizeof file_systems / sizeof *file_systems; index++)
        mount_file_system(root, &file_systems[index]);
    mount_control_groups(root);
    mount_extra(root, sources);
    make_devices(root);
    for (size_t index = 0; index < sizeof masked / sizeof *masked; index++)
        mask(root, masked[index]);
    for (size_t index = 0; index < sizeof protected_paths / sizeof *protected_paths; index++)
        protect(root, protected_paths[index]);
    verify_mounts(root);

    must(sethostname("vfs-run", 7), "sethostname");
    must(clinux_loopback_up(), "SIOCSIFFLAGS");
    must(clinux_prlimit(RLIMIT_NOFILE, 1024, 1024), "prlimit");
    must(setsid(), "setsid");
    enter_working_directory(root);
    drop_bounding_set();
    must(clinux_set_no_new_privileges(), "PR_SET_NO_NEW_PRIVS");
    umask(022);
    must(setgroups(0, NULL), "setgroups");
    must(clinux_setresgid(0), "setresgid");
    must(clinux_setresuid(0), "setresuid");
    set_capabilities();
    verify_rights();
    must(clinux_close_range(3, (unsigned)channel - 1, 0), "close_range");
    must(clinux_close_range((unsigned)channel + 1, ~0U, 0), "close_range");
    if (filter.count)
        must(clinux_install_seccomp(filter.flags, filter.instructions, filter.count), "seccomp");
    char *argv[] = {"/bin/true", NULL};
    char *envp[] = {"PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
                    "TERM=xterm", NULL};
    execve(argv[0], argv, envp);
    must(-1, "execve");
}

// Both processes. -------------------------------------------------------------

static void read_arguments(char **argument) {
    for (; *argument && **argument == '-'; argument++) {
        if (!strcmp(*argument, "--overlay")) overlay = 1;
        if (!strcmp(*argument, "--tmpfs")) tmpfs_mounts = atoi(*++argument);
        if (!strcmp(*argument, "--layers")) {
            layer_directory = *++argument;
            layers = atoi(*++argument);
        }
        if (!strcmp(*argument, "--limit") && limit_count < 8) {
            limits[limit_count].file = *++argument;
            limits[limit_count++].value = *++argument;
        }
        if (!strcmp(*argument, "--binds")) {
            bind_directory = *++argument;
            binds = atoi(*++argument);
        }
    }
    config = argument[0];
    root_path = argument[1];
    filter_path = argument[2];
}

static void lock_layers(void) {
    lock(root_path);
    for (int index = 0; index < layers; index++) {
        char path[4096];
        snprintf(path, sizeof path, "%s/%d", layer_directory, index);
        lock(path);
    }
}

static char group[64];

// Makes a cgroup named after this process and locks its directory.
static int make_group(void) {
    char bytes[4096];
    struct stat found;
    find_control_groups();
    stat("/proc/self/ns/cgroup", &found);
    read_all(open_path("/proc/self/cgroup", O_RDONLY | O_NOCTTY), bytes, sizeof bytes);
    snprintf(group, sizeof group, "/sys/fs/cgroup/floor-%d", getpid());
    must(mkdir(group, 0755), "mkdir");
    int directory = open_path(group, O_RDONLY | O_DIRECTORY);
    must(flock(directory, LOCK_EX | LOCK_NB), "flock");
    fstat(directory, &found);
    stat(group, &found);
    for (int index = 0; index < limit_count; index++) {
        char path[256];
        snprintf(path, sizeof path, "%s/%s", group, limits[index].file);
        int file = open_path(path, O_WRONLY);
        must(write(file, limits[index].value, strlen(limits[index].value)), "write");
        close(file);
    }
    return directory;
}

static int wait_for_end(int channel, int signals, int child) {
    struct pollfd pollers[5] = {{.fd = channel, .events = POLLIN},
                                {.fd = signals, .events = POLLIN},
                                {.fd = -1},
                                {.fd = -1},
                                {.fd = -1}};
    char message[16384];
    int passed, status, signaled;
    pid_t sender;
    must(poll(pollers, 5, -1), "poll");
    must(clinux_receive(channel, message, sizeof message, &passed, &sender), "recvmsg");
    close(channel);
    pollers[0].fd = -1;
    pollers[2] = (struct pollfd){.fd = child, .events = POLLIN};
    must(poll(pollers, 5, -1), "poll");
    must(clinux_wait_pidfd(child, 0, &status, &signaled, NULL), "waitid");
    return signaled ? 128 + status : status;
}

static int init_process(void *ends) {
    close(((int *)ends)[0]);
    run_container(((int *)ends)[1]);
    return 1;
}

int main(int count, char **arguments) {
    if (count < 4) return 2;
    read_arguments(arguments + 1);
    if (!clinux_is_sealed()) must(-1, "seal");
    static char bytes[1 << 20];
    read_all(open_path(config, O_RDONLY | O_NOCTTY), bytes, sizeof bytes);
    if (overlay) lock_layers();
    if (strcmp(filter_path, "-") != 0) read_filter();
    find_control_groups();
    int own_group = limit_count ? make_group() : -1;

    sigset_t set, old;
    static const int forwarded[] = {SIGHUP, SIGINT, SIGQUIT, SIGUSR1, SIGUSR2, SIGTERM, SIGWINCH};
    sigemptyset(&set);
    for (size_t index = 0; index < sizeof forwarded / sizeof *forwarded; index++)
        sigaddset(&set, forwarded[index]);
    clinux_block_signals(&set, &old);
    int signals = must(clinux_signalfd(&set), "signalfd");
    int lifeline = must(clinux_pidfd_open(getpid()), "pidfd_open");
    int ends[2], child;
    must(clinux_socketpair(ends), "socketpair");
    pid_t watchdog = must(clinux_start_watchdog(lifeline, -1, NULL), "clone");
    must(clinux_spawn(CLONE_NEWNS | (limit_count ? 0 : CLONE_NEWCGROUP) | CLONE_NEWUTS |
                          CLONE_NEWIPC | CLONE_NEWPID | CLONE_NEWNET,
                      own_group, &child, init_process, ends),
         "clone3");
    close(ends[1]);
    int code = wait_for_end(ends[0], signals, child);
    must(clinux_end_watchdog(watchdog), "kill");
    if (limit_count) must(rmdir(group), "rmdir");
    must(clinux_collect_watchdog(watchdog), "waitpid");
    close(lifeline);
    close(child);
    close(signals);
    return code;
}
