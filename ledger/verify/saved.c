/* The head first: version, ledger, entry, size; then the content, read once from its start to its
 * end: hashed, and its accounts compared; then the signature. */
#include "ledger/verify/saved.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#define HEAD_BYTES 4096 /* the content follows */
#define SIGNED_BYTES 160
#define SIGNATURE_BYTES_MAX 512
#define STATE_BYTES 216 /* head of the core's part */
#define ACCOUNT_BYTES 64
#define PIECE_BYTES 65536
#define VERSION 1

__attribute__((format(printf, 3, 4))) static bool wrong(struct saved *saved, unsigned index,
                                                        const char *format, ...)
{
    va_list arguments;
    int const used = snprintf(saved->words, sizeof saved->words, "snapshot-%u.bin: ", index + 1);
    va_start(arguments, format);
    (void)vsnprintf(saved->words + used, sizeof saved->words - (size_t)used, format, arguments);
    va_end(arguments);
    return false;
}

static FILE *open_file(const struct saved *saved, unsigned index)
{
    char path[4096];
    int const size = snprintf(path, sizeof path, "%s/snapshot-%u.bin", saved->directory, index + 1);
    return size < (int)sizeof path ? fopen(path, "rb") : NULL;
}

static bool is_zeros(const char *bytes, size_t size)
{
    for (size_t i = 0; i < size; i++) {
        if (bytes[i] != 0) return false;
    }
    return true;
}

bool saved_open(struct saved *saved, const char *directory)
{
    saved->directory = directory;
    for (unsigned i = 0; i < SAVED_FILES; i++) {
        char *head = saved->files[i].head;
        FILE *file = open_file(saved, i);
        if (file == NULL) continue;
        size_t const read = fread(head, 1, SAVED_HEAD_BYTES, file);
        (void)fclose(file);
        if (is_zeros(head, read)) continue; /* it was never finished */
        if (read < SAVED_HEAD_BYTES || memcmp(head, "CauSnap", 8) != 0)
            return wrong(saved, i, "is no snapshot");
        if (layout_u32(head + 8) != VERSION)
            return wrong(saved, i, "is of version %" PRIu32 ", which is not known",
                         layout_u32(head + 8));
        saved->files[i].seq = layout_u64(head + 32);
        if (saved->files[i].seq == 0) return wrong(saved, i, "is of no entry");
    }
    return true;
}

/* --- the content ------------------------------------------------------------------------------ */

static bool check_account(struct saved *saved, unsigned index, const struct sums *sums,
                          uint32_t place, const char *bytes)
{
    struct sums_account account;
    if (!sums_account(sums, place, &account) || layout_u64(bytes) != account.code)
        return wrong(saved, index, "has other participants than have joined");
    if (layout_u64(bytes + 32) != (uint64_t)account.available ||
        layout_u64(bytes + 40) != (uint64_t)account.reserved)
        return wrong(saved, index, "has other balances of %.8s than the entries lead to", bytes);
    if (layout_u64(bytes + 48) != account.number || layout_u64(bytes + 56) != account.last_seq)
        return wrong(saved, index, "has another number of %.8s than the entries lead to", bytes);
    return true;
}

/* The core's part: its head and accounts. */
static bool check_accounts(struct saved *saved, unsigned index, FILE *file, struct hasher *hasher,
                           const struct sums *sums, uint64_t *left)
{
    char bytes[STATE_BYTES];
    if (*left < sizeof bytes || fread(bytes, sizeof bytes, 1, file) != 1)
        return wrong(saved, index, "is cut off");
    hash_add(hasher, span_of(bytes, sizeof bytes));
    *left -= sizeof bytes;
    uint32_t const count = layout_u32(bytes + 48);
    if (memcmp(bytes, "CauState", 8) != 0 || layout_u32(bytes + 8) != VERSION)
        return wrong(saved, index, "holds a state that is not known");
    if (layout_u64(bytes + 16) != saved->files[index].seq)
        return wrong(saved, index, "holds the state of another entry");
    if (count != sums_participants(sums))
        return wrong(saved, index, "has other participants than have joined");
    if (layout_u32(bytes + 56) != sums_open_count(sums))
        return wrong(saved, index, "has other open payments than there are");
    for (uint32_t i = 0; i < count; i++) {
        if (*left < ACCOUNT_BYTES || fread(bytes, ACCOUNT_BYTES, 1, file) != 1)
            return wrong(saved, index, "is cut off");
        hash_add(hasher, span_of(bytes, ACCOUNT_BYTES));
        *left -= ACCOUNT_BYTES;
        if (!check_account(saved, index, sums, i, bytes)) return false;
    }
    return true;
}

static bool check_content(struct saved *saved, unsigned index, FILE *file, struct hasher *hasher,
                          const struct sums *sums)
{
    static _Thread_local char piece[PIECE_BYTES];
    const char *head = saved->files[index].head;
    uint64_t const state_bytes = layout_u64(head + 56);
    uint64_t const registry_bytes = 8 * (uint64_t)layout_u32(head + 12);
    struct stat stat_of;
    if (state_bytes > INT64_MAX / 2 || fstat(fileno(file), &stat_of) != 0 ||
        (uint64_t)stat_of.st_size != HEAD_BYTES + state_bytes + registry_bytes)
        return wrong(saved, index, "has another size than it says");
    uint64_t left = state_bytes;
    if (!check_accounts(saved, index, file, hasher, sums, &left)) return false;
    for (left += registry_bytes; left > 0;) {
        size_t const size = left < sizeof piece ? (size_t)left : sizeof piece;
        if (fread(piece, 1, size, file) != size) return wrong(saved, index, "is cut off");
        hash_add(hasher, span_of(piece, size));
        left -= size;
    }
    struct hash const hash = hash_end(hasher);
    return span_equal(span_of(head + 96, HASH_BYTES), hash_span(&hash)) ||
           wrong(saved, index, "does not match its own hash");
}

static bool check_signature(struct saved *saved, unsigned index, struct attest *attest)
{
    const char *head = saved->files[index].head;
    uint32_t const size = layout_u32(head + SIGNED_BYTES);
    if (size == 0 || size > SIGNATURE_BYTES_MAX) return wrong(saved, index, "has no signature");
    return attest_saved(attest, span_of(head + SIGNED_BYTES - HASH_BYTES, HASH_BYTES),
                        span_of(head, SIGNED_BYTES), span_of(head + SIGNED_BYTES + 4, size)) ||
           wrong(saved, index, "%s", attest_words(attest));
}

/* --- the whole -------------------------------------------------------------------------------- */

/* A writer first makes the head zeros, then changes the content. */
static bool is_as_it_was(const struct saved *saved, unsigned index, FILE *file)
{
    char head[SAVED_HEAD_BYTES];
    rewind(file);
    return fread(head, sizeof head, 1, file) == 1 &&
           memcmp(head, saved->files[index].head, sizeof head) == 0;
}

static bool check_file(struct saved *saved, unsigned index, const struct sums *sums,
                       struct attest *attest)
{
    struct hasher *hasher = NULL;
    FILE *file = open_file(saved, index);
    if (file == NULL) return true; /* removed in the meantime */
    if (hash_open(&hasher) != FAULT_NONE) {
        (void)fclose(file);
        return wrong(saved, index, "no memory to check it");
    }
    hash_begin(hasher);
    bool good = (fseek(file, HEAD_BYTES, SEEK_SET) == 0 || wrong(saved, index, "is cut off")) &&
                check_content(saved, index, file, hasher, sums) &&
                check_signature(saved, index, attest);
    good = good || !is_as_it_was(saved, index, file);
    hash_close(hasher);
    (void)fclose(file);
    return good;
}

bool saved_check(struct saved *saved, uint64_t seq, const struct hash *head,
                 const uint8_t ledger_id[LAYOUT_LEDGER_ID_BYTES], const struct sums *sums,
                 struct attest *attest)
{
    for (unsigned i = 0; i < SAVED_FILES; i++) {
        const char *said = saved->files[i].head;
        if (saved->files[i].seq != seq) continue;
        if (memcmp(said + 16, ledger_id, LAYOUT_LEDGER_ID_BYTES) != 0)
            return wrong(saved, i, "is of another ledger");
        if (!span_equal(span_of(said + 64, HASH_BYTES), hash_span(head)))
            return wrong(saved, i, "names another hash of its entry");
        if (!check_file(saved, i, sums, attest)) return false;
        saved->files[i].seq = 0;
    }
    return true;
}

bool saved_end(struct saved *saved)
{
    for (unsigned i = 0; i < SAVED_FILES; i++) {
        if (saved->files[i].seq != 0)
            return wrong(saved, i, "is of entry %" PRIu64 ", which ends no block that is there",
                         saved->files[i].seq);
    }
    return true;
}
