// Limits: that of open files this process raises for itself, the caller's is kept for what it
// executes.

#define _GNU_SOURCE
#include "clinux.h"

#include <signal.h>
#include <sys/resource.h>

static struct {
    int is_raised;
    struct rlimit callers;
} files;

int clinux_raise_open_files(void) {
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) != 0) return -1;
    if (limit.rlim_cur == limit.rlim_max) return 0;
    struct rlimit raised = {.rlim_cur = limit.rlim_max, .rlim_max = limit.rlim_max};
    if (setrlimit(RLIMIT_NOFILE, &raised) != 0) return -1;
    files.is_raised = 1;
    files.callers = limit;
    return 0;
}

int clinux_give_back_open_files(void) {
    if (!files.is_raised) return 0;
    if (setrlimit(RLIMIT_NOFILE, &files.callers) != 0) return -1;
    files.is_raised = 0;
    return 1;
}

void clinux_forget_open_files(void) { files.is_raised = 0; }

int clinux_get_limit(int resource, int of_caller, uint64_t *soft, uint64_t *hard) {
    struct rlimit limit;
    if (getrlimit((enum __rlimit_resource)resource, &limit) != 0) return -1;
    if (of_caller && resource == RLIMIT_NOFILE && files.is_raised) limit = files.callers;
    *soft = limit.rlim_cur;
    *hard = limit.rlim_max;
    return 0;
}

int clinux_prlimit(int resource, uint64_t soft, uint64_t hard) {
    struct rlimit64 limit = {.rlim_cur = soft, .rlim_max = hard};
    return prlimit64(0, (enum __rlimit_resource)resource, &limit, NULL);
}

int clinux_ignore_file_size_signal(void) { return signal(SIGXFSZ, SIG_IGN) == SIG_ERR ? -1 : 0; }
