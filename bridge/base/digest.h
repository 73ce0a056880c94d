/* SHA-256 over a list of fields, as lower-case hex (FIPS 180-4, by libcrypto). */
#ifndef BRIDGE_BASE_DIGEST_H
#define BRIDGE_BASE_DIGEST_H

#include <stddef.h>
#include <stdint.h>

#define DIGEST_HEX_SIZE 65

struct digest; /* a running digest */

struct digest *digest_new(void);
void digest_add(struct digest *d, const void *bytes, size_t length);
/* Writes the 64 hex digits and a NUL, and frees d. */
void digest_finish(struct digest *d, char out[DIGEST_HEX_SIZE]);

/* All at once. */
void digest_hex(const void *bytes, size_t length, char out[DIGEST_HEX_SIZE]);

/* The first 8 bytes of the digest as a number, for hash tables and short marks. */
uint64_t digest_u64(const void *bytes, size_t length);

#endif
