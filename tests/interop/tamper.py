#!/usr/bin/env python3
"""A false switch: hands a client messages that it must refuse.

    tamper.py --dir DIR --as CODE -- CLIENT ARGUMENT...

DIR is an environment of `cauce dev` of 8 banks. For each of WAYS a server with the switch's own
channel key hands out one pacs.008, and CLIENT is started with `--dir DIR --url URL --as CODE serve`:
it must end with 1 and not have posted an answer. `untouched` is the control: then it must post one.
Prints a line for each way that went wrong, and `N passed, N failed, N skipped`.
"""

import argparse
import copy
import datetime
import http.server
import pathlib
import ssl
import subprocess
import sys
import tempfile
import threading

import xmlsec
from lxml import etree

ISO = "urn:iso:std:iso:20022:tech:xsd:"
DS = "http://www.w3.org/2000/09/xmldsig#"
CLIENT_SECONDS = 60  # on a busy machine


def agent(code):
    return f"<FinInstnId><ClrSysMmbId><MmbId>{code}</MmbId></ClrSysMmbId></FinInstnId>"


def pacs008(payee):
    now = datetime.datetime.now(datetime.timezone.utc).strftime("%Y-%m-%dT%H:%M:%S.000Z")
    return etree.fromstring(f"""<Envelope xmlns="urn:cauce:envelope:1"><AppHdr xmlns="{ISO}head.001.001.02">
<Fr><FIId>{agent("00038166")}</FIId></Fr><To><FIId>{agent(payee)}</FIId></To><BizMsgIdr>S1</BizMsgIdr>
<MsgDefIdr>pacs.008.001.08</MsgDefIdr><CreDt>{now}</CreDt><Sgntr/></AppHdr>
<Document xmlns="{ISO}pacs.008.001.08"><FIToFICstmrCdtTrf><GrpHdr><MsgId>S1</MsgId>
<CreDtTm>{now}</CreDtTm><NbOfTxs>1</NbOfTxs><SttlmInf><SttlmMtd>CLRG</SttlmMtd></SttlmInf></GrpHdr>
<CdtTrfTxInf><PmtId><EndToEndId>E1</EndToEndId></PmtId><IntrBkSttlmAmt Ccy="MXN">12.34</IntrBkSttlmAmt>
<AccptncDtTm>{now}</AccptncDtTm><ChrgBr>SLEV</ChrgBr><Dbtr><Nm>Ana</Nm></Dbtr>
<DbtrAgt>{agent("10000008")}</DbtrAgt><CdtrAgt>{agent(payee)}</CdtrAgt><Cdtr><Nm>Luis</Nm></Cdtr>
</CdtTrfTxInf></FIToFICstmrCdtTrf></Document></Envelope>""")


def part(root, name):
    return next(root.iter(f"{{*}}{name}"))


def sign(root, keys, method=xmlsec.Transform.ECDSA_SHA256, uri="", secret=None):
    """As the switch does it, with signing.key and signing.crt of the folder `keys`; by HMAC where
    there is a secret."""
    signature = xmlsec.template.create(root, xmlsec.Transform.EXCL_C14N, method, ns="ds")
    part(root, "Sgntr").append(signature)
    reference = xmlsec.template.add_reference(signature, xmlsec.Transform.SHA256, uri=uri)
    xmlsec.template.add_transform(reference, xmlsec.Transform.ENVELOPED)
    xmlsec.template.add_transform(reference, xmlsec.Transform.EXCL_C14N)
    context = xmlsec.SignatureContext()
    if secret is None:
        data = xmlsec.template.add_x509_data(xmlsec.template.ensure_key_info(signature))
        xmlsec.template.x509_data_add_certificate(data)
        context.key = xmlsec.Key.from_file(str(keys / "signing.key"), xmlsec.KeyFormat.PEM)
        context.key.load_cert_from_file(str(keys / "signing.crt"), xmlsec.KeyFormat.PEM)
    else:
        context.key = xmlsec.Key.from_binary_data(xmlsec.KeyData.HMAC, secret)
    if uri:
        context.register_id(part(root, "AppHdr"), "Id")
    context.sign(signature)
    # xmlsec breaks base64 into lines, the switch does not; neither is signed.
    for element in signature.iter(f"{{{DS}}}SignatureValue", f"{{{DS}}}X509Certificate"):
        element.text = "".join(element.text.split())
    return root


# ---- ways to hand it out ----


def untouched(root, folder):
    return sign(root, folder / "switch")


def amount_altered(root, folder):
    sign(root, folder / "switch")
    part(root, "IntrBkSttlmAmt").text = "99999.00"
    return root


def unsigned(root, _):
    return root


def signed_by_another(root, folder):
    """By a bank whose certificate is in KeyInfo: right in itself, but not the switch's."""
    return sign(root, folder / "participants" / "10000008", xmlsec.Transform.RSA_SHA256)


def signed_by_a_namesake(root, folder):
    """By a key of our own, whose certificate says that it is the switch's."""
    subject = subprocess.run(
        ["openssl", "x509", "-in", folder / "switch" / "signing.crt", "-noout", "-subject",
         "-nameopt", "compat"], capture_output=True, text=True, check=True).stdout
    with tempfile.TemporaryDirectory() as name:
        keys = pathlib.Path(name)
        subprocess.run(
            ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256",
             "-nodes", "-days", "30", "-subj", subject.split("=", 1)[1].strip(),
             "-keyout", keys / "signing.key", "-out", keys / "signing.crt"],
            capture_output=True, check=True)
        return sign(root, keys)


def keyed_by_the_certificate(root, folder):
    """HMAC, whose secret is what everybody has: the switch's certificate."""
    secret = (folder / "switch" / "signing.crt").read_bytes()
    return sign(root, None, xmlsec.Transform.HMAC_SHA256, secret=secret)


def signed_twice(root, folder):
    """By the switch, and a second signature beside it that is not the switch's."""
    sign(root, folder / "switch")
    other = sign(pacs008("10000007"), folder / "participants" / "10000008",
                 xmlsec.Transform.RSA_SHA256)
    part(root, "Sgntr").append(part(other, "Signature"))
    return root


def signed_in_part(root, folder):
    """By the switch, but AppHdr alone: whatever follows it may be anybody's."""
    part(root, "AppHdr").set("Id", "header")
    return sign(root, folder / "switch", uri="#header")


def moved(root, folder):
    """The signature is not in Sgntr: its digest still fits."""
    sign(root, folder / "switch")
    part(root, "Sgntr").addnext(part(root, "Signature"))
    return root


def wrapped(root, folder):
    """What was signed is carried along inside, and what is read is another."""
    sign(root, folder / "switch")
    signed = copy.deepcopy(root)
    part(root, "IntrBkSttlmAmt").text = "99999.00"
    etree.SubElement(part(root, "Signature"), f"{{{DS}}}Object").append(signed)
    return root


def cut_by_comment(root, folder):
    """The canonical form drops comments, so the signature fits; a careless reader sees only `1`."""
    sign(root, folder / "switch")
    element = part(root, "IntrBkSttlmAmt")
    comment = etree.Comment("cut")
    element.text, comment.tail = element.text[:1], element.text[1:]
    element.append(comment)
    return root


WAYS = (untouched, amount_altered, unsigned, signed_by_another, signed_by_a_namesake,
        keyed_by_the_certificate, signed_twice, signed_in_part, moved, wrapped, cut_by_comment)
# These are to be answered. The last is the message that was signed, if all of its text is read:
# what is printed of it must say 12.34.
ANSWERED = (untouched, cut_by_comment)


def settled(folder, code):
    """The pacs.002 that ends E1 for the payee."""
    root = pacs008(code)
    part(root, "MsgDefIdr").text = "pacs.002.001.10"
    document = etree.fromstring(f"""<Document xmlns="{ISO}pacs.002.001.10"><FIToFIPmtStsRpt>
<GrpHdr><MsgId>S1</MsgId><CreDtTm>{part(root, "CreDt").text}</CreDtTm></GrpHdr><TxInfAndSts>
<OrgnlEndToEndId>E1</OrgnlEndToEndId><TxSts>ACCC</TxSts><AcctSvcrRef>7</AcctSvcrRef>
</TxInfAndSts></FIToFIPmtStsRpt></Document>""")
    root.replace(part(root, "Document"), document)
    return sign(root, folder / "switch")


class Handler(http.server.BaseHTTPRequestHandler):
    """As the switch would: the messages on the stream in turn, 201 to a post."""

    protocol_version = "HTTP/1.1"

    def answer(self, status, body=b"", kind="application/xml", following=False):
        self.send_response(status)
        if following:
            self.send_header("PI-Pull-Next", self.path.rsplit("/", 1)[0] + "/next")
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def do_GET(self):
        message = self.server.messages.pop(0)
        if "application/xml" in self.headers["Accept"]:
            self.answer(200, message, following=True)
        else:
            body = b"--b\r\nContent-Type: application/xml\r\n\r\n" + message + b"\r\n--b--\r\n"
            self.answer(200, body, "multipart/mixed; boundary=b", following=True)

    def do_POST(self):
        self.rfile.read(int(self.headers["Content-Length"]))
        self.server.posted.set()
        self.answer(201)

    def do_DELETE(self):
        self.answer(200)

    def log_message(self, *_):
        """Not a line per request."""


def serve(folder, messages):
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(folder / "switch" / "channel.crt", folder / "switch" / "channel.key")
    tls.load_verify_locations(folder / "ca.crt")
    tls.verify_mode = ssl.CERT_REQUIRED
    server.socket = tls.wrap_socket(server.socket, server_side=True)
    server.messages, server.posted = messages, threading.Event()
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return server


def try_one(way, options, command):
    """None when the client did as it should, else what it did."""
    message = way(pacs008(options.code), options.dir)
    server = serve(options.dir, [etree.tostring(message),
                                 etree.tostring(settled(options.dir, options.code))])
    client = subprocess.Popen(
        command + ["--dir", str(options.dir), "--url", f"https://127.0.0.1:{server.server_port}",
                   "--as", options.code, "serve", "--count", "1"],
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    try:
        said, _ = client.communicate(timeout=CLIENT_SECONDS)
    except subprocess.TimeoutExpired:
        return "it does not end"
    finally:
        client.kill()
        client.wait()
        server.shutdown()
        server.server_close()
    answered = server.posted.is_set()
    if way in ANSWERED and answered and client.returncode == 0 and " 12.34 settled" in said:
        return None
    if way not in ANSWERED and not answered and client.returncode == 1:
        return None
    return f"answered: {answered}, exit {client.returncode}: {said.strip()[-300:]}"


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--dir", required=True, type=pathlib.Path)
    parser.add_argument("--as", required=True, dest="code")
    separator = sys.argv.index("--")
    options, command = parser.parse_args(sys.argv[1:separator]), sys.argv[separator + 1 :]
    failed = 0
    for way in WAYS:
        wrong = try_one(way, options, command)
        if wrong is not None:
            failed += 1
            print(f"{way.__name__}: {wrong}")
    print(f"{len(WAYS) - failed} passed, {failed} failed, 0 skipped")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
