#include "resources.h"

static const unsigned char default_seccomp[] = {
#embed "../../config/seccomp.json"
};

static const unsigned char strict_seccomp[] = {
#embed "../../config/seccomp-strict.json"
};

const unsigned char *cresources_default_seccomp(void) { return default_seccomp; }
size_t cresources_default_seccomp_size(void) { return sizeof default_seccomp; }
const unsigned char *cresources_strict_seccomp(void) { return strict_seccomp; }
size_t cresources_strict_seccomp_size(void) { return sizeof strict_seccomp; }
