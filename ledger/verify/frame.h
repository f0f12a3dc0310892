/* frame: the messages of one block's evidence, unpacked and hashed again. */
#ifndef LEDGER_VERIFY_FRAME_H
#define LEDGER_VERIFY_FRAME_H

#include <stdbool.h>
#include <stdint.h>

#include "proto/base/span.h"
#include "proto/crypto/hash.h"

#define FRAME_RECORDS_MAX 4096

struct frame_record {
    struct hash hash;        /* of the message's bytes, computed here */
    struct hash certificate; /* that verified it */
    uint64_t sender;         /* the 8 bytes of its code */
    bool is_named;           /* an entry of the block names it */
};

struct frame {
    void *context;  /* the decompressor's */
    char *unpacked; /* room for the largest frame */
    uint32_t count; /* <= FRAME_RECORDS_MAX */
    uint32_t next;  /* where the next search starts: entries name records in their order */
    struct frame_record records[FRAME_RECORDS_MAX];
};

/* False: no memory. frame_close accepts what is left. */
bool frame_open(struct frame *frame);
void frame_close(struct frame *frame);

/* Reads a stored frame. NULL, or words that say what is wrong with it. Static. */
const char *frame_read(struct frame *frame, struct span stored);

/* The record of a message, NULL when the frame has none; it counts as named from now on. */
const struct frame_record *frame_name(struct frame *frame, const struct hash *hash);

/* True when an entry has named each record. */
bool frame_all_named(const struct frame *frame);

#endif
