/* dev: makes a development environment, for `cauce dev` and `cauce demo` (WIRE section 6). */
#ifndef OPS_CAUCE_DEV_H
#define OPS_CAUCE_DEV_H

#include <stdint.h>

#include "proto/base/amount.h"
#include "proto/base/fault.h"
#include "proto/base/limits.h"

#define DEV_PARTICIPANTS_MAX (LIMIT_PARTICIPANTS - 2) /* beside them: one rtgs, one indirect */
#define DEV_CODE_BYTES 9

struct dev_settings {
    const char *folder;
    uint32_t participants; /* direct ones with files: 1 to DEV_PARTICIPANTS_MAX */
    struct amount balance; /* of each of them, >= 0 */
};

/* The code of the direct participant of that index, from 0: 10000001, 10000002, ...; the number of
 * the indirect participant, 10000101, is left out. */
void dev_code(uint32_t index, char code[DEV_CODE_BYTES]);

/* Makes folder and files; cauce.conf comes last, so that where it stands the rest is whole.
 * FAULT_BUSY: the folder has a cauce.conf. Every fault has been said on standard error. */
MUST_CHECK enum fault dev_make(const struct dev_settings *settings);

#endif
