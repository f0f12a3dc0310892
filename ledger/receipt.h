/* receipt: collects from the ledger what a receipt holds (proto/record/receipt.h); who asked for it
 * signs the header.
 *
 * Threads: those of the reader and the search. */
#ifndef LEDGER_RECEIPT_H
#define LEDGER_RECEIPT_H

#include <stdint.h>

#include "ledger/reader.h"
#include "ledger/search.h"
#include "proto/base/fault.h"
#include "proto/record/identifier.h"
#include "proto/record/receipt.h"

/* Payments with one id that are looked at: an id may come again once a duplicate window has passed
 * (WIRE section 4), so a bank would have to use one every day for a fortnight to have more; but
 * refusals of it may be many. */
#define RECEIPT_TRIES 16

/* The receipt of the entry numbered `seq`, from all entries of its block, each checked against its
 * hash: some microseconds for each of up to 4,096.
 * The reader's faults.  FAULT_NOT_FOUND: 0, or beyond the newest. */
MUST_CHECK enum fault receipt_read(struct reader *reader, uint64_t seq, struct receipt *receipt);

/* The receipt of the settled payment `id` that this participant paid or was paid on its account: of
 * the entry `seq`, where that is it; else (0: not known) of the newest of them that the index has.
 * FAULT_NOT_FOUND: there is none, or it is others'.  FAULT_BUSY: the index is not there at the moment,
 * or is no good and will be made anew.  Else the reader's faults. */
MUST_CHECK enum fault receipt_find(struct reader *reader, struct search *search,
                                   struct participant_code code, const struct payment_id *id,
                                   uint64_t seq, struct receipt *receipt);

#endif
