/* loop_internal: the libuv loop behind a struct loop, for the files of this folder. */
#ifndef SWITCH_LOOP_LOOP_INTERNAL_H
#define SWITCH_LOOP_LOOP_INTERNAL_H

#include <uv.h>

#include "switch/loop/loop.h"

uv_loop_t *loop_uv(struct loop *loop);

#endif
