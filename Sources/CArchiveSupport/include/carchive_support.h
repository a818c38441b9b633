/// What archives need beside the libraries: SHA-256.
///
/// The libraries that have it with the processor's own instructions, nettle and
/// libcrypto, find these in a constructor: CPUID at every start of the program,
/// which a virtual machine traps. Here it is asked at the first digest.

#ifndef CARCHIVE_SUPPORT_H
#define CARCHIVE_SUPPORT_H

#include <stddef.h>
#include <stdint.h>

#pragma clang assume_nonnull begin

/// A digest in the making (FIPS 180-4).
struct carchive_sha256 {
    uint32_t state[8];
    /// Bytes that were added.
    uint64_t length;
    uint8_t block[64];
};

void carchive_sha256_start(struct carchive_sha256 *digest);
void carchive_sha256_add(struct carchive_sha256 *digest, const void *_Nullable bytes, size_t count);
/// Ends it: `digest` is of no use any more.
void carchive_sha256_finish(struct carchive_sha256 *digest, uint8_t result[_Nonnull 32]);

/// The same without the processor's own instructions, for tests.
void carchive_sha256_blocks_portable(uint32_t state[_Nonnull 8], const uint8_t *bytes,
                                     size_t blocks);
/// Whether this processor has instructions for it, and they are used.
int carchive_sha256_is_fast(void);

#pragma clang assume_nonnull end

#endif
