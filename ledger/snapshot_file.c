/* Snapshot files, byte by byte.
 *
 * The happy path of writing: a head of zeros is written and synced, so that a crash leaves a file
 * that says it is unfinished; the content goes behind it in synced slices; the head with hash and
 * signature is written over the zeros and synced.  Of reading: head, signature, content hashed as it
 * is read, at its end compared.
 *
 * Possible failures: the disk refuses (the file is removed, the other one stands), the power goes
 * (the head is zeros or torn, which the signature shows), bytes were changed (hash, signature). */
#include "ledger/snapshot_file.h"

#include <assert.h>
#include <inttypes.h>
#include <sqlite3.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ledger/database.h"
#include "proto/base/log.h"
#include "proto/crypto/verifier.h"

#define PART "snapshot"
#define VERSION 1
#define HEAD_BYTES 4096
#define NAME_BYTES 24
#define IO_BYTES 65536 /* SQLite's largest page; its VFSs take no more than twice that at once */

static const char magic[8] = "CauSnap";

/* The head's beginning; the struct is the bytes: little-endian, no padding. */
struct head {
    char magic[8];
    uint32_t version;
    uint32_t registry_count;
    uint8_t ledger_id[SNAPSHOT_FILE_LEDGER_ID_BYTES];
    uint64_t seq;
    int64_t time_ns;
    uint64_t block;
    uint64_t state_bytes;
    struct hash hash;
    struct hash content;     /* SHA-256 of all that is behind the head */
    struct hash certificate; /* SHA-256 of the certificate whose key signed */
    uint32_t signature_size;
    uint8_t signature[KEY_SIGNATURE_BYTES_MAX]; /* over everything before signature_size */
    uint32_t zeros;
};

#define SIGNED_BYTES offsetof(struct head, signature_size)

static_assert(SIGNED_BYTES == 160 && sizeof(struct head) == 680, "the format depends on it");
static_assert(sizeof(struct head) <= HEAD_BYTES, "it has room");

/* --- a file of the VFS ------------------------------------------------------------------------ */

struct file {
    char path[DATABASE_PATH_BYTES];
    sqlite3_vfs *vfs;
    sqlite3_file *handle; /* NULL: closed */
};

static enum fault refused(const struct file *file, const char *what, int result)
{
    LOG(LOG_ERROR, PART, "%s: %s refused (%d)", file->path, what, result);
    return FAULT_IO;
}

static enum fault name_file(struct file *file, const char *directory, const char *vfs,
                            uint32_t place)
{
    assert(place >= 1 && place <= SNAPSHOT_FILES);
    char name[NAME_BYTES];
    (void)snprintf(name, sizeof name, "snapshot-%" PRIu32 ".bin", place);
    file->handle = NULL;
    file->vfs = sqlite3_vfs_find(vfs);
    return file->vfs ? database_path(file->path, directory, name) : FAULT_IO;
}

/* The kind of file with which a VFS takes no locks, and syncs the name with the first sync. */
static enum fault open_file(struct file *file, int flags)
{
    file->handle = calloc(1, (size_t)file->vfs->szOsFile);
    if (!file->handle) return FAULT_MEMORY;
    int got = 0;
    int const result = file->vfs->xOpen(file->vfs, file->path, file->handle,
                                        flags | SQLITE_OPEN_SUPER_JOURNAL, &got);
    if (result == SQLITE_OK) return FAULT_NONE;
    free(file->handle);
    file->handle = NULL;
    return refused(file, "opening", result);
}

static void close_file(struct file *file)
{
    if (!file->handle) return;
    if (file->handle->pMethods) (void)file->handle->pMethods->xClose(file->handle);
    free(file->handle);
    file->handle = NULL;
}

static enum fault write_at(struct file *file, const void *bytes, size_t size, uint64_t at)
{
    const char *const from = bytes;
    for (size_t done = 0; done < size;) {
        int const part = size - done < IO_BYTES ? (int)(size - done) : IO_BYTES;
        int const result = file->handle->pMethods->xWrite(file->handle, from + done, part,
                                                          (sqlite3_int64)(at + done));
        if (result != SQLITE_OK) return refused(file, "writing", result);
        done += (size_t)part;
    }
    return FAULT_NONE;
}

static enum fault sync_file(struct file *file)
{
    int const result = file->handle->pMethods->xSync(file->handle, SQLITE_SYNC_NORMAL);
    return result == SQLITE_OK ? FAULT_NONE : refused(file, "syncing", result);
}

/* FAULT_CORRUPT: the file ends before. */
static enum fault read_at(struct file *file, void *bytes, size_t size, uint64_t at)
{
    char *const to = bytes;
    for (size_t done = 0; done < size;) {
        int const part = size - done < IO_BYTES ? (int)(size - done) : IO_BYTES;
        int const result = file->handle->pMethods->xRead(file->handle, to + done, part,
                                                         (sqlite3_int64)(at + done));
        if (result == SQLITE_IOERR_SHORT_READ) return FAULT_CORRUPT;
        if (result != SQLITE_OK) return refused(file, "reading", result);
        done += (size_t)part;
    }
    return FAULT_NONE;
}

/* --- writing ---------------------------------------------------------------------------------- */

struct snapshot_writer {
    struct file file;
    struct hasher *hasher;
    uint64_t at; /* of the slice */
    size_t used; /* of the slice */
    bool is_finished;
    uint8_t slice[SNAPSHOT_SLICE_BYTES];
};

enum fault snapshot_writer_open(struct snapshot_writer **out, const char *directory,
                                const char *vfs, uint32_t place)
{
    static const uint8_t zeros[HEAD_BYTES];
    struct snapshot_writer *const writer = calloc(1, sizeof *writer);
    if (!writer) return FAULT_MEMORY;
    writer->at = HEAD_BYTES;
    enum fault fault = name_file(&writer->file, directory, vfs, place);
    if (fault != FAULT_NONE) {
        free(writer);
        return fault;
    }
    fault = hash_open(&writer->hasher);
    if (fault == FAULT_NONE)
        fault = open_file(&writer->file, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE);
    if (fault == FAULT_NONE) fault = write_at(&writer->file, zeros, sizeof zeros, 0);
    if (fault == FAULT_NONE) fault = sync_file(&writer->file);
    if (fault == FAULT_NONE) {
        int const result =
            writer->file.handle->pMethods->xTruncate(writer->file.handle, HEAD_BYTES);
        if (result != SQLITE_OK) fault = refused(&writer->file, "cutting", result);
    }
    if (fault != FAULT_NONE) {
        snapshot_writer_close(writer);
        return fault;
    }
    hash_begin(writer->hasher);
    *out = writer;
    return FAULT_NONE;
}

static enum fault write_slice(struct snapshot_writer *writer)
{
    hash_add(writer->hasher, span_of(writer->slice, writer->used));
    enum fault fault = write_at(&writer->file, writer->slice, writer->used, writer->at);
    if (fault == FAULT_NONE) fault = sync_file(&writer->file);
    writer->at += writer->used;
    writer->used = 0;
    return fault;
}

enum fault snapshot_writer_put(struct snapshot_writer *writer, struct span bytes, uint32_t *slices)
{
    while (bytes.size > 0) {
        size_t const room = sizeof writer->slice - writer->used;
        size_t const part = bytes.size < room ? bytes.size : room;
        memcpy(writer->slice + writer->used, bytes.bytes, part);
        writer->used += part;
        bytes = span_after(bytes, part);
        if (writer->used < sizeof writer->slice) continue;
        enum fault const fault = write_slice(writer);
        if (fault != FAULT_NONE) return fault;
        *slices += 1;
    }
    return FAULT_NONE;
}

enum fault snapshot_writer_finish(struct snapshot_writer *writer,
                                  const struct snapshot_facts *facts, struct signer *signer,
                                  const struct certificate *certificate)
{
    enum fault fault = writer->used > 0 ? write_slice(writer) : FAULT_NONE;
    if (fault != FAULT_NONE) return fault;
    struct head head = {
        .version = VERSION,
        .registry_count = facts->registry_count,
        .seq = facts->seq,
        .time_ns = facts->time_ns,
        .block = facts->block,
        .state_bytes = facts->state_bytes,
        .hash = facts->hash,
        .content = hash_end(writer->hasher),
        .certificate = *certificate_fingerprint(certificate),
    };
    assert(writer->at == HEAD_BYTES + facts->state_bytes + 8 * (uint64_t)facts->registry_count);
    memcpy(head.magic, magic, sizeof head.magic);
    memcpy(head.ledger_id, facts->ledger_id, sizeof head.ledger_id);
    struct hash const digest = hash_of(span_of(&head, SIGNED_BYTES));
    size_t size;
    fault = signer_sign(signer, &digest, KEY_ENCODING_DER, head.signature, &size);
    if (fault != FAULT_NONE) return fault;
    head.signature_size = (uint32_t)size;
    fault = write_at(&writer->file, &head, sizeof head, 0);
    if (fault == FAULT_NONE) fault = sync_file(&writer->file);
    writer->is_finished = fault == FAULT_NONE;
    return fault;
}

void snapshot_writer_close(struct snapshot_writer *writer)
{
    if (!writer) return;
    close_file(&writer->file);
    if (!writer->is_finished)
        (void)writer->file.vfs->xDelete(writer->file.vfs, writer->file.path, 0);
    hash_close(writer->hasher);
    free(writer);
}

/* --- reading ---------------------------------------------------------------------------------- */

struct snapshot_reader {
    struct file file;
    struct hasher *hasher;
    struct hash content; /* as signed */
    uint64_t at;         /* of the slice */
    uint64_t end;        /* of the content */
    size_t used;         /* of the slice, of `held` bytes */
    size_t held;
    uint8_t slice[SNAPSHOT_SLICE_BYTES];
};

static bool is_signed(const struct head *head, const struct certificate *certificate)
{
    const struct public_key *const key = certificate_key(certificate);
    struct verifier *verifier;
    if (!key || head->signature_size == 0 || head->signature_size > sizeof head->signature ||
        !hash_equal(&head->certificate, certificate_fingerprint(certificate)) ||
        verifier_open(&verifier, 1) != FAULT_NONE)
        return false;
    struct hash const digest = hash_of(span_of(head, SIGNED_BYTES));
    bool const good = verifier_check(
        verifier, key, &digest, span_of(head->signature, head->signature_size), KEY_ENCODING_DER);
    verifier_close(verifier);
    return good;
}

static enum fault check_head(const struct file *file, const struct head *head, uint64_t size,
                             const struct certificate *certificate)
{
    static const char unfinished[sizeof head->magic];
    if (memcmp(head->magic, unfinished, sizeof unfinished) == 0) return FAULT_NOT_FOUND;
    if (memcmp(head->magic, magic, sizeof head->magic) != 0) {
        LOG(LOG_WARNING, PART, "%s is no snapshot", file->path);
        return FAULT_CORRUPT;
    }
    if (head->version != VERSION) {
        LOG(LOG_WARNING, PART, "%s has format %" PRIu32 ", this program knows %d", file->path,
            head->version, VERSION);
        return FAULT_VERSION;
    }
    if (!is_signed(head, certificate)) {
        LOG(LOG_WARNING, PART, "%s is not signed by the configured certificate", file->path);
        return FAULT_CORRUPT;
    }
    uint64_t const content = size - HEAD_BYTES, registry = 8 * (uint64_t)head->registry_count;
    if (head->state_bytes > content || content - head->state_bytes != registry) {
        LOG(LOG_WARNING, PART, "%s is not as long as it says", file->path);
        return FAULT_CORRUPT;
    }
    return FAULT_NONE;
}

static enum fault read_head(struct snapshot_reader *reader, const struct certificate *certificate,
                            struct head *head)
{
    sqlite3_int64 size = 0;
    int const result = reader->file.handle->pMethods->xFileSize(reader->file.handle, &size);
    if (result != SQLITE_OK) return refused(&reader->file, "its size", result);
    if (size < HEAD_BYTES) return FAULT_NOT_FOUND; /* a crash while it was made */
    enum fault fault = read_at(&reader->file, head, sizeof *head, 0);
    if (fault == FAULT_NONE) fault = check_head(&reader->file, head, (uint64_t)size, certificate);
    if (fault != FAULT_NONE) return fault;
    reader->at = HEAD_BYTES;
    reader->end = (uint64_t)size;
    reader->content = head->content;
    return FAULT_NONE;
}

enum fault snapshot_reader_open(struct snapshot_reader **out, const char *directory,
                                const char *vfs, uint32_t place,
                                const struct certificate *certificate, struct snapshot_facts *facts)
{
    struct head head;
    bool exists = false;
    struct snapshot_reader *const reader = calloc(1, sizeof *reader);
    if (!reader) return FAULT_MEMORY;
    enum fault fault = name_file(&reader->file, directory, vfs, place);
    if (fault == FAULT_NONE) fault = database_exists(reader->file.path, vfs, &exists);
    if (fault == FAULT_NONE && !exists) fault = FAULT_NOT_FOUND;
    if (fault == FAULT_NONE) fault = open_file(&reader->file, SQLITE_OPEN_READONLY);
    if (fault == FAULT_NONE) fault = hash_open(&reader->hasher);
    if (fault == FAULT_NONE) fault = read_head(reader, certificate, &head);
    if (fault != FAULT_NONE) {
        snapshot_reader_close(reader);
        return fault;
    }
    *facts = (struct snapshot_facts){
        .seq = head.seq,
        .time_ns = head.time_ns,
        .block = head.block,
        .hash = head.hash,
        .state_bytes = head.state_bytes,
        .registry_count = head.registry_count,
    };
    memcpy(facts->ledger_id, head.ledger_id, sizeof facts->ledger_id);
    hash_begin(reader->hasher);
    *out = reader;
    return FAULT_NONE;
}

static enum fault read_slice(struct snapshot_reader *reader)
{
    uint64_t const left = reader->end - reader->at;
    if (left == 0) return FAULT_CORRUPT; /* the content wants more than there is */
    reader->held = left < sizeof reader->slice ? (size_t)left : sizeof reader->slice;
    reader->used = 0;
    enum fault const fault = read_at(&reader->file, reader->slice, reader->held, reader->at);
    if (fault != FAULT_NONE) return fault;
    hash_add(reader->hasher, span_of(reader->slice, reader->held));
    reader->at += reader->held;
    return FAULT_NONE;
}

enum fault snapshot_reader_get(struct snapshot_reader *reader, void *bytes, size_t size)
{
    char *to = bytes;
    while (size > 0) {
        if (reader->used == reader->held) {
            enum fault const fault = read_slice(reader);
            if (fault != FAULT_NONE) return fault;
        }
        size_t const there = reader->held - reader->used;
        size_t const part = size < there ? size : there;
        memcpy(to, reader->slice + reader->used, part);
        reader->used += part;
        to += part;
        size -= part;
    }
    return FAULT_NONE;
}

enum fault snapshot_reader_end(struct snapshot_reader *reader)
{
    bool const is_whole = reader->at == reader->end && reader->used == reader->held;
    struct hash const content = hash_end(reader->hasher);
    if (is_whole && hash_equal(&content, &reader->content)) return FAULT_NONE;
    LOG(LOG_WARNING, PART, "%s does not hold what was signed", reader->file.path);
    return FAULT_CORRUPT;
}

void snapshot_reader_close(struct snapshot_reader *reader)
{
    if (!reader) return;
    close_file(&reader->file);
    hash_close(reader->hasher);
    free(reader);
}
