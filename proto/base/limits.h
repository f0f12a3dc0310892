/* limits: every bound of the switch in one place, each with its reason.
 *
 * WIRE bounds come from the contract and pass at the bound itself; the others keep memory and time
 * bounded whatever comes from outside. */
#ifndef PROTO_BASE_LIMITS_H
#define PROTO_BASE_LIMITS_H

/* WIRE section 1, "Limits". */
#define LIMIT_MESSAGE_BYTES (64 * 1024) /* one message, after decompression */
#define LIMIT_BODY_BYTES (640 * 1024)   /* one body, as sent and decompressed */
#define LIMIT_PARTS 10                  /* messages in one body, or in one answer */
#define LIMIT_HEAD_BYTES (16 * 1024)    /* request line and headers, blank line included */
#define LIMIT_HEADERS 64                /* headers of a request */
#define LIMIT_TARGET_BYTES (4 * 1024)   /* request target */
#define LIMIT_PIPELINED 16              /* requests read ahead behind a waiting poll */
#define LIMIT_BOUNDARY_BYTES 70         /* RFC 2046, 5.1.1 */

/* Chunk extensions and leading zeros of one body: nobody uses them, they cost reading time. */
#define LIMIT_CHUNK_OVERHEAD_BYTES (4 * 1024)

/* Blocks of one gzip member: a block that brings its own codes counts as 16, so there may be 4,096 of
 * these, 4 ms.  Compressors write one for some 10,000 bytes; 640 KiB of empty ones would take 50 ms. */
#define LIMIT_GZIP_WORK (64 * 1024)
#define LIMIT_GZIP_CODES_WORK 16

/* WIRE section 2, "Bounds". */
#define LIMIT_XML_DEPTH 64       /* the root is 1 */
#define LIMIT_XML_ATTRIBUTES 32  /* attributes and namespace declarations of an element */
#define LIMIT_XML_NAME_BYTES 128 /* a name as written, prefix included */

/* WIRE section 4. */
#define LIMIT_TRANSACTIONS 10 /* transactions in one message, in or out */

/* Nodes of one message: "x<a/>" is 5 bytes and two of them, a text and an element; where the message
 * ends before it is closed "x<a>" is 4, once for each level of depth. */
#define LIMIT_XML_NODES ((LIMIT_MESSAGE_BYTES + LIMIT_XML_DEPTH) / 5 * 2 + 4)

/* Attributes of one message: " a=''" is 5 bytes. */
#define LIMIT_XML_ATTRIBUTES_ALL (LIMIT_MESSAGE_BYTES / 5 + 1)

/* Distinct prefixes and namespace names of one message: " xmlns:a='b'" is 12 bytes and two of them;
 * five more are known from the start. */
#define LIMIT_XML_NAMES (LIMIT_MESSAGE_BYTES / 6 + 6)

/* Canonical form of one message: "&" grows 1 : 1, ">" 1 : 4, "<a/>" 4 : 7; only namespaces declared
 * far above their use can make more, without bound, and no honest sender does that. */
#define LIMIT_CANONICAL_BYTES (4 * LIMIT_MESSAGE_BYTES)

/* PI-ResourceId and every identifier of ISO's Max35Text. */
#define LIMIT_ID_BYTES 35

/* admi.002 ErrLctn and RsnDesc (ISO: Max350Text). */
#define LIMIT_LOCATION_BYTES 350

/* Participants of one switch: PIX has about 900; tables are sized for it at start. */
#define LIMIT_PARTICIPANTS 4096

/* Active certificates of one participant and purpose (a rollover needs two). */
#define LIMIT_CERTIFICATES 8

/* Net loops: one per core of the largest machine that one settlement thread can feed. */
#define LIMIT_LOOPS 64

/* Streams of one participant that a configuration may ask for; WIRE's own number is 6. */
#define LIMIT_STREAMS 64

/* Configuration: a host name (RFC 1035), one value or path (Linux opens up to 4,096), the longest
 * name of a librdkafka setting with room to grow, and as many settings as anyone has needed. */
#define LIMIT_HOST_BYTES 255
#define LIMIT_CONFIG_VALUE_BYTES 1023
#define LIMIT_CONFIG_NAME_BYTES 127
#define LIMIT_RDKAFKA_KEYS 64

/* Names of participants and operators: ISO's Max140Text, at most 4 bytes a character. */
#define LIMIT_NAME_BYTES 560

/* Operators of one switch: a few teams in shifts. */
#define LIMIT_OPERATORS 256

/* What waits for the broker inside librdkafka; the rest waits in the ledger, where it is anyway.
 * 20,000 entries are a quarter of a second at the fastest the publisher was seen to go. */
#define LIMIT_KAFKA_QUEUE 20000
#define LIMIT_KAFKA_QUEUE_KIB (64 * 1024)

/* A PEM file: a key or a certificate with its chain takes at most a few KiB. */
#define LIMIT_PEM_BYTES (64 * 1024)

/* TLS: the certificates that a peer may show (a chain of RSA-4096 takes about 2 KiB each), the CAs
 * between it and ours, and how long a session may be resumed (WIRE section 1's answer on
 * certificates that expire or are withdrawn: the CA is asked again at least every hour). */
#define LIMIT_TLS_CHAIN_BYTES (16 * 1024)
#define LIMIT_TLS_CHAIN_DEPTH 4
#define LIMIT_TLS_TICKET_SECONDS 3600

/* Changes of keys on one connection (RFC 8446, 4.6.3): libraries make one in many GiB, if any, and each
 * costs as much as reading 30 KiB; the connection is closed then. */
#define LIMIT_TLS_KEY_UPDATES 64

/* Ledger: bytes of received messages in one block, 128 of the largest, so that a commit's frame is
 * packed in memory taken at start; a directory's path with the longest file name behind it. */
#define LIMIT_EVIDENCE_BLOCK_BYTES (8 * 1024 * 1024)
#define LIMIT_LEDGER_PATH_BYTES 1023

/* Write-ahead log of the ledger (DESIGN, "The ledger"): beyond it a start after a crash would have
 * to read too much. */
#define LIMIT_WAL_BYTES (64 * 1024 * 1024)

/* Room on the ledger's disk.  Below the first no new payments are taken: the log can grow to its bound,
 * its checkpoint as much in the segment, a turn that is on its way brings 16 MiB of entries and
 * messages, and as much as all that again goes to the index, to signatures, and to whatever comes
 * between two looks.  Below the second the reserve is freed: it is the log's bound, so that it can
 * always be moved.  A payment in flight then takes 1 to 3 KiB to be settled. */
#define LIMIT_DISK_LOW_BYTES (256 * 1024 * 1024)
#define LIMIT_DISK_LAST_BYTES LIMIT_WAL_BYTES
#define LIMIT_DISK_LOOK_MS 100

/* Segments of a ledger: their files' names have six digits; one a day lasts 2,700 years. */
#define LIMIT_SEGMENTS 999999

/* Payments that one page of a search passes over at most: some 20 ms, which an operator's screen can
 * wait for. */
#define LIMIT_SEARCH_EXAMINED 20000

/* Deliveries of one participant that were offered and not confirmed: 6 streams of 10 messages of 10
 * transactions, with room for what streams that were given up still hold. */
#define LIMIT_OUTSTANDING 1024

/* Connections of one port on one loop: banks hold a few each (6 streams and some for sending), and
 * one takes about 60 KiB. */
#define LIMIT_LOOP_CONNECTIONS 4096

/* Of these, of one participant: ten times what the busiest bank needs, a sixteenth of all. */
#define LIMIT_OWNER_CONNECTIONS 256

/* Of these, of one address (IPv4 /32, IPv6 /64) while it is not known whose they are: as many banks
 * as can come at the same instant from behind one translated address, an eighth of all. */
#define LIMIT_STRANGERS_EACH 512

/* Reads of such connections each time the loop's duty runs, and connections that are taken over: a
 * step of a TLS handshake takes 100 to 300 us, its memory 50, and payments wait meanwhile. */
#define LIMIT_STRANGER_STEPS 2
#define LIMIT_STRANGERS_TAKEN 4

/* Bodies, polls and receipts of one loop that settlement has not answered yet: two milliseconds of
 * work at the best rate known, and every participant's streams on a machine of two loops. */
#define LIMIT_LOOP_OUTSTANDING 4096

/* Of these, bodies of one participant: with a commit in 20 ms still 12,800 bodies a second. */
#define LIMIT_OWNER_OUTSTANDING 256

/* Receipts of one participant that a loop has asked for: the reader thread, which also reads what is
 * delivered to others, takes up to 20 ms for one of the largest block, some 0.1 ms as a rule. */
#define LIMIT_OWNER_RECEIPTS 32

/* Sent behind a request that waits, kept until its turn: 16 heads of 4 KiB; then reading stops. */
#define LIMIT_READ_AHEAD_BYTES (64 * 1024)

/* After a refusal the rest of a body is read and thrown away for so long (WIRE section 1). */
#define LIMIT_LINGER_SECONDS 5

/* A client that has not taken an answer whole after so long is cut: 3 MiB at 1.2 Mbit/s. */
#define LIMIT_STALL_SECONDS 20

/* A clean stop lets answers go out for so long (WIRE section 6 gives the whole process 5 s). */
#define LIMIT_STOP_SECONDS 3

/* What one body can put into a ring of commands: its messages, the canonical transactions of each
 * (LIMIT_CANONICAL_BYTES together), and the records themselves. */
#define LIMIT_BODY_COMMAND_BYTES                                                                   \
    (LIMIT_PARTS * (LIMIT_MESSAGE_BYTES + LIMIT_CANONICAL_BYTES) + 128 * 1024)

/* What the ends of all open polls can put there, two records of at most 64 bytes each. */
#define LIMIT_POLL_END_BYTES (2 * LIMIT_LOOP_OUTSTANDING * 64)

/* A ring of commands: the two above with as much again for what waits. */
#define LIMIT_COMMAND_RING_BYTES (16 * 1024 * 1024)

/* Canonical form of one transaction: as much as its whole message may have; only namespaces declared
 * far above their use could make it longer.  Settlement and loops size their buffers by it. */
#define LIMIT_TRANSACTION_BYTES LIMIT_MESSAGE_BYTES

/* Transactions of one forwarded message, and of one poll's messages. */
#define LIMIT_FORWARD_BYTES (LIMIT_TRANSACTIONS * LIMIT_TRANSACTION_BYTES)
#define LIMIT_POLL_REPLY_BYTES (LIMIT_PARTS * LIMIT_FORWARD_BYTES)

/* Signed messages that a loop keeps for redelivery: 3,000 of 5 KiB. */
#define LIMIT_SHELF_BYTES (16 * 1024 * 1024)

/* Entries that the publisher holds between reading them and their record in cauce.ledger.v1: with
 * a broker that answers in 5 ms, 200,000 entries a second pass; a power of two. */
#define LIMIT_PUBLISHER_WINDOW 1024

/* Signature: what KeyInfo may name (a chain has a few certificates, each perhaps named in four ways),
 * and the elements that may then carry an Id: 12 of the shape, and per part X509Data, the part and
 * two below X509IssuerSerial. */
#define LIMIT_KEY_INFO_PARTS 64
#define LIMIT_SIGNATURE_IDS (12 + 4 * LIMIT_KEY_INFO_PARTS)

/* Answers without entries (admi.002, repeated results, balances) that wait for their receivers: of
 * one participant, as many as ten full bodies can cause; of all together, 25 MiB. */
#define LIMIT_TRANSIENT_EACH 1024
#define LIMIT_TRANSIENT 32768

/* What the answer to one poll can take in a ring: ten messages of ten transactions, each read back
 * with the whole message that it came in. */
#define LIMIT_RESULT_BYTES (LIMIT_PARTS * LIMIT_TRANSACTIONS * (LIMIT_MESSAGE_BYTES + 1024))

/* What the answers without messages to all that a loop may have outstanding can take. */
#define LIMIT_REPLY_BYTES (LIMIT_LOOP_OUTSTANDING * 96)

/* Rings that carry such answers: to each loop, to the reader thread and back. */
#define LIMIT_REPLY_RING_BYTES (16 * 1024 * 1024)

/* What a clean stop grants the follower for its last look and a snapshot (WIRE section 6: 5 s for
 * all); a state of 100 MiB is written in that time. */
#define LIMIT_FOLLOWER_STOP_MS 1000

/* The operators' and the health port: a request's time, an idle connection's, and what a clean stop
 * grants their answers, which come after the participants' (WIRE section 6: 5 s for all). */
#define LIMIT_ADMIN_REQUEST_SECONDS 10
#define LIMIT_ADMIN_IDLE_SECONDS 120
#define LIMIT_ADMIN_STOP_MS 500

/* Invariants that seem broken are looked at again every so often, and for so long, before that is
 * said: a thread that is showing figures may have been put to sleep in the middle of it. */
#define LIMIT_ADMIN_LOOK_AGAIN_MS 5
#define LIMIT_ADMIN_DOUBT_MS 1000

#endif
