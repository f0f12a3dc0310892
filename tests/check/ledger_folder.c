/* Folders with a ledger in each. */
#include "tests/check/ledger_folder.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ledger/series.h"

static void shell(const char *format, const char *a, const char *b)
{
    char command[3 * FOLDER_PATH_BYTES];
    (void)snprintf(command, sizeof command, format, a, b);
    ck_assert_int_eq(system(command), 0);
}

void ledger_folder_make(char directory[FOLDER_PATH_BYTES])
{
    const char *base = getenv("TMPDIR");
    (void)snprintf(directory, FOLDER_PATH_BYTES, "%s/ledger-XXXXXX", base ? base : "/tmp");
    ck_assert_ptr_nonnull(mkdtemp(directory));
    (void)strcat(directory, "/ledger");
}

void ledger_folder_remove(const char *directory)
{
    shell("rm -rf '%s/..'/ledger '%s'", directory, directory);
    shell("rmdir \"$(dirname '%s')\"%s", directory, "");
}

void ledger_folder_copy(const char *from, char directory[FOLDER_PATH_BYTES])
{
    ledger_folder_make(directory);
    shell("cp -r '%s' '%s'", from, directory);
}

enum fault ledger_folder_write(struct journal *journal, struct scenario *scenario, uint32_t count,
                               uint32_t batch)
{
    for (uint32_t i = 1; i <= count; i++) {
        ledger_scenario_next(scenario);
        enum fault fault = journal_append(journal, &scenario->entry, &scenario->body,
                                          ledger_scenario_evidence(scenario));
        if (fault == FAULT_NONE && (i % batch == 0 || i == count)) fault = journal_commit(journal);
        if (fault != FAULT_NONE) return fault;
    }
    return FAULT_NONE;
}

enum fault ledger_folder_rotate(struct journal *journal, struct scenario *scenario,
                                const char *directory, const char *vfs)
{
    const struct journal_head *head = journal_newest(journal);
    enum fault fault = series_prepare(directory, vfs, head->segment_number + 1);
    if (fault == FAULT_NONE) fault = journal_rotate(journal);
    if (fault != FAULT_NONE) return fault;
    ledger_scenario_segment(scenario, &head->hash, &head->block_hash);
    fault = journal_append(journal, &scenario->entry, &scenario->body, NULL);
    return fault == FAULT_NONE ? journal_commit(journal) : fault;
}

void ledger_folder_fill_segments(const char *directory, uint64_t seed, uint32_t segments,
                                 uint32_t count, uint32_t batch)
{
    struct journal *journal;
    struct journal_head head;
    struct journal_options const options = {.directory = directory};
    static struct scenario scenario;
    ledger_scenario_begin(&scenario, seed);
    ck_assert_int_eq(journal_open(&journal, &options, &head), FAULT_NONE);
    for (uint32_t i = 0; i < segments; i++) {
        enum fault const fault = i == 0 ? ledger_folder_write(journal, &scenario, 1, 1)
                                        : ledger_folder_rotate(journal, &scenario, directory, NULL);
        ck_assert_int_eq(fault, FAULT_NONE);
        ck_assert_int_eq(ledger_folder_write(journal, &scenario, count, batch), FAULT_NONE);
    }
    journal_close(journal);
}

void ledger_folder_fill(const char *directory, uint64_t seed, uint32_t count, uint32_t batch)
{
    struct journal *journal;
    struct journal_head head;
    struct journal_options const options = {.directory = directory};
    static struct scenario scenario;
    ledger_scenario_begin(&scenario, seed);
    ck_assert_int_eq(journal_open(&journal, &options, &head), FAULT_NONE);
    ck_assert_int_eq(ledger_folder_write(journal, &scenario, count, batch), FAULT_NONE);
    journal_close(journal);
}
