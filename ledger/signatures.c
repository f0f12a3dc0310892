/* signatures.db: one row per certificate, checkpoint and seal, added and never changed.
 *
 * The happy path of a put: look whether the row is there, sign the bytes, insert, which syncs.
 * Possible failures: the key cannot sign, or SQLite refuses; nothing was stored then, and the same may
 * be put again.  Losing the file loses no entry: what it held can be signed again, but nobody can tell
 * any more what had been signed. */
#include "ledger/signatures.h"

#include <assert.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "ledger/database.h"
#include "proto/base/log.h"
#include "proto/crypto/signer.h"

#define PART "signatures"
#define SIGNATURES_FILE "signatures.db"

/* Pages after which the write-ahead log is moved: 1 MiB. */
#define CHECKPOINT_PAGES 256

struct signatures {
    sqlite3 *db;
    sqlite3_stmt *checkpoint; /* the first of block ?1 or later */
    sqlite3_stmt *newest_checkpoint;
    sqlite3_stmt *seal; /* of segment ?1 */
    sqlite3_stmt *newest_seal;
    sqlite3_stmt *certificate; /* of SHA-256 ?1 */
    sqlite3_stmt *put_certificate, *put_checkpoint, *put_seal;
    bool is_written;         /* opened to write */
    struct signer *signer;   /* NULL: opened to read, or for copies */
    struct hash fingerprint; /* of the certificate that goes with it */
};

/* Never edit: a file made by an earlier version of the program has it as it was then.
 * INSERT OR REPLACE would pass the triggers on DELETE by; so an insert must be of a new key. */
/* clang-format off */
static const char schema[] =
    "BEGIN IMMEDIATE;"

    "CREATE TABLE certificates("
    " sha256 BLOB PRIMARY KEY NOT NULL CHECK(length(sha256) = 32),"
    " der BLOB NOT NULL"
    ") STRICT, WITHOUT ROWID;"

    "CREATE TABLE checkpoints("
    " block INTEGER PRIMARY KEY,"
    " header BLOB NOT NULL CHECK(length(header) = 104),"
    " certificate BLOB NOT NULL CHECK(length(certificate) = 32),"
    " signature BLOB NOT NULL"
    ") STRICT;"

    "CREATE TABLE seals("
    " segment INTEGER PRIMARY KEY,"
    " statement BLOB NOT NULL CHECK(length(statement) = 160),"
    " certificate BLOB NOT NULL CHECK(length(certificate) = 32),"
    " signature BLOB NOT NULL"
    ") STRICT;"

    "CREATE TRIGGER certificates_insert BEFORE INSERT ON certificates"
    " WHEN EXISTS (SELECT 1 FROM certificates WHERE sha256 = NEW.sha256)"
    " BEGIN SELECT RAISE(ABORT, 'certificates are append-only'); END;"
    "CREATE TRIGGER certificates_update BEFORE UPDATE ON certificates"
    " BEGIN SELECT RAISE(ABORT, 'certificates are append-only'); END;"
    "CREATE TRIGGER certificates_delete BEFORE DELETE ON certificates"
    " BEGIN SELECT RAISE(ABORT, 'certificates are append-only'); END;"

    "CREATE TRIGGER checkpoints_insert BEFORE INSERT ON checkpoints"
    " WHEN EXISTS (SELECT 1 FROM checkpoints WHERE block = NEW.block)"
    " BEGIN SELECT RAISE(ABORT, 'checkpoints are append-only'); END;"
    "CREATE TRIGGER checkpoints_update BEFORE UPDATE ON checkpoints"
    " BEGIN SELECT RAISE(ABORT, 'checkpoints are append-only'); END;"
    "CREATE TRIGGER checkpoints_delete BEFORE DELETE ON checkpoints"
    " BEGIN SELECT RAISE(ABORT, 'checkpoints are append-only'); END;"

    "CREATE TRIGGER seals_insert BEFORE INSERT ON seals"
    " WHEN EXISTS (SELECT 1 FROM seals WHERE segment = NEW.segment)"
    " BEGIN SELECT RAISE(ABORT, 'seals are append-only'); END;"
    "CREATE TRIGGER seals_update BEFORE UPDATE ON seals"
    " BEGIN SELECT RAISE(ABORT, 'seals are append-only'); END;"
    "CREATE TRIGGER seals_delete BEFORE DELETE ON seals"
    " BEGIN SELECT RAISE(ABORT, 'seals are append-only'); END;"

    "PRAGMA application_id = 0x43617553;" /* "CauS" */
    "PRAGMA user_version = 1;"
    "COMMIT;";

/* EXTRA until the log is on: see segment.c. */
static const char settings[] =
    "PRAGMA synchronous = EXTRA;"
    "PRAGMA journal_mode = WAL;"
    "PRAGMA synchronous = FULL;"
    "PRAGMA secure_delete = OFF;";
/* clang-format on */

static_assert(HASH_BYTES == 32 && BLOCK_HEADER_BYTES == 104 && SEAL_BYTES == 160, "the schema's");

static const struct database_format format = {0x43617553, 1, schema};

/* --- opening ---------------------------------------------------------------------------------- */

static enum fault prepare_all(struct signatures *signatures)
{
    const struct {
        sqlite3_stmt **statement;
        const char *sql;
    } statements[] = {
        {&signatures->checkpoint, "SELECT block, header, certificate, signature FROM checkpoints"
                                  " WHERE block >= ?1 ORDER BY block LIMIT 1"},
        {&signatures->newest_checkpoint,
         "SELECT block, header, certificate, signature FROM checkpoints"
         " ORDER BY block DESC LIMIT 1"},
        {&signatures->seal, "SELECT segment, statement, certificate, signature FROM seals"
                            " WHERE segment = ?1"},
        {&signatures->newest_seal, "SELECT max(segment) FROM seals"},
        {&signatures->certificate, "SELECT der FROM certificates WHERE sha256 = ?1"},
        {&signatures->put_certificate, "INSERT INTO certificates VALUES (?1, ?2)"},
        {&signatures->put_checkpoint, "INSERT INTO checkpoints VALUES (?1, ?2, ?3, ?4)"},
        {&signatures->put_seal, "INSERT INTO seals VALUES (?1, ?2, ?3, ?4)"},
    };
    for (size_t i = 0; i < sizeof statements / sizeof statements[0]; i++) {
        enum fault const fault =
            database_prepare(signatures->db, PART, statements[i].sql, statements[i].statement);
        if (fault != FAULT_NONE) return fault;
    }
    return FAULT_NONE;
}

static enum fault open_file(struct signatures **out, const char *directory, const char *vfs,
                            enum database_use use)
{
    struct signatures *signatures = calloc(1, sizeof *signatures);
    if (signatures == NULL) return FAULT_MEMORY;
    char path[DATABASE_PATH_BYTES];
    enum fault fault = database_path(path, directory, SIGNATURES_FILE);
    if (fault == FAULT_NONE) fault = database_open(&signatures->db, PART, path, vfs, use);
    if (fault == FAULT_NONE && use == DATABASE_WRITE) {
        fault = database_run(signatures->db, PART, settings);
        database_checkpoint_above(signatures->db, CHECKPOINT_PAGES);
    }
    if (fault == FAULT_NONE)
        fault =
            database_check(signatures->db, PART, SIGNATURES_FILE, &format, use == DATABASE_WRITE);
    if (fault == FAULT_NONE) fault = prepare_all(signatures);
    signatures->is_written = fault == FAULT_NONE && use == DATABASE_WRITE;
    if (fault == FAULT_NONE)
        *out = signatures;
    else
        signatures_close(signatures);
    return fault;
}

static enum fault failed(struct signatures *signatures, const char *what, int result)
{
    return database_failed(signatures->db, PART, what, result);
}

/* True when there is a row; it stays until the statement is reset. */
static enum fault find_certificate(struct signatures *signatures, const struct hash *sha256,
                                   bool *found)
{
    (void)sqlite3_bind_blob(signatures->certificate, 1, sha256, sizeof *sha256, SQLITE_STATIC);
    int const result = sqlite3_step(signatures->certificate);
    *found = result == SQLITE_ROW;
    if (result == SQLITE_ROW || result == SQLITE_DONE) return FAULT_NONE;
    return failed(signatures, "find a certificate", result);
}

static enum fault put_certificate(struct signatures *signatures, const struct hash *sha256,
                                  struct span der)
{
    bool found;
    enum fault const fault = find_certificate(signatures, sha256, &found);
    (void)sqlite3_reset(signatures->certificate);
    if (fault != FAULT_NONE || found) return fault;
    sqlite3_stmt *put = signatures->put_certificate;
    int result = sqlite3_bind_blob(put, 1, sha256, HASH_BYTES, SQLITE_STATIC);
    if (result == SQLITE_OK)
        result = sqlite3_bind_blob(put, 2, der.bytes, (int)der.size, SQLITE_STATIC);
    if (result == SQLITE_OK) result = database_step(put);
    return result == SQLITE_OK ? FAULT_NONE : failed(signatures, "put a certificate", result);
}

enum fault signatures_open(struct signatures **out, const char *directory, const char *vfs,
                           const struct private_key *key, const struct certificate *certificate)
{
    struct signatures *signatures;
    enum fault fault = open_file(&signatures, directory, vfs, DATABASE_WRITE);
    if (fault != FAULT_NONE) return fault;
    signatures->fingerprint = *certificate_fingerprint(certificate);
    fault = signer_open(&signatures->signer, key);
    if (fault == FAULT_NONE)
        fault = put_certificate(signatures, &signatures->fingerprint, certificate_der(certificate));
    if (fault == FAULT_NONE)
        *out = signatures;
    else
        signatures_close(signatures);
    return fault;
}

enum fault signatures_open_copy(struct signatures **out, const char *directory, const char *vfs)
{
    struct signatures *signatures;
    enum fault fault = open_file(&signatures, directory, vfs, DATABASE_WRITE);
    if (fault != FAULT_NONE) return fault;
    fault = database_run(signatures->db, PART, "PRAGMA synchronous = NORMAL");
    if (fault == FAULT_NONE)
        *out = signatures;
    else
        signatures_close(signatures);
    return fault;
}

enum fault signatures_read(struct signatures **out, const char *directory, const char *vfs)
{
    return open_file(out, directory, vfs, DATABASE_READ);
}

void signatures_close(struct signatures *signatures)
{
    if (signatures == NULL) return;
    (void)sqlite3_finalize(signatures->checkpoint);
    (void)sqlite3_finalize(signatures->newest_checkpoint);
    (void)sqlite3_finalize(signatures->seal);
    (void)sqlite3_finalize(signatures->newest_seal);
    (void)sqlite3_finalize(signatures->certificate);
    (void)sqlite3_finalize(signatures->put_certificate);
    (void)sqlite3_finalize(signatures->put_checkpoint);
    (void)sqlite3_finalize(signatures->put_seal);
    /* The one that writes moves its write-ahead log when it is the last to close. */
    if (signatures->is_written)
        (void)sqlite3_db_config(signatures->db, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 0, NULL);
    (void)sqlite3_close(signatures->db);
    signer_close(signatures->signer);
    free(signatures);
}

/* --- reading ---------------------------------------------------------------------------------- */

/* Reads the row that a statement finds: a number, the signed bytes, the certificate, the signature. */
static enum fault read_row(struct signatures *signatures, sqlite3_stmt *statement, uint64_t *number,
                           void *bytes, size_t size, struct signature *signature)
{
    enum fault fault = FAULT_NONE;
    int const result = sqlite3_step(statement);
    if (result == SQLITE_DONE) {
        fault = FAULT_NOT_FOUND;
    } else if (result != SQLITE_ROW) {
        fault = failed(signatures, sqlite3_sql(statement), result);
    } else {
        int const signature_size = sqlite3_column_bytes(statement, 3);
        *number = (uint64_t)sqlite3_column_int64(statement, 0);
        if ((size_t)sqlite3_column_bytes(statement, 1) != size ||
            sqlite3_column_bytes(statement, 2) != HASH_BYTES || signature_size < 1 ||
            signature_size > KEY_SIGNATURE_BYTES_MAX) {
            LOG(LOG_ERROR, PART, "row %" PRIu64 " of '%s' has a part of another size", *number,
                sqlite3_sql(statement));
            fault = FAULT_CORRUPT;
        } else {
            memcpy(bytes, sqlite3_column_blob(statement, 1), size);
            memcpy(&signature->certificate, sqlite3_column_blob(statement, 2), HASH_BYTES);
            memcpy(signature->bytes, sqlite3_column_blob(statement, 3), (size_t)signature_size);
            signature->size = (uint32_t)signature_size;
        }
    }
    (void)sqlite3_reset(statement);
    return fault;
}

static enum fault contradiction(const char *what, uint64_t number)
{
    LOG(LOG_ERROR, PART, "the %s %" PRIu64 " is not what its row says", what, number);
    return FAULT_CORRUPT;
}

static enum fault read_checkpoint(struct signatures *signatures, sqlite3_stmt *statement,
                                  struct block_header *header, struct signature *signature)
{
    uint64_t number = 0;
    enum fault const fault =
        read_row(signatures, statement, &number, header, sizeof *header, signature);
    if (fault != FAULT_NONE) return fault;
    if (header->number != number || header->version != BLOCK_VERSION)
        return contradiction("checkpoint of block", number);
    return FAULT_NONE;
}

/* SQLite's integers are signed, and no ledger has 2^63 blocks. */
static int bind_number(sqlite3_stmt *statement, uint64_t number)
{
    return sqlite3_bind_int64(statement, 1, number > INT64_MAX ? INT64_MAX : (sqlite3_int64)number);
}

enum fault signatures_checkpoint(struct signatures *signatures, uint64_t block,
                                 struct block_header *header, struct signature *signature)
{
    (void)bind_number(signatures->checkpoint, block);
    return read_checkpoint(signatures, signatures->checkpoint, header, signature);
}

enum fault signatures_newest_checkpoint(struct signatures *signatures, struct block_header *header,
                                        struct signature *signature)
{
    return read_checkpoint(signatures, signatures->newest_checkpoint, header, signature);
}

enum fault signatures_seal(struct signatures *signatures, uint64_t number,
                           struct seal_statement *statement, struct signature *signature)
{
    uint64_t segment = 0;
    (void)bind_number(signatures->seal, number);
    enum fault const fault =
        read_row(signatures, signatures->seal, &segment, statement, sizeof *statement, signature);
    if (fault != FAULT_NONE) return fault;
    if (statement->segment != number || statement->version != SEAL_VERSION)
        return contradiction("seal of segment", number);
    return FAULT_NONE;
}

enum fault signatures_newest_seal(struct signatures *signatures, uint64_t *number)
{
    enum fault fault = FAULT_NONE;
    int const result = sqlite3_step(signatures->newest_seal);
    if (result == SQLITE_ROW)
        *number = (uint64_t)sqlite3_column_int64(signatures->newest_seal, 0);
    else
        fault = failed(signatures, "newest seal", result);
    (void)sqlite3_reset(signatures->newest_seal);
    return fault;
}

enum fault signatures_certificate(struct signatures *signatures, const struct hash *sha256,
                                  uint8_t *der, size_t der_max, size_t *size)
{
    bool found;
    enum fault fault = find_certificate(signatures, sha256, &found);
    if (fault == FAULT_NONE && !found) fault = FAULT_NOT_FOUND;
    if (fault == FAULT_NONE) {
        const void *bytes = sqlite3_column_blob(signatures->certificate, 0);
        *size = (size_t)sqlite3_column_bytes(signatures->certificate, 0);
        struct hash const hash = hash_of(span_of(bytes, *size));
        if (!hash_equal(&hash, sha256)) {
            LOG(LOG_ERROR, PART, "a stored certificate is not the one of its hash");
            fault = FAULT_CORRUPT;
        } else if (*size > der_max) {
            fault = FAULT_FULL;
        } else {
            memcpy(der, bytes, *size);
        }
    }
    (void)sqlite3_reset(signatures->certificate);
    return fault;
}

/* --- signing ---------------------------------------------------------------------------------- */

static enum fault put_row(struct signatures *signatures, sqlite3_stmt *put, uint64_t number,
                          struct span bytes, const struct hash *certificate, struct span signature)
{
    int result = bind_number(put, number);
    if (result == SQLITE_OK)
        result = sqlite3_bind_blob(put, 2, bytes.bytes, (int)bytes.size, SQLITE_STATIC);
    if (result == SQLITE_OK)
        result = sqlite3_bind_blob(put, 3, certificate, HASH_BYTES, SQLITE_STATIC);
    if (result == SQLITE_OK)
        result = sqlite3_bind_blob(put, 4, signature.bytes, (int)signature.size, SQLITE_STATIC);
    if (result == SQLITE_OK) result = database_step(put);
    (void)sqlite3_clear_bindings(put);
    return result == SQLITE_OK ? FAULT_NONE : failed(signatures, "put a signature", result);
}

static enum fault sign_and_put(struct signatures *signatures, sqlite3_stmt *put, uint64_t number,
                               struct span bytes)
{
    uint8_t signature[KEY_SIGNATURE_BYTES_MAX];
    size_t size;
    struct hash const digest = hash_of(bytes);
    enum fault const fault =
        signer_sign(signatures->signer, &digest, KEY_ENCODING_DER, signature, &size);
    if (fault != FAULT_NONE) {
        LOG(LOG_ERROR, PART, "cannot sign: %s", fault_words(fault));
        return fault;
    }
    return put_row(signatures, put, number, bytes, &signatures->fingerprint,
                   span_of(signature, size));
}

/* Is this very block's checkpoint there?  FAULT_CORRUPT: one of another header is. */
static enum fault find_checkpoint(struct signatures *signatures, const struct block_header *header,
                                  bool *found)
{
    struct block_header stored;
    struct signature signature;
    enum fault const fault = signatures_checkpoint(signatures, header->number, &stored, &signature);
    *found = fault == FAULT_NONE && stored.number == header->number;
    if (fault != FAULT_NONE) return fault == FAULT_NOT_FOUND ? FAULT_NONE : fault;
    return !*found || memcmp(&stored, header, sizeof stored) == 0
               ? FAULT_NONE
               : contradiction("checkpoint of block", header->number);
}

/* The same of a segment's seal. */
static enum fault find_seal(struct signatures *signatures, const struct seal_statement *statement,
                            bool *found)
{
    struct seal_statement stored;
    struct signature signature;
    enum fault const fault = signatures_seal(signatures, statement->segment, &stored, &signature);
    *found = fault == FAULT_NONE;
    if (fault != FAULT_NONE) return fault == FAULT_NOT_FOUND ? FAULT_NONE : fault;
    return memcmp(&stored, statement, sizeof stored) == 0
               ? FAULT_NONE
               : contradiction("seal of segment", statement->segment);
}

enum fault signatures_put_checkpoint(struct signatures *signatures,
                                     const struct block_header *header)
{
    assert(signatures->signer);
    bool found;
    enum fault const fault = find_checkpoint(signatures, header, &found);
    if (fault != FAULT_NONE || found) return fault;
    return sign_and_put(signatures, signatures->put_checkpoint, header->number,
                        span_of(header, sizeof *header));
}

enum fault signatures_put_seal(struct signatures *signatures,
                               const struct seal_statement *statement)
{
    assert(signatures->signer);
    bool found;
    enum fault const fault = find_seal(signatures, statement, &found);
    if (fault != FAULT_NONE || found) return fault;
    return sign_and_put(signatures, signatures->put_seal, statement->segment,
                        span_of(statement, sizeof *statement));
}

/* --- copying ---------------------------------------------------------------------------------- */

static bool is_possible(const struct signature *signature)
{
    return signature->size >= 1 && signature->size <= KEY_SIGNATURE_BYTES_MAX;
}

enum fault signatures_copy_certificate(struct signatures *signatures,
                                       const struct certificate *certificate)
{
    assert(signatures->is_written);
    return put_certificate(signatures, certificate_fingerprint(certificate),
                           certificate_der(certificate));
}

enum fault signatures_copy_checkpoint(struct signatures *signatures,
                                      const struct block_header *header,
                                      const struct signature *signature)
{
    assert(signatures->is_written);
    bool found;
    if (!is_possible(signature)) return FAULT_INVALID;
    enum fault const fault = find_checkpoint(signatures, header, &found);
    if (fault != FAULT_NONE || found) return fault;
    return put_row(signatures, signatures->put_checkpoint, header->number,
                   span_of(header, sizeof *header), &signature->certificate,
                   span_of(signature->bytes, signature->size));
}

enum fault signatures_copy_seal(struct signatures *signatures,
                                const struct seal_statement *statement,
                                const struct signature *signature)
{
    assert(signatures->is_written);
    bool found;
    if (!is_possible(signature)) return FAULT_INVALID;
    enum fault const fault = find_seal(signatures, statement, &found);
    if (fault != FAULT_NONE || found) return fault;
    return put_row(signatures, signatures->put_seal, statement->segment,
                   span_of(statement, sizeof *statement), &signature->certificate,
                   span_of(signature->bytes, signature->size));
}

enum fault signatures_finish_copy(struct signatures *signatures)
{
    assert(signatures->is_written);
    return database_empty_log(signatures->db, PART, "checkpoint of a copy");
}
