/* line: one line of an exported ledger, JSON, written and read.
 *
 *   ledger                                   once, the first: whose it is, in which version
 *   block, then per entry [message] entry    a message stands before the first entry that it caused
 *   certificate, checkpoint, seal            behind the block that they are about
 *   end                                      once, the last: without it the file is not whole
 *
 * Every line says in `record` which of these it is.  The bytes that are hashed and signed stand in
 * base64 and are all that is read back; what stands beside them is for people and other programs.
 * Schema: proto/record/schema/cauce.export.v1.json.  Format: ledger/README.md, "Export". */
#ifndef OPS_CAUCE_LINE_H
#define OPS_CAUCE_LINE_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "ledger/evidence.h"
#include "ledger/journal.h"
#include "ledger/signatures.h"
#include "proto/base/fault.h"
#include "proto/base/limits.h"
#include "proto/base/span.h"
#include "proto/record/block.h"
#include "proto/record/entry.h"

#define LINE_VERSION 1

/* A message of 64 KiB takes 87,384 characters in base64; the rest of a line less than 1 KiB. */
#define LINE_BYTES_MAX (96 * 1024)

enum line_record {
    LINE_LEDGER,
    LINE_BLOCK,
    LINE_MESSAGE,
    LINE_ENTRY,
    LINE_CERTIFICATE,
    LINE_CHECKPOINT,
    LINE_SEAL,
    LINE_END
};

/* What is read of a line; of the fields those that belong to its record. */
struct line {
    enum line_record record;
    uint8_t ledger_id[JOURNAL_LEDGER_ID_BYTES]; /* ledger */
    uint64_t segment;                           /* block: number of its segment */
    struct block_header header;                 /* block, checkpoint */
    struct entry_public public;                 /* entry */
    struct entry_private private;
    struct hash hash;                /* entry: its hash; end: that of the newest entry */
    struct evidence evidence;        /* message; its bytes are in `bytes` */
    struct seal_statement statement; /* seal */
    struct signature signature;      /* checkpoint, seal */
    uint64_t entries, blocks;        /* end */
    size_t size;                     /* of `bytes`, 0: none */
    uint8_t
        bytes[LIMIT_MESSAGE_BYTES]; /* entry: the body; message: as received; certificate: DER */
};

/* Each writes one line; whether all came through, ferror and fclose say. */
void line_write_ledger(FILE *out, const struct journal_head *newest);
void line_write_block(FILE *out, uint64_t segment, const struct block_header *header);
void line_write_message(FILE *out, const struct evidence *evidence);
void line_write_entry(FILE *out, const struct entry *entry, struct span body);
void line_write_certificate(FILE *out, const struct hash *sha256, struct span der);
void line_write_checkpoint(FILE *out, const struct block_header *header,
                           const struct signature *signature);
void line_write_seal(FILE *out, const struct seal_statement *statement,
                     const struct signature *signature);
void line_write_end(FILE *out, const struct journal_head *newest);

/* Reads one line, without its line feed.  FAULT_INVALID: it is none, *words say why; static.
 * FAULT_VERSION: of another version of the format.  FAULT_MEMORY. */
MUST_CHECK enum fault line_read(struct line *line, struct span text, const char **words);

#endif
