/* cauce message: outputs and exit codes to the letter (WIRE section 6). */
#include <check.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include "ops/cauce/subcommand.h"
#include "proto/base/time.h"
#include "proto/crypto/authority.h"
#include "tests/check/iso_sample.h"

int message_main(int count, char **arguments);

#define HEAD "urn:iso:std:iso:20022:tech:xsd:head.001.001.02"
#define OUTPUT_BYTES (SAMPLE_BYTES + 4096)

static char folder[64];
static char output[OUTPUT_BYTES]; /* what the last command wrote to standard output */

static const char *path_of(const char *name)
{
    static char paths[8][128];
    static unsigned next;
    char *const path = paths[next++ % 8];
    snprintf(path, sizeof paths[0], "%s/%s", folder, name);
    return path;
}

static void write_file(const char *name, const char *text)
{
    FILE *file = fopen(path_of(name), "wb");
    ck_assert_ptr_nonnull(file);
    ck_assert_uint_eq(fwrite(text, 1, strlen(text), file), strlen(text));
    ck_assert_int_eq(fclose(file), 0);
}

/* Runs `cauce message` with these words, "@name" standing for a file of the folder; the exit code.
 * Standard output goes to `output`, standard error to a file. */
static int run(const char *words)
{
    char copy[512], *arguments[16] = {(char[]){"message"}};
    int count = 1;
    snprintf(copy, sizeof copy, "%s", words);
    for (char *word = strtok(copy, " "); word != NULL; word = strtok(NULL, " ")) {
        ck_assert_int_lt(count, 15);
        arguments[count++] = word[0] == '@' ? (char *)(uintptr_t)path_of(word + 1) : word;
    }
    fflush(stdout);
    fflush(stderr);
    int const saved = dup(STDOUT_FILENO), saved_error = dup(STDERR_FILENO);
    int const out = open(path_of("stdout"), O_RDWR | O_CREAT | O_TRUNC, 0600);
    int const error = open(path_of("stderr"), O_RDWR | O_CREAT | O_TRUNC, 0600);
    ck_assert(saved >= 0 && saved_error >= 0 && out >= 0 && error >= 0);
    dup2(out, STDOUT_FILENO);
    dup2(error, STDERR_FILENO);
    int const code = message_main(count, arguments);
    fflush(stdout);
    fflush(stderr);
    dup2(saved, STDOUT_FILENO);
    dup2(saved_error, STDERR_FILENO);
    close(saved);
    close(saved_error);
    ssize_t const size = pread(out, output, sizeof output - 1, 0);
    ck_assert_int_ge((int)size, 0);
    output[size] = '\0';
    close(out);
    close(error);
    return code;
}

static void make_key(const struct authority *authority, enum key_kind kind, const char *key_name,
                     const char *certificate_name, int64_t from_ns, int64_t until_ns)
{
    char pem[8192];
    struct private_key *key;
    struct certificate *certificate;
    ck_assert_int_eq(key_generate(&key, kind), FAULT_NONE);
    ck_assert_int_eq(authority_issue(authority, AUTHORITY_SIGNING, "signer", key, from_ns, until_ns,
                                     &certificate),
                     FAULT_NONE);
    ck_assert_int_eq(key_print(key, pem, sizeof pem), FAULT_NONE);
    write_file(key_name, pem);
    ck_assert_int_eq(certificate_print(certificate, pem, sizeof pem), FAULT_NONE);
    write_file(certificate_name, pem);
    certificate_close(certificate);
    key_close(key);
}

/* `text` with a namespace name that is relative, of which there is no canonical form. */
static void write_relative(const char *name, const char *text)
{
    static char relative[SAMPLE_BYTES + 64];
    const char *const at = strstr(text, "<Document ");
    ck_assert_ptr_nonnull(at);
    snprintf(relative, sizeof relative, "%.*s<Document xmlns:p=\"b\" %s", (int)(at - text), text,
             at + strlen("<Document "));
    write_file(name, relative);
}

static void make_folder(void)
{
    int64_t const from_ns = time_wall_ns() / TIME_NS_PER_SECOND * TIME_NS_PER_SECOND;
    int64_t const until_ns = from_ns + 3600 * TIME_NS_PER_SECOND;
    struct authority *authority;
    snprintf(folder, sizeof folder, "/tmp/cauce-message-XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(folder));
    ck_assert_int_eq(authority_open(&authority, "CA", from_ns, until_ns), FAULT_NONE);
    make_key(authority, KEY_RSA, "bank.key", "bank.crt", from_ns, until_ns);
    make_key(authority, KEY_P256, "other.key", "other.crt", from_ns, until_ns);
    authority_close(authority);
    write_file("pacs008", SAMPLE_PACS_008);
    write_file("pacs002", SAMPLE_PACS_002);
    write_file("camt060", SAMPLE_CAMT_060);
    write_file("admi002", SAMPLE_ADMI_002);
    write_file("header", SAMPLE_HEADER("pacs.008.001.08"));
    write_file("document", "<Document xmlns=\"urn:iso:std:iso:20022:tech:xsd:admi.011.001.01\">"
                           "<SysEvtAck><MsgId>A</MsgId></SysEvtAck></Document>");
    write_file("old", "<Document xmlns=\"urn:iso:std:iso:20022:tech:xsd:pacs.008.001.07\"/>");
    write_relative("relative", SAMPLE_PACS_002);
    write_file("dtd", "<!DOCTYPE a><a/>");
    write_file("empty", "");
    write_file("spelled", "<?xml version='1.0'?>\n<a:b  y='2' x=\"&#49;\" xmlns:a='urn:a'/>\n");
}

static void remove_folder(void)
{
    char command[128];
    snprintf(command, sizeof command, "rm -r %s", folder);
    ck_assert_int_eq(system(command), 0);
}

struct row {
    const char *words;
    int code;
    const char *output; /* whole, or its beginning where it ends with * */
};

static const struct row rows[] = {
    {"check @pacs008", 0, "ok pacs.008.001.08\n"},
    {"check @pacs002", 0, "ok pacs.002.001.10\n"},
    {"check @camt060", 0, "ok camt.060.001.05\n"},
    {"check @header", 0, "ok head.001.001.02\n"},
    {"check @document", 0, "ok admi.011.001.01\n"},
    {"check @old", 1, "VERSION /Document: *"},
    {"check @admi002", 1, "VERSION /Envelope/AppHdr/MsgDefIdr: *"},
    {"check @relative", 1, "BADXML /Envelope: *"},
    {"check @dtd", 1, "BADXML /: *"},
    {"check @empty", 1, "BADXML /: *"},
    {"check @spelled", 1, "SCHEMA /b: *"},
    {"check @spelled --canonical", 0, "<a:b xmlns:a=\"urn:a\" x=\"1\" y=\"2\"></a:b>"},
    {"check --canonical @dtd", 1, "BADXML /: *"},
    {"check @pacs008 --cert @bank.crt", 1, "SIGNATURE /Envelope/AppHdr: *"},
    {"check @header --cert @bank.crt", 1, "SIGNATURE /: *"},
    {"check @nothing", 2, ""},
    {"check @pacs008 --cert @nothing", 2, ""},
    {"check @pacs008 --cert @bank.key", 2, ""},
    {"check", 2, ""},
    {"check @pacs008 @pacs008", 2, ""},
    {"check @pacs008 --unknown", 2, ""},
    {"check @pacs008 --cert", 2, ""},
    {"check @pacs008 --key @bank.key", 2, ""},
    {"sign @pacs008", 2, ""},
    {"sign @pacs008 --key @bank.key", 2, ""},
    {"sign @pacs008 --key @other.key --cert @bank.crt", 2, ""},
    {"sign @pacs008 --key @bank.crt --cert @bank.crt", 2, ""},
    {"sign @dtd --key @bank.key --cert @bank.crt", 1, ""},
    {"sign @header --key @bank.key --cert @bank.crt", 1, ""},
    {"print @pacs008", 2, ""},
    {"", 2, ""},
};

START_TEST(each_row)
{
    const struct row *row = &rows[_i];
    int const code = run(row->words);
    ck_assert_msg(code == row->code, "%s: exit %d, %s", row->words, code, output);
    size_t const size = strlen(row->output);
    if (size > 0 && row->output[size - 1] == '*') {
        ck_assert_msg(strncmp(output, row->output, size - 1) == 0, "%s: %s", row->words, output);
        ck_assert_uint_gt(strlen(output), size);
    } else {
        ck_assert_str_eq(output, row->output);
    }
}
END_TEST

/* Signed files verify with their certificate and no other, are canonical, and are signed anew. */
START_TEST(signing)
{
    static char text[SAMPLE_BYTES], again[SAMPLE_BYTES];
    static const char *const spellings[][2] = {
        {"<AppHdr ", "<AppHdr "},
        {"<BizMsgIdr>M1", "\n  <BizMsgIdr >&#77;1"},
        {"</AppHdr>", "\n</AppHdr>\n "},
        {"</CreDt>", "</CreDt><Sgntr>rubbish<a/></Sgntr>"},
        {"</CreDt>", "</CreDt>\n<Sgntr/>\n"},
    };
    for (size_t i = 0; i < sizeof spellings / sizeof *spellings; i++) {
        strcpy(text, SAMPLE_PACS_008);
        sample_edit(text, spellings[i][0], spellings[i][1]);
        write_file("spelled", text);
        ck_assert_int_eq(run("sign @spelled --key @bank.key --cert @bank.crt"), 0);
        write_file("signed", output);
        strcpy(again, output);
        ck_assert_int_eq(run("check @signed --cert @bank.crt"), 0);
        ck_assert_str_eq(output, "ok pacs.008.001.08\n");
        ck_assert_int_eq(run("check @signed --cert @other.crt"), 1);
        ck_assert_int_eq(strncmp(output, "SIGNATURE /Envelope/AppHdr/Sgntr", 32), 0);
        ck_assert_int_eq(run("check @signed --canonical"), 0);
        ck_assert_str_eq(output, again);

        ck_assert_int_eq(run("sign @signed --key @other.key --cert @other.crt"), 0);
        write_file("resigned", output);
        ck_assert_int_eq(run("check @resigned --cert @other.crt"), 0);
        ck_assert_int_eq(run("check @resigned --cert @bank.crt"), 1);
    }
}
END_TEST

/* Prefixes, and an Rltd that must come behind Sgntr: lawful for the XSD, HEADER for the switch. */
START_TEST(signing_other_shapes)
{
    static char text[SAMPLE_BYTES];
    strcpy(text, SAMPLE_PACS_008);
    sample_edit(text, "<AppHdr xmlns=", "<h:AppHdr xmlns:h=");
    sample_edit(text, "</AppHdr>", "</h:AppHdr>");
    sample_edit(text, "<Fr>", "<h:Fr xmlns=\"" HEAD "\">");
    sample_edit(text, "</Fr>", "</h:Fr>");
    sample_edit(text, "<To>", "<To xmlns=\"" HEAD "\">");
    sample_edit(text, "<BizMsgIdr>M1</BizMsgIdr>", "<h:BizMsgIdr>M1</h:BizMsgIdr>");
    sample_edit(text, "<MsgDefIdr>pacs.008.001.08</MsgDefIdr>",
                "<h:MsgDefIdr>pacs.008.001.08</h:MsgDefIdr>");
    sample_edit(text, "<CreDt>2026-11-21T18:00:00.123Z</CreDt>",
                "<h:CreDt>2026-11-21T18:00:00.123Z</h:CreDt>");
    write_file("prefixed", text);
    ck_assert_int_eq(run("sign @prefixed --key @bank.key --cert @bank.crt"), 0);
    ck_assert_ptr_nonnull(strstr(output, "<h:Sgntr><ds:Signature"));
    write_file("signed", output);
    ck_assert_int_eq(run("check @signed --cert @bank.crt"), 0);

    strcpy(text, SAMPLE_PACS_008);
    sample_edit(text, "</CreDt>",
                "</CreDt><Rltd><Fr>" SAMPLE_PARTY("1") "</Fr><To>" SAMPLE_PARTY(
                    "2") "</To><BizMsgIdr>M</BizMsgIdr><MsgDefIdr>pacs.008.001.08</MsgDefIdr>"
                         "<CreDt>2026-11-21T18:00:00Z</CreDt></Rltd>");
    write_file("related", text);
    ck_assert_int_eq(run("sign @related --key @bank.key --cert @bank.crt"), 0);
    ck_assert_ptr_nonnull(strstr(output, "</Sgntr><Rltd>"));
    write_file("signed", output);
    ck_assert_int_eq(run("check @signed --cert @bank.crt"), 1);
    ck_assert_int_eq(strncmp(output, "HEADER /Envelope/AppHdr/Rltd: ", 30), 0);
}
END_TEST

/* 64 KiB pass, one byte more does not (WIRE section 1, "Limits"). */
START_TEST(bound)
{
    static char text[SAMPLE_BYTES];
    strcpy(text, SAMPLE_PACS_008);
    size_t const size = strlen(text);
    memset(text + size, '\n', LIMIT_MESSAGE_BYTES - size);
    text[LIMIT_MESSAGE_BYTES] = '\0';
    write_file("large", text);
    ck_assert_int_eq(run("check @large"), 0);
    text[LIMIT_MESSAGE_BYTES] = '\n';
    text[LIMIT_MESSAGE_BYTES + 1] = '\0';
    write_file("large", text);
    ck_assert_int_eq(run("check @large"), 1);
    ck_assert_int_eq(strncmp(output, "BADXML ", 7), 0);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("message_command");
    TCase *tests = tcase_create("message");
    tcase_set_timeout(tests, 60);
    tcase_add_unchecked_fixture(tests, make_folder, remove_folder);
    tcase_add_loop_test(tests, each_row, 0, (int)(sizeof rows / sizeof *rows));
    tcase_add_test(tests, signing);
    tcase_add_test(tests, signing_other_shapes);
    tcase_add_test(tests, bound);
    suite_add_tcase(suite, tests);

    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int const failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
