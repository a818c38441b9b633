// Calls that find out what a kernel can do: those that nothing else needs, or that are
// made so that they change nothing.

#define _GNU_SOURCE
#include "clinux.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/landlock.h>
#include <linux/seccomp.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <sys/xattr.h>
#include <unistd.h>

#ifndef SYS_statmount
#define SYS_statmount 457
#endif

pid_t clinux_fork(void) { return fork(); }

int clinux_wait(pid_t pid, int *status, int *signaled) {
    int found;
    pid_t ended;
    do {
        ended = waitpid(pid, &found, 0);
    } while (ended < 0 && errno == EINTR);
    if (ended < 0) return -1;
    *signaled = WIFSIGNALED(found);
    *status = *signaled ? WTERMSIG(found) : WEXITSTATUS(found);
    return 0;
}

int clinux_rename_whiteout(int directory, const char *from, const char *to) {
    return renameat2(directory, from, directory, to, RENAME_WHITEOUT);
}

int clinux_entry_type(int directory, const char *name) {
    int own = openat(directory, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (own < 0) return -1;
    DIR *opened = fdopendir(own);
    if (opened == NULL) {
        int saved_errno = errno;
        close(own);
        errno = saved_errno;
        return -1;
    }
    int type = -1;
    errno = 0;
    for (struct dirent *entry; type < 0 && (entry = readdir(opened)) != NULL;) {
        if (strcmp(entry->d_name, name) == 0) type = entry->d_type;
    }
    int saved_errno = errno == 0 ? ENOENT : errno;
    closedir(opened);
    errno = saved_errno;
    return type;
}

int clinux_has_attribute(int fd, const char *name) { return fgetxattr(fd, name, NULL, 0) >= 0; }

int clinux_landlock_version(void) {
    return (int)syscall(SYS_landlock_create_ruleset, NULL, 0, LANDLOCK_CREATE_RULESET_VERSION);
}

int clinux_try_statmount(void) { return (int)syscall(SYS_statmount, NULL, NULL, 0, 0); }

// Arguments that no kernel takes from any caller: a call that reaches it answers with something
// else than EPERM and ENOSYS. What asks for a capability before it looks at its arguments is not
// here.
static const struct {
    const char *name;
    long number, arguments[5];
} harmless[] = {
    {"clone3", SYS_clone3, {0}},
    {"close_range", SYS_close_range, {5, 4}},
    {"fsconfig", SYS_fsconfig, {-1, 99}},
    {"keyctl", SYS_keyctl, {9999}},
    {"mknodat", SYS_mknodat, {-1, 0}},
    {"mount", SYS_mount, {0}},
    {"mount_setattr", SYS_mount_setattr, {-1, 0, 0xffffffff}},
    {"open_tree", SYS_open_tree, {-1, 0}},
    {"openat2", SYS_openat2, {-1, 0, 0, 0}},
    {"personality", SYS_personality, {0xffffffff}},
    {"pidfd_getfd", SYS_pidfd_getfd, {-1, -1, 0}},
    {"pidfd_open", SYS_pidfd_open, {-1, 0}},
    {"pidfd_send_signal", SYS_pidfd_send_signal, {-1, 0, 0, 0}},
    {"seccomp", SYS_seccomp, {9999}},
    {"setns", SYS_setns, {-1, 0}},
    {"umount2", SYS_umount2, {0, 0xffffffff}},
    {"unshare", SYS_unshare, {1}},
};

const char *clinux_try_harmless(int index, int *error) {
    if (index < 0 || (size_t)index >= sizeof harmless / sizeof *harmless) return NULL;
    const long *a = harmless[index].arguments;
    long result = syscall(harmless[index].number, a[0], a[1], a[2], a[3], a[4]);
    *error = result < 0 ? errno : 0;
    return harmless[index].name;
}
