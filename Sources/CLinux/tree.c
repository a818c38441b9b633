// Files of a tree that is being written.

#define _GNU_SOURCE
#include "clinux.h"

#include <sys/xattr.h>
#include <unistd.h>

int clinux_lsetxattr(const char *path, const char *name, const void *value, size_t size) {
    return lsetxattr(path, name, value, size, 0);
}

ssize_t clinux_lgetxattr(const char *path, const char *name, void *value, size_t size) {
    return lgetxattr(path, name, value, size);
}

int clinux_syncfs(int fd) { return syncfs(fd); }
