/* The happy path:
 *   open      how far signatures reach now; then every certificate, hashed and read;
 *   block     the number of the next checkpoint is kept at hand: when that block comes, header and
 *             signature are checked, and the next one is looked for;
 *   segment   the seal is fetched and compared byte by byte with the statement made here;
 *   end       nothing signed may be left over.
 *
 * Rows are read one by one, each in a transaction of its own, so that a keeper at work can always
 * move its write-ahead log. */
#include "ledger/verify/attest.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ledger/verify/files.h"
#include "ledger/verify/rows.h"
#include "proto/crypto/verifier.h"

#define SIGNATURES_FILE "signatures.db"
#define SIGNATURES_APPLICATION 0x43617553
#define SIGNATURES_VERSION 1
#define NO_BLOCK UINT64_MAX

struct attest {
    char words[ATTEST_WORDS_BYTES];
    sqlite3 *db;                      /* NULL: there is no file */
    sqlite3_stmt *checkpoints, *seal; /* the first of block ?1 or later; of segment ?1 */
    uint64_t last_checkpoint, last_seal;
    uint64_t next_checkpoint; /* block of the one to be met next; NO_BLOCK: none */
    uint64_t seq;             /* everything up to it is signed */

    struct verifier *verifier;
    const struct certificate *const *trusted;
    size_t trusted_count;
    size_t signer_count;
    struct attest_signer signers[ATTEST_SIGNERS_MAX];
    struct certificate *certificates[ATTEST_SIGNERS_MAX]; /* of the signers */
};

__attribute__((format(printf, 2, 3))) static bool wrong(struct attest *attest, const char *format,
                                                        ...)
{
    va_list arguments;
    va_start(arguments, format);
    (void)vsnprintf(attest->words, sizeof attest->words, format, arguments);
    va_end(arguments);
    return false;
}

static bool refused(struct attest *attest)
{
    return wrong(attest, SIGNATURES_FILE " cannot be read: %s", sqlite3_errmsg(attest->db));
}

/* --- opening ---------------------------------------------------------------------------------- */

static bool prepare(struct attest *attest, sqlite3_stmt **statement, const char *sql)
{
    return sqlite3_prepare_v2(attest->db, sql, -1, statement, NULL) == SQLITE_OK || refused(attest);
}

static bool add_certificate(struct attest *attest, struct span sha256, struct span der)
{
    const char *words = "";
    struct hash const hash = hash_of(der);
    if (attest->signer_count == ATTEST_SIGNERS_MAX)
        return wrong(attest, SIGNATURES_FILE " has more than %d certificates", ATTEST_SIGNERS_MAX);
    if (!span_equal(sha256, hash_span(&hash)))
        return wrong(attest, SIGNATURES_FILE ": a certificate is not the one of its hash");
    struct certificate *certificate = NULL;
    if (certificate_parse(&certificate, der, &words) != FAULT_NONE)
        return wrong(attest, SIGNATURES_FILE ": a certificate cannot be read: %s", words);
    attest->certificates[attest->signer_count] = certificate;
    attest->signers[attest->signer_count++] = (struct attest_signer){.certificate = hash};
    return certificate_key(certificate) != NULL ||
           wrong(attest, SIGNATURES_FILE ": a certificate has a key that does not sign");
}

static bool read_certificates(struct attest *attest)
{
    sqlite3_stmt *statement = NULL;
    if (!prepare(attest, &statement, "SELECT sha256, der FROM certificates")) return false;
    int result = SQLITE_DONE;
    bool good = true;
    while (good && (result = sqlite3_step(statement)) == SQLITE_ROW)
        good = add_certificate(attest, rows_blob(statement, 0), rows_blob(statement, 1));
    if (good && result != SQLITE_DONE) good = refused(attest);
    (void)sqlite3_finalize(statement);
    return good;
}

/* Finds the first checkpoint of `block` or later. */
static bool find_checkpoint(struct attest *attest, uint64_t block)
{
    attest->next_checkpoint = NO_BLOCK;
    if (block > attest->last_checkpoint) return true;
    int const result = rows_step(attest->checkpoints, block);
    if (result != SQLITE_ROW && result != SQLITE_DONE) return refused(attest);
    if (result == SQLITE_ROW)
        attest->next_checkpoint = (uint64_t)sqlite3_column_int64(attest->checkpoints, 0);
    (void)sqlite3_reset(attest->checkpoints); /* or its transaction would last until that block */
    return true;
}

static bool open_file(struct attest *attest, const char *directory)
{
    const char *words = "";
    struct rows_format format;
    uint64_t strays = 0;
    if (!files_exist(directory, SIGNATURES_FILE)) return true;
    attest->db = files_open(directory, SIGNATURES_FILE, &words);
    if (attest->db == NULL) return wrong(attest, SIGNATURES_FILE " cannot be opened: %s", words);
    if (!rows_format(attest->db, &format)) return refused(attest);
    if ((format.tables | format.application | format.version) == 0) return true; /* just made */
    if (format.application != SIGNATURES_APPLICATION || format.version != SIGNATURES_VERSION)
        return wrong(attest, SIGNATURES_FILE " is of a format that is not known");

    if (!rows_number(attest->db, "SELECT max(block) FROM checkpoints", &attest->last_checkpoint) ||
        !rows_number(attest->db, "SELECT max(segment) FROM seals", &attest->last_seal) ||
        !rows_number(attest->db,
                     "SELECT (SELECT count(*) FROM checkpoints WHERE block < 1)"
                     " + (SELECT count(*) FROM seals WHERE segment < 1)",
                     &strays))
        return refused(attest);
    if (strays > 0) return wrong(attest, "something was signed before the first block");
    return read_certificates(attest) &&
           prepare(attest, &attest->checkpoints,
                   "SELECT block, header, certificate, signature FROM checkpoints"
                   " WHERE block >= ?1 ORDER BY block LIMIT 1") &&
           prepare(attest, &attest->seal,
                   "SELECT segment, statement, certificate, signature FROM seals"
                   " WHERE segment = ?1") &&
           find_checkpoint(attest, 1);
}

struct attest *attest_open(const char *directory, const struct certificate *const *trusted,
                           size_t trusted_count, bool *good)
{
    struct attest *attest = calloc(1, sizeof *attest);
    if (attest == NULL) return NULL;
    attest->next_checkpoint = NO_BLOCK;
    attest->trusted = trusted;
    attest->trusted_count = trusted_count;
    if (verifier_open(&attest->verifier, ATTEST_SIGNERS_MAX) != FAULT_NONE) {
        attest_close(attest);
        return NULL;
    }
    *good = open_file(attest, directory);
    return attest;
}

/* --- checking --------------------------------------------------------------------------------- */

static bool is_trusted(const struct attest *attest, const struct hash *certificate)
{
    for (size_t i = 0; i < attest->trusted_count; i++) {
        if (hash_equal(certificate_fingerprint(attest->trusted[i]), certificate)) return true;
    }
    return attest->trusted_count == 0;
}

/* `signature` over `bytes` under the named certificate; `what` it is, for the words.
 * *signer: whose it is. */
static bool check_signature(struct attest *attest, struct span named, struct span bytes,
                            struct span signature, const char *what, struct attest_signer **signer)
{
    struct hash const digest = hash_of(bytes);
    for (size_t i = 0; i < attest->signer_count; i++) {
        struct attest_signer *one = &attest->signers[i];
        if (!span_equal(named, hash_span(&one->certificate))) continue;
        if (!is_trusted(attest, &one->certificate)) {
            char text[HASH_TEXT_BYTES];
            hash_print(&one->certificate, text);
            return wrong(attest, "%s is signed under a certificate that is not trusted: %s", what,
                         text);
        }
        *signer = one;
        return verifier_check(attest->verifier, certificate_key(attest->certificates[i]), &digest,
                              signature, KEY_ENCODING_DER) ||
               wrong(attest, "the signature of %s is not its certificate's", what);
    }
    return wrong(attest, "%s is signed under a certificate that is not there", what);
}

/* The same of the row at hand. */
static bool check_row(struct attest *attest, sqlite3_stmt *row, struct span bytes, const char *kind,
                      uint64_t number, struct attest_signer **signer)
{
    char what[64];
    (void)snprintf(what, sizeof what, "%s %" PRIu64, kind, number);
    return check_signature(attest, rows_blob(row, 2), bytes, rows_blob(row, 3), what, signer);
}

bool attest_saved(struct attest *attest, struct span certificate, struct span bytes,
                  struct span signature)
{
    struct attest_signer *signer;
    return attest->db == NULL ||
           check_signature(attest, certificate, bytes, signature, "it", &signer);
}

bool attest_block(struct attest *attest, uint64_t number, struct span header, uint64_t last_seq)
{
    if (number < attest->next_checkpoint) return true;
    struct attest_signer *signer;
    if (rows_step(attest->checkpoints, number) != SQLITE_ROW) return refused(attest);
    if (!span_equal(rows_blob(attest->checkpoints, 1), header))
        return wrong(attest, "the checkpoint of block %" PRIu64 " is of another header", number);
    if (!check_row(attest, attest->checkpoints, header, "the checkpoint of block", number, &signer))
        return false;
    signer->checkpoints++;
    attest->seq = last_seq;
    return find_checkpoint(attest, number + 1);
}

/* Which field of a statement a byte belongs to. */
static const char *field_at(size_t at)
{
    static const struct {
        size_t until;
        const char *name;
    } fields[] = {{8, "version"},
                  {24, "ledger"},
                  {32, "segment"},
                  {40, "first entry"},
                  {48, "last entry"},
                  {56, "first block"},
                  {64, "last block"},
                  {96, "hash of the last entry"},
                  {128, "hash of the last header"}};
    for (size_t i = 0; i < sizeof fields / sizeof fields[0]; i++) {
        if (at < fields[i].until) return fields[i].name;
    }
    return "root";
}

bool attest_segment(struct attest *attest, const struct layout_seal *seal)
{
    uint64_t const number = seal->segment;
    if (number > attest->last_seal) return true;
    int const result = rows_step(attest->seal, number);
    if (result != SQLITE_ROW && result != SQLITE_DONE) return refused(attest);
    if (result == SQLITE_DONE)
        return wrong(attest, "segment %" PRIu64 " has no seal, though a later one has", number);

    char expected[LAYOUT_SEAL_BYTES];
    struct span const said = rows_blob(attest->seal, 1);
    layout_write_seal(seal, expected);
    if (said.size != sizeof expected)
        return wrong(attest, "the seal of segment %" PRIu64 " has another size", number);
    for (size_t i = 0; i < sizeof expected; i++) {
        if (said.bytes[i] != expected[i])
            return wrong(attest, "the seal of segment %" PRIu64 " says another %s", number,
                         field_at(i));
    }
    struct attest_signer *signer;
    if (!check_row(attest, attest->seal, said, "the seal of segment", number, &signer))
        return false;
    (void)sqlite3_reset(attest->seal);
    signer->seals++;
    attest->seq = seal->last_seq;
    return true;
}

bool attest_end(struct attest *attest, uint64_t last_block, uint64_t last_segment)
{
    if (attest->last_checkpoint > last_block)
        return wrong(attest, "block %" PRIu64 " was signed and is not there",
                     attest->last_checkpoint);
    if (attest->last_seal >= last_segment && attest->last_seal > 0)
        return wrong(attest, "segment %" PRIu64 " was sealed and the one behind it is not there",
                     attest->last_seal);
    return true;
}

size_t attest_signers(const struct attest *attest, const struct attest_signer **signers)
{
    *signers = attest->signers;
    return attest->signer_count;
}

uint64_t attest_seq(const struct attest *attest)
{
    return attest->seq;
}

const char *attest_words(const struct attest *attest)
{
    return attest->words;
}

void attest_close(struct attest *attest)
{
    if (attest == NULL) return;
    (void)sqlite3_finalize(attest->checkpoints);
    (void)sqlite3_finalize(attest->seal);
    (void)sqlite3_close(attest->db);
    verifier_close(attest->verifier);
    for (size_t i = 0; i < attest->signer_count; i++)
        certificate_close(attest->certificates[i]);
    free(attest);
}
