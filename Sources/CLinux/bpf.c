// Programs that decide about devices, for cgroups of version 2.

#define _GNU_SOURCE
#include "clinux.h"

#include <errno.h>
#include <linux/bpf.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

static long call(int command, union bpf_attr *attributes) {
    return syscall(SYS_bpf, command, attributes, sizeof *attributes);
}

int clinux_bpf_load_device(const uint64_t *instructions, uint32_t count) {
    union bpf_attr attributes;
    memset(&attributes, 0, sizeof attributes);
    attributes.prog_type = BPF_PROG_TYPE_CGROUP_DEVICE;
    attributes.insns = (uint64_t)(uintptr_t)instructions;
    attributes.insn_cnt = count;
    attributes.license = (uint64_t)(uintptr_t) "Apache";
    return (int)call(BPF_PROG_LOAD, &attributes);
}

// The ids of the programs that `cgroup` itself has; how many in `*count`.
static int query(int cgroup, uint32_t ids[64], uint32_t *count) {
    union bpf_attr attributes;
    memset(&attributes, 0, sizeof attributes);
    attributes.query.target_fd = (uint32_t)cgroup;
    attributes.query.attach_type = BPF_CGROUP_DEVICE;
    attributes.query.prog_ids = (uint64_t)(uintptr_t)ids;
    attributes.query.prog_cnt = 64;
    if (call(BPF_PROG_QUERY, &attributes) != 0) return -1;
    *count = attributes.query.prog_cnt;
    return 0;
}

static int attach(int cgroup, int program, uint32_t flags, int replaced) {
    union bpf_attr attributes;
    memset(&attributes, 0, sizeof attributes);
    attributes.target_fd = (uint32_t)cgroup;
    attributes.attach_bpf_fd = (uint32_t)program;
    attributes.attach_type = BPF_CGROUP_DEVICE;
    attributes.attach_flags = BPF_F_ALLOW_MULTI | flags;
    if (flags & BPF_F_REPLACE) attributes.replace_bpf_fd = (uint32_t)replaced;
    return (int)call(BPF_PROG_ATTACH, &attributes);
}

static int open_program(uint32_t id) {
    union bpf_attr attributes;
    memset(&attributes, 0, sizeof attributes);
    attributes.prog_id = id;
    return (int)call(BPF_PROG_GET_FD_BY_ID, &attributes);
}

static int detach(int cgroup, int program) {
    union bpf_attr attributes;
    memset(&attributes, 0, sizeof attributes);
    attributes.target_fd = (uint32_t)cgroup;
    attributes.attach_bpf_fd = (uint32_t)program;
    attributes.attach_type = BPF_CGROUP_DEVICE;
    return (int)call(BPF_PROG_DETACH, &attributes);
}

int clinux_bpf_attach_device(int cgroup, int program) {
    uint32_t ids[64], count = 0;
    if (query(cgroup, ids, &count) != 0) return -1;
    // One is replaced at once, so that no moment is without. Of several the new one comes first:
    // a device must be allowed by all of them.
    int replaced = count == 1 ? open_program(ids[0]) : -1;
    if (count == 1 && replaced < 0) return -1;
    int result = attach(cgroup, program, replaced >= 0 ? BPF_F_REPLACE : 0, replaced);
    for (uint32_t i = 0; result == 0 && count > 1 && i < count; i++) {
        int old = open_program(ids[i]);
        if (old < 0) {
            result = -1;
            break;
        }
        result = detach(cgroup, old);
        int saved_errno = errno;
        close(old);
        errno = saved_errno;
    }
    int saved_errno = errno;
    if (replaced >= 0) close(replaced);
    errno = saved_errno;
    return result;
}
