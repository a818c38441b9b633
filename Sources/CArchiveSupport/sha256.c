// SHA-256 (FIPS 180-4).

#include "carchive_support.h"

#include <string.h>

#if defined(__x86_64__)
#include <cpuid.h>
#include <immintrin.h>
#endif

static const uint32_t constants[64] __attribute__((aligned(16))) = {
    0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4, 0xab1c5ed5,
    0xd807aa98, 0x12835b01, 0x243185be, 0x550c7dc3, 0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf174,
    0xe49b69c1, 0xefbe4786, 0x0fc19dc6, 0x240ca1cc, 0x2de92c6f, 0x4a7484aa, 0x5cb0a9dc, 0x76f988da,
    0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7, 0xc6e00bf3, 0xd5a79147, 0x06ca6351, 0x14292967,
    0x27b70a85, 0x2e1b2138, 0x4d2c6dfc, 0x53380d13, 0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85,
    0xa2bfe8a1, 0xa81a664b, 0xc24b8b70, 0xc76c51a3, 0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070,
    0x19a4c116, 0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a, 0x5b9cca4f, 0x682e6ff3,
    0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208, 0x90befffa, 0xa4506ceb, 0xbef9a3f7, 0xc67178f2,
};

static uint32_t rotate(uint32_t word, int bits) { return word >> bits | word << (32 - bits); }

static uint32_t load(const uint8_t *bytes) {
    return (uint32_t)bytes[0] << 24 | (uint32_t)bytes[1] << 16 | (uint32_t)bytes[2] << 8 | bytes[3];
}

void carchive_sha256_blocks_portable(uint32_t state[8], const uint8_t *bytes, size_t blocks) {
    for (; blocks > 0; blocks--, bytes += 64) {
        uint32_t words[64];
        for (int i = 0; i < 16; i++)
            words[i] = load(bytes + 4 * i);
        for (int i = 16; i < 64; i++) {
            uint32_t early = words[i - 15], late = words[i - 2];
            words[i] = words[i - 16] + words[i - 7] +
                       (rotate(early, 7) ^ rotate(early, 18) ^ early >> 3) +
                       (rotate(late, 17) ^ rotate(late, 19) ^ late >> 10);
        }
        uint32_t v[8];
        memcpy(v, state, sizeof v);
        for (int i = 0; i < 64; i++) {
            uint32_t choice = (v[4] & v[5]) ^ (~v[4] & v[6]);
            uint32_t majority = (v[0] & v[1]) ^ (v[0] & v[2]) ^ (v[1] & v[2]);
            uint32_t first = v[7] + (rotate(v[4], 6) ^ rotate(v[4], 11) ^ rotate(v[4], 25)) +
                             choice + constants[i] + words[i];
            uint32_t second = (rotate(v[0], 2) ^ rotate(v[0], 13) ^ rotate(v[0], 22)) + majority;
            memmove(v + 1, v, 7 * sizeof *v);
            v[4] += first;
            v[0] = first + second;
        }
        for (int i = 0; i < 8; i++)
            state[i] += v[i];
    }
}

#if defined(__x86_64__)

// Four rounds an iteration: SHA256RNDS2 does two, and takes the state as the
// words ABEF and CDGH (Intel SDM, volume 2).
__attribute__((target("sha,sse4.1,ssse3"))) static void
blocks_with_sha_extensions(uint32_t state[8], const uint8_t *bytes, size_t blocks) {
    const __m128i big_endian = _mm_set_epi64x(0x0c0d0e0f08090a0bLL, 0x0405060700010203LL);
    __m128i low = _mm_shuffle_epi32(_mm_loadu_si128((const __m128i *)state), 0xb1);
    __m128i high = _mm_shuffle_epi32(_mm_loadu_si128((const __m128i *)(state + 4)), 0x1b);
    __m128i abef = _mm_alignr_epi8(low, high, 8);
    __m128i cdgh = _mm_blend_epi16(high, low, 0xf0);

    for (; blocks > 0; blocks--, bytes += 64) {
        __m128i saved_abef = abef, saved_cdgh = cdgh, words[4];
#pragma clang loop unroll(full)
        for (int i = 0; i < 16; i++) {
            if (i < 4) {
                __m128i raw = _mm_loadu_si128((const __m128i *)(bytes + 16 * i));
                words[i] = _mm_shuffle_epi8(raw, big_endian);
            } else {
                __m128i last = words[(i - 1) & 3], before = words[(i - 2) & 3];
                __m128i sum = _mm_sha256msg1_epu32(words[i & 3], words[(i - 3) & 3]);
                sum = _mm_add_epi32(sum, _mm_alignr_epi8(last, before, 4));
                words[i & 3] = _mm_sha256msg2_epu32(sum, last);
            }
            __m128i round =
                _mm_add_epi32(words[i & 3], _mm_load_si128((const __m128i *)(constants + 4 * i)));
            cdgh = _mm_sha256rnds2_epu32(cdgh, abef, round);
            abef = _mm_sha256rnds2_epu32(abef, cdgh, _mm_shuffle_epi32(round, 0x0e));
        }
        abef = _mm_add_epi32(abef, saved_abef);
        cdgh = _mm_add_epi32(cdgh, saved_cdgh);
    }

    low = _mm_shuffle_epi32(abef, 0x1b);
    high = _mm_shuffle_epi32(cdgh, 0xb1);
    _mm_storeu_si128((__m128i *)state, _mm_blend_epi16(low, high, 0xf0));
    _mm_storeu_si128((__m128i *)(state + 4), _mm_alignr_epi8(high, low, 8));
}

int carchive_sha256_is_fast(void) {
    static int known; // 1 for no, 2 for yes.
    if (known == 0) {
        unsigned int a, b, c, d, basic = 0, extended = 0;
        if (__get_cpuid(1, &a, &b, &c, &d)) basic = c;
        if (__get_cpuid_count(7, 0, &a, &b, &c, &d)) extended = b;
        int has_sse = (basic & bit_SSE4_1) && (basic & bit_SSSE3);
        known = has_sse && (extended & bit_SHA) ? 2 : 1;
    }
    return known == 2;
}

static void add_blocks(uint32_t state[8], const uint8_t *bytes, size_t blocks) {
    if (carchive_sha256_is_fast())
        blocks_with_sha_extensions(state, bytes, blocks);
    else
        carchive_sha256_blocks_portable(state, bytes, blocks);
}

#else

int carchive_sha256_is_fast(void) { return 0; }

static void add_blocks(uint32_t state[8], const uint8_t *bytes, size_t blocks) {
    carchive_sha256_blocks_portable(state, bytes, blocks);
}

#endif

void carchive_sha256_start(struct carchive_sha256 *digest) {
    static const uint32_t start[8] = {0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a,
                                      0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19};
    memcpy(digest->state, start, sizeof start);
    digest->length = 0;
}

void carchive_sha256_add(struct carchive_sha256 *digest, const void *bytes, size_t count) {
    if (count == 0) return;
    const uint8_t *next = bytes;
    size_t held = digest->length % 64;
    digest->length += count;
    if (held > 0) {
        size_t part = 64 - held < count ? 64 - held : count;
        memcpy(digest->block + held, next, part);
        if (held + part < 64) return;
        add_blocks(digest->state, digest->block, 1);
        next += part;
        count -= part;
    }
    add_blocks(digest->state, next, count / 64);
    memcpy(digest->block, next + count / 64 * 64, count % 64);
}

void carchive_sha256_finish(struct carchive_sha256 *digest, uint8_t result[32]) {
    uint64_t bits = digest->length * 8;
    size_t held = digest->length % 64;
    uint8_t padding[72] = {0x80};
    size_t zeros = (held < 56 ? 56 : 120) - held;
    for (int i = 0; i < 8; i++)
        padding[zeros + i] = (uint8_t)(bits >> (56 - 8 * i));
    carchive_sha256_add(digest, padding, zeros + 8);
    for (int i = 0; i < 32; i++)
        result[i] = (uint8_t)(digest->state[i / 4] >> (24 - 8 * (i % 4)));
}
