#include "resources.h"

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
