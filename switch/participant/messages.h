/* messages: proto/iso for the files of this folder that use proto/record beside it.
 *
 * Both floors have a struct refusal: iso's is what reading found, with the whole path and long
 * words; record's is what travels to settlement and stands in an admi.002.  Here iso's goes by the
 * name iso_refusal. */
#ifndef SWITCH_PARTICIPANT_MESSAGES_H
#define SWITCH_PARTICIPANT_MESSAGES_H

#include "proto/record/command.h"

#undef REFUSAL_WORDS_BYTES

#define refusal iso_refusal
#define refusal_code iso_refusal_code
#define REFUSAL_BADXML ISO_REFUSAL_BADXML
#define REFUSAL_SCHEMA ISO_REFUSAL_SCHEMA
#define REFUSAL_VERSION ISO_REFUSAL_VERSION
#define REFUSAL_SENDER ISO_REFUSAL_SENDER
#define REFUSAL_HEADER ISO_REFUSAL_HEADER
#define REFUSAL_SIGNATURE ISO_REFUSAL_SIGNATURE
#include "proto/iso/message.h"
#undef refusal
#undef refusal_code
#undef REFUSAL_BADXML
#undef REFUSAL_SCHEMA
#undef REFUSAL_VERSION
#undef REFUSAL_SENDER
#undef REFUSAL_HEADER
#undef REFUSAL_SIGNATURE
#undef REFUSAL_WORDS_BYTES

#endif
