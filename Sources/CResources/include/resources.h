/// Files that are part of the program.

#ifndef CRESOURCES_H
#define CRESOURCES_H

#include <stddef.h>

/// The version of the program, as 0.1.0, and the date of its manual page, as 2026-11-29.
const char *_Nonnull cresources_version(void);
const char *_Nonnull cresources_date(void);

/// config/seccomp.json, the default seccomp profile.
const unsigned char *_Nonnull cresources_default_seccomp(void);
size_t cresources_default_seccomp_size(void);
/// config/seccomp-strict.json, the strict one.
const unsigned char *_Nonnull cresources_strict_seccomp(void);
size_t cresources_strict_seccomp_size(void);
/// trace.html, the page that shows the times of a start; the data stand for @DATA@ in it.
const unsigned char *_Nonnull cresources_trace_page(void);
size_t cresources_trace_page_size(void);

#endif
