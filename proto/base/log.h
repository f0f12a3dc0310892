/* log: what an operator should know, as one JSON object a line on standard error.
 *
 * Levels say consequences: INFO nothing to do; WARNING somebody outside does something wrong, the
 * switch goes on; ERROR a part does not work now and tries again; FATAL the process will stop.
 * A message that repeats faster than once a second is counted, not written; the next one that is
 * written says how many were left out.  No names of people, accounts or remittance text in it.
 * Any thread may call; a call formats on the stack and does one write(2). */
#ifndef PROTO_BASE_LOG_H
#define PROTO_BASE_LOG_H

#include <stdatomic.h>

#include "proto/base/fault.h"

enum log_level { LOG_INFO, LOG_WARNING, LOG_ERROR, LOG_FATAL };

/* One per place in the code, static and zero; holds when it last wrote and what it left out. */
struct log_site {
    _Atomic long long written_ns;
    _Atomic unsigned left_out;
};

/* `part` is the noun that speaks ("journal"). The line is cut at 2,000 bytes. */
void log_write(struct log_site *site, enum log_level level, const char *part, const char *format,
               ...) PRINTF_LIKE(4, 5);

/* LOG(LOG_ERROR, "journal", "commit failed after seq %llu", ...) */
#define LOG(level, part, ...)                                                                      \
    do {                                                                                           \
        static struct log_site log_site_here;                                                      \
        log_write(&log_site_here, level, part, __VA_ARGS__);                                       \
    } while (0)

#endif
