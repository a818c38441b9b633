// Finds the instructions of a list that a program executes:
//
//   step OUTPUT PLACES PROGRAM COMMAND ARGS…
//
// PLACES lists addresses of instructions of PROGRAM in hexadecimal, one a line, for example the
// starts of functions. OUTPUT gets the executed ones in the order of their first execution. step
// sets a breakpoint at each and removes it when it is hit. COMMAND is PROGRAM or executes it. step
// follows PROGRAM, sealed or not, and the processes that it makes, up to the container's program. If
// the command leaves a process behind, as create does, step continues until that process executes
// the program or ends.

#define _GNU_SOURCE
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ptrace.h>
#include <sys/stat.h>
#include <sys/user.h>
#include <sys/wait.h>
#include <unistd.h>

// The binary is linked to fixed addresses in this range.
enum { LOWEST = 0x200000, HIGHEST = 0x4000000, BREAKPOINT = 0xcc };
enum state { NO_PLACE, NOT_SEEN, SEEN };
static unsigned char places[HIGHEST - LOWEST];
static unsigned char text[HIGHEST - LOWEST];

static int read_places(const char *path) {
    FILE *file = fopen(path, "r");
    if (file == NULL) return -1;
    for (unsigned long address; fscanf(file, "%lx", &address) == 1;) {
        if (address >= LOWEST && address < HIGHEST) places[address - LOWEST] = NOT_SEEN;
    }
    return fclose(file);
}

static int open_memory(pid_t process) {
    char path[64];
    snprintf(path, sizeof path, "/proc/%d/mem", process);
    return open(path, O_RDWR | O_CLOEXEC);
}

// Sets a breakpoint at every place that was not executed yet.
static int set_breakpoints(pid_t process) {
    int memory = open_memory(process);
    if (memory < 0) return -1;
    for (unsigned long page = LOWEST; page < HIGHEST; page += 4096) {
        unsigned char changed[4096];
        int count = 0;
        for (int at = 0; at < 4096; at++) {
            count += places[page - LOWEST + at] == NOT_SEEN;
        }
        if (count == 0 || pread(memory, changed, 4096, page) != 4096) continue;
        for (int at = 0; at < 4096; at++) {
            text[page - LOWEST + at] = changed[at];
            if (places[page - LOWEST + at] == NOT_SEEN) changed[at] = BREAKPOINT;
        }
        if (pwrite(memory, changed, 4096, page) != 4096) return -1;
    }
    return close(memory);
}

// Whether a process hit a breakpoint. The process continues with the original instruction.
static int pass_breakpoint(pid_t process, FILE *output) {
    struct user_regs_struct registers;
    if (ptrace(PTRACE_GETREGS, process, 0, &registers) != 0) return 0;
    unsigned long address = registers.rip - 1;
    if (address < LOWEST || address >= HIGHEST || places[address - LOWEST] == NO_PLACE) {
        return 0;
    }
    if (places[address - LOWEST] == NOT_SEEN) fprintf(output, "%lx\n", address);
    places[address - LOWEST] = SEEN;
    int memory = open_memory(process);
    if (memory < 0 || pwrite(memory, &text[address - LOWEST], 1, address) != 1) return 0;
    close(memory);
    registers.rip = address;
    return ptrace(PTRACE_SETREGS, process, 0, &registers) == 0;
}

// A sealed process runs from another mount of the same file.
static int executes(pid_t process, const struct stat *binary) {
    char path[64];
    struct stat found;
    snprintf(path, sizeof path, "/proc/%d/exe", process);
    return stat(path, &found) == 0 && found.st_ino == binary->st_ino &&
           found.st_dev == binary->st_dev;
}

int main(int count, char **arguments) {
    struct stat binary;
    if (count < 5 || stat(arguments[3], &binary) != 0) return 2;
    FILE *output = fopen(arguments[1], "w");
    if (output == NULL || read_places(arguments[2]) != 0) return 1;
    pid_t first = fork();
    if (first == 0) {
        ptrace(PTRACE_TRACEME, 0, 0, 0);
        raise(SIGSTOP);
        execvp(arguments[4], arguments + 4);
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
            int is_program = executes(process, &binary);
            if (!is_program && has_begun) {
                ptrace(PTRACE_DETACH, process, 0, 0);
                continue;
            }
            has_begun |= is_program;
            if (is_program && set_breakpoints(process) != 0) return 1;
        }
        int is_ours = signal == SIGTRAP && !event && pass_breakpoint(process, output);
        int passed = event || is_ours || signal == SIGTRAP || signal == SIGSTOP ? 0 : signal;
        ptrace(PTRACE_CONT, process, 0, passed);
    }
    return fclose(output) == 0 ? code : 1;
}
