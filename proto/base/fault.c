/* The names and words of the faults, from their one list. */
#include "proto/base/fault.h"

const char *fault_words(enum fault fault)
{
    switch (fault) {
#define FAULT_CASE(name, text, words)                                                              \
    case FAULT_##name: return words;
        FAULT_LIST(FAULT_CASE)
#undef FAULT_CASE
    }
    return "unknown";
}

const char *fault_name(enum fault fault)
{
    switch (fault) {
#define FAULT_CASE(name, text, words)                                                              \
    case FAULT_##name: return text;
        FAULT_LIST(FAULT_CASE)
#undef FAULT_CASE
    }
    return "unknown";
}
