/* cauce verify LEDGERDIR [--cert FILE]...: is everything in this ledger as it must be?
 *
 *   ok entries=N blocks=N head=HEX      exit 0
 *   fault seq=N: words                  exit 1; `seq=N` is left out where no entry is concerned
 *
 * That line is all of standard output.  Standard error tells the rest: progress, when it is a
 * terminal, whose certificates have signed how much, what is not signed or absent, and the time taken.
 * With --cert only certificates given so may have signed. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "ledger/verify/verify.h"
#include "ops/cauce/outcome.h"
#include "ops/cauce/subcommand.h"
#include "proto/base/time.h"

#define PROGRESS_NS (TIME_NS_PER_SECOND / 4)

struct progress {
    int64_t begun_ns, shown_ns; /* the latter 0: nothing was shown yet */
};

static uint64_t per_second(uint64_t count, int64_t time_ns)
{
    int64_t const micros = time_ns / 1000;
    return micros > 0 ? (uint64_t)((double)count * 1e6 / (double)micros) : 0;
}

static double seconds(int64_t time_ns)
{
    return (double)time_ns / 1e9;
}

static void show_progress(void *context, const struct verify_report *report)
{
    struct progress *progress = context;
    int64_t const now_ns = time_monotonic_ns();
    if (now_ns - progress->shown_ns < PROGRESS_NS) return;
    progress->shown_ns = now_ns;
    fprintf(stderr, "\rsegment %" PRIu32 " of %" PRIu32 ": %" PRIu64 " entries, %" PRIu64 "/s ",
            report->segment, report->segments, report->entries,
            per_second(report->entries, now_ns - progress->begun_ns));
}

static void clear_progress(const struct progress *progress)
{
    if (progress->shown_ns > 0) fprintf(stderr, "\r%72s\r", "");
}

static void print_signatures(const struct verify_report *report, bool is_trusted)
{
    for (size_t i = 0; i < report->signer_count; i++) {
        const struct attest_signer *signer = &report->signers[i];
        char text[HASH_TEXT_BYTES];
        if (signer->checkpoints + signer->seals == 0) continue;
        hash_print(&signer->certificate, text);
        fprintf(stderr, "signed: checkpoints=%" PRIu64 " seals=%" PRIu64 " certificate=%s%s\n",
                signer->checkpoints, signer->seals, text,
                is_trusted ? "" : " (compare it with the switch's, or give --cert)");
    }
    if (report->signed_seq < report->entries)
        fprintf(stderr, "not signed: the newest entries=%" PRIu64 "\n",
                report->entries - report->signed_seq);
}

static void print_rest(const struct verify_report *report, bool is_trusted)
{
    if (report->notes[0] != 0)
        fprintf(stderr, "not looked at, none of the ledger's files: %s\n", report->notes);
    if (!report->good) return;
    print_signatures(report, is_trusted);
    if (report->evidence_absent > 0)
        fprintf(stderr, "archived or erased: messages=%" PRIu64 "\n", report->evidence_absent);
    int64_t const entries_ns = report->total_ns - report->evidence_ns - report->signatures_ns;
    fprintf(stderr,
            "time: entries, chain and balances %.2f s (%" PRIu64 "/s), evidence %.2f s, "
            "signatures %.2f s\n",
            seconds(entries_ns), per_second(report->entries, entries_ns),
            seconds(report->evidence_ns), seconds(report->signatures_ns));
}

static int usage(FILE *where, int code)
{
    fprintf(where, "usage: cauce verify LEDGERDIR [--cert FILE]...\n");
    return code;
}

static bool load(struct certificate **certificate, const char *path)
{
    const char *words = "";
    if (certificate_load(certificate, path, &words) == FAULT_NONE) return true;
    fprintf(stderr, "cauce verify: %s: %s\n", path, words);
    return false;
}

int verify_main(int argc, char **argv)
{
    static struct verify_report report;
    struct certificate *trusted[ATTEST_SIGNERS_MAX];
    struct progress progress = {.begun_ns = time_monotonic_ns()};
    const char *directory = NULL;
    size_t count = 0;
    int code = 0;
    for (int i = 1; i < argc && code == 0; i++) {
        if (strcmp(argv[i], "--help") == 0) return usage(stdout, 0);
        if (strcmp(argv[i], "--cert") == 0 && i + 1 < argc && count < ATTEST_SIGNERS_MAX) {
            if (load(&trusted[count], argv[++i]))
                count++;
            else
                code = 2;
        } else if (argv[i][0] != '-' && directory == NULL) {
            directory = argv[i];
        } else {
            code = usage(stderr, 2);
        }
    }
    if (code == 0 && directory == NULL) code = usage(stderr, 2);
    if (code == 0) {
        struct verify_options const options = {
            .trusted = (const struct certificate *const *)trusted,
            .trusted_count = count,
            .progress = isatty(STDERR_FILENO) ? show_progress : NULL,
            .context = &progress};
        verify_ledger_with(directory, &options, &report);
        clear_progress(&progress);
        print_rest(&report, count > 0);
        code = outcome_verdict(&report);
    }
    for (size_t i = 0; i < count; i++)
        certificate_close(trusted[i]);
    return code;
}
