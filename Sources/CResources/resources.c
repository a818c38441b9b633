#include "resources.h"

// scripts/dist writes version.h from the tag and the date of the commit. Without it, as in a working
// tree, these are the next release and the day on which the manual page last changed.
#if __has_include("version.h")
#include "version.h"
#else
#define VFS_RUN_VERSION "0.1.0"
#define VFS_RUN_DATE "2026-11-29"
#endif

const char *cresources_version(void) { return VFS_RUN_VERSION; }
const char *cresources_date(void) { return VFS_RUN_DATE; }

static const unsigned char default_seccomp[] = {
#embed "../../config/seccomp.json"
};

static const unsigned char strict_seccomp[] = {
#embed "../../config/seccomp-strict.json"
};

static const unsigned char trace_page[] = {
#embed "trace.html"
};

const unsigned char *cresources_default_seccomp(void) { return default_seccomp; }
size_t cresources_default_seccomp_size(void) { return sizeof default_seccomp; }
const unsigned char *cresources_strict_seccomp(void) { return strict_seccomp; }
size_t cresources_strict_seccomp_size(void) { return sizeof strict_seccomp; }
const unsigned char *cresources_trace_page(void) { return trace_page; }
size_t cresources_trace_page_size(void) { return sizeof trace_page; }
