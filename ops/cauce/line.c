/* Lines of an exported ledger: written with printf, read by Jansson into fields of fixed size. */
#include "ops/cauce/line.h"

#include <inttypes.h>
#include <jansson.h>
#include <stdbool.h>
#include <string.h>

#include "proto/base/time.h"
#include "proto/crypto/base64.h"
#include "proto/crypto/hex.h"
#include "proto/record/json.h"

/* Never rename: they stand in files. */
static const char *const records[] = {
    [LINE_LEDGER] = "ledger",
    [LINE_BLOCK] = "block",
    [LINE_MESSAGE] = "message",
    [LINE_ENTRY] = "entry",
    [LINE_CERTIFICATE] = "certificate",
    [LINE_CHECKPOINT] = "checkpoint",
    [LINE_SEAL] = "seal",
    [LINE_END] = "end",
};

/* --- writing ---------------------------------------------------------------------------------- */

static void begin(FILE *out, enum line_record record)
{
    fprintf(out, "{\"record\":\"%s\"", records[record]);
}

static void put_number(FILE *out, const char *name, uint64_t number)
{
    fprintf(out, ",\"%s\":%" PRIu64, name, number);
}

static void put_hash(FILE *out, const char *name, const struct hash *hash)
{
    char text[HASH_TEXT_BYTES];
    hash_print(hash, text);
    fprintf(out, ",\"%s\":\"%s\"", name, text);
}

static void put_id(FILE *out, const uint8_t id[JOURNAL_LEDGER_ID_BYTES])
{
    char text[2 * JOURNAL_LEDGER_ID_BYTES + 1];
    hex_print(span_of(id, JOURNAL_LEDGER_ID_BYTES), text);
    fprintf(out, ",\"ledger_id\":\"%s\"", text);
}

static void put_time(FILE *out, const char *name, int64_t time_ns)
{
    char text[TIME_TEXT_BYTES];
    (void)time_print_ns(time_ns < 0 ? 0 : time_ns, text);
    fprintf(out, ",\"%s\":\"%s\"", name, text);
}

/* In pieces whose size is a multiple of three, so that their texts are that of the whole. */
static void put_base64(FILE *out, const char *name, struct span bytes)
{
    enum { PIECE = 3 * 512 };
    char text[BASE64_TEXT_SIZE(PIECE)];
    fprintf(out, ",\"%s\":\"", name);
    while (bytes.size > 0) {
        size_t const size = bytes.size < PIECE ? bytes.size : PIECE;
        (void)fwrite(text, 1, base64_encode(span_of(bytes.bytes, size), text), out);
        bytes = span_after(bytes, size);
    }
    fputc('"', out);
}

static void put_signature(FILE *out, const struct signature *signature)
{
    put_hash(out, "certificate", &signature->certificate);
    put_base64(out, "signature", span_of(signature->bytes, signature->size));
}

static void end(FILE *out)
{
    fputs("}\n", out);
}

void line_write_ledger(FILE *out, const struct journal_head *newest)
{
    begin(out, LINE_LEDGER);
    put_number(out, "version", LINE_VERSION);
    put_id(out, newest->ledger_id);
    end(out);
}

void line_write_block(FILE *out, uint64_t segment, const struct block_header *header)
{
    begin(out, LINE_BLOCK);
    put_number(out, "segment", segment);
    put_number(out, "number", header->number);
    put_number(out, "first_seq", header->first_seq);
    put_number(out, "last_seq", header->last_seq);
    put_time(out, "time", header->time_ns);
    put_hash(out, "previous", &header->previous);
    put_hash(out, "root", &header->root);
    put_base64(out, "header", span_of(header, sizeof *header));
    end(out);
}

void line_write_message(FILE *out, const struct evidence *evidence)
{
    struct span const sender = identifier_code_text(&evidence->sender);
    begin(out, LINE_MESSAGE);
    put_hash(out, "hash", &evidence->hash);
    fprintf(out, ",\"sender\":\"%.*s\"", (int)sender.size, sender.bytes);
    put_hash(out, "certificate", &evidence->certificate);
    put_time(out, "received", evidence->received_ns);
    put_base64(out, "bytes", evidence->bytes);
    end(out);
}

void line_write_entry(FILE *out, const struct entry *entry, struct span body)
{
    char text[JSON_ENTRY_BYTES_MAX];
    size_t const size = json_entry(entry, body, text);
    begin(out, LINE_ENTRY);
    fputc(',', out);
    (void)fwrite(text + 1, 1, size - 1, out); /* an object: its members and the brace */
    fputc('\n', out);
}

void line_write_certificate(FILE *out, const struct hash *sha256, struct span der)
{
    begin(out, LINE_CERTIFICATE);
    put_hash(out, "sha256", sha256);
    put_base64(out, "der", der);
    end(out);
}

void line_write_checkpoint(FILE *out, const struct block_header *header,
                           const struct signature *signature)
{
    begin(out, LINE_CHECKPOINT);
    put_number(out, "block", header->number);
    put_base64(out, "header", span_of(header, sizeof *header));
    put_signature(out, signature);
    end(out);
}

void line_write_seal(FILE *out, const struct seal_statement *statement,
                     const struct signature *signature)
{
    begin(out, LINE_SEAL);
    put_number(out, "segment", statement->segment);
    put_number(out, "first_seq", statement->first_seq);
    put_number(out, "last_seq", statement->last_seq);
    put_hash(out, "head", &statement->head);
    put_hash(out, "root", &statement->root);
    put_base64(out, "statement", span_of(statement, sizeof *statement));
    put_signature(out, signature);
    end(out);
}

void line_write_end(FILE *out, const struct journal_head *newest)
{
    begin(out, LINE_END);
    put_number(out, "entries", newest->seq);
    put_number(out, "blocks", newest->block_number);
    put_hash(out, "head", &newest->hash);
    end(out);
}

/* --- reading ---------------------------------------------------------------------------------- */

static bool get_text(const json_t *object, const char *name, struct span *text)
{
    const json_t *value = json_object_get(object, name);
    if (!json_is_string(value)) return false;
    *text = span_of(json_string_value(value), json_string_length(value));
    return true;
}

static bool get_number(const json_t *object, const char *name, uint64_t *number)
{
    const json_t *value = json_object_get(object, name);
    if (!json_is_integer(value) || json_integer_value(value) < 0) return false;
    *number = (uint64_t)json_integer_value(value);
    return true;
}

static bool get_hash(const json_t *object, const char *name, struct hash *hash)
{
    struct span text;
    return get_text(object, name, &text) && hash_parse(text, hash);
}

static bool get_bytes(const json_t *object, const char *name, void *bytes, size_t bytes_max,
                      size_t *size)
{
    struct span text;
    return get_text(object, name, &text) &&
           base64_decode(text, bytes, bytes_max, size) == FAULT_NONE;
}

static bool get_exactly(const json_t *object, const char *name, void *bytes, size_t size)
{
    size_t found;
    return get_bytes(object, name, bytes, size, &found) && found == size;
}

static bool get_time(const json_t *object, const char *name, int64_t *time_ns)
{
    struct span text;
    return get_text(object, name, &text) && time_parse(text, time_ns) == TIME_PARSE_GOOD;
}

static bool get_signature(const json_t *object, struct signature *signature)
{
    size_t size;
    if (!get_hash(object, "certificate", &signature->certificate) ||
        !get_bytes(object, "signature", signature->bytes, sizeof signature->bytes, &size) ||
        size == 0)
        return false;
    signature->size = (uint32_t)size;
    return true;
}

static enum fault read_ledger(struct line *line, const json_t *object)
{
    struct span id;
    uint64_t version;
    if (!get_number(object, "version", &version)) return FAULT_INVALID;
    if (version != LINE_VERSION) return FAULT_VERSION;
    return get_text(object, "ledger_id", &id) && id.size == 2 * sizeof line->ledger_id &&
                   hex_parse(id, line->ledger_id)
               ? FAULT_NONE
               : FAULT_INVALID;
}

static bool read_message(struct line *line, const json_t *object)
{
    struct evidence *evidence = &line->evidence;
    struct span sender;
    if (!get_hash(object, "hash", &evidence->hash) || !get_text(object, "sender", &sender) ||
        !identifier_parse_code(sender, &evidence->sender) ||
        !get_hash(object, "certificate", &evidence->certificate) ||
        !get_time(object, "received", &evidence->received_ns) ||
        !get_bytes(object, "bytes", line->bytes, sizeof line->bytes, &line->size) ||
        line->size == 0)
        return false;
    evidence->bytes = span_of(line->bytes, line->size);
    struct hash const again = hash_of(evidence->bytes);
    return hash_equal(&again, &evidence->hash);
}

static bool read_entry(struct line *line, const json_t *object)
{
    bool const has_body = json_object_get(object, "body") != NULL;
    return get_exactly(object, "public", &line->public, sizeof line->public) &&
           get_exactly(object, "private", &line->private, sizeof line->private) &&
           get_hash(object, "hash", &line->hash) &&
           (!has_body ||
            (get_bytes(object, "body", line->bytes, ENTRY_BODY_BYTES_MAX, &line->size) &&
             line->size > 0));
}

static bool read_end(struct line *line, const json_t *object)
{
    return get_number(object, "entries", &line->entries) &&
           get_number(object, "blocks", &line->blocks) && get_hash(object, "head", &line->hash);
}

static enum fault read_fields(struct line *line, const json_t *object)
{
    bool good = false;
    line->size = 0;
    switch (line->record) {
    case LINE_LEDGER: return read_ledger(line, object);
    case LINE_BLOCK:
        good = get_number(object, "segment", &line->segment) &&
               get_exactly(object, "header", &line->header, sizeof line->header);
        break;
    case LINE_MESSAGE: good = read_message(line, object); break;
    case LINE_ENTRY: good = read_entry(line, object); break;
    case LINE_CERTIFICATE:
        good = get_bytes(object, "der", line->bytes, sizeof line->bytes, &line->size);
        break;
    case LINE_CHECKPOINT:
        good = get_exactly(object, "header", &line->header, sizeof line->header) &&
               get_signature(object, &line->signature);
        break;
    case LINE_SEAL:
        good = get_exactly(object, "statement", &line->statement, sizeof line->statement) &&
               get_signature(object, &line->signature);
        break;
    case LINE_END: good = read_end(line, object); break;
    }
    return good ? FAULT_NONE : FAULT_INVALID;
}

static bool find_record(const json_t *object, enum line_record *record)
{
    struct span name;
    if (!get_text(object, "record", &name)) return false;
    for (size_t i = 0; i < sizeof records / sizeof records[0]; i++) {
        if (!span_equal(name, span_text(records[i]))) continue;
        *record = (enum line_record)i;
        return true;
    }
    return false;
}

enum fault line_read(struct line *line, struct span text, const char **words)
{
    json_error_t error;
    *words = "is not JSON, or longer than a line may be";
    if (text.size > LINE_BYTES_MAX) return FAULT_INVALID;
    json_t *object = json_loadb(text.bytes, text.size, JSON_REJECT_DUPLICATES, &error);
    if (object == NULL)
        return json_error_code(&error) == json_error_out_of_memory ? FAULT_MEMORY : FAULT_INVALID;
    enum fault fault = FAULT_INVALID;
    *words = "is no record of an exported ledger";
    if (find_record(object, &line->record)) {
        *words = "has a member that is missing, or not as it must be";
        fault = read_fields(line, object);
    }
    if (fault == FAULT_VERSION) *words = "is of another version";
    json_decref(object);
    return fault;
}
