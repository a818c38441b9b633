// The rights of a process, written and read back: by the calls themselves, since libcap
// takes what the kernel answers once for what it knows.

#define _GNU_SOURCE
#include "clinux.h"

#include <errno.h>
#include <linux/capability.h>
#include <sys/fsuid.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

int clinux_get_capabilities(uint64_t sets[3]) {
    struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
    struct __user_cap_data_struct data[2] = {{0}};
    if (syscall(SYS_capget, &header, data) != 0) return -1;
    sets[0] = (uint64_t)data[1].effective << 32 | data[0].effective;
    sets[1] = (uint64_t)data[1].permitted << 32 | data[0].permitted;
    sets[2] = (uint64_t)data[1].inheritable << 32 | data[0].inheritable;
    return 0;
}

int clinux_set_capabilities(const uint64_t sets[3]) {
    struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
    struct __user_cap_data_struct data[2];
    for (int half = 0; half < 2; half++) {
        data[half].effective = (uint32_t)(sets[0] >> (32 * half));
        data[half].permitted = (uint32_t)(sets[1] >> (32 * half));
        data[half].inheritable = (uint32_t)(sets[2] >> (32 * half));
    }
    return (int)syscall(SYS_capset, &header, data);
}

int clinux_has_bounding(int number) { return prctl(PR_CAPBSET_READ, number, 0, 0, 0); }
int clinux_drop_bounding(int number) { return prctl(PR_CAPBSET_DROP, number, 0, 0, 0); }
int clinux_clear_ambient(void) { return prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0); }

int clinux_raise_ambient(int number) {
    return prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, number, 0, 0);
}

int clinux_has_ambient(int number) {
    return prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_IS_SET, number, 0, 0);
}

int clinux_get_ids(uint32_t users[4], uint32_t groups[4]) {
    if (getresuid(&users[0], &users[1], &users[2]) != 0) return -1;
    if (getresgid(&groups[0], &groups[1], &groups[2]) != 0) return -1;
    // No id: nothing is changed.
    users[3] = (uint32_t)setfsuid((uid_t)-1);
    groups[3] = (uint32_t)setfsgid((gid_t)-1);
    return 0;
}

int clinux_get_no_new_privileges(void) { return prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0); }
int clinux_get_dumpable(void) { return prctl(PR_GET_DUMPABLE, 0, 0, 0, 0); }
int clinux_get_keep_capabilities(void) { return prctl(PR_GET_KEEPCAPS, 0, 0, 0, 0); }

int clinux_get_own_limit(int resource, uint64_t *soft, uint64_t *hard) {
    struct rlimit64 limit = {0};
    if (prlimit64(0, (enum __rlimit_resource)resource, NULL, &limit) != 0) return -1;
    *soft = limit.rlim_cur;
    *hard = limit.rlim_max;
    return 0;
}
