/* simple: values of each built-in type and facet, so that a clone without ISO's XSDs tests them
 * too. */
#include <check.h>
#include <stdlib.h>

#include "proto/iso/schema/ids.h"
#include "proto/iso/schema/simple.h"

static const struct schema_simple date = {.builtin = SCHEMA_DATE};
static const struct schema_simple date_time = {.builtin = SCHEMA_DATE_TIME};
static const struct schema_simple time_of_day = {.builtin = SCHEMA_TIME};
static const struct schema_simple year_month = {.builtin = SCHEMA_YEAR_MONTH};
static const struct schema_simple boolean = {.builtin = SCHEMA_BOOLEAN};
static const struct schema_simple number = {.builtin = SCHEMA_DECIMAL,
                                            .fraction_digits = SCHEMA_ANY_DIGITS};
static const struct schema_simple amount = {
    .builtin = SCHEMA_DECIMAL, .total_digits = 18, .fraction_digits = 5, .has_min_inclusive = true};
static const struct schema_simple whole = {.builtin = SCHEMA_DECIMAL, .total_digits = 18};
static const struct schema_simple text = {
    .builtin = SCHEMA_STRING, .length_min = 1, .length_max = 4};
static const struct schema_simple binary = {
    .builtin = SCHEMA_BASE64, .length_min = 1, .length_max = 3};

static const struct {
    const struct schema_simple *type;
    const char *value;
    enum simple_verdict verdict;
} values[] = {
    {&date, "2024-02-29", SIMPLE_GOOD},
    {&date, "2000-02-29Z", SIMPLE_GOOD},
    {&date, "12026-01-01-13:59", SIMPLE_GOOD},
    {&date, "-0044-03-15+14:00", SIMPLE_GOOD},
    {&date, "\n 2026-11-21\t", SIMPLE_GOOD},
    {&date, "2023-02-29", SIMPLE_FORM},
    {&date, "1900-02-29", SIMPLE_FORM},
    {&date, "2026-11-31", SIMPLE_FORM},
    {&date, "2026-13-01", SIMPLE_FORM},
    {&date, "2026-00-01", SIMPLE_FORM},
    {&date, "2026-01-00", SIMPLE_FORM},
    {&date, "0000-01-01", SIMPLE_FORM},
    {&date, "02026-01-01", SIMPLE_FORM},
    {&date, "026-01-01", SIMPLE_FORM},
    {&date, "2026-1-01", SIMPLE_FORM},
    {&date, "2026-11-21+14:01", SIMPLE_FORM},
    {&date, "2026-11-21+09:60", SIMPLE_FORM},
    {&date, "2026-11-21+9:00", SIMPLE_FORM},
    {&date, "2026-11-21z", SIMPLE_FORM},
    {&date, "2026-11-21 Z", SIMPLE_FORM},
    {&date, "", SIMPLE_FORM},
    {&date_time, "2026-11-21T18:00:00.123456789123Z", SIMPLE_GOOD},
    {&date_time, "2026-11-21T18:00:00", SIMPLE_GOOD},
    {&date_time, "2026-12-31T24:00:00.000", SIMPLE_GOOD},
    {&date_time, "2026-12-31T24:00:00.001", SIMPLE_FORM},
    {&date_time, "2026-12-31T24:01:00", SIMPLE_FORM},
    {&date_time, "2026-12-31t18:00:00", SIMPLE_FORM},
    {&date_time, "2026-12-31 18:00:00", SIMPLE_FORM},
    {&date_time, "2026-12-31", SIMPLE_FORM},
    {&date_time, "2026-12-31T18:00", SIMPLE_FORM},
    {&date_time, "2026-12-31T18:00:00.", SIMPLE_FORM},
    {&date_time, "2026-12-31T18:00:60", SIMPLE_FORM},
    {&time_of_day, "23:59:59.9-05:00", SIMPLE_GOOD},
    {&time_of_day, "25:00:00", SIMPLE_FORM},
    {&time_of_day, "12:60:00", SIMPLE_FORM},
    {&year_month, "2026-12Z", SIMPLE_GOOD},
    {&year_month, "2026-13", SIMPLE_FORM},
    {&year_month, "2026-12-01", SIMPLE_FORM},
    {&boolean, "true", SIMPLE_GOOD},
    {&boolean, " 0 ", SIMPLE_GOOD},
    {&boolean, "True", SIMPLE_FORM},
    {&boolean, "", SIMPLE_FORM},
    {&number, "+0001.5000", SIMPLE_GOOD},
    {&number, ".5", SIMPLE_GOOD},
    {&number, "5.", SIMPLE_GOOD},
    {&number, "-123456789012345678901234567890.5", SIMPLE_GOOD},
    {&number, ".", SIMPLE_FORM},
    {&number, "-", SIMPLE_FORM},
    {&number, "+-1", SIMPLE_FORM},
    {&number, "1e5", SIMPLE_FORM},
    {&number, "1.2.3", SIMPLE_FORM},
    {&number, "1 0", SIMPLE_FORM},
    {&number, "INF", SIMPLE_FORM},
    {&amount, "0", SIMPLE_GOOD},
    {&amount, "-0.00", SIMPLE_GOOD},
    {&amount, "999999999999999999", SIMPLE_GOOD},
    {&amount, "000999999999999999999.000000", SIMPLE_GOOD},
    {&amount, "9999999999999.99999", SIMPLE_GOOD},
    {&amount, "99999999999999.99999", SIMPLE_DIGITS},
    {&amount, "1000000000000000000", SIMPLE_DIGITS},
    {&amount, "0.000001", SIMPLE_DIGITS},
    {&amount, "-0.01", SIMPLE_RANGE},
    {&whole, "7.0", SIMPLE_GOOD},
    {&whole, "7.5", SIMPLE_DIGITS},
    {&whole, "-7", SIMPLE_GOOD},
    {&text, "a", SIMPLE_GOOD},
    {&text, " \t\n ", SIMPLE_GOOD},
    {&text, "\xf0\x9f\x98\x80\xc3\xb1\xe2\x82\xac_", SIMPLE_GOOD},
    {&text, "", SIMPLE_LENGTH},
    {&text, "\xf0\x9f\x98\x80\xc3\xb1\xe2\x82\xac__", SIMPLE_LENGTH},
    {&binary, "AAAA", SIMPLE_GOOD},
    {&binary, " A A\n= = ", SIMPLE_GOOD},
    {&binary, "", SIMPLE_LENGTH},
    {&binary, "AAAAAA==", SIMPLE_LENGTH},
    {&binary, "AAA", SIMPLE_FORM},
    {&binary, "AB==", SIMPLE_FORM},
    {&binary, "AAB=", SIMPLE_FORM},
    {&binary, "A===", SIMPLE_FORM},
    {&binary, "AA=A", SIMPLE_FORM},
    {&binary, "AA-_", SIMPLE_FORM},
};

START_TEST(judges)
{
    struct schema_simple type = *values[_i].type;
    type.name = "";
    if (type.length_max == 0) type.length_max = SCHEMA_ANY_LENGTH;
    enum simple_verdict verdict = simple_check(&type, span_text(values[_i].value));
    ck_assert_msg(verdict == values[_i].verdict, "'%s': %d instead of %d", values[_i].value,
                  (int)verdict, (int)values[_i].verdict);
}
END_TEST

/* The automata and lists of the generated tables. */
static const struct {
    enum schema_id element;
    const char *value;
    enum simple_verdict verdict;
} listed[] = {
    {ID_PaymentIdentification7_UETR, "8a562c67-ca16-48ba-b074-65581be6f001", SIMPLE_GOOD},
    {ID_PaymentIdentification7_UETR, "8a562c67-ca16-58ba-b074-65581be6f001", SIMPLE_PATTERN},
    {ID_PaymentIdentification7_UETR, "8A562c67-ca16-48ba-b074-65581be6f001", SIMPLE_PATTERN},
    {ID_PaymentIdentification7_UETR, "8a562c67-ca16-48ba-b074-65581be6f001 ", SIMPLE_PATTERN},
    {ID_OrganisationIdentification29_AnyBIC, "BANKMXMM", SIMPLE_GOOD},
    {ID_OrganisationIdentification29_AnyBIC, "BANKMXMM123", SIMPLE_GOOD},
    {ID_OrganisationIdentification29_AnyBIC, "BANKMXMM12", SIMPLE_PATTERN},
    {ID_OrganisationIdentification29_AnyBIC, "BANKM1MM", SIMPLE_PATTERN},
    {ID_AccountIdentification4Choice_IBAN, "ES9121000418450200051332", SIMPLE_GOOD},
    {ID_AccountIdentification4Choice_IBAN, "ES91", SIMPLE_PATTERN},
    {ID_AccountIdentification4Choice_IBAN, "E991210004", SIMPLE_PATTERN},
    {ID_Contact4_PhneNb, "+52-5555555555", SIMPLE_GOOD},
    {ID_Contact4_PhneNb, "+52-(55)+1-2", SIMPLE_GOOD},
    {ID_Contact4_PhneNb, "52-5555555555", SIMPLE_PATTERN},
    {ID_Contact4_PhneNb, "+5255-5", SIMPLE_PATTERN},
    {ID_GroupHeader93_NbOfTxs, "123456789012345", SIMPLE_GOOD},
    {ID_GroupHeader93_NbOfTxs, "1234567890123456", SIMPLE_PATTERN},
    {ID_GroupHeader93_NbOfTxs, "\xd9\xa1", SIMPLE_PATTERN}, /* a digit, but not of [0-9] */
    {ID_CashAccount38_Ccy, "MXN", SIMPLE_GOOD},
    {ID_CashAccount38_Ccy, "MX", SIMPLE_PATTERN},
    {ID_CashAccount38_Ccy, "\xc3\x91XN", SIMPLE_PATTERN},
    {ID_CreditTransferTransaction39_ChrgBr, "SLEV", SIMPLE_GOOD},
    {ID_CreditTransferTransaction39_ChrgBr, "SLE", SIMPLE_VALUE},
    {ID_CreditTransferTransaction39_ChrgBr, "SLEV ", SIMPLE_VALUE},
    {ID_CreditTransferTransaction39_ChrgBr, "", SIMPLE_VALUE},
    {ID_StatusReason6Choice_Cd, "AB03", SIMPLE_GOOD},
    {ID_StatusReason6Choice_Cd, "AB030", SIMPLE_LENGTH},
};

START_TEST(judges_listed)
{
    const struct schema_type *of = &tables_types[tables_elements[listed[_i].element].type];
    const struct schema_simple *type = &tables_simples[of->simple];
    enum simple_verdict verdict = simple_check(type, span_text(listed[_i].value));
    ck_assert_msg(verdict == listed[_i].verdict, "%s '%s': %d instead of %d", type->name,
                  listed[_i].value, (int)verdict, (int)listed[_i].verdict);
}
END_TEST

#define COUNT(table) (int)(sizeof(table) / sizeof *(table))

int main(void)
{
    Suite *suite = suite_create("simple");
    TCase *tests = tcase_create("simple");
    tcase_add_loop_test(tests, judges, 0, COUNT(values));
    tcase_add_loop_test(tests, judges_listed, 0, COUNT(listed));
    suite_add_tcase(suite, tests);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
