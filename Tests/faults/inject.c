// Runs a command of vfs-run, numbers the system calls of all its processes, and makes one call fail or
// kills the process that makes it:
//
//   inject [-o REPORT] [-u USER] [-t SECONDS] [-c] list -- COMMAND…
//   inject [-o REPORT] [-u USER] [-t SECONDS] PROCESS NUMBER FAULT -- COMMAND…
//
// PROCESS is "runtime" for the command's process, or the parent's name, a dot and the number of the
// process among the parent's children, from 1 on. NUMBER counts the calls of that process from 1 on.
// FAULT is an error number, which the call returns without being executed, or KILL, which kills the
// process before the call is executed. Calls that cannot fail (exit, getpid, umask, …) are counted and
// accept KILL alone.
//
// A process is traced, across executions of the runtime's binary, until it executes another program:
// the container's or a hook. That program runs untraced, as do processes that are left when the
// command's process has ended and the others are idle.
//
// The lines of REPORT:
//
//   call PROCESS NUMBER NAME RESULT      every call, with `list`; "-" is a call that did not return
//                                        With -c when it was entered and left, in nanoseconds of
//                                        CLOCK_MONOTONIC: the call lies in between
//   fault PROCESS NUMBER NAME            the fault was injected
//   program PROCESS FILE                 the process executed another program
//   crash PROCESS SIGNAL                 a crash signal; the process is killed
//   hang PROCESS NUMBER NAME             the call of a process when the time ran out
//   exit CODE | signal NUMBER | timeout  the ending of the command's process, the last line
//
// inject exits with 0 if it wrote the last line, and with 2 if it failed.
#define _GNU_SOURCE
#include <elf.h>
#include <errno.h>
#include <grp.h>
#include <seccomp.h>
#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/user.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <linux/ptrace.h>

#ifndef __x86_64__
#error "the numbers of calls and the registers are those of x86-64"
#endif

enum {
    MOST = 64,
    // How long other processes may make no call after the command's process has ended.
    REST_MILLISECONDS = 40,
    KILL = -1,
};

typedef struct {
    pid_t pid;
    char name[64];
    int children, count;
    long call;
    long long entered;
    // The process is between the entry and the exit of a call.
    bool is_inside;
    bool is_failing;
    // It stopped before the event of its parent's stop.
    bool is_early;
} process;

static process processes[MOST];
static int count;
static FILE *report;
static struct stat runtime_file;
static pid_t main_process;
static bool lists, has_times;
static const char *target;
static int target_number, fault;
static bool is_done;
static pid_t done_process;

_Noreturn static void fail(const char *what) {
    fprintf(stderr, "inject: %s: %s\n", what, strerror(errno));
    exit(2);
}

static long long nanoseconds(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec * 1000000000LL + now.tv_nsec;
}

static long long milliseconds(void) { return nanoseconds() / 1000000; }

static const char *call_name(long number) {
    static char text[32];
    char *name = seccomp_syscall_resolve_num_arch(SCMP_ARCH_X86_64, (int)number);
    snprintf(text, sizeof text, "%s", name != NULL ? name : "unknown");
    free(name);
    return text;
}

// The report's line on the call that a process is in.
static void tell_call(const process *one, const char *result) {
    fprintf(report, "call %s %d %s %s", one->name, one->count, call_name(one->call), result);
    if (has_times) fprintf(report, " %lld %lld", one->entered, nanoseconds());
    fputc('\n', report);
}

static process *find(pid_t pid) {
    for (int i = 0; i < count; i++) {
        if (processes[i].pid == pid) return &processes[i];
    }
    return NULL;
}

static process *add(pid_t pid) {
    if (count == MOST) {
        errno = EAGAIN;
        fail("more processes than expected");
    }
    process *new = &processes[count++];
    *new = (process){.pid = pid};
    return new;
}

static void forget(process *gone) { *gone = processes[--count]; }

static bool is_runtime(pid_t pid) {
    char path[64], file[16] = "";
    struct stat found;
    snprintf(path, sizeof path, "/proc/%d/exe", pid);
    if (stat(path, &found) != 0) return false;
    if (found.st_dev == runtime_file.st_dev && found.st_ino == runtime_file.st_ino) return true;
    // The sealed copy in memory.
    return readlink(path, file, sizeof file - 1) > 0 && strncmp(file, "/memfd:", 7) == 0;
}

// Continues the process to its next call.
static void proceed(pid_t pid, int signal) {
    // It may have been killed.
    if (ptrace(PTRACE_SYSCALL, pid, 0, signal) != 0 && errno != ESRCH) fail("PTRACE_SYSCALL");
}

static void release(process *released, int signal) {
    ptrace(PTRACE_DETACH, released->pid, 0, signal);
    forget(released);
}

// MARK: Stops

static void name_child(process *parent, pid_t pid) {
    parent->children++;
    char name[64];
    int length = snprintf(name, sizeof name, "%s.%d", parent->name, parent->children);
    if (length >= (int)sizeof name) length = sizeof name - 1;
    process *child = find(pid);
    bool was_early = child != NULL;
    if (child == NULL) child = add(pid);
    memcpy(child->name, name, (size_t)length + 1);
    if (was_early) {
        child->is_early = false;
        proceed(pid, 0);
    }
}

static void set_register(process *one, size_t place, long value) {
    if (ptrace(PTRACE_POKEUSER, one->pid, place, value) != 0 && errno != ESRCH)
        fail("PTRACE_POKEUSER");
}

// The others never return, or never return an error.
static bool can_fail(long call) {
    static const long calls[] = {SYS_exit,    SYS_exit_group, SYS_rt_sigreturn, SYS_getpid,
                                 SYS_gettid,  SYS_getppid,    SYS_getuid,       SYS_geteuid,
                                 SYS_getgid,  SYS_getegid,    SYS_umask,        SYS_setfsuid,
                                 SYS_setfsgid};
    for (size_t i = 0; i < sizeof calls / sizeof *calls; i++) {
        if (calls[i] == call) return false;
    }
    return true;
}

static void on_entry(process *one, const struct ptrace_syscall_info *info) {
    one->entered = nanoseconds();
    one->is_inside = true;
    one->call = (long)info->entry.nr;
    one->count++;
    if (lists || one->count != target_number || strcmp(one->name, target) != 0) return;
    if (fault != KILL && !can_fail(one->call)) return;
    fprintf(report, "fault %s %d %s\n", one->name, one->count, call_name(one->call));
    is_done = true;
    done_process = one->pid;
    if (fault == KILL) {
        kill(one->pid, SIGKILL);
        return;
    }
    // brk(2) has no errors: a failed call returns the unchanged break.
    if (one->call == SYS_brk) {
        set_register(one, offsetof(struct user, regs.rdi), 0);
        return;
    }
    one->is_failing = true;
    // close(2) closes the descriptor even if it returns an error.
    if (one->call != SYS_close) set_register(one, offsetof(struct user, regs.orig_rax), -1);
}

static void on_exit_of_call(process *one, const struct ptrace_syscall_info *info) {
    // A new process returns from a call that it did not make.
    if (!one->is_inside) return;
    one->is_inside = false;
    if (one->is_failing) {
        one->is_failing = false;
        set_register(one, offsetof(struct user, regs.rax), -(long)fault);
    }
    if (!lists) return;
    char result[32];
    snprintf(result, sizeof result, "%lld", (long long)info->exit.rval);
    tell_call(one, result);
}

static void on_call(process *one) {
    struct ptrace_syscall_info info;
    if (ptrace(PTRACE_GET_SYSCALL_INFO, one->pid, sizeof info, &info) < 0) return;
    if (info.op == PTRACE_SYSCALL_INFO_ENTRY) on_entry(one, &info);
    if (info.op == PTRACE_SYSCALL_INFO_EXIT) on_exit_of_call(one, &info);
}

// False if the process executed another program and is no longer traced.
static bool on_execution(process *one) {
    if (is_runtime(one->pid)) return true;
    char path[64], file[4096];
    snprintf(path, sizeof path, "/proc/%d/exe", one->pid);
    ssize_t length = readlink(path, file, sizeof file - 1);
    file[length > 0 ? length : 0] = 0;
    fprintf(report, "program %s %s\n", one->name, file);
    release(one, 0);
    return false;
}

static bool is_crash(int signal) {
    static const int signals[] = {SIGSEGV, SIGILL, SIGABRT, SIGBUS, SIGFPE, SIGTRAP, SIGSYS};
    for (size_t i = 0; i < sizeof signals / sizeof *signals; i++) {
        if (signals[i] == signal) return true;
    }
    return false;
}

// A traced process 1 of a pid namespace does not die of a crash: it would repeat the crash.
static void on_signal(process *one, int signal) {
    if (!is_crash(signal)) {
        proceed(one->pid, signal);
        return;
    }
    fprintf(report, "crash %s %d\n", one->name, signal);
    kill(one->pid, SIGKILL);
}

static void on_stop(process *one, int status) {
    int signal = WSTOPSIG(status), event = status >> 16;
    unsigned long message = 0;
    switch (event) {
    case PTRACE_EVENT_FORK:
    case PTRACE_EVENT_VFORK:
    case PTRACE_EVENT_CLONE: {
        pid_t pid = one->pid;
        if (ptrace(PTRACE_GETEVENTMSG, pid, 0, &message) == 0) name_child(one, (pid_t)message);
        proceed(pid, 0);
        return;
    }
    case PTRACE_EVENT_EXEC:
        if (on_execution(one)) proceed(one->pid, 0);
        return;
    case PTRACE_EVENT_STOP:
        // Stopped by a signal, like Ctrl-Z.
        if (signal != SIGTRAP) {
            ptrace(PTRACE_LISTEN, one->pid, 0, 0);
            return;
        }
        // A new process.
        if (one->name[0] == 0) {
            one->is_early = true;
            return;
        }
        proceed(one->pid, 0);
        return;
    }
    if (signal == (SIGTRAP | 0x80)) {
        on_call(one);
        proceed(one->pid, 0);
    } else {
        on_signal(one, signal);
    }
}

static void on_end(process *one, int status) {
    // A seccomp filter kills without a stop.
    if (WIFSIGNALED(status) && is_crash(WTERMSIG(status)))
        fprintf(report, "crash %s %d\n", one->name, WTERMSIG(status));
    // The last call does not return.
    if (lists && one->is_inside) tell_call(one, "-");
    forget(one);
}

// MARK: Main

// The remaining processes continue untraced.
static void release_all(void) {
    while (count > 0) {
        process *one = &processes[0];
        pid_t pid = one->pid;
        if (lists && one->is_inside) tell_call(one, "-");
        if (!one->is_early && ptrace(PTRACE_INTERRUPT, pid, 0, 0) == 0) {
            int status;
            if (waitpid(pid, &status, __WALL) != pid || !WIFSTOPPED(status)) {
                forget(one);
                continue;
            }
            int signal = WSTOPSIG(status);
            bool is_delivery = status >> 16 == 0 && signal != (SIGTRAP | 0x80);
            release(one, is_delivery ? signal : 0);
        } else {
            release(one, 0);
        }
    }
}

static int end_all(void) {
    for (int i = 0; i < count; i++) {
        fprintf(report, "hang %s %d %s\n", processes[i].name, processes[i].count,
                processes[i].is_inside ? call_name(processes[i].call) : "-");
        kill(processes[i].pid, SIGKILL);
    }
    fprintf(report, "timeout\n");
    return fclose(report) == 0 ? 0 : 2;
}

static int follow(int seconds) {
    long long deadline = milliseconds() + seconds * 1000LL, last = milliseconds();
    int ending = -1;
    sigset_t child;
    sigemptyset(&child);
    sigaddset(&child, SIGCHLD);
    for (;;) {
        int status;
        pid_t pid = waitpid(-1, &status, __WALL | WNOHANG);
        if (pid < 0 && errno != ECHILD) fail("waitpid");
        if (pid > 0) {
            process *one = find(pid);
            if (one == NULL && WIFSTOPPED(status)) one = add(pid);
            if (WIFSTOPPED(status)) {
                on_stop(one, status);
            } else {
                if (pid == main_process) ending = status;
                if (one != NULL) on_end(one, status);
            }
            last = milliseconds();
            continue;
        }
        if (ending != -1) {
            // The process of the fault is traced to its end.
            bool waits = count > 0 && (!is_done || find(done_process) != NULL);
            if (!waits || milliseconds() > last + (lists ? 10 : 1) * REST_MILLISECONDS) break;
        }
        if (pid < 0 && ending == -1) fail("waitpid");
        if (milliseconds() > deadline) return end_all();
        struct timespec moment = {.tv_nsec = 5000000};
        sigtimedwait(&child, NULL, &moment);
    }
    release_all();
    if (WIFSIGNALED(ending)) {
        fprintf(report, "signal %d\n", WTERMSIG(ending));
    } else {
        fprintf(report, "exit %d\n", WEXITSTATUS(ending));
    }
    return fclose(report) == 0 ? 0 : 2;
}

// The command's process waits until it is traced. Its calls count from its first execution on.
static void start(char **command, uid_t user) {
    int gate[2];
    if (pipe(gate) != 0) fail("pipe");
    main_process = fork();
    if (main_process < 0) fail("fork");
    if (main_process == 0) {
        char byte;
        close(gate[1]);
        if (read(gate[0], &byte, 1) != 0) _exit(2);
        close(gate[0]);
        sigset_t none;
        sigemptyset(&none);
        sigprocmask(SIG_SETMASK, &none, NULL);
        if (user != 0 && (setgroups(0, NULL) != 0 || setresgid(user, user, user) != 0 ||
                          setresuid(user, user, user) != 0))
            fail("setresuid");
        execv(command[0], command);
        fail(command[0]);
    }
    unsigned long options = PTRACE_O_EXITKILL | PTRACE_O_TRACESYSGOOD | PTRACE_O_TRACEFORK |
                            PTRACE_O_TRACEVFORK | PTRACE_O_TRACECLONE | PTRACE_O_TRACEEXEC;
    if (ptrace(PTRACE_SEIZE, main_process, 0, options) != 0) fail("PTRACE_SEIZE");
    process *first = add(main_process);
    strcpy(first->name, "runtime");
    // PTRACE_SYSCALL starts later, so the execution is the first stop.
    close(gate[0]);
    close(gate[1]);
    int status;
    do {
        if (waitpid(main_process, &status, __WALL) != main_process || !WIFSTOPPED(status)) exit(2);
        if (status >> 16 == PTRACE_EVENT_EXEC) break;
        ptrace(PTRACE_CONT, main_process, 0, 0);
    } while (true);
    proceed(main_process, 0);
}

int main(int argc, char **argv) {
    int option, seconds = 10;
    uid_t user = 0;
    report = stdout;
    while ((option = getopt(argc, argv, "+o:u:t:c")) != -1) {
        if (option == 'o') report = fopen(optarg, "we");
        if (option == 'u') user = (uid_t)atoi(optarg);
        if (option == 't') seconds = atoi(optarg);
        if (option == 'c') has_times = true;
        if (option == '?') return 2;
    }
    if (report == NULL) fail("the report");
    char **words = argv + optind;
    int left = argc - optind;
    lists = left > 2 && strcmp(words[0], "list") == 0;
    int taken = lists ? 1 : 3;
    if (left < taken + 2 || strcmp(words[taken], "--") != 0) {
        fprintf(stderr, "usage: inject [-o REPORT] [-u USER] [-t SECONDS] "
                        "(list | PROCESS NUMBER FAULT) -- COMMAND...\n");
        return 2;
    }
    if (!lists) {
        target = words[0];
        target_number = atoi(words[1]);
        fault = strcmp(words[2], "KILL") == 0 ? KILL : atoi(words[2]);
        // A call that is not executed and returns 0 is no fault.
        if (fault == 0 || target_number <= 0) {
            fprintf(stderr, "inject: NUMBER is a number from 1 on, FAULT an error number or KILL\n");
            return 2;
        }
    }
    char **command = words + taken + 1;
    if (stat(command[0], &runtime_file) != 0) fail(command[0]);
    sigset_t child;
    sigemptyset(&child);
    sigaddset(&child, SIGCHLD);
    sigprocmask(SIG_BLOCK, &child, NULL);
    start(command, user);
    return follow(seconds);
}
