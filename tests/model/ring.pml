/* The ring and the bell of switch/ring, small enough for spin to try every interleaving.
 *
 * One producer sends RECORDS numbers through a ring of SLOTS places and rings after each publish;
 * one consumer reads them, releases, and sleeps when the ring is empty.  Shown:
 *   - no record is overwritten before it was released, none is read before it was published, and
 *     all come in order (the assertions);
 *   - no wake-up is lost: the consumer gets every record (no invalid end state: a consumer that
 *     slept for ever would be one).
 *
 * x86 and the C model let a store wait in a buffer while later loads go ahead.  The model has such
 * a buffer for the two stores that matter, `published` of the producer and `armed` of the consumer;
 * the fences of bell_arm and bell_ring flush them.  With FENCED 0 spin finds the lost wake-up
 * (tests/model/run tries that too: a model that cannot fail shows nothing). */

#ifndef FENCED
#define FENCED 1
#endif
#define SLOTS 2
#define RECORDS 4

byte place[SLOTS];
byte published, released; /* as all see them */
byte published_buffer;    /* the producer's store, perhaps still on its way */
bool armed;
bool armed_buffer, armed_pending;
bool rung;                /* the eventfd is readable */

/* Stores become visible some time later. */
active proctype store_buffer()
{
end:
    do
    :: atomic { published != published_buffer -> published = published_buffer }
    :: atomic { armed_pending -> armed = armed_buffer; armed_pending = false }
    od
}

inline fence_producer()
{
    if
    :: FENCED -> published = published_buffer
    :: else
    fi
}

inline fence_consumer()
{
    if
    :: FENCED -> atomic { if :: armed_pending -> armed = armed_buffer; armed_pending = false :: else fi }
    :: else
    fi
}

active proctype producer()
{
    byte number = 1;
    bool was_armed;
    do
    :: number > RECORDS -> break
    :: else ->
        (published_buffer - released < SLOTS); /* back-pressure: waits until there is room */
        place[published_buffer % SLOTS] = number;
        published_buffer = published_buffer + 1; /* ring_publish */
        fence_producer();                        /* bell_ring */
        was_armed = armed;
        if
        :: was_armed ->
            /* exchange: only who finds it set writes the eventfd; an atomic exchange drains buffers */
            atomic { if :: armed -> armed = false; rung = true :: else fi; published = published_buffer }
        :: else
        fi;
        number = number + 1
    od
}

active proctype consumer()
{
    byte read = 0;
    do
    :: read == RECORDS -> break
    :: else ->
        if
        :: read < published ->
            assert(place[read % SLOTS] == read + 1);
            read = read + 1;
            released = read
        :: else ->
            atomic { armed_buffer = true; armed_pending = true }; /* bell_arm */
            fence_consumer();
            if
            :: read < published -> skip /* looked once more: there is something */
            :: else -> (rung)           /* bell_wait, for ever */
            fi;
            atomic { armed_pending = false; armed = false; rung = false } /* bell_disarm */
        fi
    od
}
