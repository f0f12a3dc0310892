/* environment: a folder made by `cauce dev`, as a bank's programs read it (WIRE section 6).
 *
 * It says where the switch listens, what it is called, and where each participant's keys lie.
 * Plain data once opened; any thread may read it. */
#ifndef LOADTEST_BANK_ENVIRONMENT_H
#define LOADTEST_BANK_ENVIRONMENT_H

#include <stddef.h>

#include "proto/base/fault.h"
#include "proto/config/config.h"

#define ENVIRONMENT_WORDS_BYTES (LIMIT_CONFIG_VALUE_BYTES + 256) /* of an error: a path and why */

struct environment {
    struct config config;          /* of DIR/cauce.conf: code, currency, time limits */
    const char *folder;            /* the caller's string */
    struct config_address address; /* where the switch listens for participants */
};

/* Reads `folder`/cauce.conf.  `url`: "https://host:port" of the participants' port, or NULL for the
 * file's.  `folder` must outlive the environment.  A listen address of 0.0.0.0 is reached through
 * 127.0.0.1.  FAULT_INVALID, FAULT_IO: words says what and where. */
MUST_CHECK enum fault environment_open(struct environment *environment, const char *folder,
                                       const char *url, char words[ENVIRONMENT_WORDS_BYTES]);

/* Joins folder and a path given as in printf; cut at config_path's size, which then names no file. */
void environment_path(const struct environment *environment, config_path path, const char *format,
                      ...) PRINTF_LIKE(3, 4);

#endif
