// Reports facts about a process in a container as one JSON object on standard
// output, and tries the operations of its arguments:
//
//   probe                          the facts
//   probe read:/etc/x mkdir:/y …   the facts, and the results under "tried"
//   probe --only read:/x …         "tried" alone
//   probe --MODE …                 one of the roles at the end of this file
//
// Each attempt yields {"ok": true, "value": …} or {"ok": false, "errno": "EROFS"}.
#define _GNU_SOURCE
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <ifaddrs.h>
#include <linux/audit.h>
#include <linux/capability.h>
#include <linux/filter.h>
#include <limits.h>
#include <linux/seccomp.h>
#include <net/if.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/un.h>
#include <sys/utsname.h>
#include <sys/vfs.h>
#include <sys/wait.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>

// MARK: JSON

static void quote(const char *text) {
    putchar('"');
    for (const unsigned char *at = (const unsigned char *)text; *at != 0; at++) {
        if (*at == '"' || *at == '\\') {
            printf("\\%c", *at);
        } else if (*at < 0x20 || *at == 0x7f) {
            printf("\\u%04x", *at);
        } else {
            putchar(*at);
        }
    }
    putchar('"');
}

static bool first = true;

static void key(const char *name) {
    printf(first ? "\n  " : ",\n  ");
    first = false;
    quote(name);
    printf(": ");
}

static void number(const char *name, long long value) {
    key(name);
    printf("%lld", value);
}

static void text(const char *name, const char *value) {
    key(name);
    if (value == NULL) {
        printf("null");
    } else {
        quote(value);
    }
}

static void strings(const char *name, char *const *list) {
    key(name);
    putchar('[');
    for (int i = 0; list[i] != NULL; i++) {
        if (i > 0) printf(", ");
        quote(list[i]);
    }
    putchar(']');
}

// A whole small file; NULL with errno if it cannot be read.
static char *contents(const char *path) {
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0) return NULL;
    static char buffer[1 << 18];
    size_t length = 0;
    ssize_t count;
    while ((count = read(fd, buffer + length, sizeof buffer - 1 - length)) > 0) {
        length += (size_t)count;
    }
    int saved = errno;
    close(fd);
    errno = saved;
    if (count < 0) return NULL;
    buffer[length] = 0;
    return strdup(buffer);
}

// MARK: Facts

static void report_process(char **argv) {
    number("pid", getpid());
    number("ppid", getppid());
    number("sid", getsid(0));
    number("pgrp", getpgrp());
    uid_t uids[3];
    gid_t gids[3];
    if (getresuid(&uids[0], &uids[1], &uids[2]) != 0) uids[0] = (uid_t)-1;
    if (getresgid(&gids[0], &gids[1], &gids[2]) != 0) gids[0] = (gid_t)-1;
    key("uids");
    printf("[%u, %u, %u]", uids[0], uids[1], uids[2]);
    key("gids");
    printf("[%u, %u, %u]", gids[0], gids[1], gids[2]);
    gid_t groups[256];
    int count = getgroups(256, groups);
    key("groups");
    putchar('[');
    for (int i = 0; i < count; i++)
        printf(i > 0 ? ", %u" : "%u", groups[i]);
    putchar(']');
    mode_t mask = umask(0);
    umask(mask);
    number("umask", mask);
    char *directory = getcwd(NULL, 0);
    text("cwd", directory);
    free(directory);
    strings("args", argv);
    strings("env", environ);
    number("noNewPrivileges", prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0));
    // prctl(PR_GET_SECCOMP) is not used, because some filters refuse it.
    char *status = contents("/proc/self/status");
    char *mode = status != NULL ? strstr(status, "\nSeccomp:\t") : NULL;
    number("seccomp", mode != NULL ? atoi(mode + 10) : -1);
    number("dumpable", prctl(PR_GET_DUMPABLE, 0, 0, 0, 0));
    int signal = -1;
    prctl(PR_GET_PDEATHSIG, &signal);
    number("parentDeathSignal", signal);
    char *score = contents("/proc/self/oom_score_adj");
    number("oomScoreAdj", score != NULL ? atoi(score) : -9999);
    for (const char *const *name = (const char *const[]){"SigBlk", "SigIgn", NULL}; *name; name++) {
        char label[16];
        snprintf(label, sizeof label, "\n%s:\t", *name);
        char *set = status != NULL ? strstr(status, label) : NULL;
        number(*name, set != NULL ? (long long)strtoull(set + strlen(label), NULL, 16) : -1);
    }
}

static void report_capabilities(void) {
    struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
    struct __user_cap_data_struct sets[2] = {0};
    syscall(SYS_capget, &header, sets);
    uint64_t bounding = 0, ambient = 0;
    for (int i = 0; i < 64; i++) {
        if (prctl(PR_CAPBSET_READ, i, 0, 0, 0) == 1) bounding |= 1ULL << i;
        if (prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_IS_SET, i, 0, 0) == 1) ambient |= 1ULL << i;
    }
#define WHOLE(field) ((long long)sets[1].field << 32 | sets[0].field)
    key("capabilities");
    printf("{\"effective\": %lld, \"permitted\": %lld, \"inheritable\": %lld, "
           "\"bounding\": %llu, \"ambient\": %llu}",
           WHOLE(effective), WHOLE(permitted), WHOLE(inheritable), (unsigned long long)bounding,
           (unsigned long long)ambient);
}

static void report_limits(void) {
    static const char *const names[] = {
        "CPU",     "FSIZE", "DATA",  "STACK",      "CORE",     "RSS",  "NPROC",  "NOFILE",
        "MEMLOCK", "AS",    "LOCKS", "SIGPENDING", "MSGQUEUE", "NICE", "RTPRIO", "RTTIME"};
    key("rlimits");
    putchar('{');
    for (int i = 0; i < 16; i++) {
        struct rlimit limit;
        if (getrlimit((__rlimit_resource_t)i, &limit) != 0) continue;
        // -1 means no limit.
        printf("%s\"RLIMIT_%s\": [%lld, %lld]", i > 0 ? ", " : "", names[i],
               (long long)limit.rlim_cur, (long long)limit.rlim_max);
    }
    putchar('}');
}

static const char *kind(mode_t mode) {
    switch (mode & S_IFMT) {
    case S_IFREG:
        return "file";
    case S_IFDIR:
        return "directory";
    case S_IFLNK:
        return "link";
    case S_IFCHR:
        return "character";
    case S_IFBLK:
        return "block";
    case S_IFIFO:
        return "fifo";
    case S_IFSOCK:
        return "socket";
    default:
        return "?";
    }
}

static void print_status(const struct stat *found, const char *target) {
    printf("{\"kind\": \"%s\", \"mode\": %u, \"uid\": %u, \"gid\": %u, \"major\": %u, "
           "\"minor\": %u, \"size\": %lld, \"nlink\": %llu, \"blocks\": %lld, \"mtime\": %lld",
           kind(found->st_mode), found->st_mode & 07777, found->st_uid, found->st_gid,
           major(found->st_rdev), minor(found->st_rdev), (long long)found->st_size,
           (unsigned long long)found->st_nlink, (long long)found->st_blocks,
           (long long)found->st_mtim.tv_sec);
    if (target != NULL) {
        printf(", \"target\": ");
        quote(target);
    }
    putchar('}');
}

// The open descriptors, found without opening a file, with their links' targets if /proc is mounted.
static void report_descriptors(void) {
    key("descriptors");
    putchar('{');
    bool any = false;
    for (int fd = 0; fd < 4096; fd++) {
        struct stat found;
        if (fstat(fd, &found) != 0) continue;
        char path[64], target[4096];
        snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
        ssize_t length = readlink(path, target, sizeof target - 1);
        target[length > 0 ? length : 0] = 0;
        printf("%s\"%d\": ", any ? ", " : "", fd);
        print_status(&found, target);
        any = true;
    }
    putchar('}');
}

static void report_namespaces(void) {
    static const char *const kinds[] = {"cgroup", "ipc",  "mnt",  "net",
                                        "pid",    "time", "user", "uts"};
    key("namespaces");
    putchar('{');
    for (int i = 0; i < 8; i++) {
        char path[64], target[64];
        snprintf(path, sizeof path, "/proc/self/ns/%s", kinds[i]);
        ssize_t length = readlink(path, target, sizeof target - 1);
        target[length > 0 ? length : 0] = 0;
        printf("%s\"%s\": \"%s\"", i > 0 ? ", " : "", kinds[i], target);
    }
    putchar('}');
    struct utsname name;
    if (uname(&name) == 0) {
        text("hostname", name.nodename);
        text("domainname", name.domainname);
    }
}

static void report_directory(const char *name, const char *path) {
    key(name);
    DIR *directory = opendir(path);
    if (directory == NULL) {
        printf("null");
        return;
    }
    putchar('{');
    struct dirent *entry;
    bool any = false;
    while ((entry = readdir(directory)) != NULL) {
        if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0) continue;
        struct stat found;
        if (fstatat(dirfd(directory), entry->d_name, &found, AT_SYMLINK_NOFOLLOW) != 0) continue;
        char target[4096];
        ssize_t length = readlinkat(dirfd(directory), entry->d_name, target, sizeof target - 1);
        if (length > 0) target[length] = 0;
        if (any) printf(", ");
        quote(entry->d_name);
        printf(": ");
        print_status(&found, length > 0 ? target : NULL);
        any = true;
    }
    putchar('}');
    closedir(directory);
}

static void report_network(void) {
    key("interfaces");
    putchar('{');
    struct if_nameindex *list = if_nameindex();
    int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    bool any = false;
    for (struct if_nameindex *at = list; at != NULL && at->if_name != NULL; at++) {
        struct ifreq request = {0};
        strncpy(request.ifr_name, at->if_name, IFNAMSIZ - 1);
        if (ioctl(fd, SIOCGIFFLAGS, &request) != 0) continue;
        printf("%s\"%s\": {\"up\": %s, \"loopback\": %s}", any ? ", " : "", at->if_name,
               request.ifr_flags & IFF_UP ? "true" : "false",
               request.ifr_flags & IFF_LOOPBACK ? "true" : "false");
        any = true;
    }
    putchar('}');
    if (list != NULL) if_freenameindex(list);
    if (fd >= 0) close(fd);
}

static void report_terminal(void) {
    key("isatty");
    printf("[%s, %s, %s]", isatty(0) ? "true" : "false", isatty(1) ? "true" : "false",
           isatty(2) ? "true" : "false");
    struct winsize size;
    key("windowSize");
    if (ioctl(0, TIOCGWINSZ, &size) == 0) {
        printf("[%u, %u]", size.ws_row, size.ws_col);
    } else {
        printf("null");
    }
    int fd = open("/dev/tty", O_RDWR | O_CLOEXEC);
    key("hasControllingTerminal");
    printf(fd >= 0 ? "true" : "false");
    number("foreground", fd >= 0 ? tcgetpgrp(fd) : -1);
    if (fd >= 0) close(fd);
    char name[64] = "";
    text("terminalName", ttyname_r(0, name, sizeof name) == 0 ? name : NULL);
}

static void report_facts(char **argv) {
    report_process(argv);
    report_capabilities();
    report_limits();
    report_descriptors();
    report_namespaces();
    report_network();
    report_terminal();
    report_directory("dev", "/dev");
    report_directory("root", "/");
    text("mountinfo", contents("/proc/self/mountinfo"));
    text("cgroup", contents("/proc/self/cgroup"));
}

// MARK: Attempts

static void opened(int fd) {
    if (fd < 0) {
        printf("{\"ok\": false, \"errno\": \"%s\"}", strerrorname_np(errno));
    } else {
        printf("{\"ok\": true}");
        close(fd);
    }
}

static void done(int result) {
    if (result < 0) {
        printf("{\"ok\": false, \"errno\": \"%s\"}", strerrorname_np(errno));
    } else {
        printf("{\"ok\": true}");
    }
}

static void value(const char *found) {
    if (found == NULL) return done(-1);
    printf("{\"ok\": true, \"value\": ");
    quote(found);
    putchar('}');
}

static void status(const char *path, bool follow) {
    struct stat found;
    if ((follow ? stat : lstat)(path, &found) != 0) return done(-1);
    char target[4096];
    ssize_t length = readlink(path, target, sizeof target - 1);
    if (length >= 0) target[length] = 0;
    printf("{\"ok\": true, \"value\": ");
    print_status(&found, length >= 0 ? target : NULL);
    putchar('}');
}

static void names(const char *path) {
    struct dirent **list;
    int count = scandir(path, &list, NULL, alphasort);
    if (count < 0) return done(-1);
    printf("{\"ok\": true, \"value\": [");
    bool any = false;
    for (int i = 0; i < count; i++) {
        if (strcmp(list[i]->d_name, ".") == 0 || strcmp(list[i]->d_name, "..") == 0) continue;
        if (any) printf(", ");
        quote(list[i]->d_name);
        any = true;
    }
    printf("]}");
}

// `rest` is PATH or PATH=VALUE.
static void write_value(char *rest, int flags) {
    char *equals = strchr(rest, '=');
    const char *bytes = equals != NULL ? equals + 1 : "x";
    if (equals != NULL) *equals = 0;
    int fd = open(rest, O_WRONLY | O_CLOEXEC | O_NOCTTY | flags, 0644);
    if (equals != NULL) *equals = '=';
    if (fd < 0) return done(-1);
    ssize_t count = write(fd, bytes, strlen(bytes));
    done(count < 0 ? -1 : 0);
    close(fd);
}

// Writes MEGABYTES to PATH and reports how many bytes were written before the error.
static void fill(char *rest) {
    char *equals = strchr(rest, '=');
    long megabytes = equals != NULL ? atol(equals + 1) : 1;
    if (equals != NULL) *equals = 0;
    int fd = open(rest, O_WRONLY | O_CREAT | O_CLOEXEC, 0644);
    if (equals != NULL) *equals = '=';
    if (fd < 0) return done(-1);
    static char block[65536];
    long long written = 0;
    while (written < megabytes * (1 << 20)) {
        ssize_t count = write(fd, block, sizeof block);
        if (count <= 0) {
            printf("{\"ok\": false, \"errno\": \"%s\", \"value\": %lld}", strerrorname_np(errno),
                   written);
            close(fd);
            return;
        }
        written += count;
    }
    printf("{\"ok\": true, \"value\": %lld}", written);
    close(fd);
}

static void try_system_call(const char *name) {
    if (strcmp(name, "mount") == 0) return done(mount("none", "/", "tmpfs", 0, NULL));
    if (strcmp(name, "umount") == 0) return done(umount2("/proc", MNT_DETACH));
    if (strcmp(name, "chroot") == 0) return done(chroot("/"));
    if (strcmp(name, "unshare-user") == 0) return done(unshare(CLONE_NEWUSER));
    if (strcmp(name, "unshare-mount") == 0) return done(unshare(CLONE_NEWNS));
    if (strcmp(name, "unshare-net") == 0) return done(unshare(CLONE_NEWNET));
    if (strcmp(name, "sethostname") == 0) return done(sethostname("changed", 7));
    if (strcmp(name, "vsock") == 0) return opened(socket(AF_VSOCK, SOCK_STREAM, 0));
    if (strcmp(name, "packet") == 0) return opened(socket(AF_PACKET, SOCK_RAW, 0));
    if (strcmp(name, "raw") == 0) return opened(socket(AF_INET, SOCK_RAW, 1));
    if (strcmp(name, "bpf") == 0) return done((int)syscall(SYS_bpf, 0, NULL, 0));
    if (strcmp(name, "keyctl") == 0) return done((int)syscall(SYS_keyctl, 0, -3, 0));
    if (strcmp(name, "reboot") == 0) return done((int)syscall(SYS_reboot, 0, 0, 0, NULL));
    if (strcmp(name, "fsopen") == 0) return opened((int)syscall(SYS_fsopen, "tmpfs", 0));
    if (strcmp(name, "io_uring") == 0) return opened((int)syscall(SYS_io_uring_setup, 1, NULL));
    if (strcmp(name, "userfaultfd") == 0) return opened((int)syscall(SYS_userfaultfd, 0));
    if (strcmp(name, "open_by_handle_at") == 0)
        return opened((int)syscall(SYS_open_by_handle_at, -1, NULL, 0));
    if (strcmp(name, "clone3") == 0) return done((int)syscall(SYS_clone3, NULL, 0));
    if (strcmp(name, "settimeofday") == 0) return done((int)syscall(SYS_settimeofday, NULL, NULL));
    if (strcmp(name, "kexec_load") == 0) return done((int)syscall(SYS_kexec_load, 0, 0, NULL, 0));
    if (strcmp(name, "getppid") == 0) return done(syscall(SYS_getppid) < 0 ? -1 : 0);
    if (strcmp(name, "tiocsti") == 0) return done(ioctl(0, TIOCSTI, "!"));
    if (strcmp(name, "setuid0") == 0) return done(setuid(0));
    if (strcmp(name, "setgroups0") == 0) return done(setgroups(0, NULL));
    errno = ENOSYS;
    done(-1);
}

static void attempt(char *argument) {
    char *colon = strchr(argument, ':');
    if (colon == NULL) return value(NULL);
    char *rest = colon + 1;
    size_t length = (size_t)(colon - argument);
#define IS(name) (length == sizeof name - 1 && strncmp(argument, name, length) == 0)
    if (IS("read")) return value(contents(rest));
    if (IS("open-read")) return opened(open(rest, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY));
    if (IS("open-write")) return opened(open(rest, O_WRONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY));
    if (IS("open-both")) return opened(open(rest, O_RDWR | O_CLOEXEC | O_NONBLOCK | O_NOCTTY));
    if (IS("write")) return write_value(rest, 0);
    if (IS("create")) return write_value(rest, O_CREAT);
    if (IS("append")) return write_value(rest, O_CREAT | O_APPEND);
    if (IS("fill")) return fill(rest);
    if (IS("stat")) return status(rest, true);
    if (IS("lstat")) return status(rest, false);
    if (IS("list")) return names(rest);
    if (IS("mkdir")) return done(mkdir(rest, 0755));
    if (IS("unlink")) return done(unlink(rest));
    if (IS("chdir")) return done(chdir(rest));
    if (IS("mknod")) return done(mknod(rest, S_IFCHR | 0666, makedev(1, 3)));
    if (IS("exec")) {
        pid_t child = fork();
        if (child == 0) {
            char *arguments[] = {rest, NULL};
            execv(rest, arguments);
            _exit(errno);
        }
        int ended = 0;
        waitpid(child, &ended, 0);
        errno = WIFEXITED(ended) ? WEXITSTATUS(ended) : 0;
        return done(errno == 0 ? 0 : -1);
    }
    if (IS("sysctl")) {
        char path[512];
        snprintf(path, sizeof path, "/proc/sys/%s", rest);
        char *found = contents(path);
        if (found != NULL) found[strcspn(found, "\n")] = 0;
        return value(found);
    }
    if (IS("keyring")) {
        long id = syscall(SYS_keyctl, 0 /* KEYCTL_GET_KEYRING_ID */, -3 /* the session's */, 0);
        if (id < 0) return done(-1);
        printf("{\"ok\": true, \"value\": %ld}", id);
        return;
    }
    if (IS("scheduling")) {
        // Nice value, policy, I/O priority and processors of this process in one text.
        char words[128];
        cpu_set_t processors;
        CPU_ZERO(&processors);
        sched_getaffinity(0, sizeof processors, &processors);
        errno = 0;
        int nice_value = getpriority(PRIO_PROCESS, 0);
        snprintf(words, sizeof words, "nice %d, policy %d, io %ld, processors %d", nice_value,
                 sched_getscheduler(0), syscall(SYS_ioprio_get, 1 /* a process */, 0),
                 CPU_COUNT(&processors));
        return value(words);
    }
    if (IS("call")) return try_system_call(rest);
    errno = EINVAL;
    done(-1);
}

// MARK: Roles, for tests that need a process with a behaviour

static const int forwarded[] = {SIGINT,  SIGTERM, SIGHUP,  SIGQUIT, SIGUSR1, SIGUSR2, SIGABRT,
                                SIGALRM, SIGPWR,  SIGCONT, SIGIO,   34,      37,      64};

static int say(const char *line) { return write(1, line, strlen(line)) < 0 ? 1 : 0; }

// --handle: prints "ready", waits for a signal, exits with 40 plus its number.
static int handle(void) {
    sigset_t set;
    sigemptyset(&set);
    for (size_t i = 0; i < sizeof forwarded / sizeof *forwarded; i++)
        sigaddset(&set, forwarded[i]);
    sigaddset(&set, SIGWINCH);
    sigprocmask(SIG_BLOCK, &set, NULL);
    say("ready\n");
    for (;;) {
        int number = 0;
        sigwait(&set, &number);
        if (number != SIGWINCH) return 40 + number;
        struct winsize size = {0};
        ioctl(0, TIOCGWINSZ, &size);
        char line[64];
        snprintf(line, sizeof line, "size %u %u\n", size.ws_row, size.ws_col);
        say(line);
    }
}

// --cling UID: tries everything to outlive the runtime process, with a child, then waits.
static int cling(const char *user) {
    prctl(PR_SET_PDEATHSIG, 0);
    uid_t id = (uid_t)atoi(user);
    if (id != 0 && setuid(id) != 0) return 1;
    prctl(PR_SET_PDEATHSIG, 0);
    for (int number = 1; number < 65; number++)
        signal(number, SIG_IGN);
    if (fork() == 0) setsid();
    if (getpid() == 1) say("ready\n");
    for (;;)
        pause();
}

// --as UID: becomes that user, prints "ready" and waits forever.
static int wait_as(const char *user) {
    if (setuid((uid_t)atoi(user)) != 0) return 1;
    say("ready\n");
    for (;;)
        pause();
}

// --wait: prints "ready" and waits forever with the default action for every signal.
static void wait_for_ever(void) {
    say("ready\n");
    for (;;)
        pause();
}

// --hold KIND…: makes namespaces, prints the pid of a process in them, and keeps them until its
// standard input closes.
static int hold(char **kinds) {
    int flags = 0;
    for (char **at = kinds; *at != NULL; at++) {
        if (strcmp(*at, "net") == 0) flags |= CLONE_NEWNET;
        if (strcmp(*at, "ipc") == 0) flags |= CLONE_NEWIPC;
        if (strcmp(*at, "uts") == 0) flags |= CLONE_NEWUTS;
        if (strcmp(*at, "pid") == 0) flags |= CLONE_NEWPID;
        if (strcmp(*at, "cgroup") == 0) flags |= CLONE_NEWCGROUP;
    }
    if (unshare(flags) != 0) return 1;
    if (flags & CLONE_NEWUTS && sethostname("held", 4) != 0) return 1;
    pid_t child = fork();
    if (child == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        for (;;)
            pause();
    }
    char line[32], byte;
    snprintf(line, sizeof line, "%d\n", child);
    say(line);
    while (read(0, &byte, 1) > 0) {
    }
    kill(child, SIGKILL);
    waitpid(child, NULL, 0);
    return 0;
}

// --attack: tries to open the program of every other process for writing until standard input
// closes, then prints the number of processes and the result.
static int attack(void) {
    int opened_for_writing = 0, seen = 0, looked = 0;
    fcntl(0, F_SETFL, O_NONBLOCK);
    say("ready\n");
    char byte;
    while (read(0, &byte, 1) < 0) {
        DIR *proc = opendir("/proc");
        struct dirent *entry;
        while ((entry = readdir(proc)) != NULL) {
            if (entry->d_name[0] < '0' || entry->d_name[0] > '9') continue;
            if (atoi(entry->d_name) == getpid()) continue;
            char path[300];
            snprintf(path, sizeof path, "/proc/%s/exe", entry->d_name);
            seen++;
            int fd = open(path, O_PATH | O_CLOEXEC);
            if (fd < 0) continue;
            looked++;
            snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
            int writable = open(path, O_WRONLY | O_CLOEXEC);
            if (writable >= 0) {
                opened_for_writing++;
                if (write(writable, "", 1) < 0) opened_for_writing += 1000;
                close(writable);
            }
            close(fd);
        }
        closedir(proc);
    }
    printf("{\"seen\": %d, \"looked\": %d, \"opened\": %d}\n", seen, looked, opened_for_writing);
    return 0;
}

static bool is_own_device(dev_t device) {
    static dev_t own[256];
    static int count = -1;
    if (count < 0) {
        count = 0;
        char *text = contents("/proc/self/mountinfo");
        for (char *line = text; line != NULL && *line != 0 && count < 255; count++) {
            unsigned int high, low;
            if (sscanf(line, "%*d %*d %u:%u", &high, &low) != 2) break;
            own[count] = makedev(high, low);
            line = strchr(line, '\n');
            if (line != NULL) line++;
        }
        free(text);
        // Directories of an overlay have a device number of their own, and so have the files of each layer.
        struct stat found;
        const char *const samples[] = {"/", "/bin/true", "/proc/self/exe"};
        for (int i = 0; i < 3 && count < 255; i++) {
            if (stat(samples[i], &found) == 0) own[count++] = found.st_dev;
        }
    }
    for (int i = 0; i < count; i++) {
        if (own[i] == device) return true;
    }
    return false;
}

static char foreign[64][512];
static int foreign_count;

// Whether a descriptor is the root of a procfs that shows this pid namespace.
static bool is_own_proc(int directory) {
    char target[32];
    ssize_t length = readlinkat(directory, "self", target, sizeof target - 1);
    if (length <= 0) return false;
    target[length] = 0;
    return atoi(target) == getpid();
}

// Whether another process is in a user namespace of its own, or gone: what it can do there is
// nothing here.
static bool is_elsewhere(const char *pid) {
    char path[300];
    struct stat own, other;
    snprintf(path, sizeof path, "/proc/%s/ns/user", pid);
    if (stat("/proc/self/ns/user", &own) != 0) return false;
    if (stat(path, &other) != 0) return errno == ENOENT || errno == ESRCH;
    return own.st_ino != other.st_ino;
}

static bool is_empty(const char *path) {
    DIR *directory = opendir(path);
    if (directory == NULL) return false;
    int count = 0;
    while (readdir(directory) != NULL)
        count++;
    closedir(directory);
    return count == 2;
}

// Records a link of another process if it leads to a file that no mount of this container has.
// False if the link may not be read.
static bool look(const char *path) {
    struct stat found;
    char target[256];
    ssize_t length = readlink(path, target, sizeof target - 1);
    if (length < 0) return false;
    target[length] = 0;
    if (strncmp(target, "anon_inode:", 11) == 0 || strncmp(target, "pipe:", 5) == 0 ||
        strncmp(target, "socket:", 7) == 0) {
        return true;
    }
    // One file for all questions: the other process may close it meanwhile, or open another one there.
    int file = open(path, O_PATH | O_CLOEXEC);
    if (file < 0) return false;
    const bool is_own =
        fstat(file, &found) == 0 && (is_own_device(found.st_dev) || is_own_proc(file));
    close(file);
    if (!is_own && foreign_count < 64) {
        snprintf(foreign[foreign_count++], sizeof foreign[0], "%s is %s", path, target);
    }
    return true;
}

// A capability set in a process's status; 0 without the field.
static unsigned long long capability_field(const char *text, const char *name) {
    const char *line = strstr(text, name);
    return line == NULL ? 0 : strtoull(line + strlen(name), NULL, 16);
}

// All capabilities that a process has or can gain.
static unsigned long long reachable_capabilities(const char *pid) {
    char path[300];
    snprintf(path, sizeof path, "/proc/%s/status", pid);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    static char text[8192];
    ssize_t length = fd < 0 ? -1 : read(fd, text, sizeof text - 1);
    if (fd >= 0) close(fd);
    if (length <= 0) return 0;
    text[length] = 0;
    return capability_field(text, "CapPrm:") | capability_field(text, "CapEff:") |
           capability_field(text, "CapInh:") | capability_field(text, "CapBnd:");
}

// Stops a process as a debugger does. False if that is not allowed or the process ended.
static bool seize(pid_t pid) {
    int status;
    if (ptrace(PTRACE_SEIZE, pid, 0, 0) != 0) return false;
    if (ptrace(PTRACE_INTERRUPT, pid, 0, 0) != 0) return false;
    return waitpid(pid, &status, __WALL) == pid && WIFSTOPPED(status);
}

// --spy WORD: inspects every other process until standard input closes, then prints: how many it
// saw; how many it could inspect; which of their descriptors, roots and working directories lie
// outside of this container; how many programs do (and could be opened for writing); how many
// environments and command lines contained WORD; how many it could stop; and how many had a
// capability that this process lacks.
static int spy(const char *word) {
    long long seen = 0, looked = 0, words = 0, sealed = 0, written = 0, seized = 0, stronger = 0;
    const unsigned long long own = reachable_capabilities("self");
    int last = 0;
    struct stat top;
    if (stat("/", &top) != 0) return 1;
    fcntl(0, F_SETFL, O_NONBLOCK);
    is_own_device(0);
    say("ready\n");
    char byte;
    while (read(0, &byte, 1) < 0) {
        DIR *proc = opendir("/proc");
        struct dirent *entry;
        while ((entry = readdir(proc)) != NULL) {
            if (entry->d_name[0] < '0' || entry->d_name[0] > '9') continue;
            if (atoi(entry->d_name) == getpid()) continue;
            char path[300];
            struct stat found;
            seen++;
            const int pid = atoi(entry->d_name);
            const bool stopped = pid > last && seize(pid);
            if (pid > last) last = pid;
            if (stopped) seized++;
            const bool elsewhere = is_elsewhere(entry->d_name);
            if (reachable_capabilities(entry->d_name) & ~own && !elsewhere) stronger++;
            snprintf(path, sizeof path, "/proc/%s/root", entry->d_name);
            const bool is_bare = elsewhere && is_empty(path);
            if (!is_bare && stat(path, &found) == 0 &&
                (found.st_dev != top.st_dev || found.st_ino != top.st_ino) && foreign_count < 64) {
                snprintf(foreign[foreign_count++], sizeof foreign[0], "%s is another", path);
            }
            snprintf(path, sizeof path, "/proc/%s/cwd", entry->d_name);
            if (is_bare || look(path)) looked++;
            snprintf(path, sizeof path, "/proc/%s/fd", entry->d_name);
            DIR *descriptors = opendir(path);
            struct dirent *descriptor;
            while (descriptors != NULL && (descriptor = readdir(descriptors)) != NULL) {
                if (descriptor->d_name[0] == '.') continue;
                char link[600];
                snprintf(link, sizeof link, "%s/%s", path, descriptor->d_name);
                look(link);
            }
            if (descriptors != NULL) closedir(descriptors);
            snprintf(path, sizeof path, "/proc/%s/exe", entry->d_name);
            if (stat(path, &found) == 0 && !is_own_device(found.st_dev)) {
                sealed++;
                int fd = open(path, O_WRONLY | O_CLOEXEC);
                if (fd >= 0) written++;
                if (fd >= 0) close(fd);
            }
            for (int i = 0; i < 2; i++) {
                snprintf(path, sizeof path, "/proc/%s/%s", entry->d_name,
                         i == 0 ? "environ" : "cmdline");
                int fd = open(path, O_RDONLY | O_CLOEXEC);
                static char text[65536];
                ssize_t length = fd < 0 ? -1 : read(fd, text, sizeof text);
                if (fd >= 0) close(fd);
                if (length > 0 && memmem(text, (size_t)length, word, strlen(word)) != NULL) {
                    words++;
                }
            }
            if (stopped) ptrace(PTRACE_DETACH, pid, 0, 0);
        }
        closedir(proc);
    }
    printf("{\"seen\": %lld, \"looked\": %lld, \"words\": %lld, \"sealed\": %lld, "
           "\"written\": %lld, \"seized\": %lld, \"stronger\": %lld, \"foreign\": [",
           seen, looked, words, sealed, written, seized, stronger);
    for (int i = 0; i < foreign_count; i++) {
        if (i > 0) printf(", ");
        quote(foreign[i]);
    }
    printf("]}\n");
    return 0;
}

// --swap A B: exchanges two names until standard input closes.
static int swap(const char *one, const char *other) {
    fcntl(0, F_SETFL, O_NONBLOCK);
    say("ready\n");
    char byte;
    while (read(0, &byte, 1) < 0) {
        for (int i = 0; i < 100; i++) {
            syscall(SYS_renameat2, AT_FDCWD, one, AT_FDCWD, other, 2 /* RENAME_EXCHANGE */);
        }
    }
    return 0;
}

static void spin(long nanoseconds) {
    struct timespec now, end;
    clock_gettime(CLOCK_MONOTONIC, &end);
    do
        clock_gettime(CLOCK_MONOTONIC, &now);
    while ((now.tv_sec - end.tv_sec) * 1000000000L + now.tv_nsec - end.tv_nsec < nanoseconds);
}

// --exchange A B [C D]...: exchanges two names briefly, again and again, until standard input closes.
// Most concurrent operations see the original names.
static int exchange(char **names) {
    fcntl(0, F_SETFL, O_NONBLOCK);
    int count = 0;
    while (names[count] != NULL && names[count + 1] != NULL)
        count += 2;
    say("ready\n");
    char byte;
    while (read(0, &byte, 1) < 0) {
        int pair = (int)(random() % (count / 2)) * 2;
        for (int i = 0; i < 2; i++) {
            syscall(SYS_renameat2, AT_FDCWD, names[pair], AT_FDCWD, names[pair + 1], 2);
            spin(random() % (i == 0 ? 300000 : 2000000));
        }
    }
    return 0;
}

static int open_in(const char *directory, const char *name, int flags) {
    char path[PATH_MAX];
    snprintf(path, sizeof path, "%s/%s", directory, name);
    return open(path, flags | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
}

// --exposed PLACE...: exits with 9 if a file of a procfs or a sysfs at one of the places should be
// masked and is not, or if the console is not a terminal.
static int exposed(char **places) {
    for (int round = 0; round < 20; round++) {
        for (char **place = places; *place != NULL; place++) {
            int file = open_in(*place, "sys/kernel/core_pattern", O_WRONLY);
            if (file >= 0) return 9;
            char byte;
            file = open_in(*place, "interrupts", O_RDONLY);
            if (file >= 0 && read(file, &byte, 1) > 0) return 9;
            close(file);
            file = open_in(*place, "firmware", O_RDONLY | O_DIRECTORY);
            DIR *directory = file < 0 ? NULL : fdopendir(file);
            int count = 0;
            while (directory != NULL && readdir(directory) != NULL)
                count++;
            if (directory != NULL) closedir(directory);
            if (count > 2) return 9;
            struct stat found;
            struct statfs system;
            file = open_in(*place, "console", O_PATH);
            bool is_device = file >= 0 && fstat(file, &found) == 0 && S_ISCHR(found.st_mode);
            if (is_device && fstatfs(file, &system) == 0 && system.f_type != 0x1cd1) return 9;
            close(file);
        }
    }
    return 0;
}

// --kill-self N
static int kill_self(int number) {
    signal(number, SIG_DFL);
    kill(getpid(), number);
    return 3;
}

// Receives a message with one descriptor and prints its text as a line.
static int take_descriptor(int connection) {
    char text[4096];
    union {
        struct cmsghdr header;
        char bytes[CMSG_SPACE(sizeof(int))];
    } control;
    struct iovec part = {.iov_base = text, .iov_len = sizeof text - 1};
    struct msghdr message = {.msg_iov = &part,
                             .msg_iovlen = 1,
                             .msg_control = &control,
                             .msg_controllen = sizeof control};
    ssize_t count = recvmsg(connection, &message, MSG_CMSG_CLOEXEC);
    struct cmsghdr *header = CMSG_FIRSTHDR(&message);
    if (count <= 0 || header == NULL || header->cmsg_type != SCM_RIGHTS) return -1;
    int passed;
    memcpy(&passed, CMSG_DATA(header), sizeof passed);
    text[count] = 0;
    char line[sizeof text + 2];
    snprintf(line, sizeof line, "%s\n", text);
    say(line);
    return passed;
}

// Answers one notification: EXDEV for calls that make a directory; all others continue.
static void answer(int listener) {
    struct seccomp_notif asked = {0};
    if (ioctl(listener, SECCOMP_IOCTL_NOTIF_RECV, &asked) != 0) return;
    struct seccomp_notif_resp response = {.id = asked.id,
                                          .flags = SECCOMP_USER_NOTIF_FLAG_CONTINUE};
    if (asked.data.nr == SYS_mkdirat
#ifdef SYS_mkdir
        || asked.data.nr == SYS_mkdir
#endif
    ) {
        response.flags = 0;
        response.error = -EXDEV;
    }
    ioctl(listener, SECCOMP_IOCTL_NOTIF_SEND, &response);
}

// --agent SOCKET: accepts seccomp listeners there, prints the message of each, and answers their
// notifications until its standard input closes.
static int agent(const char *path) {
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    snprintf(address.sun_path, sizeof address.sun_path, "%s", path);
    int server = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (bind(server, (struct sockaddr *)&address, sizeof address) != 0) return 1;
    if (listen(server, 8) != 0) return 1;
    say("ready\n");
    struct pollfd polled[16] = {{.fd = 0, .events = POLLIN}, {.fd = server, .events = POLLIN}};
    nfds_t count = 2;
    while (poll(polled, count, -1) > 0 && polled[0].revents == 0) {
        for (nfds_t i = 2; i < count; i++) {
            if (polled[i].revents & POLLIN) answer(polled[i].fd);
            if (polled[i].revents & POLLHUP) polled[i].fd = -1;
        }
        if (polled[1].revents == 0 || count == 16) continue;
        int connection = accept4(server, NULL, NULL, SOCK_CLOEXEC);
        int listener = take_descriptor(connection);
        close(connection);
        if (listener >= 0) polled[count++] = (struct pollfd){.fd = listener, .events = POLLIN};
    }
    return 0;
}

static int datagram_socket(const char *path, int (*use)(int, const struct sockaddr *, socklen_t)) {
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    snprintf(address.sun_path, sizeof address.sun_path, "%s", path);
    int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    return use(fd, (struct sockaddr *)&address, sizeof address) == 0 ? fd : -1;
}

// --manager SOCKET: prints the datagrams sent there, one a line, and closes their descriptors, until
// standard input closes.
static int manager(const char *path) {
    int server = datagram_socket(path, bind);
    if (server < 0) return 1;
    say("ready\n");
    struct pollfd polled[] = {{.fd = 0, .events = POLLIN}, {.fd = server, .events = POLLIN}};
    while (poll(polled, 2, -1) > 0 && polled[0].revents == 0) {
        char line[4096], control[64];
        struct iovec part = {.iov_base = line, .iov_len = sizeof line - 2};
        struct msghdr message = {.msg_iov = &part,
                                 .msg_iovlen = 1,
                                 .msg_control = control,
                                 .msg_controllen = sizeof control};
        ssize_t count = recvmsg(server, &message, MSG_CMSG_CLOEXEC);
        if (count < 0) return 1;
        struct cmsghdr *header = CMSG_FIRSTHDR(&message);
        if (header != NULL && header->cmsg_type == SCM_RIGHTS) close(*(int *)CMSG_DATA(header));
        for (ssize_t i = 0; i < count; i++)
            if (line[i] == '\n') line[i] = '|';
        line[count] = '\n';
        line[count + 1] = 0;
        say(line);
    }
    return 0;
}

// --notify: sends false messages to $NOTIFY_SOCKET, then READY; prints "ready" and waits for a
// signal.
static int notify(void) {
    static const char *const words[] = {"STATUS=x\nMAINPID=1", "MAINPID=1", "STATUS=y\nREADY=1",
                                        NULL};
    int fd = datagram_socket(getenv("NOTIFY_SOCKET"), connect);
    if (fd < 0) return 1;
    for (const char *const *word = words; *word != NULL; word++)
        if (send(fd, *word, strlen(*word), 0) < 0) return 2;
    // The runtime decides whether this message is received.
    static const char later[] = "FDSTORE=1\nRELOADING=1\nX";
    (void)!send(fd, later, sizeof later - 1, 0);
    return handle();
}

// Executes a program with every signal blocked.
static int block_signals(char **arguments) {
    sigset_t all;
    sigfillset(&all);
    sigprocmask(SIG_BLOCK, &all, NULL);
    execv(arguments[0], arguments);
    return 1;
}

// --with-handle FILE COMMAND…: executes COMMAND with an O_PATH descriptor as standard input.
static int with_handle(const char *file, char **command) {
    int fd = open(file, O_PATH | O_CLOEXEC);
    if (fd < 0 || dup2(fd, 0) != 0) return 2;
    execvp(command[0], command);
    return 3;
}

// --pretend CALL ARGUMENT ERRNO COMMAND…: executes COMMAND, in which CALL does nothing and returns
// ERRNO, 0 for success; only if ARGUMENT is its first argument or -1.
static int pretend(char **words) {
    static const struct {
        const char *name;
        unsigned int number;
    } calls[] = {{"prctl", SYS_prctl},         {"capset", SYS_capset},
                 {"setresuid", SYS_setresuid}, {"setresgid", SYS_setresgid},
                 {"prlimit64", SYS_prlimit64}, {"geteuid", SYS_geteuid}};
    unsigned int number = (unsigned int)-1;
    for (size_t i = 0; i < sizeof calls / sizeof *calls; i++)
        if (strcmp(calls[i].name, words[0]) == 0) number = calls[i].number;
    int argument = atoi(words[1]);
    unsigned int answer = SECCOMP_RET_ERRNO | (unsigned int)atoi(words[2]);
    struct sock_filter filter[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, number, 0, 3),
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, args[0])),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (unsigned int)argument, 0, argument == -1 ? 0 : 1),
        BPF_STMT(BPF_RET | BPF_K, answer),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
    };
    struct sock_fprog program = {.len = sizeof filter / sizeof *filter, .filter = filter};
    if (prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) != 0) return 2;
    execvp(words[3], words + 3);
    return 3;
}

// Traces a process until standard input ends: whatever ends the process, it stays a zombie.
static int keep_zombie(pid_t process) {
    if (ptrace(PTRACE_SEIZE, process, 0, 0) != 0) return 1;
    puts("held");
    fflush(stdout);
    char byte;
    while (read(0, &byte, 1) > 0) {
    }
    return 0;
}

int main(int argc, char **argv) {
    if (argc >= 2 && strncmp(argv[1], "--", 2) == 0 && strcmp(argv[1], "--only") != 0) {
        const char *mode = argv[1];
        if (strcmp(mode, "--handle") == 0) return handle();
        if (strcmp(mode, "--cling") == 0 && argc > 2) return cling(argv[2]);
        if (strcmp(mode, "--keep-zombie") == 0 && argc > 2) return keep_zombie(atoi(argv[2]));
        if (strcmp(mode, "--wait") == 0) wait_for_ever();
        if (strcmp(mode, "--block-signals") == 0 && argc > 2) return block_signals(argv + 2);
        if (strcmp(mode, "--hold") == 0) return hold(argv + 2);
        if (strcmp(mode, "--attack") == 0) return attack();
        if (strcmp(mode, "--spy") == 0 && argc > 2) return spy(argv[2]);
        if (strcmp(mode, "--swap") == 0 && argc > 3) return swap(argv[2], argv[3]);
        if (strcmp(mode, "--exchange") == 0 && argc > 3) return exchange(argv + 2);
        if (strcmp(mode, "--exposed") == 0) return exposed(argv + 2);
        if (strcmp(mode, "--manager") == 0 && argc > 2) return manager(argv[2]);
        if (strcmp(mode, "--notify") == 0) return notify();
        if (strcmp(mode, "--as") == 0 && argc > 2) return wait_as(argv[2]);
        if (strcmp(mode, "--agent") == 0 && argc > 2) return agent(argv[2]);
        if (strcmp(mode, "--with-handle") == 0 && argc > 3) return with_handle(argv[2], argv + 3);
        if (strcmp(mode, "--pretend") == 0 && argc > 5) return pretend(argv + 2);
        if (strcmp(mode, "--abort") == 0) abort();
        if (strcmp(mode, "--fault") == 0) return *(volatile int *)(uintptr_t)atoi("16");
        if (strcmp(mode, "--kill-self") == 0 && argc > 2) return kill_self(atoi(argv[2]));
        fprintf(stderr, "probe: unknown mode %s\n", mode);
        return 2;
    }
    bool only = argc >= 2 && strcmp(argv[1], "--only") == 0;
    // The report is built in memory, because an operation may end the process.
    setvbuf(stdout, NULL, _IOFBF, 1 << 20);
    putchar('{');
    if (!only) report_facts(argv);
    key("tried");
    putchar('{');
    for (int i = only ? 2 : 1; i < argc; i++) {
        printf(i > (only ? 2 : 1) ? ",\n    " : "\n    ");
        quote(argv[i]);
        printf(": ");
        attempt(argv[i]);
    }
    printf("}\n}\n");
    return fflush(stdout) == 0 ? 0 : 1;
}
