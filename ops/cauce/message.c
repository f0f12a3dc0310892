/* cauce message: what the switch would say of a file, and an Envelope signed (WIRE section 6).
 *
 *   check FILE [--cert CRT] [--canonical]   "ok VERSION" and 0, or "CODE path: words" and 1;
 *                                           with --canonical the exclusive C14N instead, and 0
 *   sign FILE --key K --cert C              the Envelope, canonical and signed, and 0
 *
 * What hinders the command itself (usage, a file that cannot be read, a key that does not fit) goes
 * to standard error, and the exit code is 2. */
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ops/cauce/subcommand.h"
#include "proto/base/limits.h"
#include "proto/iso/field.h"
#include "proto/iso/message.h"
#include "proto/xml/canonical.h"
#include "proto/xml/reader.h"

enum { EXIT_GOOD = 0, EXIT_REFUSED = 1, EXIT_HINDERED = 2 };

struct options {
    const char *file;
    const char *certificate; /* NULL when not given */
    const char *key;         /* NULL when not given */
    bool canonical;
};

static int usage(void)
{
    fprintf(stderr, "usage: cauce message check FILE [--cert CRT] [--canonical]\n"
                    "       cauce message sign FILE --key KEY --cert CRT\n");
    return EXIT_HINDERED;
}

/* False: not as usage() says. */
static bool parse_options(int count, char **arguments, struct options *options)
{
    *options = (struct options){0};
    for (int i = 0; i < count; i++) {
        const char *const argument = arguments[i];
        const char **value = NULL;
        if (strcmp(argument, "--canonical") == 0) {
            options->canonical = true;
            continue;
        }
        if (strcmp(argument, "--cert") == 0) {
            value = &options->certificate;
        } else if (strcmp(argument, "--key") == 0) {
            value = &options->key;
        } else if (argument[0] == '-') {
            return false;
        } else if (options->file != NULL) {
            return false;
        } else {
            options->file = argument;
            continue;
        }
        if (i + 1 == count) return false;
        *value = arguments[++i];
    }
    return options->file != NULL;
}

/* Reads the file into *bytes, cut one byte above the bound of a message: the reader then says that
 * it is too long. False: it cannot be read, and that is said. */
static bool read_file(const char *path, struct span *bytes)
{
    static char buffer[LIMIT_MESSAGE_BYTES + 1];
    FILE *file = fopen(path, "rb");
    if (file == NULL) {
        fprintf(stderr, "cauce message: %s: %s\n", path, strerror(errno));
        return false;
    }
    errno = 0;
    size_t const size = fread(buffer, 1, sizeof buffer, file);
    bool const failed = ferror(file) != 0;
    if (failed) fprintf(stderr, "cauce message: %s: %s\n", path, strerror(errno));
    fclose(file);
    *bytes = span_of(buffer, size);
    return !failed;
}

static bool write_out(struct span bytes)
{
    if (fwrite(bytes.bytes, 1, bytes.size, stdout) == bytes.size && fflush(stdout) == 0)
        return true;
    fprintf(stderr, "cauce message: standard output: %s\n", strerror(errno));
    return false;
}

/* Says "CODE path: words"; where there is no element yet, the path is "/". */
static int say_refusal(FILE *out, const struct refusal *refusal)
{
    struct span const code = refusal_text(refusal->code);
    struct span const words = refusal_words(refusal);
    struct span location = refusal_location(refusal);
    if (location.size == 0) location = SPAN("/");
    fprintf(out, "%.*s %.*s: %.*s\n", (int)code.size, code.bytes, (int)location.size,
            location.bytes, (int)words.size, words.bytes);
    return EXIT_REFUSED;
}

static bool load_certificate(const char *path, struct certificate **certificate)
{
    const char *words = "";
    enum fault const fault = certificate_load(certificate, path, &words);
    if (fault == FAULT_NONE && certificate_key(*certificate) != NULL) return true;
    fprintf(stderr, "cauce message: %s: %s\n", path,
            fault == FAULT_NONE      ? "its key is neither RSA of 2,048 to 4,096 bits nor P-256"
            : fault == FAULT_INVALID ? words
                                     : fault_words(fault));
    if (fault == FAULT_NONE) {
        certificate_close(*certificate);
        *certificate = NULL;
    }
    return false;
}

/* The signature by the one certificate given. False: *refusal or standard error says why, and
 * *code is the exit code. */
static bool check_signature(const char *path, enum message_part part, const struct message *message,
                            struct refusal *refusal, int *code)
{
    *code = EXIT_REFUSED;
    if (part != MESSAGE_ENVELOPE) {
        refusal_set(refusal, REFUSAL_SIGNATURE, "only an Envelope carries a signature");
        say_refusal(stdout, refusal);
        return false;
    }
    struct certificate *certificate = NULL;
    struct signature_checker *checker = NULL;
    bool good = false;
    size_t key;

    *code = EXIT_HINDERED;
    if (!load_certificate(path, &certificate)) return false;
    enum fault const fault = signature_open(&checker, 1);
    if (fault != FAULT_NONE) {
        fprintf(stderr, "cauce message: %s\n", fault_words(fault));
    } else {
        const struct certificate *const certificates[] = {certificate};
        good = message_verify(checker, message, certificates, 1, &key, refusal);
        if (!good) *code = say_refusal(stdout, refusal);
    }
    signature_close(checker);
    certificate_close(certificate);
    return good;
}

/* The canonical form of the whole but `excluded`. False: *refusal says why. */
static bool canonicalise(struct xml_document *document, uint16_t excluded, struct span *canonical,
                         struct refusal *refusal)
{
    static char buffer[LIMIT_CANONICAL_BYTES];
    size_t size;
    enum fault const fault =
        canonical_write(document, 0, excluded, XML_NAMESPACE_NONE, buffer, sizeof buffer, &size);
    if (fault == FAULT_NONE) {
        *canonical = span_of(buffer, size);
        return true;
    }
    refusal_set(refusal, REFUSAL_BADXML,
                fault == FAULT_FULL ? "the canonical form is too long"
                                    : "a relative namespace name has no canonical form");
    field_locate(refusal, document, 0);
    return false;
}

static int check(struct message_reader *reader, struct span bytes, const struct options *options)
{
    static const struct message_rules rules = {.side = MESSAGE_BY_SWITCH};
    enum message_part part;
    struct span identifier;
    struct message message;
    struct refusal refusal;
    int code;

    switch (message_check(reader, bytes, &rules, &part, &identifier, &message, &refusal)) {
    case MESSAGE_GOOD: break;
    case MESSAGE_REFUSED:
    case MESSAGE_DROPPED: return say_refusal(stdout, &refusal);
    }
    if (options->certificate != NULL &&
        !check_signature(options->certificate, part, &message, &refusal, &code)) {
        return code;
    }
    /* Of an Envelope that has no canonical form no signature can be judged: the switch refuses it. */
    struct span canonical;
    if (options->certificate == NULL && part == MESSAGE_ENVELOPE &&
        !canonicalise(message.document, XML_NONE, &canonical, &refusal)) {
        return say_refusal(stdout, &refusal);
    }
    printf("ok %.*s\n", (int)identifier.size, identifier.bytes);
    return fflush(stdout) == 0 ? EXIT_GOOD : EXIT_HINDERED;
}

static bool parse_xml(struct xml_document *document, struct span bytes, struct refusal *refusal)
{
    struct reader_error error;
    if (reader_parse(document, bytes, NULL, &error) == FAULT_NONE) return true;
    refusal_set(refusal, REFUSAL_BADXML, "%s", reader_words(error.kind));
    field_locate(refusal, document, error.node);
    return false;
}

static int print_canonical(struct xml_document *document, struct span bytes)
{
    struct refusal refusal;
    struct span canonical;
    if (!parse_xml(document, bytes, &refusal) ||
        !canonicalise(document, XML_NONE, &canonical, &refusal)) {
        return say_refusal(stdout, &refusal);
    }
    return write_out(canonical) ? EXIT_GOOD : EXIT_HINDERED;
}

/* The last "<" at or before `at`; there is one, as every canonical form begins with it. */
static size_t last_tag(struct span bytes, size_t at)
{
    while (bytes.bytes[at] != '<')
        at--;
    return at;
}

/* Where Sgntr belongs in the canonical Envelope that is `document`'s message and has none: before
 * the first Rltd, else before AppHdr's end tag.  `header` is AppHdr. */
static size_t signature_place(const struct xml_document *document, uint16_t header)
{
    struct span const bytes = document->message;
    uint16_t const related = document_child(document, header, SPAN("Rltd"));
    if (related != XML_NONE) return last_tag(bytes, document->nodes[related].offset);

    /* AppHdr's end tag is the last one before what follows it: a tag or a text, which holds no
     * "<", or the Envelope's own end tag. */
    uint16_t const next = document->nodes[header].end;
    size_t behind = last_tag(bytes, bytes.size - 1);
    if (next < document->node_count) {
        const struct xml_node *const node = &document->nodes[next];
        behind = node->kind == XML_ELEMENT ? last_tag(bytes, node->offset) : node->offset;
    }
    return last_tag(bytes, behind - 1);
}

/* Writes the signed Envelope: `canonical` with Sgntr at `at`, its name with AppHdr's prefix. */
static int write_signed(struct signature_signer *signer, struct span canonical, size_t at,
                        struct span prefix)
{
    static char bytes[LIMIT_CANONICAL_BYTES + 2 * (LIMIT_XML_NAME_BYTES + sizeof "</Sgntr>")];
    char tag[LIMIT_XML_NAME_BYTES + sizeof "</Sgntr>"];
    int const start = snprintf(tag, sizeof tag, "<%.*sSgntr>", (int)prefix.size, prefix.bytes);
    size_t const split = at + (size_t)start;

    memcpy(bytes, canonical.bytes, at);
    memcpy(bytes + at, tag, (size_t)start);
    int const end = snprintf(tag, sizeof tag, "</%.*sSgntr>", (int)prefix.size, prefix.bytes);
    memcpy(bytes + split, tag, (size_t)end);
    memcpy(bytes + split + (size_t)end, canonical.bytes + at, canonical.size - at);

    struct span const before = span_of(bytes, split);
    struct span const after = span_of(bytes + split, (size_t)end + canonical.size - at);
    size_t const size = signature_size(signer);
    char *const signature = malloc(size);
    if (signature == NULL) {
        fprintf(stderr, "cauce message: %s\n", fault_words(FAULT_MEMORY));
        return EXIT_HINDERED;
    }
    int code = EXIT_HINDERED;
    enum fault const fault = signature_write(signer, before, after, signature);
    if (fault != FAULT_NONE) {
        fprintf(stderr, "cauce message: %s\n", fault_words(fault));
    } else if (write_out(before) && write_out(span_of(signature, size)) && write_out(after)) {
        code = EXIT_GOOD;
    }
    free(signature);
    return code;
}

/* Signs anything that has the shape Envelope/AppHdr, so that messages which the switch must refuse
 * can be made as well.  What Sgntr held before is replaced. */
static int sign(struct xml_document *document, struct span bytes, struct signature_signer *signer)
{
    struct refusal refusal;
    struct span canonical;
    if (!parse_xml(document, bytes, &refusal)) return say_refusal(stderr, &refusal);

    uint16_t header = document_child(document, 0, SPAN("AppHdr"));
    if (!span_equal(document_local(document, 0), SPAN("Envelope")) || header == XML_NONE) {
        refusal_set(&refusal, REFUSAL_SCHEMA, "the message is not an Envelope with an AppHdr");
        field_locate(&refusal, document, 0);
        return say_refusal(stderr, &refusal);
    }
    uint16_t const old = document_child(document, header, SPAN("Sgntr"));
    if (!canonicalise(document, old, &canonical, &refusal) ||
        !parse_xml(document, canonical, &refusal)) {
        return say_refusal(stderr, &refusal);
    }
    header = document_child(document, 0, SPAN("AppHdr"));
    const struct xml_node *const node = &document->nodes[header];
    return write_signed(signer, canonical, signature_place(document, header),
                        span_of(node->text, node->local_at));
}

static int sign_with(struct xml_document *document, struct span bytes,
                     const struct options *options)
{
    struct certificate *certificate = NULL;
    struct private_key *key = NULL;
    struct signature_signer *signer = NULL;
    const char *words = "";
    int code = EXIT_HINDERED;

    if (!load_certificate(options->certificate, &certificate)) return EXIT_HINDERED;
    enum fault fault = key_load(&key, options->key, &words);
    if (fault != FAULT_NONE) {
        fprintf(stderr, "cauce message: %s: %s\n", options->key,
                fault == FAULT_INVALID ? words : fault_words(fault));
        goto done;
    }
    fault = signature_signer_open(&signer, key, certificate);
    if (fault != FAULT_NONE) {
        fprintf(stderr, "cauce message: %s: %s\n", options->certificate,
                fault == FAULT_INVALID ? "not the certificate of this key" : fault_words(fault));
        goto done;
    }
    code = sign(document, bytes, signer);
done:
    signature_signer_close(signer);
    key_close(key);
    certificate_close(certificate);
    return code;
}

/* The two that work on plain XML. */
static int with_document(struct span bytes, const struct options *options)
{
    struct xml_document document;
    enum fault const fault = document_open(&document);
    if (fault != FAULT_NONE) {
        fprintf(stderr, "cauce message: %s\n", fault_words(fault));
        return EXIT_HINDERED;
    }
    int const code = options->canonical ? print_canonical(&document, bytes)
                                        : sign_with(&document, bytes, options);
    document_close(&document);
    return code;
}

static int with_reader(struct span bytes, const struct options *options)
{
    struct message_reader *reader;
    enum fault const fault = message_open(&reader);
    if (fault != FAULT_NONE) {
        fprintf(stderr, "cauce message: %s\n", fault_words(fault));
        return EXIT_HINDERED;
    }
    int const code = check(reader, bytes, options);
    message_close(reader);
    return code;
}

int message_main(int count, char **arguments)
{
    struct options options;
    struct span bytes;

    if (count >= 2 && strcmp(arguments[1], "--help") == 0) {
        usage();
        return EXIT_GOOD;
    }
    if (count < 2 || !parse_options(count - 2, arguments + 2, &options)) return usage();
    bool const signing = strcmp(arguments[1], "sign") == 0;
    bool const checking = strcmp(arguments[1], "check") == 0;
    if (signing && (options.key == NULL || options.certificate == NULL || options.canonical))
        return usage();
    if (checking && options.key != NULL) return usage();
    if (!signing && !checking) return usage();

    if (!read_file(options.file, &bytes)) return EXIT_HINDERED;
    return signing || options.canonical ? with_document(bytes, &options)
                                        : with_reader(bytes, &options);
}
