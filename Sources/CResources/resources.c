#include "resources.h"

static const unsigned char default_seccomp[] = {
#embed "../../config/seccomp.json"
};

const unsigned char *cresources_default_seccomp(void) { return default_seccomp; }
size_t cresources_default_seccomp_size(void) { return sizeof default_seccomp; }
