/* story: plays a table of lines, written for people, against a fresh core.
 *
 * Each line says what happens, what the switch must say, and, where it matters, what accounts hold
 * afterwards.  What can happen:
 *
 *   A pays B 100.00 as P1           a pacs.008 of bank A, EndToEndId P1; then any of
 *     for A1                          DbtrAgt is another than the sender
 *     in USD                          IntrBkSttlmAmt/@Ccy is another than the switch's
 *     accepted -43200s                AccptncDtTm lies so far from the switch's clock
 *     normal                          priority NORM instead of HIGH
 *     text two                        everything else in CdtTrfTxInf is worded so
 *   B accepts P1                    a pacs.002 ACSP, ACTC or ACWP
 *   B rejects P1 AC03               a pacs.002 RJCT with its code
 *   A asks                          a camt.060 for the balance now
 *   clock +10s                      time passes (h, m, s, ms, ns; decimals allowed)
 *
 * What the switch can say:
 *
 *   reserved | settled | rejected AC03 | refused AM04      an entry, durable
 *   answers AGNT to A                                      transient, no entry: RJCT and its code
 *   still reserved, to A                                   transient: ACSP
 *   again settled P1, to B                                 transient: the standing result, as the
 *                                                          entry of P1 that decided it says
 *   balance 900.00 100.00                                  available and reserved
 *   expired P1 P2 | nothing                                of a clock line, in this order
 *
 * Accounts afterwards: "A 900.00 100.00, B 0.00 0.00", available and reserved.
 *
 * The banks, all of them holding 1,000.00 unless said:
 *   A B C    active;  A1, A2 settle through A, B1 through B (an indirect bank holds nothing)
 *   L        may pay at most 500.00 at once;  L1 settles through L;  A3 through A, at most 50.00
 *   S S1     suspended; S1 active, settles through S;  A9 suspended, settles through A
 *   D D1     debit-blocked; D1 active, settles through D
 *   E        holds nothing
 *   M        holds 89,999,999,999,980,000.00, so near to the bound of money that it cannot be
 *            credited with 20,000.01 more
 *   X        nobody
 * AccptncDtTm is now unless said.  HIGH lasts 10 s, NORM 45 min; the clock tolerance is 12 h behind
 * and 60 s ahead; ids are remembered for 36 h.
 *
 * After its last line every story is replayed from its entries into a second core, which must come
 * to the same state. */
#ifndef TESTS_CASES_STORY_H
#define TESTS_CASES_STORY_H

#define STORY_LINES_MAX 16

enum line_column { HAPPENS, SAYS, ACCOUNTS, LINE_COLUMNS }; /* ACCOUNTS NULL: not looked at */

struct story {
    const char *name;
    const char *lines[STORY_LINES_MAX][LINE_COLUMNS]; /* ends where HAPPENS is NULL */
};

/* Fails the check test with the story, the line, and what was said instead. */
void story_play(const struct story *story);

#endif
