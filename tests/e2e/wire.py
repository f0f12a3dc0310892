"""HTTP/1.1 over TLS, by hand: requests are bytes, so that they can be malformed or pipelined."""

import re
import socket
import ssl


class Closed(Exception):
    """The other side has closed the connection where an answer was expected."""


class Response:
    def __init__(self, status, fields, body):
        self.status = status
        self.fields = fields  # [(lower-case name, value)]
        self.body = body

    def field(self, name):
        """The value of a header, None when it is absent; a repeated one is an error here."""
        values = [value for key, value in self.fields if key == name]
        if len(values) > 1:
            raise AssertionError(f"{name} stands {len(values)} times in an answer")
        return values[0] if values else None

    def messages(self):
        """[(PI-ResourceId, bytes)] of a stream's answer."""
        kind = self.field("content-type") or ""
        if kind.split(";")[0].strip() == "application/xml":
            return [(self.field("pi-resourceid"), self.body)]
        match = re.fullmatch(r'multipart/mixed; *boundary="?([^"]{1,70})"?', kind)
        if not match:
            raise AssertionError(f"an answer of type {kind!r}")
        return list(split_multipart(self.body, match[1].encode()))


def split_multipart(body, boundary):
    """(PI-ResourceId, bytes) of each part, strictly by RFC 2046."""
    delimiter = b"\r\n--" + boundary
    pieces = (b"\r\n" + body).split(delimiter)
    if pieces[0] != b"" or not pieces[-1].startswith(b"--"):
        raise AssertionError("a multipart body is not framed by its boundary")
    for piece in pieces[1:-1]:
        head, separator, content = piece[2:].partition(b"\r\n\r\n")
        if piece[:2] != b"\r\n" or not separator:
            raise AssertionError("a part has no head")
        fields = read_fields(head + b"\r\n")
        names = dict(fields)
        if names.get("content-type", "").split(";")[0] != "application/xml":
            raise AssertionError(f"a part of type {names.get('content-type')!r}")
        yield names["pi-resourceid"], content


def read_fields(head):
    fields = []
    for line in head.split(b"\r\n")[:-1]:
        name, colon, value = line.decode("latin-1").partition(":")
        if not colon or name != name.strip():
            raise AssertionError(f"a header line {line!r}")
        fields.append((name.lower(), value.strip()))
    return fields


def make_multipart(parts, boundary="cut", kind="application/xml"):
    """A multipart/mixed body of these messages, and its Content-Type."""
    pieces = [
        f"--{boundary}\r\nContent-Type: {kind}\r\n\r\n".encode() + part + b"\r\n" for part in parts
    ]
    return b"".join(pieces) + f"--{boundary}--\r\n".encode(), f"multipart/mixed; boundary={boundary}"


class Connection:
    """One TLS connection. `timeout` bounds every wait for an answer, in seconds."""

    def __init__(self, port, context, timeout=20.0, session=None):
        plain = socket.create_connection(("127.0.0.1", port), timeout)
        plain.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        try:
            self.socket = context.wrap_socket(
                plain, server_hostname="localhost", session=session
            )
        except BaseException:
            plain.close()
            raise
        self.buffer = b""

    def close(self):
        self.socket.close()

    def send(self, octets):
        self.socket.sendall(octets)

    def wait(self, seconds):
        self.socket.settimeout(seconds)

    def _more(self):
        try:
            octets = self.socket.recv(65536)
        except (ConnectionResetError, ssl.SSLEOFError, ssl.SSLZeroReturnError) as error:
            raise Closed(str(error)) from error
        if not octets:
            raise Closed("the connection ended")
        self.buffer += octets

    def _take(self, count):
        while len(self.buffer) < count:
            self._more()
        taken, self.buffer = self.buffer[:count], self.buffer[count:]
        return taken

    def _line(self):
        while b"\r\n" not in self.buffer:
            self._more()
        line, self.buffer = self.buffer.split(b"\r\n", 1)
        return line

    def receive(self, method="GET"):
        """The next answer, an interim one (1xx) included."""
        while b"\r\n\r\n" not in self.buffer:
            self._more()
        head, self.buffer = self.buffer.split(b"\r\n\r\n", 1)
        line, _, rest = head.partition(b"\r\n")
        match = re.fullmatch(rb"HTTP/1\.1 ([1-5][0-9][0-9]) [ -~]*", line)
        if not match:
            raise AssertionError(f"a status line {line!r}")
        fields = read_fields(rest + b"\r\n") if rest else []
        response = Response(int(match[1]), fields, b"")
        if response.status < 200 or response.status == 204 or method == "HEAD":
            return response
        if response.field("transfer-encoding") == "chunked":
            response.body = self._chunks()
        else:
            length = response.field("content-length")
            if length is None:
                raise AssertionError("an answer has no length")
            response.body = self._take(int(length))
        return response

    def _chunks(self):
        body = b""
        while size := int(self._line().split(b";")[0], 16):
            body += self._take(size)
            self._take(2)
        while self._line():
            pass
        return body

    def request(self, method, target, fields=None, body=None):
        """Sends one request and gives its final answer."""
        self.send(make_request(method, target, fields, body))
        while True:
            response = self.receive(method)
            if response.status >= 200:
                return response

    def ended(self, seconds=7.0):
        """Whether the switch ends the connection within that time, with nothing more before."""
        self.wait(seconds)
        try:
            self._more()
        except Closed:
            return True
        except TimeoutError:
            return False
        return False


class Records:
    """One TLS connection whose records the test moves itself: between `plain`, the socket, and the
    session there is no one else, so a record can be held back, cut, or sent with others."""

    def __init__(self, port, context, timeout=20.0):
        self.arrived, self.leaving = ssl.MemoryBIO(), ssl.MemoryBIO()
        self.session = context.wrap_bio(self.arrived, self.leaving, server_hostname="localhost")
        self.plain = socket.create_connection(("127.0.0.1", port), timeout)

    def run(self, step):
        """What `step` gives, once the switch has sent what it needs."""
        while True:
            try:
                return step()
            except ssl.SSLWantReadError:
                self.plain.sendall(self.leaving.read())
                octets = self.plain.recv(65536)
                if not octets:
                    raise Closed("the connection ended") from None
                self.arrived.write(octets)

    def send_last(self, octets):
        """Sends these octets with close_notify right behind, behind the handshake."""
        self.run(self.session.do_handshake)
        self.session.write(octets)
        try:
            self.session.unwrap()
        except ssl.SSLWantReadError:
            pass  # the switch's own close_notify
        self.plain.sendall(self.leaving.read())

    def receive_all(self):
        """What the switch sends until it ends the connection."""
        received = b""
        try:
            while octets := self.run(lambda: self.session.read(65536)):
                received += octets
        except (Closed, ssl.SSLZeroReturnError):
            pass
        return received

    def close(self):
        self.plain.close()


def make_request(method, target, fields=None, body=None):
    lines = [f"{method} {target} HTTP/1.1", "Host: localhost"]
    fields = dict(fields or {})
    if body is not None and not any(name.lower() in ("content-length", "transfer-encoding")
                                    for name in fields):
        fields["Content-Length"] = str(len(body))
    lines += [f"{name}: {value}" for name, value in fields.items()]
    return ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1") + (body or b"")
