/* iso_sample: lawful messages as texts, and edits of them, for the suites of proto/iso. */
#ifndef TESTS_CHECK_ISO_SAMPLE_H
#define TESTS_CHECK_ISO_SAMPLE_H

#include <check.h>
#include <stdio.h>
#include <string.h>

#include "proto/base/limits.h"
#include "proto/base/span.h"

#define SAMPLE_BYTES (2 * LIMIT_MESSAGE_BYTES)
#define SAMPLE_NOW_NS INT64_C(1795284000123000000) /* 2026-11-21T18:00:00.123Z */
#define SAMPLE_PARTY(code)                                                                         \
    "<FIId><FinInstnId><ClrSysMmbId><MmbId>" code "</MmbId></ClrSysMmbId></FinInstnId></FIId>"
#define SAMPLE_AGENT(code)                                                                         \
    "<FinInstnId><ClrSysMmbId><MmbId>" code "</MmbId></ClrSysMmbId></FinInstnId>"

#define SAMPLE_HEADER(identifier)                                                                  \
    "<AppHdr xmlns=\"urn:iso:std:iso:20022:tech:xsd:head.001.001.02\">"                            \
    "<Fr>" SAMPLE_PARTY("10000001") "</Fr><To>" SAMPLE_PARTY(                                      \
        "00038166") "</To>"                                                                        \
                    "<BizMsgIdr>M1</BizMsgIdr><MsgDefIdr>" identifier "</MsgDefIdr>"               \
                    "<CreDt>2026-11-21T18:00:00.123Z</CreDt></AppHdr>"

#define SAMPLE_ENVELOPE(identifier, content)                                                       \
    "<Envelope xmlns=\"urn:cauce:envelope:1\">" SAMPLE_HEADER(                                     \
        identifier) "<Document xmlns=\"urn:iso:std:iso:20022:tech:xsd:" identifier "\">" content   \
                    "</Document></Envelope>"

#define SAMPLE_TRANSACTION(id)                                                                     \
    "<CdtTrfTxInf><PmtId><InstrId>I-" id "</InstrId><EndToEndId>" id "</EndToEndId>"               \
    "<UETR>eb6305c9-1f7f-49de-aed0-16487c27b42d</UETR></PmtId>"                                    \
    "<IntrBkSttlmAmt Ccy=\"MXN\">12.34</IntrBkSttlmAmt>"                                           \
    "<AccptncDtTm>2026-11-21T17:59:59.5Z</AccptncDtTm><ChrgBr>SLEV</ChrgBr>"                       \
    "<Dbtr><Nm>Ana</Nm></Dbtr><DbtrAgt>" SAMPLE_AGENT(                                             \
        "10000001") "</DbtrAgt>"                                                                   \
                    "<CdtrAgt>" SAMPLE_AGENT(                                                      \
                        "10000002") "</CdtrAgt><Cdtr><Nm>Beto</Nm></Cdtr></CdtTrfTxInf>"

#define SAMPLE_PACS_008                                                                            \
    SAMPLE_ENVELOPE("pacs.008.001.08",                                                             \
                    "<FIToFICstmrCdtTrf><GrpHdr><MsgId>M1</MsgId>"                                 \
                    "<CreDtTm>2026-11-21T18:00:00.123Z</CreDtTm><NbOfTxs>2</NbOfTxs>"              \
                    "<SttlmInf><SttlmMtd>CLRG</SttlmMtd></SttlmInf></GrpHdr>" SAMPLE_TRANSACTION(  \
                        "E1") SAMPLE_TRANSACTION("E2") "</FIToFICstmrCdtTrf>")

#define SAMPLE_ANSWER(id, status)                                                                  \
    "<TxInfAndSts><OrgnlInstrId>I-" id "</OrgnlInstrId>"                                           \
    "<OrgnlEndToEndId>" id "</OrgnlEndToEndId><TxSts>" status "</TxSts>"

#define SAMPLE_PACS_002                                                                            \
    SAMPLE_ENVELOPE(                                                                               \
        "pacs.002.001.10",                                                                         \
        "<FIToFIPmtStsRpt><GrpHdr><MsgId>M1</MsgId>"                                               \
        "<CreDtTm>2026-11-21T18:00:00Z</CreDtTm></GrpHdr>" SAMPLE_ANSWER(                          \
            "E1", "ACSP") "</TxInfAndSts>" SAMPLE_ANSWER("E2",                                     \
                                                         "RJCT") "<StsRsnInf><Rsn><Cd>AC03</Cd></" \
                                                                 "Rsn></StsRsnInf></TxInfAndSts>"  \
                                                                 "</FIToFIPmtStsRpt>")

#define SAMPLE_CAMT_060                                                                            \
    SAMPLE_ENVELOPE("camt.060.001.05",                                                             \
                    "<AcctRptgReq><GrpHdr><MsgId>M1</MsgId>"                                       \
                    "<CreDtTm>2026-11-21T18:00:00Z</CreDtTm></GrpHdr><RptgReq>"                    \
                    "<ReqdMsgNmId>camt.052.001.08</ReqdMsgNmId>"                                   \
                    "<Acct><Id><Othr><Id>10000001</Id></Othr></Id></Acct>"                         \
                    "<AcctOwnr><Agt>" SAMPLE_AGENT("10000001") "</Agt></AcctOwnr></RptgReq>"       \
                                                               "</AcctRptgReq>")

#define SAMPLE_ADMI_002                                                                            \
    SAMPLE_ENVELOPE("admi.002.001.01",                                                             \
                    "<admi.002.001.01><RltdRef><Ref>X</Ref></RltdRef>"                             \
                    "<Rsn><RjctgPtyRsn>SCHEMA</RjctgPtyRsn></Rsn></admi.002.001.01>")

/* Replaces the first `find` in the text of `size` bytes within `text`; it must be there. */
static inline void sample_edit(char text[SAMPLE_BYTES], const char *find, const char *replace)
{
    char *const at = strstr(text, find);
    ck_assert_msg(at != NULL, "not in the sample: %s", find);
    size_t const tail = strlen(at + strlen(find)) + 1;
    ck_assert(strlen(text) + strlen(replace) < SAMPLE_BYTES);
    memmove(at + strlen(replace), at + strlen(find), tail);
    memcpy(at, replace, strlen(replace));
}

/* sample_edit on the last `find`. */
static inline void sample_edit_last(char text[SAMPLE_BYTES], const char *find, const char *replace)
{
    char *last = strstr(text, find);
    ck_assert_msg(last != NULL, "not in the sample: %s", find);
    for (char *next = last; next != NULL; next = strstr(next + 1, find))
        last = next;
    size_t const tail = strlen(last + strlen(find)) + 1;
    ck_assert(strlen(text) + strlen(replace) < SAMPLE_BYTES);
    memmove(last + strlen(replace), last + strlen(find), tail);
    memcpy(last, replace, strlen(replace));
}

#endif
