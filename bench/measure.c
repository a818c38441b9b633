// Runs commands in turn, round by round, and prints the time of each run. Drift
// (clock rate, caches, other load) then affects all commands alike.
//
//   measure ROUNDS WARMUP :: NAME [FD<FILE] [xN|=N] COMMAND ARGS… :: NAME …
//
// Prints a line for each run without the warm-up rounds, separated by tabs:
//
//   name  nanoseconds  max-rss-KiB  page-faults  user-µs  system-µs
//
// The time is from before posix_spawn to after wait4. The resources are those
// of the command and of the children that it waited for; max-rss is that of the
// largest process. posix_spawn shares the memory of this process until the
// exec, and this process is small: a static program below 1 MiB.
//
// FD<FILE opens FILE as descriptor FD, again for each run. xN runs the command N
// times in sequence and =N times in parallel, timed as one run; % in an argument
// is then the number of the copy.
//
// A command whose name starts with @ is not timed:
//
//   @NAME @end FILE   waits for the end of the process whose pid is in FILE
//
// Processes that a runtime leaves behind become children of this process, which
// waits for them. They have /dev/null as standard input and output and keep
// standard error open: do not read it from a pipe to its end.
//
// A command that takes longer than half a minute is killed, and measure exits with
// an error.

#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { MOST_COPIES = 1000, LONGEST_SECONDS = 30 };

struct command {
    char *name, **argv;
    int times, at_once;
    posix_spawn_file_actions_t actions;
};

static void fail(const char *what, const char *why) {
    fprintf(stderr, "measure: %s: %s\n", what, why);
    exit(1);
}

static int64_t now(void) {
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return time.tv_sec * 1000000000LL + time.tv_nsec;
}

static int64_t microseconds(struct timeval time) { return time.tv_sec * 1000000LL + time.tv_usec; }

/// Splits the arguments at `::`.
static int read_commands(char **argument, struct command *commands, int capacity) {
    int count = 0;
    while (*argument) {
        if (strcmp(*argument, "::") != 0 || !argument[1] || !argument[2] || count == capacity)
            fail(*argument, "expected :: NAME COMMAND");
        struct command *command = &commands[count++];
        *argument++ = NULL;
        command->name = *argument++;
        command->times = 1;
        posix_spawn_file_actions_init(&command->actions);
        for (int fd = 0; fd < 2; fd++)
            posix_spawn_file_actions_addopen(&command->actions, fd, "/dev/null", O_RDWR, 0);
        for (char *file; (file = strchr(*argument, '<')) != NULL; argument++)
            posix_spawn_file_actions_addopen(&command->actions, atoi(*argument), file + 1, O_RDONLY,
                                             0);
        if (**argument == 'x' || **argument == '=') {
            command->at_once = **argument == '=';
            command->times = atoi(*argument++ + 1);
            if (command->times < 1 || command->times > MOST_COPIES)
                fail(command->name, "as often as that?");
        }
        command->argv = argument;
        while (*argument && strcmp(*argument, "::") != 0)
            argument++;
    }
    return count;
}

static const char *running_name = "";
static pid_t running[MOST_COPIES];

static void time_is_up(int signal) {
    (void)signal;
    static const char words[] = ": takes too long\n";
    for (int copy = 0; copy < MOST_COPIES; copy++)
        if (running[copy] > 0) kill(running[copy], SIGKILL);
    (void)!write(2, running_name, strlen(running_name));
    (void)!write(2, words, sizeof words - 1);
    _exit(1);
}

/// The arguments with each % replaced by the number of the copy.
static char **numbered(char **argv, int number) {
    static char text[1 << 14], *arguments[256];
    char *end = text;
    int count = 0;
    for (; argv[count] && count < 255; count++) {
        const char *percent = strchr(argv[count], '%');
        if (!percent) {
            arguments[count] = argv[count];
            continue;
        }
        arguments[count] = end;
        int rest = (int)(text + sizeof text - end);
        int length = snprintf(end, (size_t)rest, "%.*s%d%s", (int)(percent - argv[count]),
                              argv[count], number, percent + 1);
        if (length >= rest) fail(argv[0], "arguments too long");
        end += length + 1;
    }
    arguments[count] = NULL;
    return arguments;
}

static void spawn(struct command *command, int copy) {
    char **argv = command->times > 1 ? numbered(command->argv, copy) : command->argv;
    int error = posix_spawn(&running[copy], argv[0], &command->actions, NULL, argv, environ);
    if (error) fail(argv[0], strerror(error));
}

static void finish(struct command *command, int copy, struct rusage *usage) {
    int status;
    while (wait4(running[copy], &status, 0, usage) < 0) {
        if (errno != EINTR) fail("wait4", strerror(errno));
    }
    running[copy] = 0;
    if (status != 0) {
        fprintf(stderr, "measure: %s ended with status %#x\n", command->name, status);
        exit(1);
    }
}

static void wait_for_end(const char *path) {
    char text[16] = "";
    int file = open(path, O_RDONLY | O_CLOEXEC);
    if (file < 0 || read(file, text, sizeof text - 1) <= 0) fail(path, "no pid in there");
    close(file);
    while (waitpid(atoi(text), NULL, 0) < 0) {
        if (errno == ECHILD) break;
        if (errno != EINTR) fail("waitpid", strerror(errno));
    }
}

static void run(struct command *command, int is_counted) {
    struct rusage usage = {0};
    running_name = command->name;
    alarm(LONGEST_SECONDS);
    if (strcmp(command->argv[0], "@end") == 0) {
        wait_for_end(command->argv[1]);
        alarm(0);
        return;
    }
    int64_t start = now();
    for (int copy = 0; copy < command->times; copy++) {
        spawn(command, copy);
        if (!command->at_once) finish(command, copy, &usage);
    }
    for (int copy = 0; command->at_once && copy < command->times; copy++)
        finish(command, copy, &usage);
    int64_t end = now();
    alarm(0);
    if (is_counted && command->name[0] != '@')
        printf("%s\t%lld\t%ld\t%ld\t%lld\t%lld\n", command->name, (long long)(end - start),
               usage.ru_maxrss, usage.ru_minflt, (long long)microseconds(usage.ru_utime),
               (long long)microseconds(usage.ru_stime));
}

int main(int count, char **arguments) {
    static struct command commands[64];
    static char output[1 << 16];
    if (count < 5) fail("usage", "measure ROUNDS WARMUP :: NAME COMMAND ARGS… :: …");
    setvbuf(stdout, output, _IOFBF, sizeof output);
    signal(SIGALRM, time_is_up);
    prctl(PR_SET_CHILD_SUBREAPER, 1);
    int rounds = atoi(arguments[1]), warmup = atoi(arguments[2]);
    int number = read_commands(arguments + 3, commands, 64);
    for (int round = -warmup; round < rounds; round++)
        for (int index = 0; index < number; index++)
            run(&commands[index], round >= 0);
    return 0;
}
