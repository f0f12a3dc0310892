/* ecdsa: a P-256 signature between its two spellings, r || s and DER.  For this folder. */
#ifndef PROTO_CRYPTO_ECDSA_H
#define PROTO_CRYPTO_ECDSA_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "proto/base/fault.h"
#include "proto/crypto/key.h"

/* SEQUENCE { INTEGER r, INTEGER s }: two bytes of head, and per integer two and at most 33. */
#define ECDSA_DER_BYTES_MAX (2 + 2 * (2 + 33))

/* Writes the DER of r || s; returns its size. */
size_t ecdsa_to_der(const uint8_t raw[KEY_P256_RAW_BYTES], uint8_t der[ECDSA_DER_BYTES_MAX]);

/* Writes r || s of a DER signature; false when it is not strict DER of two positive integers of at
 * most 256 bits. */
MUST_CHECK bool ecdsa_to_raw(const uint8_t *der, size_t size, uint8_t raw[KEY_P256_RAW_BYTES]);

#endif
