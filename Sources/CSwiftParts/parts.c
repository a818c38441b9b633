// Two parts of the Swift runtime that work before main() in every start, for
// what nothing here uses. The linker takes an object of the static library only
// for a name that nobody has defined yet: these names keep out two objects of
// it, and what they do when the program starts. A runtime that wants another
// name of theirs does not link ("duplicate symbol"), rather than go wrong.

#include "parts.h"

#include <stddef.h>

// CommandLine.cpp reads /proc/self/maps, with sscanf for each line, to find the
// arguments. Those of the program are kept by the C shim (clinux_argument);
// CommandLine.arguments has none.
char **_swift_stdlib_getUnsafeArgvArgc(int *count);
void _swift_stdlib_overrideUnsafeArgvArgc(char **arguments, int count);

char **_swift_stdlib_getUnsafeArgvArgc(int *count) {
    static char *none[] = {NULL};
    *count = 0;
    return none;
}

void _swift_stdlib_overrideUnsafeArgvArgc(char **arguments, int count) {
    (void)arguments;
    (void)count;
}

// Backtrace.cpp looks for the program swift-backtrace, at up to nine paths
// beside the binary, which a sealed one reads as names in the working directory.
// A crash is told on standard error as before, in a line.
//
// In its settings (swift::runtime::backtrace::BacktraceSettings) zero is off, and
// there is room for more of them.
const long _swift_backtraceSettings[64];
_Bool _swift_backtrace_isThunkFunction(const char *name);

_Bool _swift_backtrace_isThunkFunction(const char *name) {
    (void)name;
    return 0;
}
