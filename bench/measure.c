// Runs commands in turn, round by round, and tells how long each run took: what
// drifts (clock rate, caches, other load) then meets all of them alike.
//
//   measure ROUNDS WARMUP :: NAME [FD<FILE] COMMAND ARGS… :: NAME …
//
// Prints a line a run, without the warm-up rounds, separated by tabs:
//
//   name  nanoseconds  max-rss-KiB  page-faults  user-µs  system-µs
//
// The time is from before posix_spawn to after wait4. The resources are those
// of the command and of the children it has waited for; the largest process
// counts for max-rss. posix_spawn shares the memory of this process until the
// exec, and this process is small: a static program below 1 MiB.
//
// FD<FILE opens FILE as descriptor FD, anew for each run.

#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <spawn.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

struct command {
    char *name, **argv;
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

/// Cuts the arguments at `::`.
static int read_commands(char **argument, struct command *commands, int capacity) {
    int count = 0;
    while (*argument) {
        if (strcmp(*argument, "::") != 0 || !argument[1] || !argument[2] || count == capacity)
            fail(*argument, "expected :: NAME COMMAND");
        struct command *command = &commands[count++];
        *argument++ = NULL;
        command->name = *argument++;
        posix_spawn_file_actions_init(&command->actions);
        for (int fd = 0; fd < 2; fd++)
            posix_spawn_file_actions_addopen(&command->actions, fd, "/dev/null", O_RDWR, 0);
        for (char *file; (file = strchr(*argument, '<')) != NULL; argument++)
            posix_spawn_file_actions_addopen(&command->actions, atoi(*argument), file + 1, O_RDONLY,
                                             0);
        command->argv = argument;
        while (*argument && strcmp(*argument, "::") != 0)
            argument++;
    }
    return count;
}

static void run(struct command *command, int is_counted) {
    pid_t pid;
    int status;
    struct rusage usage;
    int64_t start = now();
    int error =
        posix_spawn(&pid, command->argv[0], &command->actions, NULL, command->argv, environ);
    if (error) fail(command->argv[0], strerror(error));
    while (wait4(pid, &status, 0, &usage) < 0) {
        if (errno != EINTR) fail("wait4", strerror(errno));
    }
    int64_t end = now();
    if (status != 0) {
        fprintf(stderr, "measure: %s ended with status %#x\n", command->name, status);
        exit(1);
    }
    if (is_counted)
        printf("%s\t%lld\t%ld\t%ld\t%lld\t%lld\n", command->name, (long long)(end - start),
               usage.ru_maxrss, usage.ru_minflt, (long long)microseconds(usage.ru_utime),
               (long long)microseconds(usage.ru_stime));
}

int main(int count, char **arguments) {
    static struct command commands[64];
    static char output[1 << 16];
    if (count < 5) fail("usage", "measure ROUNDS WARMUP :: NAME COMMAND ARGS… :: …");
    setvbuf(stdout, output, _IOFBF, sizeof output);
    int rounds = atoi(arguments[1]), warmup = atoi(arguments[2]);
    int number = read_commands(arguments + 3, commands, 64);
    for (int round = -warmup; round < rounds; round++)
        for (int index = 0; index < number; index++)
            run(&commands[index], round >= 0);
    return 0;
}
