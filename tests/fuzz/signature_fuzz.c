/* signature: arbitrary bytes through reader and signature_check, with the certificates of
 * corpus/signature/good.xml (RSA) and p256.xml registered.
 *
 * Nothing may crash, and nothing may be accepted that says anything else than these two, which say
 * the same: the signatures cover all of it, so whatever the fuzzer makes of them either is refused or
 * has the same canonical form outside the Signature. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include "proto/base/limits.h"
#include "proto/signature/signature.h"
#include "proto/xml/canonical.h"
#include "proto/xml/document.h"
#include "proto/xml/reader.h"
#include "tests/fuzz/signature_good.h"

static struct signature_checker *checker;
static struct xml_document document;
enum { RSA, P256, REGISTERED_COUNT };
static const struct certificate *registered[REGISTERED_COUNT];
static char good[LIMIT_CANONICAL_BYTES], canonical[LIMIT_CANONICAL_BYTES];
static size_t good_size;

static void require(bool holds)
{
    if (!holds) abort();
}

/* The canonical form of the document but for what is in its Sgntr's Signature. */
static size_t content_of(uint16_t signature, char *bytes)
{
    size_t size = 0;
    require(canonical_write(&document, 0, signature, XML_NAMESPACE_NONE, bytes,
                            LIMIT_CANONICAL_BYTES, &size) == FAULT_NONE);
    return size;
}

static bool check(struct span message, struct signature_verdict *verdict)
{
    struct reader_error error;
    if (reader_parse(&document, message, NULL, &error) != FAULT_NONE) return false;
    uint16_t const header = document_child(&document, 0, SPAN("AppHdr"));
    if (header == XML_NONE) return false;
    return signature_check(checker, &document, header, registered, REGISTERED_COUNT, verdict);
}

int LLVMFuzzerInitialize(int *argument_count, char ***arguments);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerInitialize(int *argument_count, char ***arguments)
{
    (void)argument_count, (void)arguments;
    static const char *const certificates[REGISTERED_COUNT] = {SIGNATURE_GOOD_CERTIFICATE,
                                                               SIGNATURE_GOOD_P256_CERTIFICATE};
    struct signature_verdict verdict;
    for (size_t i = 0; i < REGISTERED_COUNT; i++) {
        struct certificate *certificate = NULL;
        const char *words = NULL;
        require(certificate_parse(&certificate, span_text(certificates[i]), &words) == FAULT_NONE);
        registered[i] = certificate;
    }
    require(signature_open(&checker, REGISTERED_COUNT) == FAULT_NONE);
    require(document_open(&document) == FAULT_NONE);
    require(check(SPAN(SIGNATURE_GOOD_P256_MESSAGE), &verdict) && verdict.key == P256);
    require(check(SPAN(SIGNATURE_GOOD_MESSAGE), &verdict) && verdict.key == RSA);
    good_size = content_of(verdict.node, good);
    return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct signature_verdict verdict;
    if (!check(span_of(data, size), &verdict)) return 0;
    size_t const canonical_size = content_of(verdict.node, canonical);
    require(canonical_size == good_size && memcmp(canonical, good, good_size) == 0);
    return 0;
}
