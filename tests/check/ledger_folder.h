/* ledger_folder: ledgers in a folder of their own under the system's temporary one, for suites. */
#ifndef TESTS_CHECK_LEDGER_FOLDER_H
#define TESTS_CHECK_LEDGER_FOLDER_H

#include <stdint.h>

#include "ledger/journal.h"
#include "tests/check/ledger_scenario.h"

#define FOLDER_PATH_BYTES 256

/* Makes an empty folder; the ledger goes into "ledger" below it, whose path is written. */
void ledger_folder_make(char directory[FOLDER_PATH_BYTES]);

/* Removes the folder and what is in it. */
void ledger_folder_remove(const char *directory);

/* Copies a closed ledger's files into a new folder, as ledger_folder_make. */
void ledger_folder_copy(const char *from, char directory[FOLDER_PATH_BYTES]);

/* Appends `count` entries of the scenario and commits them in blocks of `batch`. The first fault. */
enum fault ledger_folder_write(struct journal *journal, struct scenario *scenario, uint32_t count,
                               uint32_t batch);

/* Prepares the next segment, goes over to it and commits the entry that opens it. The first fault. */
enum fault ledger_folder_rotate(struct journal *journal, struct scenario *scenario,
                                const char *directory, const char *vfs);

/* A whole ledger of `count` entries in blocks of `batch`, closed; fails the test otherwise. */
void ledger_folder_fill(const char *directory, uint64_t seed, uint32_t count, uint32_t batch);

/* The same over `segments` segments, each with `count` entries behind the one that opens it. */
void ledger_folder_fill_segments(const char *directory, uint64_t seed, uint32_t segments,
                                 uint32_t count, uint32_t batch);

#endif
