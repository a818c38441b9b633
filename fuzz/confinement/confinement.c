// Confines the fuzzer to its scratch directory, whatever the code under test does.

#define _GNU_SOURCE
#include "confinement.h"

#include <fcntl.h>
#include <linux/landlock.h>
#include <stdint.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

// Landlock's rules of version 6 (landlock(7)). The system's header may be older.
struct rules {
    uint64_t files;
    uint64_t network;
    uint64_t scopes;
};

enum {
    WRITE_FILE = 1 << 1,
    FIRST_CHANGE = 1 << 4, // LANDLOCK_ACCESS_FS_REMOVE_DIR and the following bits.
    LAST_CHANGE = 1 << 14, // LANDLOCK_ACCESS_FS_TRUNCATE.
    BIND_AND_CONNECT = 3,
    SOCKETS_AND_SIGNALS = 3,
};

static const uint64_t changes = WRITE_FILE | ((LAST_CHANGE << 1) - FIRST_CHANGE);

static int allow(int ruleset, const char *path) {
    struct landlock_path_beneath_attr beneath = {.allowed_access = changes};
    beneath.parent_fd = open(path, O_PATH | O_CLOEXEC);
    if (beneath.parent_fd < 0) return -1;
    struct stat found;
    if (fstat(beneath.parent_fd, &found) == 0 && !S_ISDIR(found.st_mode))
        beneath.allowed_access = WRITE_FILE | LAST_CHANGE;
    int result =
        (int)syscall(SYS_landlock_add_rule, ruleset, LANDLOCK_RULE_PATH_BENEATH, &beneath, 0);
    close(beneath.parent_fd);
    return result;
}

int confine_writing(const char *const *paths, int count) {
    struct rules rules = {changes, BIND_AND_CONNECT, SOCKETS_AND_SIGNALS};
    int version =
        (int)syscall(SYS_landlock_create_ruleset, NULL, 0, LANDLOCK_CREATE_RULESET_VERSION);
    if (version < 0) return -1;
    // Version 3 has all file rights, 4 connections, 6 scopes.
    size_t size = version >= 6   ? sizeof rules
                  : version >= 4 ? 2 * sizeof(uint64_t)
                                 : sizeof(uint64_t);
    int ruleset = (int)syscall(SYS_landlock_create_ruleset, &rules, size, 0);
    if (ruleset < 0) return -1;
    int result = 0;
    for (int i = 0; i < count && result == 0; i++)
        result = allow(ruleset, paths[i]);
    if (result == 0) result = prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
    if (result == 0) result = (int)syscall(SYS_landlock_restrict_self, ruleset, 0);
    close(ruleset);
    return result;
}
