#include "resources.h"

static const unsigned char default_seccomp[] = {
#embed "../../config/seccomp.json"
};

static const unsigned char steps[] = {
#embed "../../docs/steps.md"
};

const unsigned char *cresources_steps(void) { return steps; }
size_t cresources_steps_size(void) { return sizeof steps; }

const unsigned char *cresources_default_seccomp(void) { return default_seccomp; }
size_t cresources_default_seccomp_size(void) { return sizeof default_seccomp; }
