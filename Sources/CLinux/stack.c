// The stack that the program runs on. The kernel's grows up to RLIMIT_STACK, which the caller has
// set for what is to run in the container: where that is less than this program takes, it runs on
// memory of its own, and the limit stays as it is for the other one.
//
// From the program's entry point, before the C library starts: so no C library here.

#include "direct.h"

#include <asm/unistd.h>
#include <linux/mman.h>

// From linux/resource.h of every architecture that this is written for.
#define STACK_LIMIT 3

enum { USUAL_SIZE = 8 << 20, GUARD_SIZE = 65536 };

// Words up to and with the first of value 0.
__attribute__((no_stack_protector)) static long *past_null(long *word) {
    while (*word++ != 0) {
    }
    return word;
}

// `given` is what the kernel has made: argc, argv …, NULL, envp …, NULL, auxv …, AT_NULL, 0. The
// answer has the same in it, and below it as much room as usual; a guard page ends it.
__attribute__((no_stack_protector, used)) long *clinux_choose_stack(long *given) {
    unsigned long limit[2];
    if (call(__NR_prlimit64, 0, STACK_LIMIT, 0, (long)limit, 0) != 0 || limit[0] >= USUAL_SIZE)
        return given;
    long *end = past_null(past_null(given + 1));
    while (*end != 0)
        end += 2;
    end += 2;
    long words = end - given, room = USUAL_SIZE + words * (long)sizeof *given;
    // Whole pages, however large they are.
    long size = (room + 2 * GUARD_SIZE - 1) / GUARD_SIZE * GUARD_SIZE;
    long mapped = call6(__NR_mmap, 0, size, PROT_READ | PROT_WRITE,
                        MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_STACK, -1, 0);
    if (mapped < 0 && mapped > -4096) return given;
    if (call(__NR_mprotect, mapped, GUARD_SIZE, PROT_NONE, 0, 0) != 0) return given;
    long *stack = (long *)((mapped + size - words * (long)sizeof *given) & ~15L);
    for (long index = 0; index < words; index++) {
        stack[index] = given[index];
        // The compiler knows this for memcpy, which is not there yet.
        __asm__ volatile("" : : : "memory");
    }
    return stack;
}
