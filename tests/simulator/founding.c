/* genesis.json and the certificates that it names, by way of /proc/self/fd. */
#include "tests/simulator/founding.h"

#include <inttypes.h>

#include "proto/base/time.h"
#include "proto/crypto/authority.h"
#include "tests/simulator/verdict.h"

/* Self-signed, P-256, for a hundred years; nobody has kept the keys. */
static const char *const certificates[TRUTH_BANKS] = {
    /* clang-format off */
    "-----BEGIN CERTIFICATE-----\n"
    "MIIBjjCCATOgAwIBAgIUVo7z9WHOFa4xXOHJeBa/PeqQJ44wCgYIKoZIzj0EAwIw\n"
    "GzEZMBcGA1UEAwwQU2ltdWxhdGVkIGJhbmsgMTAgFw0yNjExMjUxMTA5NDRaGA8y\n"
    "MTI2MTEwMTExMDk0NFowGzEZMBcGA1UEAwwQU2ltdWxhdGVkIGJhbmsgMTBZMBMG\n"
    "ByqGSM49AgEGCCqGSM49AwEHA0IABD6hZH+PyzQw4kjtuayUm691+5Y40GIXdvsg\n"
    "Ej3hs8G7QspEqgrdUdHWLyOdjN1eWsBT0FBh76zj0xxPn3g4U4ajUzBRMB0GA1Ud\n"
    "DgQWBBRfeI3obV6tE/N/NABh2Q7wfzFN2DAfBgNVHSMEGDAWgBRfeI3obV6tE/N/\n"
    "NABh2Q7wfzFN2DAPBgNVHRMBAf8EBTADAQH/MAoGCCqGSM49BAMCA0kAMEYCIQDl\n"
    "Imk8ccO1/GayGvQLjRivQwOzWGUxBUKasAxvVX+FYgIhAOE3Js/xnxDSdWIG/U6h\n"
    "LJ2hIjWg2aRWKmLJn0mIm3+D\n"
    "-----END CERTIFICATE-----\n",
    "-----BEGIN CERTIFICATE-----\n"
    "MIIBjjCCATOgAwIBAgIUc3QnrfND5Ds2Q+8EnhphutWoOEkwCgYIKoZIzj0EAwIw\n"
    "GzEZMBcGA1UEAwwQU2ltdWxhdGVkIGJhbmsgMjAgFw0yNjExMjUxMTA5NDRaGA8y\n"
    "MTI2MTEwMTExMDk0NFowGzEZMBcGA1UEAwwQU2ltdWxhdGVkIGJhbmsgMjBZMBMG\n"
    "ByqGSM49AgEGCCqGSM49AwEHA0IABP7mlnBb6jNmEWyC7yGS6ouVwAIO9ZOd/Jua\n"
    "aDgqHts4A4ldWM2bB63wPJ1UBH2mF0YrD9QfN9Ec/5BB0GUYP96jUzBRMB0GA1Ud\n"
    "DgQWBBT5yE/ruc2eRmwjRpHl0REbl/M0qjAfBgNVHSMEGDAWgBT5yE/ruc2eRmwj\n"
    "RpHl0REbl/M0qjAPBgNVHRMBAf8EBTADAQH/MAoGCCqGSM49BAMCA0kAMEYCIQCu\n"
    "2XzuPqkctI9fPEl10J/+5CS1mzieAOhwSA4hxCe7QwIhAOgXN7B+IyXCOY6CQRhf\n"
    "V8Cdb1YPTFtkTKq0G7TCRb48\n"
    "-----END CERTIFICATE-----\n",
    "-----BEGIN CERTIFICATE-----\n"
    "MIIBjTCCATOgAwIBAgIUHYo2OBwpGesqElIM3UPVCM6yUrowCgYIKoZIzj0EAwIw\n"
    "GzEZMBcGA1UEAwwQU2ltdWxhdGVkIGJhbmsgMzAgFw0yNjExMjUxMTA5NDRaGA8y\n"
    "MTI2MTEwMTExMDk0NFowGzEZMBcGA1UEAwwQU2ltdWxhdGVkIGJhbmsgMzBZMBMG\n"
    "ByqGSM49AgEGCCqGSM49AwEHA0IABE2m1ZDVpNKNt8HXl9xtAMjxonDdcpGMNz0z\n"
    "P1xuO+Wk+ixsQOxIEsh4MyVW3sK1elw5QK5a7kfTKHkNwUYMBIOjUzBRMB0GA1Ud\n"
    "DgQWBBQY/ZCaG14kGYi1eGx4n5Ug74LJ8TAfBgNVHSMEGDAWgBQY/ZCaG14kGYi1\n"
    "eGx4n5Ug74LJ8TAPBgNVHRMBAf8EBTADAQH/MAoGCCqGSM49BAMCA0gAMEUCIQCo\n"
    "h/4FPUo1jSX6Lp7jwlYJZ9xE3moon0Tgpw1w2dZpWAIgMvlK7nybMRZfTCt+n7qp\n"
    "nHSEzn8K/CnMxQHUSvQQQMQ=\n"
    "-----END CERTIFICATE-----\n",
    "-----BEGIN CERTIFICATE-----\n"
    "MIIBjDCCATOgAwIBAgIUIW+/JuzMrmBSH2MKnFFJ/7EdTCAwCgYIKoZIzj0EAwIw\n"
    "GzEZMBcGA1UEAwwQU2ltdWxhdGVkIGJhbmsgNDAgFw0yNjExMjUxMTA5NDRaGA8y\n"
    "MTI2MTEwMTExMDk0NFowGzEZMBcGA1UEAwwQU2ltdWxhdGVkIGJhbmsgNDBZMBMG\n"
    "ByqGSM49AgEGCCqGSM49AwEHA0IABILszs0IrJS/aQO0fxw2CPCEmcWlpq2MHVf0\n"
    "VRLae03x8+1xPsY5edk+8c0vRYRRJCpnPtpXKqnJMwr2Xi98HRqjUzBRMB0GA1Ud\n"
    "DgQWBBRtfnX7p+CB5cLObr7BIaKz5KO3ATAfBgNVHSMEGDAWgBRtfnX7p+CB5cLO\n"
    "br7BIaKz5KO3ATAPBgNVHRMBAf8EBTADAQH/MAoGCCqGSM49BAMCA0cAMEQCIEub\n"
    "dsm67pjLJaXfGdSuw6a8uIwqXHC5xudAVOvxAsJpAiA743YBXsWKpn45rRDr3GZu\n"
    "nFQHFEOS8lQZJpL+fBHJNg==\n"
    "-----END CERTIFICATE-----\n",
    "-----BEGIN CERTIFICATE-----\n"
    "MIIBjjCCATOgAwIBAgIUTtk1aQ3H6ZlYoSlKUxEHFkZXBHYwCgYIKoZIzj0EAwIw\n"
    "GzEZMBcGA1UEAwwQU2ltdWxhdGVkIGJhbmsgNTAgFw0yNjExMjUxMTA5NDRaGA8y\n"
    "MTI2MTEwMTExMDk0NFowGzEZMBcGA1UEAwwQU2ltdWxhdGVkIGJhbmsgNTBZMBMG\n"
    "ByqGSM49AgEGCCqGSM49AwEHA0IABAJi3NGblVy+6tRLXNg5gbdgTAq04OcISAZy\n"
    "XVaXg8ltiuH4UxM5M3eHJrs0bW1C+68btjgspH5f4gUocSphv2SjUzBRMB0GA1Ud\n"
    "DgQWBBTTyj8zxTXMKe2icX4PCMxMVXuexTAfBgNVHSMEGDAWgBTTyj8zxTXMKe2i\n"
    "cX4PCMxMVXuexTAPBgNVHRMBAf8EBTADAQH/MAoGCCqGSM49BAMCA0kAMEYCIQDn\n"
    "q0HTBE4oKg0Bc+HP8a6SyZtVOLsl+biIrQlKev9DvAIhAOFGZG5HmZjz/SWZsny1\n"
    "Awr55gq5Gp7Awct7chv5HD5Z\n"
    "-----END CERTIFICATE-----\n",
    "-----BEGIN CERTIFICATE-----\n"
    "MIIBjDCCATOgAwIBAgIUFfErG2TA4bw/LCZ/mQz0ErD3HAIwCgYIKoZIzj0EAwIw\n"
    "GzEZMBcGA1UEAwwQU2ltdWxhdGVkIGJhbmsgNjAgFw0yNjExMjUxMTA5NDRaGA8y\n"
    "MTI2MTEwMTExMDk0NFowGzEZMBcGA1UEAwwQU2ltdWxhdGVkIGJhbmsgNjBZMBMG\n"
    "ByqGSM49AgEGCCqGSM49AwEHA0IABKoxsd9XQ/BPnZYcVPAkH7CtU8qcjUpSA1gI\n"
    "5TsM8rNCcq7hZ2RNXPpVbERIFbgW6/y2bw0FV7ieoBLf8iM7VZujUzBRMB0GA1Ud\n"
    "DgQWBBT16cq/tJCDbdBVoa/j6j/F2v8aBTAfBgNVHSMEGDAWgBT16cq/tJCDbdBV\n"
    "oa/j6j/F2v8aBTAPBgNVHRMBAf8EBTADAQH/MAoGCCqGSM49BAMCA0cAMEQCIE1r\n"
    "NCFNXGVNdd33mafaAkrKZ89Il87duQIsZFFo/jRwAiAeTPm4xonZbk4OnImFfYyo\n"
    "kPozrU1P7cl02wCWpXbBvg==\n"
    "-----END CERTIFICATE-----\n",
    /* clang-format on */
};

static FILE *open_nameless(char path[FOUNDING_PATH_BYTES])
{
    FILE *const file = tmpfile();
    VERDICT(file != NULL, "no temporary file");
    (void)snprintf(path, FOUNDING_PATH_BYTES, "/proc/self/fd/%d", fileno(file));
    return file;
}

static void write_certificate(struct founding *founding, uint32_t bank,
                              char path[FOUNDING_PATH_BYTES])
{
    struct certificate *certificate = NULL;
    const char *words = "";
    founding->pems[bank] = open_nameless(path);
    VERDICT(fputs(certificates[bank], founding->pems[bank]) >= 0 &&
                fflush(founding->pems[bank]) == 0 &&
                certificate_load(&certificate, path, &words) == FAULT_NONE,
            "certificate %" PRIu32 ": %s", bank, words);
    founding->certificates[bank] = hash_of(certificate_der(certificate));
    certificate_close(certificate);
}

static void write_participant(FILE *file, uint32_t bank, const char *certificate_path)
{
    struct participant_code const code = truth_code(bank);
    struct participant_code const holder = truth_code(truth_account(bank));
    bool const is_holder = truth_account(bank) == bank;
    (void)fprintf(file,
                  "%s{\"code\":\"%.8s\",\"name\":\"Banco\",\"status\":\"active\","
                  "\"balance\":\"%s\",\"pacs008_max\":%" PRIu32 ",\"signing\":[\"%s\"]",
                  bank > 0 ? "," : "", code.text, is_holder ? "1000000.00" : "0.00",
                  1 + bank % 3 * 4, certificate_path);
    if (!is_holder) (void)fprintf(file, ",\"settles_through\":\"%.8s\"", holder.text);
    (void)fprintf(file, "}");
}

static void make_key(struct founding *founding)
{
    int64_t const from_ns = FOUNDING_START_NS - 86400 * TIME_NS_PER_SECOND;
    int64_t const until_ns = FOUNDING_START_NS + 86400 * 365 * TIME_NS_PER_SECOND;
    struct authority *authority;
    VERDICT(key_generate(&founding->key, KEY_RSA) == FAULT_NONE &&
                authority_open(&authority, "Simulated", from_ns, until_ns) == FAULT_NONE,
            "no key can be made");
    VERDICT(authority_issue(authority, AUTHORITY_SIGNING, "Simulated switch", founding->key,
                            from_ns, until_ns, &founding->certificate) == FAULT_NONE,
            "no certificate can be made");
    authority_close(authority);
}

void founding_open(struct founding *founding)
{
    make_key(founding);
    char path[FOUNDING_PATH_BYTES];
    founding->genesis = open_nameless(founding->genesis_path);
    (void)fprintf(founding->genesis, "{\"version\":1,\"participants\":[");
    for (uint32_t bank = 0; bank < TRUTH_BANKS; bank++) {
        write_certificate(founding, bank, path);
        write_participant(founding->genesis, bank, path);
    }
    VERDICT(fprintf(founding->genesis, "],\"operators\":[]}\n") > 0 &&
                fflush(founding->genesis) == 0,
            "genesis cannot be written");
}

void founding_close(struct founding *founding)
{
    certificate_close(founding->certificate);
    key_close(founding->key);
    (void)fclose(founding->genesis);
    for (uint32_t bank = 0; bank < TRUTH_BANKS; bank++)
        (void)fclose(founding->pems[bank]);
}
