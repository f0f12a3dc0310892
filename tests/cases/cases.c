/* The acceptance document of payments: what the switch says, line by line (words: story.h).
 *
 * The rules are WIRE section 4's; the first reason that applies is the one that is given. */
#include <check.h>
#include <stdlib.h>

#include "tests/cases/story.h"

/* clang-format off */

/* Every reason, alone.  Those that "answer" take no id and leave no entry. */
static const struct story reasons[] = {
    {"a payment that breaks no rule", {
        {"A pays B 100.00 as P1",                           "reserved",            "A 900.00 100.00, B 1000.00 0.00"}}},
    {"RC09, payer's agent unknown", {
        {"A pays B 1.00 as P1 for X",                       "answers RC09 to A",   "A 1000.00 0.00"}}},
    {"AGNT, sender may not act for the payer's agent", {
        {"A pays C 1.00 as P1 for B",                       "answers AGNT to A"},
        {"B pays C 1.00 as P1 for A1",                      "answers AGNT to B"}}},
    {"AGNT, an indirect bank acts only through the other", {
        {"A1 pays C 1.00 as P1",                            "answers AGNT to A1"}}},
    {"FF08, bad end-to-end id", {
        {"A pays B 1.00 as P#1",                            "answers FF08 to A"},
        {"A pays B 1.00 as PÉ1",                            "answers FF08 to A"},
        {"A pays B 1.00 as 123456789012345678901234567890123456", "answers FF08 to A"},
        {"A pays B 1.00 as 12345678901234567890123456789012345",  "reserved"},
        {"A pays B 1.00 as aZ09._/:+-",                     "reserved"}}},
    {"DU04, id used before with other content", {
        {"A pays B 1.00 as P1",                             "reserved"},
        {"A pays B 1.00 as P1 text two",                    "answers DU04 to A"}}},
    {"RC10, payee's agent unknown", {
        {"A pays X 1.00 as P1",                             "refused RC10",        "A 1000.00 0.00"}}},
    {"AG10, payer's participant suspended or debit-blocked", {
        {"S pays B 1.00 as P1",                             "refused AG10"},
        {"D pays B 1.00 as P2",                             "refused AG10"}}},
    {"AG11, payee's participant suspended", {
        {"A pays S 1.00 as P1",                             "refused AG11"}}},
    {"AG11 does not concern a payee that is only debit-blocked", {
        {"A pays D 1.00 as P1",                             "reserved"},
        {"D accepts P1",                                    "settled",             "A 999.00 0.00, D 1001.00 0.00"}}},
    {"AG12, payer and payee settle on the same account", {
        {"A pays A 1.00 as P1",                             "refused AG12"},
        {"A pays A1 1.00 as P2",                            "refused AG12"},
        {"A pays A 1.00 as P3 for A1",                      "refused AG12"},
        {"A pays A2 1.00 as P4 for A1",                     "refused AG12"}}},
    {"AM03, currency", {
        {"A pays B 1.00 as P1 in USD",                      "refused AM03"}}},
    {"AM12, more than 2 decimals that are not zero", {
        {"A pays B 1.001 as P1",                            "refused AM12"},
        {"A pays B 1.000 as P2",                            "reserved",            "A 999.00 1.00"},
        {"A pays B 0.010 as P3",                            "reserved",            "A 998.99 1.01"}}},
    {"AM12, more than 16 integer digits", {
        {"M pays B 12345678901234567.00 as P1",             "refused AM12"},
        {"M pays B 1234567890123456.00 as P2",              "reserved"}}},
    {"AM12, a credit that would overflow", {
        {"A pays M 20000.01 as P1",                         "refused AM12"},
        {"A pays M 20000.00 as P2",                         "refused AM04"},
        {"A pays M 20.00 as P3",                            "reserved"}}},
    {"AM01, zero", {
        {"A pays B 0.00 as P1",                             "refused AM01"},
        {"A pays B 0 as P2",                                "refused AM01"},
        {"A pays B 0.01 as P3",                             "reserved"}}},
    {"AM14, above the participant's per-payment limit", {
        {"L pays B 500.01 as P1",                           "refused AM14"},
        {"L pays B 500.00 as P2",                           "reserved"}}},
    {"DT02, AccptncDtTm out of tolerance", {
        {"A pays B 1.00 as P1 accepted -43200.000000001s normal", "refused DT02"},
        {"A pays B 1.00 as P2 accepted -43200s normal",     "reserved"},
        {"A pays B 1.00 as P3 accepted +60.000000001s",     "refused DT02"},
        {"A pays B 1.00 as P4 accepted +60s",               "reserved"}}},
    {"AB03, the deadline has already passed", {
        {"A pays B 1.00 as P1 accepted -10s",               "refused AB03"},
        {"A pays B 1.00 as P2 accepted -9.999999999s",      "reserved"},
        {"A pays B 1.00 as P3 accepted -43200s",            "refused AB03"}}},
    {"AM04, not enough available funds", {
        {"A pays B 1000.01 as P1",                          "refused AM04"},
        {"A pays B 1000.00 as P2",                          "reserved",            "A 0.00 1000.00"},
        {"A pays B 0.01 as P3",                             "refused AM04"},
        {"E pays B 0.01 as P4",                             "refused AM04"}}},
    {"NOOR, an answer to nothing", {
        {"B accepts P1",                                    "answers NOOR to B"},
        {"B rejects P1 AC03",                               "answers NOOR to B"},
        {"B accepts P#1",                                   "answers NOOR to B"}}},
};

/* Each line breaks, besides its own rule, all later ones that one payment can break with it. */
static const struct story orders[] = {
    {"RC09 before all", {
        {"A pays X 1.001 as P#1 for X in USD accepted -13h",   "answers RC09 to A"}}},
    {"AGNT before FF08 and the rest", {
        {"A pays X 1.001 as P#1 for B in USD accepted -13h",   "answers AGNT to A"}}},
    {"FF08 before RC10 and the rest", {
        {"S pays X 1.001 as P#1 in USD accepted -13h",         "answers FF08 to S"}}},
    {"DU04 before RC10 and the rest", {
        {"A pays B 1.00 as P1",                                "reserved"},
        {"S pays X 1.001 as P1 in USD accepted -13h",          "answers DU04 to S"}}},
    {"RC10 before AG10 and the rest", {
        {"S pays X 1.001 as P1 in USD accepted -13h",          "refused RC10"}}},
    {"AG10 before AG11 and the rest", {
        {"D pays S 1.001 as P1 in USD accepted -13h",          "refused AG10"}}},
    {"AG10 before AG12", {
        {"S pays S 1.001 as P1 in USD accepted -13h",          "refused AG10"}}},
    {"AG11 before AG12 and the rest", {
        {"A pays A9 1.001 as P1 in USD accepted -13h",         "refused AG11"}}},
    {"AG12 before AM03 and the rest", {
        {"A pays A1 1.001 as P1 in USD accepted -13h",         "refused AG12"}}},
    {"AM03 before AM12 and the rest", {
        {"A pays M 20000.01 as P1 in USD accepted -13h",       "refused AM03"},
        {"L pays B 2000.001 as P2 in USD accepted -13h",       "refused AM03"},
        {"A pays B 0.00 as P3 in USD accepted -13h",           "refused AM03"}}},
    {"AM12 before AM14 and the rest", {
        {"L pays M 20000.01 as P1 accepted -13h",              "refused AM12"},
        {"A pays B 0.001 as P2 accepted -13h",                 "refused AM12"}}},
    {"AM01 before the time", {
        {"A pays B 0.00 as P1 accepted -13h",                  "refused AM01"}}},
    {"AM14 before the time and AM04", {
        {"L pays B 2000.00 as P1 accepted -13h",               "refused AM14"}}},
    {"DT02 before AB03 and AM04", {
        {"A pays B 2000.00 as P1 accepted -13h",               "refused DT02"}}},
    {"AB03 before AM04", {
        {"A pays B 2000.00 as P1 accepted -11h",               "refused AB03"}}},
};

static const struct story lives[] = {
    {"accepted: settled, final", {
        {"A pays B 100.00 as P1",                 "reserved",                      "A 900.00 100.00, B 1000.00 0.00"},
        {"B accepts P1",                          "settled",                       "A 900.00 0.00, B 1100.00 0.00"},
        {"clock +1h",                             "nothing",                       "A 900.00 0.00, B 1100.00 0.00"}}},
    {"rejected: released, with the payee's bank's code", {
        {"A pays B 100.00 as P1",                 "reserved"},
        {"B rejects P1 AC03",                     "rejected AC03",                 "A 1000.00 0.00, B 1000.00 0.00"}}},
    {"no answer: released by the deadline", {
        {"A pays B 100.00 as P1",                 "reserved"},
        {"clock +10s",                            "expired P1",                    "A 1000.00 0.00, B 1000.00 0.00"}}},
    {"what is reserved cannot be spent", {
        {"A pays B 700.00 as P1",                 "reserved"},
        {"A pays C 700.00 as P2",                 "refused AM04"},
        {"B rejects P1 AM09",                     "rejected AM09"},
        {"A pays C 700.00 as P3",                 "reserved",                      "A 300.00 700.00"}}},
    {"what is received can be spent at once", {
        {"A pays E 100.00 as P1",                 "reserved"},
        {"E pays B 100.00 as P2",                 "refused AM04"},
        {"E accepts P1",                          "settled"},
        {"E pays B 100.00 as P3",                 "reserved",                      "E 0.00 100.00"}}},
    {"a second answer changes nothing", {
        {"A pays B 100.00 as P1",                 "reserved"},
        {"B accepts P1",                          "settled"},
        {"B accepts P1",                          "again settled P1, to B"},
        {"B rejects P1 AC03",                     "again settled P1, to B",        "A 900.00 0.00, B 1100.00 0.00"}}},
    {"an acceptance after a rejection changes nothing", {
        {"A pays B 100.00 as P1",                 "reserved"},
        {"B rejects P1 AC03",                     "rejected AC03"},
        {"B accepts P1",                          "again rejected AC03 P1, to B",  "A 1000.00 0.00, B 1000.00 0.00"}}},
    {"an answer after the end", {
        {"A pays B 100.00 as P1",                 "reserved"},
        {"clock +10s",                            "expired P1"},
        {"B accepts P1",                          "again expired AB03 P1, to B"},
        {"B rejects P1 AC03",                     "again expired AB03 P1, to B",   "A 1000.00 0.00, B 1000.00 0.00"}}},
    {"only the payee's bank may answer", {
        {"A pays B 100.00 as P1",                 "reserved"},
        {"A accepts P1",                          "answers NOOR to A"},
        {"C rejects P1 AC03",                     "answers NOOR to C"},
        {"B accepts P1",                          "settled"},
        {"A accepts P1",                          "answers NOOR to A"},
        {"C accepts P1",                          "answers NOOR to C"}}},
    {"a payment refused by rule was never shown to the payee's bank", {
        {"A pays B 5000.00 as P1",                "refused AM04"},
        {"B accepts P1",                          "answers NOOR to B"},
        {"A accepts P1",                          "answers NOOR to A"}}},
    {"balances are the sender's own", {
        {"A pays B 100.00 as P1",                 "reserved"},
        {"A asks",                                "balance 900.00 100.00"},
        {"B asks",                                "balance 1000.00 0.00"},
        {"S asks",                                "balance 1000.00 0.00"}}},
};

static const struct story duplicates[] = {
    {"again while reserved", {
        {"A pays B 1.00 as P1",                   "reserved"},
        {"A pays B 1.00 as P1",                   "still reserved, to A",          "A 999.00 1.00"}}},
    {"again after each end", {
        {"A pays B 1.00 as P1",                   "reserved"},
        {"B accepts P1",                          "settled"},
        {"A pays B 1.00 as P1",                   "again settled P1, to A"},
        {"A pays B 1.00 as P2",                   "reserved"},
        {"B rejects P2 AC03",                     "rejected AC03"},
        {"A pays B 1.00 as P2",                   "again rejected AC03 P2, to A"},
        {"A pays B 1.00 as P3",                   "reserved"},
        {"clock +10s",                            "expired P3"},
        {"A pays B 1.00 as P3",                   "again expired AB03 P3, to A"},
        {"A pays B 5000.00 as P4",                "refused AM04"},
        {"A pays B 5000.00 as P4",                "again refused AM04 P4, to A",   "A 999.00 0.00, B 1001.00 0.00"}}},
    {"a refused id is used up, also when the reason has gone", {
        {"E pays B 1.00 as P1",                   "refused AM04"},
        {"A pays E 1.00 as P2",                   "reserved"},
        {"E accepts P2",                          "settled"},
        {"E pays B 1.00 as P1",                   "again refused AM04 P1, to E"},
        {"E pays B 1.00 as P3",                   "reserved"}}},
    {"other content is DU04 whatever became of the first", {
        {"A pays B 1.00 as P1",                   "reserved"},
        {"A pays B 2.00 as P1",                   "answers DU04 to A"},
        {"B accepts P1",                          "settled"},
        {"A pays B 2.00 as P1",                   "answers DU04 to A"},
        {"A pays B 5000.00 as P2",                "refused AM04"},
        {"A pays B 1.00 as P2",                   "answers DU04 to A"}}},
    {"the id is one for the whole switch: the same from another sender is DU04", {
        {"A pays C 1.00 as P1",                   "reserved"},
        {"B pays C 1.00 as P1",                   "answers DU04 to B"}}},
    {"what takes no id leaves it free", {
        {"A pays B 1.00 as P1 for X",             "answers RC09 to A"},
        {"A pays C 1.00 as P1 for B",             "answers AGNT to A"},
        {"A pays B 1.00 as P1",                   "reserved"}}},
    {"who may not act for the payer learns nothing of the id", {
        {"A pays B 1.00 as P1",                   "reserved"},
        {"C pays B 1.00 as P1 for A",             "answers AGNT to C"}}},
    {"remembered for the window, free afterwards", {
        {"A pays B 1.00 as P1",                   "reserved"},
        {"B accepts P1",                          "settled"},
        {"clock +36h",                            "nothing"},
        {"A pays B 1.00 as P2",                   "reserved"},
        {"A pays B 2.00 as P1",                   "answers DU04 to A"},
        {"clock +10s",                            "expired P2"},
        {"A pays B 1.00 as P3",                   "reserved"},
        {"A pays B 2.00 as P1",                   "reserved"}}},
};

static const struct story deadlines[] = {
    {"HIGH: the last nanosecond is in time", {
        {"A pays B 1.00 as P1",                   "reserved"},
        {"clock +9.999999999s",                   "nothing"},
        {"B accepts P1",                          "settled"},
        {"clock +1ns",                            "nothing"}}},
    {"HIGH: at the deadline is late", {
        {"A pays B 1.00 as P1",                   "reserved"},
        {"clock +10s",                            "expired P1"},
        {"B accepts P1",                          "again expired AB03 P1, to B"}}},
    {"HIGH: after the deadline is late", {
        {"A pays B 1.00 as P1",                   "reserved"},
        {"clock +10.000000001s",                  "expired P1"},
        {"B rejects P1 AC03",                     "again expired AB03 P1, to B"}}},
    {"HIGH runs from AccptncDtTm when that is earlier", {
        {"A pays B 1.00 as P1 accepted -4s",      "reserved"},
        {"clock +5.999999999s",                   "nothing"},
        {"clock +1ns",                            "expired P1"}}},
    {"HIGH runs from receipt when AccptncDtTm is ahead", {
        {"A pays B 1.00 as P1 accepted +60s",     "reserved"},
        {"clock +9.999999999s",                   "nothing"},
        {"clock +1ns",                            "expired P1"}}},
    {"NORM runs from receipt", {
        {"A pays B 1.00 as P1 accepted -12h normal", "reserved"},
        {"clock +2699.999999999s",                "nothing"},
        {"clock +1ns",                            "expired P1"}}},
    {"the first due goes first, those due together in order of reservation", {
        {"A pays B 1.00 as P1 normal",            "reserved"},
        {"A pays B 1.00 as P2",                   "reserved"},
        {"A pays B 1.00 as P3 accepted -1s",      "reserved"},
        {"A pays B 1.00 as P4",                   "reserved"},
        {"clock +45m",                            "expired P3 P2 P4 P1",           "A 1000.00 0.00"}}},
    {"a decided payment leaves its deadline", {
        {"A pays B 1.00 as P1",                   "reserved"},
        {"A pays B 1.00 as P2",                   "reserved"},
        {"A pays B 1.00 as P3",                   "reserved"},
        {"B accepts P2",                          "settled"},
        {"clock +10s",                            "expired P1 P3"}}},
};

static const struct story roles[] = {
    {"an indirect payer pays from the account of the one it settles through", {
        {"A pays B 1.00 as P1 for A1",            "reserved",                      "A 999.00 1.00, A1 0.00 0.00"},
        {"B accepts P1",                          "settled",                       "A 999.00 0.00, B 1001.00 0.00"}}},
    {"an indirect payee is answered for by the one it settles through", {
        {"A pays B1 1.00 as P1",                  "reserved"},
        {"B1 accepts P1",                         "answers NOOR to B1"},
        {"B accepts P1",                          "settled",                       "B 1001.00 0.00, B1 0.00 0.00"}}},
    {"both indirect", {
        {"A pays B1 1.00 as P1 for A2",           "reserved"},
        {"B rejects P1 AC04",                     "rejected AC04",                 "A 1000.00 0.00"}}},
    {"an indirect bank has no balance of its own", {
        {"A1 asks",                               "balance 0.00 0.00"}}},
    {"the suspension of an indirect bank is its own", {
        {"A pays B 1.00 as P1 for A9",            "refused AG10"},
        {"B pays A9 1.00 as P2",                  "refused AG11"},
        {"A pays B 1.00 as P3",                   "reserved"},
        {"A pays B 1.00 as P4 for A1",            "reserved"}}},
    {"the suspension of an account's holder holds for all who settle on it", {
        {"S pays B 1.00 as P1 for S1",            "refused AG10"},
        {"A pays S1 1.00 as P2",                  "refused AG11"},
        {"D pays B 1.00 as P3 for D1",            "refused AG10"},
        {"A pays D1 1.00 as P4",                  "reserved"}}},
    {"the limit of an indirect bank is its own, and that of the account's holder too", {
        {"A pays B 50.01 as P1 for A3",           "refused AM14"},
        {"A pays B 50.00 as P2 for A3",           "reserved"},
        {"A pays B 50.01 as P3",                  "reserved"},
        {"L pays B 500.01 as P4 for L1",          "refused AM14"},
        {"L pays B 500.00 as P5 for L1",          "reserved"}}},
};

/* clang-format on */

#define LOOP(table)                                                                                \
    START_TEST(plays_##table)                                                                      \
    {                                                                                              \
        story_play(&table[_i]);                                                                    \
    }                                                                                              \
    END_TEST

LOOP(reasons)
LOOP(orders)
LOOP(lives)
LOOP(duplicates)
LOOP(deadlines)
LOOP(roles)

#define ADD(table)                                                                                 \
    do {                                                                                           \
        TCase *const cases = tcase_create(#table);                                                 \
        tcase_add_loop_test(cases, plays_##table, 0, (int)(sizeof table / sizeof table[0]));       \
        suite_add_tcase(suite, cases);                                                             \
    } while (0)

int main(void)
{
    Suite *const suite = suite_create("cases");
    ADD(reasons);
    ADD(orders);
    ADD(lives);
    ADD(duplicates);
    ADD(deadlines);
    ADD(roles);
    SRunner *const runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int const failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
