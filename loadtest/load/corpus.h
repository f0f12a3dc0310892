/* corpus: the messages of a schedule, written and signed before the clock starts.
 *
 * Signing as a bank does (RSA-2048) costs 400 us a message and would drown everything that is to be
 * measured, so it is done ahead, on all cores.  First come the answers, pacs.002, whose content does
 * not depend on when the run starts; that tells how long the orders will take, hence when the run
 * can start; then the orders, pacs.008, each with AccptncDtTm = its scheduled instant.
 *
 *     corpus_open -> corpus_sign_answers -> (start chosen) -> corpus_sign_orders -> run -> corpus_close
 *
 * Threads: one calls; the signing functions use as many as there are cores, and wait for them. */
#ifndef LOADTEST_LOAD_CORPUS_H
#define LOADTEST_LOAD_CORPUS_H

#include <stdbool.h>
#include <stdint.h>

#include "loadtest/bank/environment.h"
#include "loadtest/load/schedule.h"
#include "proto/base/fault.h"
#include "proto/base/span.h"
#include "proto/record/identifier.h"

#define CORPUS_REJECT_REASON "AC03" /* of the payee's bank, for SCHEDULE_REJECT */
#define CORPUS_WORDS_BYTES ENVIRONMENT_WORDS_BYTES

/* One id names a payment everywhere: as EndToEndId, InstrId and, its first letter aside, BizMsgIdr. */
#define CORPUS_ID_BYTES 27

struct corpus_id {
    char text[CORPUS_ID_BYTES];
};

struct corpus_settings {
    const struct environment *environment;
    const struct schedule *schedule;
    const struct participant_code *codes; /* of the banks that the schedule numbers */
    size_t code_count;
};

/* Bodies by group (schedule.h). */
struct corpus {
    struct corpus_settings settings; /* what it points to must outlive the corpus */
    uint64_t run;                    /* random: part of every id, so that runs do not collide */
    size_t group_count;
    struct span *orders;  /* the POST body: a signed pacs.008, or several as multipart/mixed */
    struct span *answers; /* one signed pacs.002 for the group; empty when it is all silent */
};

/* On FAULT_NONE *corpus is the caller's until corpus_close.  FAULT_MEMORY, FAULT_CRYPTO. */
MUST_CHECK enum fault corpus_open(struct corpus *corpus, const struct corpus_settings *settings);
void corpus_close(struct corpus *corpus);

/* FAULT_IO, FAULT_INVALID: a bank's key or certificate; FAULT_CRYPTO, FAULT_MEMORY, FAULT_FULL.
 * words says what and where. */
MUST_CHECK enum fault corpus_sign_answers(struct corpus *corpus, char words[CORPUS_WORDS_BYTES]);

/* `start_ns`: wall clock.  May be called again with another start; the former orders go. */
MUST_CHECK enum fault corpus_sign_orders(struct corpus *corpus, int64_t start_ns,
                                         char words[CORPUS_WORDS_BYTES]);

/* Bytes of all bodies. */
uint64_t corpus_bytes(const struct corpus *corpus);

/* `kind` is the id's first letter: 'E' payment, 'M' its message, 'A' the message of an answer. */
struct corpus_id corpus_make_id(const struct corpus *corpus, char kind, size_t number);

/* The number in an id of this corpus, whatever its kind; false: it is somebody else's. */
MUST_CHECK bool corpus_find_id(const struct corpus *corpus, struct span id, size_t *number);

#endif
