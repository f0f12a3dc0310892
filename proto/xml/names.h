/* names: the prefixes and namespace names of one message, each kept once under a small number.
 *
 * With numbers, "which namespace does this prefix stand for" is one look into a table, and two
 * namespaces are compared as integers.  The hash is keyed with secret random numbers, so that
 * nobody can choose names that collide and make a message dear.  For proto/xml only. */
#ifndef PROTO_XML_NAMES_H
#define PROTO_XML_NAMES_H

#include <stdint.h>

#include "proto/base/fault.h"
#include "proto/base/limits.h"
#include "proto/base/span.h"

/* Known in every message. Never reorder: document.h repeats some. */
enum {
    NAMES_EMPTY,           /* "": no prefix, no namespace */
    NAMES_XML_NAMESPACE,   /* what the prefix xml stands for */
    NAMES_XML,             /* the prefix xml */
    NAMES_XMLNS,           /* the prefix xmlns */
    NAMES_XMLNS_NAMESPACE, /* what the prefix xmlns stands for */
    NAMES_KNOWN_COUNT
};

#define NAMES_ABSENT 0xffff /* no such name; a prefix bound to nothing */

/* More than LIMIT_XML_NAMES / 0.7, a power of two. */
#define NAMES_SLOTS 16384

struct names_slot {
    uint32_t turn; /* used in this turn when equal to xml_names' */
    uint16_t name;
};

struct xml_names {
    uint64_t key[2]; /* drawn at names_open */
    uint32_t turn;   /* one per message, so that no slot must be cleared */
    uint32_t count;
    struct span texts[LIMIT_XML_NAMES];
    uint16_t bound[LIMIT_XML_NAMES];    /* prefix -> namespace at the place being read */
    uint16_t rendered[LIMIT_XML_NAMES]; /* prefix -> namespace written: canonical.c's */
    uint16_t known[NAMES_KNOWN_COUNT];  /* the slots of the known names, which never move */
    struct names_slot slots[NAMES_SLOTS];
};

/* FAULT_MEMORY: no random numbers could be had. */
MUST_CHECK enum fault names_open(struct xml_names *names);

/* Forgets the last message's names; the known ones are bound as Namespaces 1.0 says. */
void names_reset(struct xml_names *names);

/* The number of `text`, which must live until names_reset; a new one is bound to nothing.
 * Assumed fewer than LIMIT_XML_NAMES so far: no message can hold more. */
uint16_t names_intern(struct xml_names *names, struct span text);

/* The number of `text`, or NAMES_ABSENT. */
uint16_t names_find(const struct xml_names *names, struct span text);

#endif
