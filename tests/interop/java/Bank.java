import java.io.*;
import java.net.URI;
import java.net.http.*;
import java.nio.file.*;
import java.security.*;
import java.security.cert.*;
import java.security.spec.PKCS8EncodedKeySpec;
import java.time.*;
import java.util.*;
import java.util.stream.*;
import java.util.zip.GZIPOutputStream;
import javax.net.ssl.*;
import javax.xml.crypto.KeySelector;
import javax.xml.crypto.dsig.*;
import javax.xml.crypto.dsig.dom.*;
import javax.xml.crypto.dsig.keyinfo.*;
import javax.xml.crypto.dsig.spec.*;
import javax.xml.parsers.DocumentBuilderFactory;
import org.w3c.dom.*;
import org.w3c.dom.ls.*;

/** A bank in Java 17, with nothing but the JDK: pays and is paid through a running switch.
 *
 *     java Bank.java --dir DIR --url URL --as CODE (pay --to CODE --amount 12.34 | serve) [--count N]
 *
 * DIR is a folder made by `cauce dev`. Prints one line per payment; exit 0 when all are settled.
 *
 * The happy path: `pay` posts N signed pacs.008. Then both poll. A pacs.008 is answered with a signed
 * pacs.002 ACSP before the next poll, which confirms it; a pacs.002 ends a payment. What is not
 * confirmed the switch keeps, so nothing has to be open before it is needed.
 *
 * Possible failures: no answer, 5xx or 429: the same bytes again, which is always safe. 410: the
 * stream is gone, a new one brings again what was not confirmed. admi.002 or a message that does not
 * verify: nothing more is done and the exit is 1. */
public class Bank {
    static final String SWITCH = "00038166"; // switch.code of cauce.conf
    static final String ISO = "urn:iso:std:iso:20022:tech:xsd:";
    static final String EXCLUSIVE = CanonicalizationMethod.EXCLUSIVE; // C14N, without comments
    static final String MORE = "http://www.w3.org/2001/04/xmldsig-more#"; // signature methods
    static final int TRIES = 5;
    static final Duration ANSWER = Duration.ofSeconds(30); // above the switch's poll_seconds

    final String code, url, start;
    final HttpClient http; // asks for HTTP/2 by default, and takes 1.1
    final PrivateKey signingKey;
    final X509Certificate signingCertificate, switchCertificate;
    final XMLSignatureFactory signatures = XMLSignatureFactory.getInstance("DOM");
    final Map<String, String> open = new HashMap<>(); // end-to-end id -> from or to whom, how much
    final Set<String> known = new HashSet<>();        // a pacs.008 may come twice
    boolean allSettled = true;
    int ended;
    String stream; // where to poll next

    Bank(Path dir, String url, String code) throws Exception {
        Path own = dir.resolve("participants").resolve(code);
        this.code = code;
        this.url = url;
        stream = start = "/api/v1/out/" + code + "/stream/start";
        signingCertificate = certificate(own.resolve("signing.crt"));
        signingKey = key(own.resolve("signing.key"), signingCertificate);
        switchCertificate = certificate(dir.resolve("switch/signing.crt"));
        http = HttpClient.newBuilder().sslContext(tls(own, dir.resolve("ca.crt"))).build();
    }

    static void demand(boolean met, String what) { if (!met) throw new IllegalStateException(what); }

    // ---- keys ----
    static X509Certificate certificate(Path pem) throws Exception {
        var bytes = new ByteArrayInputStream(Files.readAllBytes(pem));
        return (X509Certificate) CertificateFactory.getInstance("X.509").generateCertificate(bytes);
    }

    static PrivateKey key(Path pem, X509Certificate certificate) throws Exception {
        byte[] key = Base64.getMimeDecoder().decode(Files.readString(pem).replaceAll("-----[^-]*-----", ""));
        return KeyFactory.getInstance(certificate.getPublicKey().getAlgorithm())
            .generatePrivate(new PKCS8EncodedKeySpec(key));
    }

    static SSLContext tls(Path own, Path authority) throws Exception {
        KeyStore keys = KeyStore.getInstance("PKCS12"), trusted = KeyStore.getInstance("PKCS12");
        keys.load(null, null);
        trusted.load(null, null);
        X509Certificate channel = certificate(own.resolve("channel.crt"));
        keys.setEntry("channel", new KeyStore.PrivateKeyEntry(key(own.resolve("channel.key"), channel),
            new X509Certificate[] {channel}), new KeyStore.PasswordProtection(new char[0]));
        trusted.setCertificateEntry("authority", certificate(authority));
        var mine = KeyManagerFactory.getInstance("PKIX");
        var theirs = TrustManagerFactory.getInstance("PKIX");
        mine.init(keys, new char[0]);
        theirs.init(trusted);
        SSLContext context = SSLContext.getInstance("TLS");
        context.init(mine.getKeyManagers(), theirs.getTrustManagers(), null);
        return context;
    }

    // ---- messages ----
    static String now() { return Instant.ofEpochMilli(System.currentTimeMillis()).toString(); }

    static String unique(String prefix) { // no more than 35 characters, nobody uses one twice
        return prefix + UUID.randomUUID().toString().replace("-", "").substring(0, 32 - prefix.length());
    }

    static String agent(String code) {
        return "<FinInstnId><ClrSysMmbId><MmbId>" + code + "</MmbId></ClrSysMmbId></FinInstnId>";
    }

    /** An Envelope to be signed; `group` and `transactions` are what a kind of message has of its own. */
    String envelope(String kind, String root, String group, String transactions) {
        String id = unique("M" + code);
        return """
            <Envelope xmlns="urn:cauce:envelope:1"><AppHdr xmlns="%1$shead.001.001.02">
              <Fr><FIId>%2$s</FIId></Fr><To><FIId>%3$s</FIId></To>
              <BizMsgIdr>%4$s</BizMsgIdr><MsgDefIdr>%5$s</MsgDefIdr><CreDt>%6$s</CreDt><Sgntr/></AppHdr>
            <Document xmlns="%1$s%5$s"><%7$s>
              <GrpHdr><MsgId>%4$s</MsgId><CreDtTm>%6$s</CreDtTm>%8$s</GrpHdr>
              %9$s</%7$s></Document></Envelope>"""
            .formatted(ISO, agent(code), agent(SWITCH), id, kind, now(), root, group, transactions);
    }

    static Document parse(byte[] xml) throws Exception {
        DocumentBuilderFactory factory = DocumentBuilderFactory.newInstance();
        factory.setNamespaceAware(true);
        factory.setFeature("http://apache.org/xml/features/disallow-doctype-decl", true);
        return factory.newDocumentBuilder().parse(new ByteArrayInputStream(xml));
    }

    /** The first element at a path of local names, or null. */
    static Element child(Element from, String path) {
        for (String name : path.split("/")) {
            Node node = from.getFirstChild();
            while (node != null && !name.equals(node.getLocalName())) node = node.getNextSibling();
            if (node == null) return null;
            from = (Element) node;
        }
        return from;
    }

    static String text(Element from, String path) {
        return child(from, path) == null ? "" : child(from, path).getTextContent();
    }

    static List<Element> all(Element from, String space, String name) {
        NodeList found = from.getElementsByTagNameNS(space, name);
        return IntStream.range(0, found.getLength()).mapToObj(i -> (Element) found.item(i)).toList();
    }

    // ---- signatures ----
    byte[] sign(String envelope) throws Exception {
        Document message = parse(envelope.getBytes("UTF-8"));
        Reference whole = signatures.newReference("", signatures.newDigestMethod(DigestMethod.SHA256, null),
            List.of(signatures.newTransform(Transform.ENVELOPED, (TransformParameterSpec) null),
                    signatures.newTransform(EXCLUSIVE, (TransformParameterSpec) null)), null, null);
        String method = signingKey.getAlgorithm().equals("EC") ? "ecdsa-sha256" : "rsa-sha256";
        SignedInfo info = signatures.newSignedInfo(
            signatures.newCanonicalizationMethod(EXCLUSIVE, (C14NMethodParameterSpec) null),
            signatures.newSignatureMethod(MORE + method, null), List.of(whole));
        KeyInfoFactory names = signatures.getKeyInfoFactory(); // the certificate itself is as good
        KeyInfo keyInfo = names.newKeyInfo(List.of(names.newX509Data(List.of(names.newX509IssuerSerial(
            signingCertificate.getIssuerX500Principal().getName(), signingCertificate.getSerialNumber())))));
        var context = new DOMSignContext(signingKey, child(message.getDocumentElement(), "AppHdr/Sgntr"));
        context.setDefaultNamespacePrefix("ds");
        signatures.newXMLSignature(info, keyInfo).sign(context);
        var writer = ((DOMImplementationLS) message.getImplementation()).createLSSerializer();
        writer.getDomConfig().setParameter("xml-declaration", false); // it would say UTF-16
        return writer.writeToString(message).getBytes("UTF-8");
    }

    /** One signature, in its place, over the whole, with the switch's key whatever KeyInfo says. */
    void verify(Element root) throws Exception {
        Element element = child(root, "AppHdr/Sgntr/Signature");
        demand(all(root, XMLSignature.XMLNS, "Signature").size() == 1 && element != null,
               "not one signature in its place");
        var key = KeySelector.singletonKeySelector(switchCertificate.getPublicKey());
        var context = new DOMValidateContext(key, element);
        XMLSignature signature = signatures.unmarshalXMLSignature(context);
        List<Reference> references = signature.getSignedInfo().getReferences();
        List<Transform> transforms = references.get(0).getTransforms();
        var algorithms = transforms.stream().map(Transform::getAlgorithm).toList();
        demand(references.size() == 1 && "".equals(references.get(0).getURI())
            && algorithms.equals(List.of(Transform.ENVELOPED, EXCLUSIVE)), "it does not cover the whole");
        demand(signature.validate(context), "the signature does not verify");
    }

    /** The Document of a message that the switch has signed for us. */
    Element read(byte[] xml) throws Exception {
        Element root = parse(xml).getDocumentElement();
        verify(root);
        Element header = child(root, "AppHdr"), document = child(root, "Document");
        String kind = text(header, "MsgDefIdr"), member = "/FIId/FinInstnId/ClrSysMmbId/MmbId";
        String way = text(header, "Fr" + member) + " to " + text(header, "To" + member);
        demand(way.equals(SWITCH + " to " + code), "it is from " + way);
        demand((ISO + kind).equals(document.getNamespaceURI()), "its Document is no " + kind);
        demand(!kind.equals("admi.002.001.01"), "refused: " + document.getTextContent());
        return document;
    }

    // ---- transport ----
    /** One exchange; what got no answer is sent again as it is. */
    HttpResponse<byte[]> request(String path, HttpRequest.Builder request) throws Exception {
        var sent = request.uri(URI.create(url + path)).timeout(ANSWER).build();
        for (int attempt = 1;; attempt++) {
            long waitSeconds = attempt;
            try {
                var answer = http.send(sent, HttpResponse.BodyHandlers.ofByteArray());
                int status = answer.statusCode();
                if (attempt == TRIES || status < 500 && status != 429) return answer;
                waitSeconds = answer.headers().firstValueAsLong("Retry-After").orElse(attempt);
            } catch (IOException error) {
                if (attempt == TRIES) throw error;
            }
            Thread.sleep(waitSeconds * 1000);
        }
    }

    void send(String kind, String root, String group, String transactions) throws Exception {
        ByteArrayOutputStream body = new ByteArrayOutputStream();
        try (var gzip = new GZIPOutputStream(body)) {
            gzip.write(sign(envelope(kind, root, group, transactions)));
        }
        var answer = request("/api/v1/in/" + code + "/msgs", HttpRequest.newBuilder()
            .headers("Content-Type", "application/xml", "Content-Encoding", "gzip")
            .POST(HttpRequest.BodyPublishers.ofByteArray(body.toByteArray())));
        demand(answer.statusCode() == 201, answer.statusCode() + " " + new String(answer.body()));
    }

    /** Confirms what came last and returns the next Document, verified, or null. */
    Element poll() throws Exception {
        var answer = request(stream, HttpRequest.newBuilder().header("Accept", "application/xml"));
        int status = answer.statusCode();
        demand(status == 200 || status == 204 || status == 410, status + " " + new String(answer.body()));
        stream = answer.headers().firstValue("PI-Pull-Next").orElse(start); // none: it is gone
        return status == 200 ? read(answer.body()) : null;
    }

    // ---- paying and being paid ----
    void pay(String payee, String amount) throws Exception {
        String e2e = unique("E" + code);
        open.put(e2e, "to " + payee + " " + amount);
        send("pacs.008.001.08", "FIToFICstmrCdtTrf",
             "<NbOfTxs>1</NbOfTxs><SttlmInf><SttlmMtd>CLRG</SttlmMtd></SttlmInf>", """
             <CdtTrfTxInf><PmtId><EndToEndId>%s</EndToEndId></PmtId>
               <IntrBkSttlmAmt Ccy="MXN">%s</IntrBkSttlmAmt>
               <AccptncDtTm>%s</AccptncDtTm><ChrgBr>SLEV</ChrgBr>
               <Dbtr><Nm>Ana Díaz</Nm></Dbtr><DbtrAgt>%s</DbtrAgt>
               <CdtrAgt>%s</CdtrAgt><Cdtr><Nm>Luis Peña</Nm></Cdtr></CdtTrfTxInf>"""
             .formatted(e2e, amount, now(), agent(code), agent(payee)));
    }

    void accept(List<Element> offers) throws Exception {
        StringBuilder verdicts = new StringBuilder();
        for (Element offer : offers) {
            String payer = text(offer, "DbtrAgt/FinInstnId/ClrSysMmbId/MmbId");
            String e2e = text(offer, "PmtId/EndToEndId"), amount = text(offer, "IntrBkSttlmAmt");
            if (known.add(e2e)) open.put(e2e, "from " + payer + " " + amount);
            verdicts.append("<TxInfAndSts><OrgnlEndToEndId>").append(e2e)
                .append("</OrgnlEndToEndId><TxSts>ACSP</TxSts></TxInfAndSts>");
        }
        send("pacs.002.001.10", "FIToFIPmtStsRpt", "", verdicts.toString());
    }

    void end(Element told) {
        String e2e = text(told, "OrgnlEndToEndId"), status = text(told, "TxSts");
        if (!status.matches("ACSC|ACCC|RJCT") || !open.containsKey(e2e)) return; // may be told twice
        System.out.println(e2e + " " + open.remove(e2e) + (status.equals("RJCT")
            ? " rejected " + text(told, "StsRsnInf/Rsn/Cd") : " settled seq=" + text(told, "AcctSvcrRef")));
        ended++;
        allSettled &= !status.equals("RJCT");
    }

    /** Until so many payments have ended and none is open. Have all been settled? */
    boolean work(int count) throws Exception {
        while (ended < count || !open.isEmpty()) {
            Element document = poll();
            if (document == null) continue;
            List<Element> offers = all(document, ISO + "pacs.008.001.08", "CdtTrfTxInf");
            if (!offers.isEmpty()) accept(offers);
            for (Element told : all(document, ISO + "pacs.002.001.10", "TxInfAndSts")) end(told);
        }
        request(stream, HttpRequest.newBuilder().DELETE()); // confirms the last and closes
        return allSettled;
    }

    public static void main(String[] arguments) {
        Map<String, String> options = new HashMap<>(Map.of("--count", "1"));
        for (int i = 0; i < arguments.length; i++) { // `pay` and `serve` have no value
            options.put(arguments[i], arguments[i].startsWith("--") ? arguments[++i] : "");
        }
        try {
            Bank bank = new Bank(Path.of(options.get("--dir")), options.get("--url"), options.get("--as"));
            int count = Integer.parseInt(options.get("--count"));
            int paying = options.containsKey("pay") ? count : 0;
            for (int i = 0; i < paying; i++) bank.pay(options.get("--to"), options.get("--amount"));
            System.exit(bank.work(count) ? 0 : 1); // the HTTP client's threads would linger
        } catch (Exception error) {
            System.err.println("bank " + options.get("--as") + ": " + error);
        }
        System.exit(1);
    }
}
