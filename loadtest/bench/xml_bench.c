/* xml_bench: microseconds of CPU for reading, judging, canonicalising and hashing one message.
 *
 * usage: xml_bench FILE [rounds]      FILE: an Envelope, for example tests/schema/envelope.xml
 * Prints the median of 21 runs of `rounds` (2,000) turns each. */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "proto/crypto/hash.h"
#include "proto/iso/schema/walk.h"
#include "proto/xml/canonical.h"

#define RUNS 21

static struct xml_document document;
static struct walk walk;
static struct span message;
static char canonical[LIMIT_CANONICAL_BYTES];

static double cpu_us(void)
{
    struct timespec now;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
    return (double)now.tv_sec * 1e6 + (double)now.tv_nsec / 1e3;
}

static void must(bool good, const char *words)
{
    if (good) return;
    fprintf(stderr, "xml_bench: %s\n", words);
    exit(1);
}

static void read_only(void)
{
    struct reader_error error;
    must(reader_parse(&document, message, NULL, &error) == FAULT_NONE, "not well-formed");
}

static void read_and_walk(void)
{
    struct reader_error error;
    must(walk_read(&walk, &document, message, &error) == FAULT_NONE, "not well-formed");
    must(walk.document_error.kind == WALK_ERROR_NONE, "not valid");
}

/* The whole but the first child of Sgntr, as the digest of WIRE section 3 takes it. */
static size_t canonicalise(void)
{
    uint16_t signature =
        document_first(&document, document_child(&document, walk.header, SPAN("Sgntr")));
    size_t size;
    must(canonical_write(&document, 0, signature, XML_NAMESPACE_NONE, canonical, sizeof canonical,
                         &size) == FAULT_NONE,
         "no canonical form");
    return size;
}

static void canonical_only(void)
{
    (void)canonicalise();
}

static void canonical_and_hash(void)
{
    volatile struct hash sink = hash_of(span_of(canonical, canonicalise()));
    (void)sink;
}

static int by_value(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return x < y ? -1 : x > y;
}

static void measure(const char *name, void (*turn)(void), int rounds)
{
    double us[RUNS];
    for (int run = 0; run < RUNS; run++) {
        double begin = cpu_us();
        for (int round = 0; round < rounds; round++) {
            turn();
        }
        us[run] = (cpu_us() - begin) / rounds;
    }
    qsort(us, RUNS, sizeof *us, by_value);
    printf("%-24s median %6.2f us   best %6.2f us\n", name, us[RUNS / 2], us[0]);
}

int main(int argc, char **argv)
{
    must(argc >= 2, "usage: xml_bench FILE [rounds]");
    int rounds = argc > 2 ? atoi(argv[2]) : 2000;
    must(rounds > 0, "rounds must be a number above 0");
    static char bytes[LIMIT_MESSAGE_BYTES];
    FILE *file = fopen(argv[1], "rb");
    must(file != NULL, "cannot open the file");
    message = span_of(bytes, fread(bytes, 1, sizeof bytes, file));
    fclose(file);
    must(document_open(&document) == FAULT_NONE, "no memory");

    read_and_walk();
    printf("%zu bytes, %u nodes, canonical %zu bytes\n", message.size, document.node_count,
           canonicalise());
    measure("read", read_only, rounds);
    measure("read + walk", read_and_walk, rounds);
    measure("canonical", canonical_only, rounds);
    measure("canonical + sha256", canonical_and_hash, rounds);
    document_close(&document);
    return 0;
}
