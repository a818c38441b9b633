// The init of a pid namespace whose program is not its first process: process 1 makes the program's
// process, passes signals on to it, takes note of the ends of orphans, and ends with it. It
// allocates nothing, opens nothing, and uses no other part of the program.

#define _GNU_SOURCE
#include "clinux.h"
#include "direct.h"

#include <asm/unistd.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/audit.h>
#include <linux/capability.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <signal.h>
#include <stddef.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>

#if defined(__x86_64__)
#define OWN_ARCHITECTURE AUDIT_ARCH_X86_64
#else
#define OWN_ARCHITECTURE AUDIT_ARCH_AARCH64
#endif

// What keeps the init from confining itself: a call by its name, a static string, and its error.
// The program's process is a copy of this one, where the string lies at the same address.
typedef struct {
    const char *call;
    long error;
} problem;

// What the runtime process is told when the program has ended.
typedef struct {
    // si_code and si_status of waitid(2).
    uint8_t code, status, unused[6];
    // Of the program, of the orphans that have ended before it, and of those they have waited for:
    // microseconds of processor time, the KiB of the largest, and how often one has waited or was
    // made to.
    uint64_t user, system, memory, voluntary, forced;
} told_end;

// A set of signals as the kernel takes it.
typedef uint64_t signals;
static const signals every = ~(signals)0;

#define ALLOW(number)                                                                              \
    BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, number, 0, 1), BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW)
#define REFUSE (SECCOMP_RET_ERRNO | EPERM)
#define LOAD(field) BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, field))

// The calls of `lead`; every other one is refused. A signal goes to the program alone: the kernel
// reads the pid from the lower half of the argument, which comes first.
static long install_filter(long program) {
    struct sock_filter instructions[] = {
        LOAD(arch),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, OWN_ARCHITECTURE, 1, 0),
        BPF_STMT(BPF_RET | BPF_K, REFUSE),
        LOAD(nr),
        ALLOW(__NR_rt_sigtimedwait),
        ALLOW(__NR_waitid),
        ALLOW(__NR_read),
        ALLOW(__NR_write),
        ALLOW(__NR_close),
        ALLOW(__NR_exit_group),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, __NR_kill, 1, 0),
        BPF_STMT(BPF_RET | BPF_K, REFUSE),
        LOAD(args[0]),
        ALLOW((unsigned int)program),
        BPF_STMT(BPF_RET | BPF_K, REFUSE),
    };
    struct sock_fprog filter = {.len = sizeof instructions / sizeof *instructions,
                                .filter = instructions};
    return call(__NR_seccomp, SECCOMP_SET_MODE_FILTER, 0, (long)&filter, 0, 0);
}

static long drop_capabilities(void) {
    struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
    struct __user_cap_data_struct data[2] = {{0}};
    long result = call(__NR_prctl, PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0);
    if (result < 0) return result;
    result = call(__NR_capset, (long)&header, (long)data, 0, 0, 0);
    if (result < 0) return result;
    // A call that reported success and did nothing must not leave a right.
    header.version = _LINUX_CAPABILITY_VERSION_3;
    result = call(__NR_capget, (long)&header, (long)data, 0, 0, 0);
    if (result < 0) return result;
    for (int half = 0; half < 2; half++) {
        if (data[half].effective | data[half].permitted | data[half].inheritable) return -EPERM;
    }
    return 0;
}

// Closes every descriptor but two.
static long close_others(long one, long other) {
    long low = one < other ? one : other, high = one < other ? other : one;
    long result = low > 0 ? call(__NR_close_range, 0, low - 1, 0, 0, 0) : 0;
    if (result >= 0 && high > low + 1) result = call(__NR_close_range, low + 1, high - 1, 0, 0, 0);
    if (result >= 0) result = call(__NR_close_range, high + 1, 0xffffffffL, 0, 0, 0);
    return result;
}

static problem confine(long program, int report, int told) {
    static const char name[] = "vfs-run-init";
    long result = close_others(report, told);
    if (result < 0) return (problem){"close_range", result};
    call(__NR_prctl, PR_SET_NAME, (long)name, 0, 0, 0);
    result = call(__NR_prctl, PR_SET_DUMPABLE, 0, 0, 0, 0);
    if (result >= 0 && call(__NR_prctl, PR_GET_DUMPABLE, 0, 0, 0, 0) != 0) result = -EPERM;
    if (result < 0) return (problem){"prctl PR_SET_DUMPABLE", result};
    result = call(__NR_prctl, PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
    if (result < 0) return (problem){"prctl PR_SET_NO_NEW_PRIVS", result};
    result = drop_capabilities();
    if (result < 0) return (problem){"capset", result};
    result = install_filter(program);
    if (result < 0) return (problem){"seccomp SECCOMP_SET_MODE_FILTER", result};
    return (problem){NULL, 0};
}

static uint64_t microseconds(struct timeval time) {
    return (uint64_t)time.tv_sec * 1000000 + (uint64_t)time.tv_usec;
}

static void add(told_end *told, const struct rusage *usage) {
    told->user += microseconds(usage->ru_utime);
    told->system += microseconds(usage->ru_stime);
    if ((uint64_t)usage->ru_maxrss > told->memory) told->memory = (uint64_t)usage->ru_maxrss;
    told->voluntary += (uint64_t)usage->ru_nvcsw;
    told->forced += (uint64_t)usage->ru_nivcsw;
}

// Tells the runtime process how the program has ended, and ends in the same way. The program stays
// a zombie until the runtime process closes its end: until then /proc tells of the program, and
// whether it was ever executed. Where no runtime process listens any more that is at once.
static void __attribute__((noreturn)) end(const siginfo_t *info, told_end *told, int report) {
    told->code = (uint8_t)info->si_code;
    told->status = (uint8_t)info->si_status;
    if (call(__NR_write, report, (long)told, sizeof *told, 0, 0) == sizeof *told) {
        while (call(__NR_read, report, (long)told, sizeof *told, 0, 0) == -EINTR) {
        }
    }
    int status = info->si_status & 0xff;
    for (;;)
        call(__NR_exit_group, info->si_code == CLD_EXITED ? status : 128 + status, 0, 0, 0, 0);
}

// Takes note of every child that has ended, up to the program.
static void reap(long program, told_end *told, int report) {
    siginfo_t info;
    struct rusage usage;
    for (;;) {
        info.si_pid = 0;
        long result = call(__NR_waitid, P_ALL, 0, (long)&info, WEXITED | WNOHANG | WNOWAIT | __WALL,
                           (long)&usage);
        // The signal of an end is taken by now: nothing else would ask again.
        if (result < 0 && result != -ECHILD) continue;
        // The program is waited for by nobody else.
        while (result == -ECHILD)
            call(__NR_exit_group, 125, 0, 0, 0, 0);
        if (info.si_pid == 0) return;
        add(told, &usage);
        if (info.si_pid == program) end(&info, told, report);
        call(__NR_waitid, P_PID, info.si_pid, (long)&info, WEXITED | WNOHANG | __WALL, 0);
    }
}

// Process 1, from the moment on when there is the program's process.
static void __attribute__((noreturn)) lead(long program, int report, int told) {
    problem found = confine(program, report, told);
    // The program's process reports it. This one may still hold the channel, until whose end the
    // runtime process reads: it waits for nobody.
    if (found.error < 0) report = -1;
    // The program's process does not go on before it is told; what it is told of a problem it
    // reports, and ends.
    call(__NR_write, told, (long)&found, sizeof found, 0, 0);
    call(__NR_close, told, 0, 0, 0, 0);
    told_end told_of_end = {0};
    for (;;) {
        long signal = call(__NR_rt_sigtimedwait, (long)&every, 0, 0, sizeof every, 0);
        if (signal > 0 && signal != SIGCHLD) {
            call(__NR_kill, program, signal, 0, 0, 0);
        } else {
            reap(program, &told_of_end, report);
        }
    }
}

static int fail(long result, const char *call, const char **failed) {
    *failed = call;
    errno = (int)-result;
    return -1;
}

int clinux_fork_under_init(int report, const char **failed) {
    int ends[2];
    signals before;
    long result = call(__NR_pipe2, (long)ends, O_CLOEXEC, 0, 0, 0);
    if (result < 0) return fail(result, "pipe2", failed);
    // All that arrives from here on is passed on.
    result = call(__NR_rt_sigprocmask, SIG_SETMASK, (long)&every, (long)&before, sizeof every, 0);
    if (result < 0) return fail(result, "rt_sigprocmask", failed);
    // Not by clone3(2), which filters forbid.
    long program = call(__NR_clone, SIGCHLD, 0, 0, 0, 0);
    if (program > 0) lead(program, report, ends[1]);
    call(__NR_close, ends[1], 0, 0, 0, 0);
    problem told = {"clone", program};
    if (program == 0) {
        do {
            result = call(__NR_read, ends[0], (long)&told, sizeof told, 0, 0);
        } while (result == -EINTR);
        if (result != sizeof told) told = (problem){"read", result < 0 ? result : -EPIPE};
    }
    call(__NR_close, ends[0], 0, 0, 0, 0);
    result = call(__NR_rt_sigprocmask, SIG_SETMASK, (long)&before, 0, sizeof before, 0);
    if (told.error < 0) return fail(told.error, told.call, failed);
    return result < 0 ? fail(result, "rt_sigprocmask", failed) : 0;
}
