// Landlock (landlock(7)): rules by which the kernel confines this process and those it makes,
// beside mounts and permissions.

#define _GNU_SOURCE
#include "clinux.h"

#include <fcntl.h>
#include <linux/landlock.h>
#include <sys/syscall.h>
#include <unistd.h>

// The structure as it is since the sixth version of the interface; the header may be older. A
// kernel that does not know the last members takes the structure without them.
struct rules {
    uint64_t files, network, scopes;
};

int clinux_landlock_create(uint64_t files, uint64_t scopes) {
    struct rules rules = {.files = files, .scopes = scopes};
    size_t size = scopes != 0 ? sizeof rules : sizeof rules.files;
    return (int)syscall(SYS_landlock_create_ruleset, &rules, size, 0);
}

int clinux_landlock_add(int rules, int place, uint64_t access) {
    struct landlock_path_beneath_attr rule = {.allowed_access = access, .parent_fd = place};
    return (int)syscall(SYS_landlock_add_rule, rules, LANDLOCK_RULE_PATH_BENEATH, &rule, 0);
}

int clinux_landlock_restrict(int rules) {
    return (int)syscall(SYS_landlock_restrict_self, rules, 0);
}
