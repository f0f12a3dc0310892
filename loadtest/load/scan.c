/* scan: forward only, from one mark to the next; a value is what stands between two. */
#include "loadtest/load/scan.h"

#include <string.h>

/* Moves *rest behind the next `mark`; false, and *rest unchanged, when there is none. */
static bool skip(struct span *rest, struct span mark)
{
    const char *const at = memmem(rest->bytes, rest->size, mark.bytes, mark.size);
    if (at == NULL) return false;
    *rest = span_after(*rest, (size_t)(at - rest->bytes) + mark.size);
    return true;
}

/* The text behind the next `start` and up to the next tag; *rest moves behind the text. */
static bool take(struct span *rest, struct span start, struct span *text)
{
    struct span left = *rest;
    if (!skip(&left, start)) return false;
    const char *const end = left.size == 0 ? NULL : memchr(left.bytes, '<', left.size);
    if (end == NULL) return false;
    *text = span_of(left.bytes, (size_t)(end - left.bytes));
    *rest = span_after(left, text->size);
    return text->size > 0;
}

static bool take_payments(struct span document, struct scan *scan)
{
    struct scan_item item = {0};
    scan->kind = SCAN_PAYMENTS;
    while (take(&document, SPAN("<EndToEndId>"), &item.id)) {
        if (scan->count == LIMIT_TRANSACTIONS) return false;
        scan->items[scan->count++] = item;
    }
    return scan->count > 0;
}

static bool take_results(struct span document, struct scan *scan)
{
    scan->kind = SCAN_RESULTS;
    while (skip(&document, SPAN("<TxInfAndSts>"))) {
        struct span rest = document;
        if (!skip(&document, SPAN("</TxInfAndSts>"))) return false;
        rest.size -= document.size; /* up to this transaction's end */
        struct scan_item item = {0};
        if (scan->count == LIMIT_TRANSACTIONS ||
            !take(&rest, SPAN("<OrgnlEndToEndId>"), &item.id) ||
            !take(&rest, SPAN("<TxSts>"), &item.status)) {
            return false;
        }
        (void)take(&rest, SPAN("<Cd>"), &item.reason);
        scan->items[scan->count++] = item;
    }
    return scan->count > 0;
}

static bool take_refusal(struct span document, struct scan *scan)
{
    struct scan_item *const item = &scan->items[0];
    scan->kind = SCAN_REFUSAL;
    scan->count = 1;
    *item = (struct scan_item){0};
    return take(&document, SPAN("<Ref>"), &item->id) &&
           take(&document, SPAN("<RjctgPtyRsn>"), &item->reason);
}

bool scan_message(struct span message, struct scan *scan)
{
    struct span rest = message, type;
    scan->count = 0;
    if (message.size == 0 || !take(&rest, SPAN("<MsgDefIdr>"), &type) ||
        !skip(&rest, SPAN("</AppHdr>"))) {
        return false;
    }
    if (span_starts_with(type, SPAN("pacs.008."))) return take_payments(rest, scan);
    if (span_starts_with(type, SPAN("pacs.002."))) return take_results(rest, scan);
    if (span_starts_with(type, SPAN("admi.002."))) return take_refusal(rest, scan);
    scan->kind = SCAN_OTHER;
    return true;
}
