/* The texts of the refusal codes. */
#include "proto/record/command.h"

const char *command_refusal_text(enum refusal_code code)
{
    switch (code) {
    case REFUSAL_NONE: return "";
#define REFUSAL_TEXT(name, text)                                                                   \
    case REFUSAL_##name: return text;
        REFUSAL_CODE_LIST(REFUSAL_TEXT)
#undef REFUSAL_TEXT
    }
    return "";
}
