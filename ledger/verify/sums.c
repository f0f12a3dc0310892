/* One function per kind of entry, each a list of "must be so, else these words"; then the money
 * moves; then what the entry says it left is compared with what was left here.
 *
 * Two tables grow: open payments by the sequence that opened them, and taken ids by the first 16
 * bytes of their SHA-256.  Both are open-addressed with linear probing; at most half is used. */
#include "ledger/verify/sums.h"

#include <stdlib.h>
#include <string.h>

#include "ledger/verify/totals.h"
#include "proto/crypto/hash.h"

#define PARTICIPANTS_MAX 4096
#define PARTICIPANT_SLOTS 8192 /* a power of two */
#define FUNDS_MAX INT64_C(9000000000000000000)
#define ID_WINDOW_NS INT64_C(86400000000000) /* ids are unique for 24 hours at least */
#define NOBODY UINT32_MAX

struct participant {
    uint64_t code;
    uint32_t holder; /* index of the one on whose account it settles; may be itself */
    int64_t available, reserved;
    uint64_t number, last_seq;
    uint32_t certificate; /* index + 1 of its newest signing certificate; 0: it has none */
};

struct certificate {
    struct hash hash;
    uint32_t before; /* index + 1 of the same participant's one before; 0: none */
};

struct open_payment {
    uint64_t seq; /* of its reserved entry; 0: the slot is free */
    uint32_t payer, payee;
    int64_t deadline_ns, amount;
    uint8_t terms[LAYOUT_TERMS_BYTES];
};

struct taken_id {
    uint64_t key[2]; /* zeros: the slot is free */
    int64_t time_ns;
};

struct sums {
    int64_t net_funding;
    struct totals totals;
    uint32_t participant_count;
    struct participant participants[PARTICIPANTS_MAX];
    uint32_t slots[PARTICIPANT_SLOTS]; /* index + 1; 0: free */

    struct certificate *certificates;
    uint32_t certificate_count;

    struct open_payment *open;
    uint64_t open_size, open_count; /* size: a power of two */

    struct taken_id *taken;
    uint64_t taken_size, taken_count; /* likewise */

    int64_t recounted[PARTICIPANTS_MAX]; /* reserved by open payments; sums_recount's */
};

struct sums *sums_open(void)
{
    struct sums *sums = calloc(1, sizeof *sums);
    if (sums == NULL) return NULL;
    sums->open_size = 1024;
    sums->taken_size = 1024;
    sums->open = calloc(sums->open_size, sizeof *sums->open);
    sums->taken = calloc(sums->taken_size, sizeof *sums->taken);
    if (sums->open != NULL && sums->taken != NULL) return sums;
    sums_close(sums);
    return NULL;
}

void sums_close(struct sums *sums)
{
    if (sums == NULL) return;
    free(sums->certificates);
    free(sums->open);
    free(sums->taken);
    free(sums);
}

/* Spreads keys that come in sequence (Fibonacci hashing). */
static uint64_t spread(uint64_t key)
{
    return (key * UINT64_C(0x9e3779b97f4a7c15)) >> 16;
}

/* --- participants ----------------------------------------------------------------------------- */

static uint32_t find(const struct sums *sums, uint64_t code)
{
    for (uint64_t at = spread(code);; at++) {
        uint32_t const slot = sums->slots[at % PARTICIPANT_SLOTS];
        if (slot == 0) return NOBODY;
        if (sums->participants[slot - 1].code == code) return slot - 1;
    }
}

static uint32_t find_holder(const struct sums *sums, uint64_t code)
{
    uint32_t const index = find(sums, code);
    return index != NOBODY && sums->participants[index].holder == index ? index : NOBODY;
}

static bool settles_on(const struct sums *sums, uint64_t agent, uint32_t holder)
{
    uint32_t const index = find(sums, agent);
    return index != NOBODY && sums->participants[index].holder == holder;
}

bool sums_number(const struct sums *sums, uint64_t code, uint64_t *number)
{
    uint32_t const index = find(sums, code);
    if (index == NOBODY) return false;
    *number = sums->participants[index].number;
    return true;
}

uint32_t sums_participants(const struct sums *sums)
{
    return sums->participant_count;
}

bool sums_account(const struct sums *sums, uint32_t index, struct sums_account *account)
{
    if (index >= sums->participant_count) return false;
    const struct participant *participant = &sums->participants[index];
    *account = (struct sums_account){.code = participant->code,
                                     .available = participant->available,
                                     .reserved = participant->reserved,
                                     .number = participant->number,
                                     .last_seq = participant->last_seq};
    return true;
}

uint64_t sums_open_count(const struct sums *sums)
{
    return sums->open_count;
}

bool sums_may_sign(const struct sums *sums, uint64_t code, const struct hash *certificate)
{
    uint32_t const index = find(sums, code);
    if (index == NOBODY) return false;
    for (uint32_t at = sums->participants[index].certificate; at != 0;
         at = sums->certificates[at - 1].before) {
        if (hash_equal(&sums->certificates[at - 1].hash, certificate)) return true;
    }
    return false;
}

static bool is_code(uint64_t code)
{
    for (int i = 0; i < LAYOUT_CODE_BYTES; i++, code >>= 8) {
        char const c = (char)(code & 0xff);
        if (!((c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z'))) return false;
    }
    return true;
}

static bool is_status(struct span text)
{
    return span_equal(text, SPAN("active")) || span_equal(text, SPAN("suspended")) ||
           span_equal(text, SPAN("debit-blocked"));
}

/* --- open payments ---------------------------------------------------------------------------- */

static struct open_payment *open_slot(struct open_payment *table, uint64_t size, uint64_t seq)
{
    uint64_t at = spread(seq) & (size - 1);
    while (table[at].seq != 0 && table[at].seq != seq)
        at = (at + 1) & (size - 1);
    return &table[at];
}

static bool open_grow(struct sums *sums)
{
    uint64_t const size = 2 * sums->open_size;
    struct open_payment *table = calloc(size, sizeof *table);
    if (table == NULL) return false;
    for (uint64_t i = 0; i < sums->open_size; i++) {
        if (sums->open[i].seq != 0) *open_slot(table, size, sums->open[i].seq) = sums->open[i];
    }
    free(sums->open);
    sums->open = table;
    sums->open_size = size;
    return true;
}

/* Frees a slot and moves up what would not be found behind the gap. */
static void open_remove(struct sums *sums, struct open_payment *payment)
{
    uint64_t const mask = sums->open_size - 1;
    uint64_t gap = (uint64_t)(payment - sums->open);
    for (uint64_t at = (gap + 1) & mask; sums->open[at].seq != 0; at = (at + 1) & mask) {
        uint64_t const home = spread(sums->open[at].seq) & mask;
        if (((at - home) & mask) < ((at - gap) & mask)) continue;
        sums->open[gap] = sums->open[at];
        gap = at;
    }
    sums->open[gap].seq = 0;
    sums->open_count--;
}

/* --- taken ids -------------------------------------------------------------------------------- */

static struct taken_id *taken_slot(struct taken_id *table, uint64_t size, const uint64_t key[2])
{
    uint64_t at = key[0] & (size - 1);
    while ((table[at].key[0] | table[at].key[1]) != 0 &&
           (table[at].key[0] != key[0] || table[at].key[1] != key[1]))
        at = (at + 1) & (size - 1);
    return &table[at];
}

/* Leaves out what is older than the window; grows only when that does not free half. */
static bool taken_rebuild(struct sums *sums, int64_t now_ns)
{
    uint64_t kept = 0;
    for (uint64_t i = 0; i < sums->taken_size; i++) {
        const struct taken_id *id = &sums->taken[i];
        if ((id->key[0] | id->key[1]) != 0 && now_ns - id->time_ns < ID_WINDOW_NS) kept++;
    }
    uint64_t const size = kept >= sums->taken_size / 4 ? 2 * sums->taken_size : sums->taken_size;
    struct taken_id *table = calloc(size, sizeof *table);
    if (table == NULL) return false;
    for (uint64_t i = 0; i < sums->taken_size; i++) {
        const struct taken_id *id = &sums->taken[i];
        if ((id->key[0] | id->key[1]) != 0 && now_ns - id->time_ns < ID_WINDOW_NS)
            *taken_slot(table, size, id->key) = *id;
    }
    free(sums->taken);
    sums->taken = table;
    sums->taken_size = size;
    sums->taken_count = kept;
    return true;
}

static const char *take_id(struct sums *sums, struct span id, int64_t now_ns)
{
    struct hash const hash = hash_of(id);
    uint64_t const key[2] = {layout_u64((const char *)hash.bytes),
                             layout_u64((const char *)hash.bytes + 8)};
    struct taken_id *slot = taken_slot(sums->taken, sums->taken_size, key);
    bool const is_new = (slot->key[0] | slot->key[1]) == 0;
    if (!is_new && now_ns - slot->time_ns < ID_WINDOW_NS)
        return "takes an id that was taken within 24 hours";
    *slot = (struct taken_id){.key = {key[0], key[1]}, .time_ns = now_ns};
    if (is_new) sums->taken_count++;
    if (2 * sums->taken_count >= sums->taken_size && !taken_rebuild(sums, now_ns))
        return "no memory to go on";
    return NULL;
}

static bool is_id(struct span id)
{
    for (size_t i = 0; i < id.size; i++) {
        char const c = id.bytes[i];
        bool const good = (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') ||
                          (c >= 'a' && c <= 'z') || (c != 0 && strchr("._/:+-", c) != NULL);
        if (!good) return false;
    }
    return id.size >= 1;
}

/* --- kinds ------------------------------------------------------------------------------------ */

/* Whose accounts the entry numbers; NOBODY: not that side. */
struct concerned {
    uint32_t sides[2];
};

static const char *apply_joined(struct sums *sums, const struct layout_entry *entry,
                                struct span body)
{
    struct span text;
    if (!is_code(entry->payee)) return "lets a participant join whose code is none";
    if (find(sums, entry->payee) != NOBODY) return "lets a participant join a second time";
    if (!layout_find(body, LAYOUT_TAG_STATUS, &text) || !is_status(text))
        return "lets a participant join without a status";
    if (sums->participant_count == PARTICIPANTS_MAX) return "lets too many participants join";

    uint32_t const index = sums->participant_count;
    uint32_t holder = index;
    if (layout_find(body, LAYOUT_TAG_SETTLES_THROUGH, &text)) {
        if (text.size != LAYOUT_CODE_BYTES) return "names a holder that is no code";
        holder = find_holder(sums, layout_u64(text.bytes));
        if (holder == NOBODY) return "names a holder that has no account";
    }
    uint64_t at = spread(entry->payee);
    while (sums->slots[at % PARTICIPANT_SLOTS] != 0)
        at++;
    sums->slots[at % PARTICIPANT_SLOTS] = index + 1;
    sums->participants[index] = (struct participant){.code = entry->payee, .holder = holder};
    sums->participant_count++;
    return NULL;
}

static const char *apply_certificate(struct sums *sums, const struct layout_entry *entry,
                                     struct span body)
{
    struct span der, purpose;
    uint32_t const owner = find(sums, entry->payee);
    if (owner == NOBODY) return "gives a certificate to nobody";
    if (!layout_find(body, LAYOUT_TAG_CERTIFICATE, &der) || der.size == 0)
        return "has no certificate";
    if (!layout_find(body, LAYOUT_TAG_PURPOSE, &purpose) ||
        !(span_equal(purpose, SPAN("channel")) || span_equal(purpose, SPAN("signing"))))
        return "has a certificate without a purpose";
    if (span_equal(purpose, SPAN("channel"))) return NULL;

    struct certificate *grown =
        realloc(sums->certificates, (sums->certificate_count + 1) * sizeof *grown);
    if (grown == NULL) return "no memory to go on";
    sums->certificates = grown;
    grown[sums->certificate_count++] =
        (struct certificate){.hash = hash_of(der), .before = sums->participants[owner].certificate};
    sums->participants[owner].certificate = sums->certificate_count;
    return NULL;
}

static const char *apply_funded(struct sums *sums, const struct layout_entry *entry,
                                struct concerned *concerned)
{
    uint32_t const index = find_holder(sums, entry->payee);
    if (index == NOBODY) return "funds nobody's account";
    if (entry->amount <= 0) return "funds an amount that is not above zero";
    if (entry->amount > FUNDS_MAX - sums->net_funding) return "funds more than there may be";
    sums->net_funding += entry->amount;
    sums->participants[index].available += entry->amount; /* <= net_funding */
    concerned->sides[1] = index;
    return NULL;
}

/* What reserved and refused share: a payment that begins. */
static const char *begin_payment(struct sums *sums, const struct layout_entry *entry,
                                 uint32_t *payer)
{
    *payer = find_holder(sums, entry->payer);
    if (*payer == NOBODY) return "names a payer without an account";
    if (!settles_on(sums, entry->payer_agent, *payer))
        return "names a payer's agent that settles elsewhere";
    if (entry->opened_by != 0) return "begins a payment and names one that opened it";
    if (hash_is_zero(&entry->evidence)) return "begins a payment without a message";
    if (!is_id(entry->id)) return "has an id that is none";
    return take_id(sums, entry->id, entry->time_ns);
}

static const char *apply_refused(struct sums *sums, const struct layout_entry *entry,
                                 struct concerned *concerned)
{
    if (entry->reason.size == 0) return "refuses without a reason";
    if (entry->deadline_ns != 0) return "refuses and has a deadline";
    return begin_payment(sums, entry, &concerned->sides[0]);
}

static const char *apply_reserved(struct sums *sums, const struct layout_entry *entry,
                                  struct concerned *concerned)
{
    uint32_t payer;
    const char *words = begin_payment(sums, entry, &payer);
    if (words) return words;
    uint32_t const payee = find_holder(sums, entry->payee);
    if (payee == NOBODY) return "names a payee without an account";
    if (payee == payer) return "pays from an account to itself";
    if (!settles_on(sums, entry->payee_agent, payee))
        return "names a payee's agent that settles elsewhere";
    if (entry->amount <= 0) return "reserves an amount that is not above zero";
    if (entry->amount > sums->participants[payer].available)
        return "reserves more than is available";
    if (entry->deadline_ns <= entry->time_ns) return "reserves after its own deadline";
    if (entry->reason.size != 0) return "reserves and has a reason";

    if (2 * sums->open_count >= sums->open_size && !open_grow(sums)) return "no memory to go on";
    struct open_payment *payment = open_slot(sums->open, sums->open_size, entry->seq);
    *payment = (struct open_payment){.seq = entry->seq,
                                     .payer = payer,
                                     .payee = payee,
                                     .deadline_ns = entry->deadline_ns,
                                     .amount = entry->amount};
    memcpy(payment->terms, entry->terms, sizeof payment->terms);
    sums->open_count++;
    sums->participants[payer].available -= entry->amount;
    sums->participants[payer].reserved += entry->amount;
    concerned->sides[0] = payer;
    concerned->sides[1] = payee;
    return NULL;
}

/* settled, rejected, expired: exactly one of them ends a reserved payment. */
static const char *apply_decided(struct sums *sums, const struct layout_entry *entry,
                                 struct concerned *concerned)
{
    if (entry->opened_by == 0 || entry->opened_by >= entry->seq)
        return "decides a payment that nothing before it opened";
    struct open_payment *payment = open_slot(sums->open, sums->open_size, entry->opened_by);
    if (payment->seq == 0) return "decides a payment that is not open";
    if (memcmp(payment->terms, entry->terms, sizeof payment->terms) != 0)
        return "decides a payment of other parties, amount or id than were reserved";
    bool const is_expired = entry->kind == LAYOUT_EXPIRED;
    if (is_expired != (entry->time_ns >= payment->deadline_ns))
        return "is on the wrong side of the payment's deadline";
    if (is_expired != hash_is_zero(&entry->evidence))
        return "has a message where there is none, or none where there is one";
    if (entry->deadline_ns != 0) return "decides and has a deadline";
    if (is_expired && !span_equal(entry->reason, SPAN("AB03"))) return "expires without AB03";
    if ((entry->kind == LAYOUT_SETTLED) != (entry->reason.size == 0))
        return "has a reason where there is none, or none where there is one";

    struct participant *payer = &sums->participants[payment->payer];
    struct participant *payee = &sums->participants[payment->payee];
    payer->reserved -= payment->amount; /* it was added when the payment was opened */
    if (entry->kind == LAYOUT_SETTLED)
        payee->available += payment->amount; /* <= net_funding */
    else
        payer->available += payment->amount;
    concerned->sides[0] = payment->payer;
    concerned->sides[1] = payment->payee;
    open_remove(sums, payment);
    return NULL;
}

/* Closes an accounting day; what stands then is counted from the tables. */
static const char *apply_day(struct sums *sums, const struct layout_entry *entry, struct span body)
{
    struct totals_close close = {.open_count = sums->open_count,
                                 .net_funding = (uint64_t)sums->net_funding};
    for (uint64_t i = 0; i < sums->open_size; i++) {
        if (sums->open[i].seq != 0) close.open_amount += (uint64_t)sums->open[i].amount;
    }
    for (uint32_t i = 0; i < sums->participant_count; i++) {
        close.available += (uint64_t)sums->participants[i].available;
        close.reserved += (uint64_t)sums->participants[i].reserved;
    }
    return totals_day(&sums->totals, entry->seq, body, &close);
}

/* --- sides ------------------------------------------------------------------------------------ */

static const char *check_side(struct sums *sums, const struct layout_entry *entry, int side,
                              uint32_t index)
{
    const struct layout_side *said = &entry->sides[side];
    if (index == NOBODY) {
        if (said->number != 0 || said->previous_seq != 0)
            return "numbers a side that it does not concern";
        return said->available == 0 && said->reserved == 0
                   ? NULL
                   : "has balances on a side that it does not concern";
    }
    struct participant *participant = &sums->participants[index];
    if (said->number != participant->number + 1) return "breaks its participant's own numbering";
    if (said->previous_seq != participant->last_seq)
        return "does not name its participant's entry before";
    participant->number = said->number;
    participant->last_seq = entry->seq;
    if (said->available != participant->available || said->reserved != participant->reserved)
        return "leaves other balances than the entries before it lead to";
    return said->available >= 0 && said->reserved >= 0 ? NULL : "leaves a balance below zero";
}

const char *sums_apply(struct sums *sums, const struct layout_entry *entry, struct span body)
{
    struct concerned concerned = {{NOBODY, NOBODY}};
    const char *words = "is of a kind that is not known";
    switch (entry->kind) {
    case LAYOUT_SEGMENT: words = NULL; break; /* what opens a segment is checked with its file */
    case LAYOUT_JOINED: words = apply_joined(sums, entry, body); break;
    case LAYOUT_CERTIFICATE: words = apply_certificate(sums, entry, body); break;
    case LAYOUT_FUNDED: words = apply_funded(sums, entry, &concerned); break;
    case LAYOUT_RESERVED: words = apply_reserved(sums, entry, &concerned); break;
    case LAYOUT_SETTLED:
    case LAYOUT_REJECTED:
    case LAYOUT_EXPIRED: words = apply_decided(sums, entry, &concerned); break;
    case LAYOUT_REFUSED: words = apply_refused(sums, entry, &concerned); break;
    case LAYOUT_DAY: words = apply_day(sums, entry, body); break;
    }
    if (words) return words;
    if (entry->kind != LAYOUT_DAY) totals_count(&sums->totals, entry);
    if (entry->returned_seq >= entry->seq) return "returns a payment that comes after it";
    words = check_side(sums, entry, 0, concerned.sides[0]);
    return words ? words : check_side(sums, entry, 1, concerned.sides[1]);
}

const char *sums_recount(struct sums *sums)
{
    int64_t *reserved = sums->recounted;
    memset(reserved, 0, sizeof sums->recounted);
    for (uint64_t i = 0; i < sums->open_size; i++) {
        if (sums->open[i].seq != 0) reserved[sums->open[i].payer] += sums->open[i].amount;
    }
    int64_t left = sums->net_funding;
    for (uint32_t i = 0; i < sums->participant_count; i++) {
        const struct participant *participant = &sums->participants[i];
        if (participant->reserved != reserved[i])
            return "a participant's reserved balance is not the sum of its open payments";
        left -= participant->available + participant->reserved;
    }
    return left == 0 ? NULL : "the sum of all balances is not net funding";
}
