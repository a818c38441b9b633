// The seal against CVE-2019-5736: a container that opens /proc/PID/exe of the
// runtime must not get hold of the host's binary. The process re-executes
// itself from a detached, read-only mount of its own binary; through that
// mount no process can open it for writing, and no copy is made.
//
// It runs from the program's entry point, before the C library starts, because
// starting the C library costs four times as much as the seal itself where the
// CPUID instruction is emulated (virtual machines). So: no C library here.

#include "clinux.h"
#include "direct.h"
#include "seal_words.h"

#include <asm/unistd.h>
#include <linux/mount.h>

#define AT_CURRENT_DIRECTORY (-100)
#define CLOSE_ON_EXEC 02000000
#define READ_AND_WRITE 2
#define GET_FLAGS 1

static const char own_binary[] = "/proc/self/exe";

// The root of a detached mount of a file is that file: its path reads "/". What
// a process executes only changes with another exec.
__attribute__((no_stack_protector)) int clinux_is_sealed(void) {
    static enum { unknown, no, yes } is_sealed;
    if (is_sealed != unknown) return is_sealed == yes;
    char target[2];
    long length = call(__NR_readlinkat, AT_CURRENT_DIRECTORY, (long)own_binary, (long)target,
                       sizeof target, 0);
    is_sealed = length == 1 && target[0] == '/' ? yes : no;
    return is_sealed == yes;
}

static int is_same(const char *one, const char *other) {
    while (*one != 0 && *one == *other)
        one++, other++;
    return *one == *other;
}

static int is_one_of(const char *word, const char *const *list) {
    for (; *list != 0; list++) {
        if (is_same(word, *list)) return 1;
    }
    return 0;
}

// Whether the program was started as isolate, or the command is isolate without global options.
static int is_isolate(long argc, char **argv) {
    if (argc < 1) return 0;
    const char *name = argv[0];
    for (const char *letter = name; *letter != 0; letter++) {
        if (*letter == '/') name = letter + 1;
    }
    return is_same(name, "isolate") || (argc > 1 && is_same(argv[1], "isolate"));
}

// Whether the command line starts no program in a container: the seal would take half of the time
// of such a command. Where this is wrong, clinux_seal_now repairs it.
static int starts_no_program(long argc, char **argv) {
    if (is_isolate(argc, argv)) {
        for (long index = 1; index < argc; index++) {
            if (is_same(argv[index], "--run")) return 0;
            if (is_same(argv[index], "--init") || is_same(argv[index], "--cleanup")) return 1;
        }
        return 0;
    }
    for (long index = 1; index < argc; index++) {
        if (argv[index][0] != '-') return is_one_of(argv[index], commands_without_program);
        if (is_one_of(argv[index], global_options_with_value)) index++;
    }
    return 0;
}

// A standard stream that the caller has closed is the null device: the number would be that of the
// next file that the runtime opens, which the container's program would then have.
__attribute__((no_stack_protector)) static void open_streams(void) {
    static const char null_device[] = "/dev/null";
    static const char sentence[] =
        "vfs-run: a standard stream is closed and /dev/null cannot be opened in its place\n";
    for (long number = 0; number < 3; number++) {
        if (call(__NR_fcntl, number, GET_FLAGS, 0, 0, 0) >= 0) continue;
        if (call(__NR_openat, AT_CURRENT_DIRECTORY, (long)null_device, READ_AND_WRITE, 0, 0) ==
            number)
            continue;
        call(__NR_write, 2, (long)sentence, sizeof sentence - 1, 0, 0);
        call(__NR_exit_group, 125, 0, 0, 0, 0);
    }
}

static long *initial_stack;

// `stack` is the process's initial one: argc, argv …, NULL, envp …, NULL.
// Opens missing standard streams, before anything can get their numbers. Returns
// when there is nothing to do or it is not allowed: without
// CAP_SYS_ADMIN nothing can be sealed, and the program decides what that means.
__attribute__((no_stack_protector, used)) void clinux_seal(long *stack) {
    open_streams();
    initial_stack = stack;
    if (!starts_no_program(stack[0], (char **)(stack + 1))) clinux_seal_now();
}

// Executes `file` with the words and the environment that this process has.
__attribute__((no_stack_protector)) static void restart(long file) {
    long *stack = initial_stack;
    char **argv = (char **)(stack + 1);
    char **envp = argv + stack[0] + 1;
    call(__NR_execveat, file, (long)"", (long)argv, (long)envp, CLINUX_AT_EMPTY_PATH);
}

__attribute__((no_stack_protector)) void clinux_seal_now(void) {
    if (initial_stack == 0 || clinux_is_sealed()) return;
    long mount = call(__NR_open_tree, AT_CURRENT_DIRECTORY, (long)own_binary,
                      CLINUX_OPEN_TREE_CLONE | CLOSE_ON_EXEC, 0, 0);
    if (mount < 0) return;
    struct mount_attr read_only = {.attr_set = MOUNT_ATTR_RDONLY};
    if (call(__NR_mount_setattr, mount, (long)"", CLINUX_AT_EMPTY_PATH, (long)&read_only,
             sizeof read_only) == 0)
        restart(mount);
    call(__NR_close, mount, 0, 0, 0, 0);
}

// From linux/fcntl.h and linux/memfd.h.
#define ADD_SEALS 1033
#define EVERY_SEAL 0xf
#define FOR_SEALS_AND_CLOSED_BY_EXEC 0x3
#define FOR_EXECUTION 0x10

// Where vm.memfd_noexec is 1, only what asks for it can be executed; before Linux 6.3 nobody may
// ask.
__attribute__((no_stack_protector)) static long make_copy(void) {
    long copy = call(__NR_memfd_create, (long)"vfs-run",
                     FOR_SEALS_AND_CLOSED_BY_EXEC | FOR_EXECUTION, 0, 0, 0);
    if (copy >= 0) return copy;
    return call(__NR_memfd_create, (long)"vfs-run", FOR_SEALS_AND_CLOSED_BY_EXEC, 0, 0, 0);
}

void clinux_seal_copy(void) {
    if (initial_stack == 0) return;
    long binary = call(__NR_openat, AT_CURRENT_DIRECTORY, (long)own_binary, CLOSE_ON_EXEC, 0, 0);
    long copy = make_copy();
    if (binary < 0 || copy < 0) return;
    long count;
    do {
        count = call(__NR_sendfile, copy, binary, 0, 1 << 30, 0);
    } while (count > 0);
    if (count == 0 && call(__NR_fcntl, copy, ADD_SEALS, EVERY_SEAL, 0, 0) == 0) restart(copy);
    call(__NR_close, copy, 0, 0, 0, 0);
    call(__NR_close, binary, 0, 0, 0, 0);
}
