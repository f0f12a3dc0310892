/* gzip: one member, nothing behind it, within the bound; memory only at open. */
#include <check.h>
#include <stdlib.h>
#include <zlib.h>

#include "proto/base/limits.h"
#include "proto/http/gzip.h"

#define PLAIN_BYTES (LIMIT_BODY_BYTES + 1)

static char original[PLAIN_BYTES];
static char plain[PLAIN_BYTES];
static unsigned char packed[2 * PLAIN_BYTES];

static struct gzip *gzip;

static void setup(void)
{
    ck_assert_int_eq(gzip_open(&gzip), FAULT_NONE);
}

static void teardown(void)
{
    gzip_close(gzip);
}

/* Compresses the first `size` bytes of `original`; window_bits as zlib has them: 31 is gzip. */
static size_t pack(size_t size, int level, int window_bits)
{
    z_stream stream = {0};
    ck_assert_int_eq(deflateInit2(&stream, level, Z_DEFLATED, window_bits, 8, Z_DEFAULT_STRATEGY),
                     Z_OK);
    stream.next_in = (Bytef *)original;
    stream.avail_in = (uInt)size;
    stream.next_out = packed;
    stream.avail_out = sizeof packed;
    ck_assert_int_eq(deflate(&stream, Z_FINISH), Z_STREAM_END);
    size_t const packed_size = sizeof packed - stream.avail_out;
    (void)deflateEnd(&stream);
    return packed_size;
}

static enum gzip_verdict unpack(size_t packed_size, size_t plain_max, size_t *plain_size)
{
    /* In memory of its own, so that the sanitizer sees a read behind it. */
    char *const copy = malloc(packed_size + 1);
    memcpy(copy, packed, packed_size);
    enum gzip_verdict const verdict =
        gzip_inflate(gzip, span_of(copy, packed_size), plain, plain_max, plain_size);
    free(copy);
    return verdict;
}

/* Text that compresses a little, as XML does, or hardly at all. */
static void fill(unsigned seed, bool compressible)
{
    unsigned state = seed;
    for (size_t i = 0; i < sizeof original; i++) {
        state = state * 1103515245u + 12345u;
        original[i] = (char)(compressible ? 'a' + (state >> 16) % 4 : (state >> 16) & 0xff);
    }
}

START_TEST(one_member_is_inflated)
{
    static const size_t sizes[] = {0, 1, 100, 4096, 65536, LIMIT_BODY_BYTES};
    for (unsigned round = 0; round < 4; round++) {
        fill(round, round % 2 == 0);
        for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
            size_t size = SIZE_MAX;
            size_t const packed_size = pack(sizes[i], round < 2 ? 6 : 0, 31);
            ck_assert_int_eq(unpack(packed_size, LIMIT_BODY_BYTES, &size), GZIP_GOOD);
            ck_assert_uint_eq(size, sizes[i]);
            ck_assert_int_eq(memcmp(plain, original, size), 0);
        }
    }
}
END_TEST

START_TEST(beyond_the_bound_is_too_large)
{
    size_t size;
    fill(1, true);
    ck_assert_int_eq(unpack(pack(LIMIT_BODY_BYTES + 1, 6, 31), LIMIT_BODY_BYTES, &size),
                     GZIP_TOO_LARGE);
    ck_assert_int_eq(unpack(pack(101, 6, 31), 100, &size), GZIP_TOO_LARGE);
    ck_assert_int_eq(unpack(pack(100, 6, 31), 100, &size), GZIP_GOOD);
    memset(original, 0, sizeof original); /* a bomb: 1,000 to 1 */
    ck_assert_int_eq(unpack(pack(LIMIT_BODY_BYTES + 1, 9, 31), LIMIT_BODY_BYTES, &size),
                     GZIP_TOO_LARGE);
}
END_TEST

START_TEST(what_is_not_one_member_is_broken)
{
    size_t size;
    fill(2, true);
    size_t const packed_size = pack(5000, 6, 31);
    for (size_t cut = 0; cut < packed_size; cut++) {
        ck_assert_int_eq(unpack(cut, LIMIT_BODY_BYTES, &size), GZIP_BROKEN);
    }
    packed[packed_size] = '\0';
    ck_assert_int_eq(unpack(packed_size + 1, LIMIT_BODY_BYTES, &size), GZIP_BROKEN);
    memcpy(packed + packed_size, packed, packed_size);
    ck_assert_int_eq(unpack(2 * packed_size, LIMIT_BODY_BYTES, &size), GZIP_BROKEN);
    for (size_t back = 1; back <= 8; back++) { /* check sum and length */
        packed[packed_size - back] ^= 1;
        ck_assert_int_eq(unpack(packed_size, LIMIT_BODY_BYTES, &size), GZIP_BROKEN);
        packed[packed_size - back] ^= 1;
    }
    ck_assert_int_eq(unpack(packed_size, LIMIT_BODY_BYTES, &size), GZIP_GOOD);
    ck_assert_int_eq(unpack(pack(5000, 6, 15), LIMIT_BODY_BYTES, &size), GZIP_BROKEN);  /* zlib */
    ck_assert_int_eq(unpack(pack(5000, 6, -15), LIMIT_BODY_BYTES, &size), GZIP_BROKEN); /* raw */
    memcpy(packed, "<Envelope/>", 11);
    ck_assert_int_eq(unpack(11, LIMIT_BODY_BYTES, &size), GZIP_BROKEN);
}
END_TEST

/* Four blocks that hold nothing, each with codes of its own. */
static const unsigned char four_blocks[45] = {
    0x04, 0xc0, 0x81, 0x00, 0x00, 0x00, 0x00, 0x00, 0x90, 0xff, 0x6b, 0x10, 0x00, 0x07, 0x02,
    0x00, 0x00, 0x00, 0x00, 0x40, 0xfe, 0xaf, 0x41, 0x00, 0x1c, 0x08, 0x00, 0x00, 0x00, 0x00,
    0x00, 0xf9, 0xbf, 0x06, 0x01, 0x70, 0x20, 0x00, 0x00, 0x00, 0x00, 0x00, 0xe4, 0xff, 0x1a,
};

/* A member of nothing, in 4 * fours + 1 blocks. */
static size_t pack_blocks(size_t fours)
{
    static const unsigned char head[10] = {0x1f, 0x8b, 8}, tail[10] = {0x03};
    size_t size = sizeof head;
    memcpy(packed, head, sizeof head);
    for (size_t i = 0; i < fours; i++, size += sizeof four_blocks) {
        memcpy(packed + size, four_blocks, sizeof four_blocks);
    }
    memcpy(packed + size, tail, sizeof tail);
    return size + sizeof tail;
}

START_TEST(blocks_are_bounded)
{
    size_t size;
    size_t const most = LIMIT_GZIP_WORK / LIMIT_GZIP_CODES_WORK / 4;
    ck_assert_int_eq(unpack(pack_blocks(most - 1), LIMIT_BODY_BYTES, &size), GZIP_GOOD);
    ck_assert_uint_eq(size, 0);
    ck_assert_int_eq(unpack(pack_blocks(most), LIMIT_BODY_BYTES, &size), GZIP_BROKEN);
    size_t const all = LIMIT_BODY_BYTES / sizeof four_blocks;
    ck_assert_int_eq(unpack(pack_blocks(all), LIMIT_BODY_BYTES, &size), GZIP_BROKEN);
}
END_TEST

/* A client that flushes behind each byte of a message. */
START_TEST(many_flushes_are_taken)
{
    enum { FLUSHED_BYTES = 16 * 1024 };
    size_t size;
    z_stream stream = {0};
    fill(3, true);
    ck_assert_int_eq(deflateInit2(&stream, 6, Z_DEFLATED, 31, 8, Z_DEFAULT_STRATEGY), Z_OK);
    stream.next_in = (Bytef *)original;
    stream.next_out = packed;
    stream.avail_out = sizeof packed;
    for (unsigned i = 0; i < FLUSHED_BYTES; i++) {
        stream.avail_in = 1;
        ck_assert_int_eq(deflate(&stream, Z_SYNC_FLUSH), Z_OK);
    }
    ck_assert_int_eq(deflate(&stream, Z_FINISH), Z_STREAM_END);
    size_t const packed_size = sizeof packed - stream.avail_out;
    (void)deflateEnd(&stream);
    ck_assert_int_eq(unpack(packed_size, LIMIT_BODY_BYTES, &size), GZIP_GOOD);
    ck_assert_uint_eq(size, FLUSHED_BYTES);
    ck_assert_int_eq(memcmp(plain, original, size), 0);
}
END_TEST

int main(void)
{
    Suite *const suite = suite_create("gzip");
    TCase *const cases = tcase_create("gzip");
    tcase_add_checked_fixture(cases, setup, teardown);
    tcase_add_test(cases, one_member_is_inflated);
    tcase_add_test(cases, beyond_the_bound_is_too_large);
    tcase_add_test(cases, what_is_not_one_member_is_broken);
    tcase_add_test(cases, blocks_are_bounded);
    tcase_add_test(cases, many_flushes_are_taken);
    suite_add_tcase(suite, cases);
    SRunner *const runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int const failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
