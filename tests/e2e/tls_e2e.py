#!/usr/bin/python3
"""WIRE section 1, the TLS of the banks' port: versions, ciphers, ALPN, resumption, renegotiation,
and whose certificate lets whom in."""

import datetime
import socket
import ssl
import subprocess
import time
import warnings

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

import message
import wire
from harness import Suite, equal, expect, finish, problem

A, B = "10000001", "10000002"
CATALOG = f"/api/v1/in/{A}/catalog"
CHANNEL = f"participants/{A}/channel"
NOW = datetime.datetime.now(datetime.timezone.utc)
DAY = datetime.timedelta(days=1)
FAILED = (ssl.SSLError, ConnectionError, wire.Closed)

GOOD_CIPHERS = tuple(f"ECDHE-ECDSA-{one}" for one in (
    "AES128-GCM-SHA256", "AES256-GCM-SHA384", "CHACHA20-POLY1305"))
BAD_CIPHERS = ("ECDHE-ECDSA-AES128-SHA256", "ECDHE-ECDSA-AES256-SHA", "ECDHE-ECDSA-AES128-CCM",
               "AES128-GCM-SHA256", "AES128-SHA", "DHE-RSA-AES128-GCM-SHA256")
GOOD_SUITES = ("TLS_AES_128_GCM_SHA256", "TLS_AES_256_GCM_SHA384",
               "TLS_CHACHA20_POLY1305_SHA256")


class Authority:
    """A certification authority of the test; every certificate that it issues is a pair of files."""

    def __init__(self, folder, name, issuer=None):
        self.folder = folder
        self.issuer = issuer
        self.key = ec.generate_private_key(ec.SECP256R1())
        self.name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
        above = issuer or self
        self.certificate = above.sign(self.name, self.key.public_key(), [
            x509.BasicConstraints(ca=True, path_length=None)])

    def sign(self, name, public, extensions, first=NOW - DAY, last=NOW + DAY):
        builder = x509.CertificateBuilder(
            issuer_name=self.name, subject_name=name, public_key=public,
            serial_number=x509.random_serial_number(), not_valid_before=first,
            not_valid_after=last)
        for one in extensions:
            builder = builder.add_extension(one, isinstance(one, x509.BasicConstraints))
        return builder.sign(self.key, hashes.SHA256())

    def issue(self, name, bits=0, usage=ExtendedKeyUsageOID.CLIENT_AUTH, chain=(), **validity):
        """Writes NAME.crt (with the certificates of `chain` behind it) and NAME.key."""
        key = (rsa.generate_private_key(65537, bits) if bits
               else ec.generate_private_key(ec.SECP256R1()))
        subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
        extensions = [x509.BasicConstraints(ca=False, path_length=None)]
        if usage is not None:
            extensions.append(x509.ExtendedKeyUsage([usage]))
        own = self.sign(subject, key.public_key(), extensions, **validity)
        write(self.folder / f"{name}.crt", own, *chain)
        (self.folder / f"{name}.key").write_bytes(key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption()))


def write(path, *certificates):
    path.write_bytes(b"".join(one.public_bytes(serialization.Encoding.PEM)
                              for one in certificates))


ACCEPTED = (  # name, what
    ("second", "a second active certificate of the participant"),
    ("rsa", "an RSA key of 2,048 bits"),
    ("any-usage", "a certificate without extended key usage"),
    ("chained", "a certificate behind an intermediate authority, which the client shows"),
)
REFUSED = (
    ("expired", "expired, though registered"),
    ("future", "not valid yet, though registered"),
    ("server", "for servers only, though registered"),
    ("selfsigned", "self-signed, though registered"),
    ("stranger", "of another authority, though registered"),
    ("orphan", "whose intermediate authority is not shown, though registered"),
)


def make_certificates(genesis, folder):
    """All but `nobody` are registered to A; ca.crt then names two authorities."""
    ours, stranger = Authority(folder, "ours"), Authority(folder, "stranger")
    below = Authority(folder, "below", issuer=ours)
    ours.issue("second")
    ours.issue("nobody")
    ours.issue("rsa", bits=2048)
    ours.issue("any-usage", usage=None)
    below.issue("chained", chain=[below.certificate])
    below.issue("orphan")
    ours.issue("expired", first=NOW - 2 * DAY, last=NOW - DAY)
    ours.issue("future", first=NOW + DAY, last=NOW + 2 * DAY)
    ours.issue("server", usage=ExtendedKeyUsageOID.SERVER_AUTH)
    stranger.issue("stranger")
    alone = Authority(folder, "selfsigned")
    write(folder / "selfsigned.crt", alone.certificate)
    (folder / "selfsigned.key").write_bytes(alone.key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption()))
    with open(folder / "ca.crt", "ab") as authorities:
        authorities.write(ours.certificate.public_bytes(serialization.Encoding.PEM))
    # A participant has at most 8 active certificates of a kind, so B has the rest.
    names = [name for name, _ in ACCEPTED + REFUSED]
    for place, some in ((0, names[:7]), (1, names[7:])):
        genesis["participants"][place]["channel"] += [f"{name}.crt" for name in some]


class Asked:
    """A first request over such a context; a handshake may fail only there."""

    def __init__(self, environment, context, code=A, **options):
        connection = wire.Connection(environment.port, context, **options)
        try:
            self.response = connection.request("GET", f"/api/v1/in/{code}/catalog")
            self.status = self.response.status
            self.cipher = connection.socket.cipher()[0]
            self.protocol = connection.socket.selected_alpn_protocol()
            self.session = connection.socket.session
            self.resumed = connection.socket.session_reused
        finally:
            connection.close()


def refuses(suite, environment, what, context):
    with suite.case(f"no handshake: {what}"):
        try:
            status = Asked(environment, context).status
        except FAILED:
            pass
        else:
            raise AssertionError(f"a request got {status}")
        equal(environment.bank(A).request("GET", CATALOG).status, 200, "status of another")


def old_context(environment, pair=None, version=ssl.TLSVersion.TLSv1_2, ciphers="DEFAULT"):
    """One version only, with ciphers that OpenSSL itself would rather not offer."""
    context = environment.context(pair)
    context.set_ciphers(f"{ciphers}:@SECLEVEL=0")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        context.minimum_version = context.maximum_version = version
    return context


# ---- versions, ciphers, protocols ----


def versions(suite, environment):
    with suite.case("TLS 1.3 with ALPN http/1.1"):
        connection = environment.bank(A).connect()
        equal((connection.socket.version(), connection.socket.selected_alpn_protocol()),
              ("TLSv1.3", "http/1.1"), "TLS")
        connection.close()
    for cipher in GOOD_CIPHERS:
        with suite.case(f"TLS 1.2 with {cipher}"):
            asked = Asked(environment, old_context(environment, CHANNEL, ciphers=cipher))
            equal((asked.status, asked.cipher), (200, cipher), "status, cipher")
    for cipher in BAD_CIPHERS:
        refuses(suite, environment, f"TLS 1.2 with {cipher}",
                old_context(environment, CHANNEL, ciphers=cipher))
    for version in (ssl.TLSVersion.TLSv1, ssl.TLSVersion.TLSv1_1):
        refuses(suite, environment, version.name,
                old_context(environment, CHANNEL, version, "ALL"))
    for name in GOOD_SUITES:
        with suite.case(f"TLS 1.3 with {name}"):
            said = client(environment, "-quiet", "-tls1_3", "-ciphersuites", name,
                          lines=[request()])
            equal(said[:15], "HTTP/1.1 200 OK", "answer")
    for offered, chosen in ((["h2", "http/1.1"], "http/1.1"), (None, None)):
        with suite.case(f"ALPN {offered or 'absent'}"):
            asked = Asked(environment, environment.context(CHANNEL, protocols=offered))
            equal((asked.status, asked.protocol), (200, chosen), "status, protocol")
    refuses(suite, environment, "ALPN that offers only h2",
            environment.context(CHANNEL, protocols=["h2"]))
    with suite.case("what is no TLS is closed, and nobody else is harmed"):
        for octets in (request().encode(), b"\x16\x03\x01\x00\x05hello", bytes(64)):
            with socket.create_connection(("127.0.0.1", environment.port), 10) as plain:
                plain.sendall(octets)
                while received := plain.recv(4096):
                    expect(received[:1] == b"\x15", f"not an alert: {received[:40]!r}")
        equal(environment.bank(A).request("GET", CATALOG).status, 200, "status of another")


def request():
    return f"GET {CATALOG} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"


def client(environment, *options, lines, seconds=0.0):
    """What `openssl s_client` with A's certificate prints, given these inputs and, behind each, so
    much time."""
    stem = str(environment.folder / CHANNEL)
    run = subprocess.Popen(
        ["openssl", "s_client", "-connect", f"127.0.0.1:{environment.port}", "-cert",
         stem + ".crt", "-key", stem + ".key", "-CAfile", str(environment.folder / "ca.crt"),
         *options], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
        text=True)
    for line in lines:
        run.stdin.write(line)
        run.stdin.flush()
        time.sleep(seconds)
    return run.communicate(timeout=20)[0]


def renegotiation(suite, environment):
    # R and K are s_client's own commands; -msg shows the messages of both sides.
    with suite.case("TLS 1.2: a client's renegotiation is refused"):
        said = client(environment, "-tls1_2", "-msg", lines=["R\n"], seconds=0.5)
        equal(said.count(", ClientHello"), 2, "number of ClientHello")
        equal(said.count(", ServerHello\n"), 1, "number of ServerHello")
        expect("no_renegotiation" in said, f"no such alert in {said[-400:]}")
    with suite.case("TLS 1.3: a client may change its keys"):
        said = client(environment, "-tls1_3", "-msg", lines=["K\n", request()], seconds=0.5)
        expect("KeyUpdate" in said, "no KeyUpdate was sent")
        expect("HTTP/1.1 200 OK" in said, f"no answer in {said[-400:]}")


# ---- resumption ----


def resumption(suite, environment):
    sessions = {}
    for version in (ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3):
        with suite.case(f"a resumed session is its participant's: {version.name}"):
            context = environment.context(CHANNEL, maximum_version=version)
            first = Asked(environment, context)
            equal((first.status, first.resumed), (200, False), "status, resumed")
            sessions[version] = context, first.session
            for code, status in ((A, 200), (B, 403), (A, 200)):
                again = Asked(environment, context, code, session=first.session)
                equal((again.status, again.resumed), (status, True), "status, resumed")
    with suite.case("after a restart of the switch a session is made anew"):
        environment.stop()
        environment.start()
        for context, session in sessions.values():
            asked = Asked(environment, context, session=session)
            equal((asked.status, asked.resumed), (200, False), "status, resumed")


# ---- certificates ----


def certificates(suite, environment):
    refuses(suite, environment, "no client certificate", environment.context())
    refuses(suite, environment, "no client certificate, TLS 1.2", old_context(environment))
    for name, what in REFUSED:
        for version in (ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3):
            refuses(suite, environment, f"{what}, {version.name}",
                    old_context(environment, name, version))
    for name, what in ACCEPTED:
        with suite.case(f"accepted: {what}"):
            context = environment.context(name)
            equal(Asked(environment, context).status, 200, "status")
            equal(Asked(environment, context, B).status, 403, "status of another's path")
    for pair, what in (("nobody", "a good certificate that nobody has registered"),
                       ("operators/maker", "an operator's")):
        with suite.case(f"403 everywhere: {what}"):
            context = environment.context(pair)
            for code in (A, B, message.SWITCH, "ZZZZZZZZ"):
                asked = Asked(environment, context, code)
                equal(asked.status, 403, "status")
                problem(asked.response)


# ---- early ends ----


def post(octets):
    head = {"Content-Type": "application/xml"}
    return wire.make_request("POST", f"/api/v1/in/{A}/msgs", head, octets)


def notify(connection):
    try:
        connection.socket.unwrap()
    except (OSError, ssl.SSLError):
        pass  # the switch need not say goodbye to who has left


def reset(connection):
    connection.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")


def early_ends(suite, environment):
    a = environment.bank(A)
    for what, end in (("close_notify", notify), ("a reset", reset),
                      ("an end without close_notify",
                       lambda one: one.socket.shutdown(socket.SHUT_RDWR))):
        with suite.case(f"{what} before the last octet: nothing is processed"):
            octets, e2e = a.payment(B)
            connection = a.connect()
            connection.send(post(octets)[:-1])
            end(connection)
            connection.close()
            other = a.connect()
            other.send(post(octets))
            equal(other.receive().status, 201, "status of the whole")
            other.close()
            environment.decline(A, B, e2e)
    with suite.case("close_notify behind a whole request: it is answered all the same"):
        octets, e2e = a.payment(B)
        records = wire.Records(environment.port, a.context)
        records.send_last(post(octets))
        answer = records.run(lambda: records.session.read(4096))
        expect(answer.startswith(b"HTTP/1.1 201 "), f"not a 201: {answer[:80]!r}")
        records.close()
        environment.decline(A, B, e2e)


def main():
    suite = Suite("tls")
    settings = {"participants.poll_seconds": 1, "kafka.mode": "off", "switch.loops": 2}
    with suite.environment_of(participants=2, settings=settings,
                              genesis=make_certificates) as environment:
        versions(suite, environment)
        renegotiation(suite, environment)
        certificates(suite, environment)
        early_ends(suite, environment)
        resumption(suite, environment)
    finish(suite)


if __name__ == "__main__":
    main()
