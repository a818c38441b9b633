// Files of a tree that is being written.

#define _GNU_SOURCE
#include "clinux.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <stdio.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

_Static_assert(CLINUX_RENAME_NOREPLACE == RENAME_NOREPLACE, "RENAME_NOREPLACE");
_Static_assert(CLINUX_RENAME_EXCHANGE == RENAME_EXCHANGE, "RENAME_EXCHANGE");

int clinux_lsetxattr(const char *path, const char *name, const void *value, size_t size) {
    return lsetxattr(path, name, value, size, 0);
}

ssize_t clinux_lgetxattr(const char *path, const char *name, void *value, size_t size) {
    return lgetxattr(path, name, value, size);
}

int clinux_syncfs(int fd) { return syncfs(fd); }

int clinux_rename(int from, const char *name, int to, const char *other, unsigned int flags) {
    return renameat2(from, name, to, other, flags);
}

int clinux_change_owner(int fd, uid_t user, gid_t group) {
    return fchownat(fd, "", user, group, AT_EMPTY_PATH);
}

int clinux_change_time(int fd, int64_t seconds, int64_t nanoseconds) {
    char place[64];
    snprintf(place, sizeof place, "/proc/self/fd/%d", fd);
    struct timespec times[2] = {
        {.tv_nsec = UTIME_OMIT},
        {.tv_sec = (time_t)seconds, .tv_nsec = (long)nanoseconds},
    };
    return utimensat(AT_FDCWD, place, times, 0);
}

// Larger files are cloned where the file system can, and otherwise copied by the kernel.
enum { SMALL = 1 << 17 };

int clinux_copy_file(int source, int target, int64_t size) {
    static char buffer[SMALL];
    if (size > SMALL) {
        if (ioctl(target, FICLONE, source) == 0) return ftruncate(target, size);
        return clinux_copy_data(source, target, size);
    }
    int64_t done = 0;
    while (done < size) {
        ssize_t count = pread(source, buffer, (size_t)(size - done), done);
        if (count < 0 && errno == EINTR) continue;
        if (count < 0) return -1;
        if (count == 0) break; // it has become shorter
        for (ssize_t written = 0; written < count;) {
            ssize_t part = write(target, buffer + written, (size_t)(count - written));
            if (part < 0 && errno != EINTR) return -1;
            if (part > 0) written += part;
        }
        done += count;
    }
    return 0;
}
