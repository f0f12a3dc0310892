/* tls: one TLS connection over memory; it knows no sockets.
 *
 *            ciphertext from the peer                         ciphertext for the peer
 *   socket ------------ tls_read(&input) --> plain   plain --> tls_write ---- tls_output --> socket
 *
 * The handshake happens inside tls_read.  Every call may leave bytes in the output (a flight, a
 * ticket, an alert), also one that failed: look at tls_output after each.
 *
 *   bytes came    input = what came
 *                 while (tls_read(tls, &input, plain, sizeof plain, &size) == TLS_READY) use plain
 *                 send tls_output; on TLS_NEEDS_FLUSH read again once it is sent
 *   to answer     tls_write until all is taken, sending tls_output in between
 *   to end        tls_end, send tls_output, tls_close
 *
 * A connection whose transport ends before TLS_ENDED was seen has been cut, by somebody who may not
 * be the peer.
 *
 * Threads: the one of its context.
 * Memory:  33 KiB of output and some 26 KiB of libssl's; twice 17 KiB more while a record is
 *          under way (tls_context.c says why they are given back in between). */
#ifndef PROTO_TLS_TLS_H
#define PROTO_TLS_TLS_H

#include <stdbool.h>
#include <stddef.h>

#include "proto/base/fault.h"
#include "proto/base/span.h"
#include "proto/crypto/hash.h"
#include "proto/tls/tls_context.h"

struct tls;

enum tls_result {
    TLS_READY,       /* bytes were moved                                                         */
    TLS_NEEDS_INPUT, /* the input is used up: come back with more from the peer                  */
    TLS_NEEDS_FLUSH, /* the output is full: send it, then call again as before                   */
    TLS_ENDED,       /* the peer ended the stream properly (close_notify): no more plain text    */
    TLS_FAILED       /* the connection is broken (tls_words): send the output, then tls_close    */
};

/* `server_name`: for a client, the DNS name or address that the server's certificate must carry;
 * for a server NULL.  On FAULT_NONE *out is the caller's until tls_close.  A client's first flight
 * is in the output.  FAULT_INVALID: the name is longer than LIMIT_HOST_BYTES.  FAULT_MEMORY: none to
 * be had. */
MUST_CHECK enum fault tls_open(struct tls **out, struct tls_context *context,
                               const char *server_name);

/* Takes ciphertext from the front of *input, which it shortens, and writes plain text to `plain`.
 * TLS_READY: *size, 1 to plain_max, bytes; call again, with the rest of the input even when it is
 * empty, as more may be waiting inside.  Else *size is 0.  Assumed plain_max >= 1. */
MUST_CHECK enum tls_result tls_read(struct tls *tls, struct span *input, char *plain,
                                    size_t plain_max, size_t *size);

/* Takes plain text from the front of *plain, which it shortens, as far as the output has room.
 * TLS_READY: all of it was taken.  TLS_NEEDS_FLUSH: some is left.  TLS_NEEDS_INPUT: the handshake
 * is not over, nothing was taken. */
MUST_CHECK enum tls_result tls_write(struct tls *tls, struct span *plain);

/* The ciphertext to send.  The bytes stay where they are, and later ones follow them, until
 * tls_sent has been told of every one: they may be lent to the kernel meanwhile. */
struct span tls_output(const struct tls *tls);

/* `count` bytes from the front of tls_output have been sent.  Assumed count <= its size. */
void tls_sent(struct tls *tls, size_t count);

/* Says goodbye (close_notify) in the output, if it still can; nothing may be written after it. */
void tls_end(struct tls *tls);

/* True once the handshake is over, both certificates proved. */
bool tls_is_established(const struct tls *tls);

/* True when the handshake resumed an earlier session. Assumed established. */
bool tls_is_resumed(const struct tls *tls);

/* SHA-256 of the peer's certificate; on a resumed session, of the one shown in the full handshake
 * that it goes back to.  NULL before tls_is_established. */
const struct hash *tls_peer_fingerprint(const struct tls *tls);

/* Why TLS_FAILED, for the log: static text ("certificate has expired").  "" before. */
const char *tls_words(const struct tls *tls);

/* Frees everything; the output with it.  Accepts NULL. */
void tls_close(struct tls *tls);

#endif
