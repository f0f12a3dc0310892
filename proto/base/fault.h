/* fault: why an operation did not happen, in the few kinds that a caller acts on.
 *
 * Operating errors are values of this type; broken invariants are assertions.  Bytes from
 * outside lead to a fault, never to an assertion.  Detail goes to the log, or into a struct
 * that the function names. */
#ifndef PROTO_BASE_FAULT_H
#define PROTO_BASE_FAULT_H

#define MUST_CHECK __attribute__((warn_unused_result))
#define PRINTF_LIKE(format_at, arguments_at)                                                       \
    __attribute__((format(printf, format_at, arguments_at)))

/* name, its text in logs and metrics, its words; then what the caller does. Append only. */
#define FAULT_LIST(X)                                                                              \
    X(NONE, "none", "none") /* go on                            */                                 \
    X(INVALID, "invalid",                                                                          \
      "input is not as its format demands")              /* refuse the input                 */    \
    X(FULL, "full", "a bound was reached")               /* refuse or retry later            */    \
    X(NOT_FOUND, "not_found", "there is no such thing")  /* answer so                        */    \
    X(BUSY, "busy", "somebody else holds it")            /* retry later, or stop and say who */    \
    X(CLOSED, "closed", "it no longer accepts anything") /* stop using it                    */    \
    X(MEMORY, "memory", "no memory could be had")        /* only at start: stop              */    \
    X(IO, "io",                                                                                    \
      "the operating system refused a read or write") /* stop; the fate is unknown        */       \
    X(CORRUPT, "corrupt",                                                                          \
      "stored bytes do not match their check") /* stop; a person must look         */              \
    X(VERSION, "version",                                                                          \
      "the format's version is not one of ours") /* stop, or refuse the input        */            \
    X(CRYPTO, "crypto", "the cryptographic library refused") /* refuse the input, or stop        */

enum fault {
#define FAULT_MEMBER(name, text, words) FAULT_##name,
    FAULT_LIST(FAULT_MEMBER)
#undef FAULT_MEMBER
};

/* The name in lower case ("not_found"), for logs and metrics. Static. */
const char *fault_name(enum fault fault);

/* The words of the list. Static. */
const char *fault_words(enum fault fault);

#endif
