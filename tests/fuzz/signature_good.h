/* signature_good: an Envelope signed with RSA, one of the same content signed with P-256, and their
 * certificates, whose keys were thrown away. */
#ifndef TESTS_FUZZ_SIGNATURE_GOOD_H
#define TESTS_FUZZ_SIGNATURE_GOOD_H

/* clang-format off */
#define SIGNATURE_GOOD_CERTIFICATE \
    "-----BEGIN CERTIFICATE-----\nMIICaDCCAg+gAwIBAgIQXxs0xF22vhjvdFxdfgKJOTAKBggqhkjOPQQDAjAf" \
    "MQ4w\nDAYDVQQKDAVDYXVjZTENMAsGA1UEAwwEZnV6ejAgFw03MDAxMDEwMDAwMDBaGA8y\nMDk2MTAwMjA3MDY0MF" \
    "owHzEOMAwGA1UECgwFQ2F1Y2UxDTALBgNVBAMMBGZ1enow\nggEiMA0GCSqGSIb3DQEBAQUAA4IBDwAwggEKAoIBA" \
    "QDJkaBqprerimDKNJrGEQPS\n1hr4/vROEfDjh494pbW8R4UXPeoCx8EHDj4mZl2VX8JVk4TNi4en9TnX4pzwi6kL" \
    "\nE2kYWZ6rLcRBi8BdsBKtKm9knxCVUh2RlDeX1utCY8j7zDQX5oF7coQKuv3cRzne\nImzLszlgZFwk5ZrPpwXU+c" \
    "JMop+jbSu8RUHiPgW15Fw/uN+SZId6W/3YuJ90DhaX\nE0Y9H+CCyvZUH0IifV8aI2cGmIU9uvkp6WHYTRxkxBsAd" \
    "P1ZT6DXLKTQOEbjkLM/\nQf4NERZsv+vh11wGfE7JHgU9E60zlnLUNPCS1fgwGTTDxlmgjXjcB1QlXB6LLnET\nAgM" \
    "BAAGjYDBeMAwGA1UdEwEB/wQCMAAwDgYDVR0PAQH/BAQDAgbAMB0GA1UdDgQW\nBBRSwHZeSxS4anK63aOO+HjjKs" \
    "e2XTAfBgNVHSMEGDAWgBTby26CiNnaL9P6pH3K\nKDYXUkhfkDAKBggqhkjOPQQDAgNHADBEAiBsz9Ox2TQ7/Kr9w" \
    "1LXjlV+Z5fALbBV\nERJ0wH23RjiqsQIgUUBXSEt197OVs6eTRIva25z2pgE6sznz4/rUxbDKypA=\n-----END CE" \
    "RTIFICATE-----\n"

#define SIGNATURE_GOOD_MESSAGE \
    "<Envelope xmlns=\"urn:cauce:envelope:1\"><AppHdr xmlns=\"urn:iso:std:iso:20022:tech:xsd:hea" \
    "d.001.001.02\"><BizMsgIdr>M1</BizMsgIdr><Sgntr><ds:Signature xmlns:ds=\"http://www.w3.org/" \
    "2000/09/xmldsig#\"><ds:SignedInfo><ds:CanonicalizationMethod Algorithm=\"http://www.w3.org" \
    "/2001/10/xml-exc-c14n#\"></ds:CanonicalizationMethod><ds:SignatureMethod Algorithm=\"http:" \
    "//www.w3.org/2001/04/xmldsig-more#rsa-sha256\"></ds:SignatureMethod><ds:Reference URI=\"\">" \
    "<ds:Transforms><ds:Transform Algorithm=\"http://www.w3.org/2000/09/xmldsig#enveloped-sign" \
    "ature\"></ds:Transform><ds:Transform Algorithm=\"http://www.w3.org/2001/10/xml-exc-c14n#\">" \
    "</ds:Transform></ds:Transforms><ds:DigestMethod Algorithm=\"http://www.w3.org/2001/04/xml" \
    "enc#sha256\"></ds:DigestMethod><ds:DigestValue>qiucDeU0Fj1zk7QT19Bw9hP1c8s/zRKBtsR81pMSvL" \
    "Y=</ds:DigestValue></ds:Reference></ds:SignedInfo><ds:SignatureValue>VCVMOVyNLIfWVTrHNXB" \
    "eyQjO8yL32PrKTCKU0q466KF6NLU3YqI231wPzfFeAVII8M9FHiXNkazHV6o+aCjOF8fkKinQmLfJct0DpgRrbLN" \
    "6ISYziDUkOqueSD8qT3SPwrydup8NAki6K2GDdnFrLj1+Sv3RmGKR9r7uubLzXXsiVDuwzOcTomyTzlZDNQGynv9" \
    "SXSe/iRVxZKEe/551f+Rs1PA1vs2eqVa23AWjdVkfBi7iUdLvp9xPqGgPC8ds9GHB2jNoRb8irlTLTs8qbIOOSZ8" \
    "VzgmwiDI+0kYsqXAxOVSs/hNMTYGmZUqwFATM59VNBD5IEPNJiQAuhHsgOw==</ds:SignatureValue><ds:Key" \
    "Info><ds:X509Data><ds:X509Certificate>MIICaDCCAg+gAwIBAgIQXxs0xF22vhjvdFxdfgKJOTAKBggqhk" \
    "jOPQQDAjAfMQ4wDAYDVQQKDAVDYXVjZTENMAsGA1UEAwwEZnV6ejAgFw03MDAxMDEwMDAwMDBaGA8yMDk2MTAwMj" \
    "A3MDY0MFowHzEOMAwGA1UECgwFQ2F1Y2UxDTALBgNVBAMMBGZ1enowggEiMA0GCSqGSIb3DQEBAQUAA4IBDwAwgg" \
    "EKAoIBAQDJkaBqprerimDKNJrGEQPS1hr4/vROEfDjh494pbW8R4UXPeoCx8EHDj4mZl2VX8JVk4TNi4en9TnX4p" \
    "zwi6kLE2kYWZ6rLcRBi8BdsBKtKm9knxCVUh2RlDeX1utCY8j7zDQX5oF7coQKuv3cRzneImzLszlgZFwk5ZrPpw" \
    "XU+cJMop+jbSu8RUHiPgW15Fw/uN+SZId6W/3YuJ90DhaXE0Y9H+CCyvZUH0IifV8aI2cGmIU9uvkp6WHYTRxkxB" \
    "sAdP1ZT6DXLKTQOEbjkLM/Qf4NERZsv+vh11wGfE7JHgU9E60zlnLUNPCS1fgwGTTDxlmgjXjcB1QlXB6LLnETAg" \
    "MBAAGjYDBeMAwGA1UdEwEB/wQCMAAwDgYDVR0PAQH/BAQDAgbAMB0GA1UdDgQWBBRSwHZeSxS4anK63aOO+HjjKs" \
    "e2XTAfBgNVHSMEGDAWgBTby26CiNnaL9P6pH3KKDYXUkhfkDAKBggqhkjOPQQDAgNHADBEAiBsz9Ox2TQ7/Kr9w1" \
    "LXjlV+Z5fALbBVERJ0wH23RjiqsQIgUUBXSEt197OVs6eTRIva25z2pgE6sznz4/rUxbDKypA=</ds:X509Certi" \
    "ficate></ds:X509Data></ds:KeyInfo></ds:Signature></Sgntr></AppHdr><Document xmlns=\"urn:i" \
    "so:std:iso:20022:tech:xsd:pacs.008.001.08\"><A Ccy=\"MXN\">12.34</A></Document></Envelope>"

#define SIGNATURE_GOOD_P256_CERTIFICATE \
    "-----BEGIN CERTIFICATE-----\nMIIBQTCB56ADAgECAhRunrK4d7jicFNCgG4UBKZtu26a1DAKBggqhkjOPQQDA" \
    "jAP\nMQ0wCwYDVQQDDARmdXp6MB4XDTI2MTEyNDE0NDMwN1oXDTI2MTIyNTE0NDMwN1ow\nDzENMAsGA1UEAwwEZnV" \
    "6ejBZMBMGByqGSM49AgEGCCqGSM49AwEHA0IABCehc1MZ\nQPDhR5KSumMj2Fk+055c+y0SXPXAHdjFejVOKDK2//w" \
    "Qm3HfYhfrxrouXOrFiAjq\nAhH/l7QQiOhlq8CjITAfMB0GA1UdDgQWBBQEWTo15K1+VuhQyh07d8eG8YdDIjAK\nB" \
    "ggqhkjOPQQDAgNJADBGAiEAnpD44LM7Yd3IfeEFqY39iLUhtu7WHqfYxY38E4kJ\nchECIQC8Wx2btq0Azn7Jyy02+" \
    "ZzkMY2x37XZ/OGttfDbwelASg==\n-----END CERTIFICATE-----\n"

#define SIGNATURE_GOOD_P256_MESSAGE \
    "<Envelope xmlns=\"urn:cauce:envelope:1\"><AppHdr xmlns=\"urn:iso:std:iso:20022:tech:xsd:he" \
    "ad.001.001.02\"><BizMsgIdr>M1</BizMsgIdr><Sgntr><ds:Signature xmlns:ds=\"http://www.w3.org" \
    "/2000/09/xmldsig#\"><ds:SignedInfo xmlns:ds=\"http://www.w3.org/2000/09/xmldsig#\"><ds:Can" \
    "onicalizationMethod Algorithm=\"http://www.w3.org/2001/10/xml-exc-c14n#\"></ds:Canonicaliz" \
    "ationMethod><ds:SignatureMethod Algorithm=\"http://www.w3.org/2001/04/xmldsig-more#ecdsa-s" \
    "ha256\"></ds:SignatureMethod><ds:Reference URI=\"\"><ds:Transforms><ds:Transform Algorithm" \
    "=\"http://www.w3.org/2000/09/xmldsig#enveloped-signature\"></ds:Transform><ds:Transform Al" \
    "gorithm=\"http://www.w3.org/2001/10/xml-exc-c14n#\"></ds:Transform></ds:Transforms><ds:Dig" \
    "estMethod Algorithm=\"http://www.w3.org/2001/04/xmlenc#sha256\"></ds:DigestMethod><ds:Dige" \
    "stValue>qiucDeU0Fj1zk7QT19Bw9hP1c8s/zRKBtsR81pMSvLY=</ds:DigestValue></ds:Reference></ds:S" \
    "ignedInfo><ds:SignatureValue>vjpK/J4uVftqTqWVcj20e08PLs8jPkgo+b7OHgeqONqI5aC2NBQhU6yvIJKei" \
    "51DRFmK3NJNQpzdu4T+8A6ysQ==</ds:SignatureValue><ds:KeyInfo><ds:X509Data><ds:X509Certificat" \
    "e>MIIBQTCB56ADAgECAhRunrK4d7jicFNCgG4UBKZtu26a1DAKBggqhkjOPQQDAjAPMQ0wCwYDVQQDDARmdXp6MB4X" \
    "DTI2MTEyNDE0NDMwN1oXDTI2MTIyNTE0NDMwN1owDzENMAsGA1UEAwwEZnV6ejBZMBMGByqGSM49AgEGCCqGSM49Aw" \
    "EHA0IABCehc1MZQPDhR5KSumMj2Fk+055c+y0SXPXAHdjFejVOKDK2//wQm3HfYhfrxrouXOrFiAjqAhH/l7QQiOhl" \
    "q8CjITAfMB0GA1UdDgQWBBQEWTo15K1+VuhQyh07d8eG8YdDIjAKBggqhkjOPQQDAgNJADBGAiEAnpD44LM7Yd3Ife" \
    "EFqY39iLUhtu7WHqfYxY38E4kJchECIQC8Wx2btq0Azn7Jyy02+ZzkMY2x37XZ/OGttfDbwelASg==</ds:X509Cer" \
    "tificate></ds:X509Data></ds:KeyInfo></ds:Signature></Sgntr></AppHdr><Document xmlns=\"urn:" \
    "iso:std:iso:20022:tech:xsd:pacs.008.001.08\"><A Ccy=\"MXN\">12.34</A></Document></Envelope" \
    ">"
/* clang-format on */

#endif
