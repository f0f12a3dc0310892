/* subcommand: what the program cauce can do, one entry per subcommand (WIRE section 6).
 *
 * Each is `int NAME_main(int count, char **arguments)` in its own file: arguments[0] is the
 * subcommand's name, the result is the program's exit code (2: wrong usage). */
#ifndef OPS_CAUCE_SUBCOMMAND_H
#define OPS_CAUCE_SUBCOMMAND_H

/* name, what it does in one line of at most 60 characters */
#define SUBCOMMAND_LIST(X)                                                                         \
    X(demo, "watch a whole system at work: switch, banks, payments")                               \
    X(dev, "make a development environment in a folder")                                           \
    X(bank, "pay, answer and ask as one of its banks")                                             \
    X(message, "check or sign a message")                                                          \
    X(verify, "check a whole ledger, entry by entry")                                              \
    X(receipt, "check a receipt, offline")                                                         \
    X(reindex, "make the index of a ledger anew")                                                  \
    X(backup, "copy a ledger, beside a switch at work")                                            \
    X(restore, "make a ledger of a backup")                                                        \
    X(export, "write a ledger as lines of JSON")                                                   \
    X(import, "make a ledger of exported lines")                                                   \
    X(statement, "show a participant's accounting day")                                            \
    X(load, "test a running switch under load")                                                    \
    X(conformance, "prove a bank's connector, step by step")

#define SUBCOMMAND_DECLARE(name, words) int name##_main(int count, char **arguments);
SUBCOMMAND_LIST(SUBCOMMAND_DECLARE)
#undef SUBCOMMAND_DECLARE

#endif
