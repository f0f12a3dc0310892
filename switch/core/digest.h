/* digest: the whole state as one SHA-256, in an order that depends only on the entries.
 *
 * Where things stand in memory (places of open payments, the index of ids, the heap) does not count;
 * everything that a later decision can depend on does.
 *
 * Threads: the engine's. */
#ifndef SWITCH_CORE_DIGEST_H
#define SWITCH_CORE_DIGEST_H

#include "proto/crypto/hash.h"
#include "switch/core/state.h"

struct hash digest_of(struct engine *engine);

#endif
