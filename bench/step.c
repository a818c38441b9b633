// Single-steps a program and writes which of its instructions are executed:
//
//   step OUTPUT COMMAND ARGS…
//
// OUTPUT gets the addresses of the executed instructions, a line each, in the
// order of their first execution. Followed are the command, sealed or not, and
// the processes it makes, up to the container's program. Where the command ends
// and leaves a process to itself, as create does, this goes on until that has
// become the program too, or has ended.

#define _GNU_SOURCE
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ptrace.h>
#include <sys/stat.h>
#include <sys/user.h>
#include <sys/wait.h>
#include <unistd.h>

// The binary is linked to a fixed place in here.
enum { LOWEST = 0x200000, HIGHEST = 0x4000000 };
static unsigned char seen[HIGHEST - LOWEST];

static void note(pid_t process, FILE *output) {
    struct user_regs_struct registers;
    if (ptrace(PTRACE_GETREGS, process, 0, &registers) != 0) return;
    unsigned long address = registers.rip;
    if (address < LOWEST || address >= HIGHEST || seen[address - LOWEST]) return;
    seen[address - LOWEST] = 1;
    fprintf(output, "%lx\n", address);
}

// A sealed one runs from another mount of the same file.
static int executes(pid_t process, const struct stat *binary) {
    char path[64];
    struct stat found;
    snprintf(path, sizeof path, "/proc/%d/exe", process);
    return stat(path, &found) == 0 && found.st_ino == binary->st_ino &&
           found.st_dev == binary->st_dev;
}

int main(int count, char **arguments) {
    struct stat binary;
    if (count < 3 || stat(arguments[2], &binary) != 0) return 2;
    FILE *output = fopen(arguments[1], "w");
    if (output == NULL) return 1;
    pid_t first = fork();
    if (first == 0) {
        ptrace(PTRACE_TRACEME, 0, 0, 0);
        raise(SIGSTOP);
        execv(arguments[2], arguments + 2);
        _exit(127);
    }
    int status, code = 1, has_begun = 0;
    waitpid(first, &status, 0);
    ptrace(PTRACE_SETOPTIONS, first, 0,
           PTRACE_O_TRACECLONE | PTRACE_O_TRACEFORK | PTRACE_O_TRACEVFORK | PTRACE_O_TRACEEXEC |
               PTRACE_O_EXITKILL);
    ptrace(PTRACE_CONT, first, 0, 0);
    for (pid_t process; (process = waitpid(-1, &status, __WALL)) > 0;) {
        if (!WIFSTOPPED(status)) {
            if (process == first && WIFEXITED(status)) code = WEXITSTATUS(status);
            continue;
        }
        int signal = WSTOPSIG(status), event = status >> 16;
        if (event == PTRACE_EVENT_EXEC) {
            has_begun = 1;
            if (!executes(process, &binary)) {
                ptrace(PTRACE_DETACH, process, 0, 0);
                continue;
            }
        }
        if (has_begun) note(process, output);
        int passed = event || signal == SIGTRAP || signal == SIGSTOP ? 0 : signal;
        ptrace(has_begun ? PTRACE_SINGLESTEP : PTRACE_CONT, process, 0, passed);
    }
    return fclose(output) == 0 ? code : 1;
}
