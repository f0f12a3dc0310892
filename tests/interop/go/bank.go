// A bank in Go: pays and is paid through a running switch.
//
//	bank --dir DIR --url URL --as CODE (pay --to CODE --amount 12.34 | serve) [--count N]
//
// DIR is a folder made by `cauce dev`. Prints one line per payment; exit 0 when all are settled.
//
// The happy path: `pay` posts N signed pacs.008, up to 10 in a body. Then both poll. A pacs.008 is
// answered with a signed pacs.002 ACSP before the next poll, which confirms it; a pacs.002 ends a
// payment. Possible failures: no answer, 5xx or 429: the same bytes again, which is always safe. 410:
// the stream is gone, a new one brings again what was not confirmed. admi.002 or a message that does
// not verify: nothing more is done and the exit is 1.
package main

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/asn1"
	"encoding/base64"
	"encoding/pem"
	"flag"
	"fmt"
	"io"
	"log"
	"math/big"
	"mime"
	"mime/multipart"
	"net/http"
	"net/textproto"
	"os"
	"path/filepath"
	"time"

	"github.com/beevik/etree"
	dsig "github.com/russellhaering/goxmldsig"
)

const (
	theSwitch  = "00038166" // switch.code of cauce.conf
	iso        = "urn:iso:std:iso:20022:tech:xsd:"
	tries      = 5
	bodyMax    = 10               // messages in one POST
	answerTime = 30 * time.Second // above the switch's poll_seconds
)

type bank struct {
	code, url, start, stream string
	client                   *http.Client
	key                      crypto.Signer
	certificate, switchCert  *x509.Certificate
	open                     map[string]string // end-to-end id -> from or to whom, how much
	known                    map[string]bool   // a pacs.008 may come twice
	ended, rejected          int
}

func demand(met bool, what any) {
	if !met {
		log.Fatalln("bank:", what)
	}
}

func check(err error) { demand(err == nil, err) }

func must[T any](value T, err error) T {
	check(err)
	return value
}

func readPEM(path string) []byte {
	block, _ := pem.Decode(must(os.ReadFile(path)))
	return block.Bytes
}

func newBank(dir, url, code string) *bank {
	own := filepath.Join(dir, "participants", code)
	authorities := x509.NewCertPool()
	demand(authorities.AppendCertsFromPEM(must(os.ReadFile(filepath.Join(dir, "ca.crt")))), "no ca.crt")
	channel := must(tls.LoadX509KeyPair(filepath.Join(own, "channel.crt"), filepath.Join(own, "channel.key")))
	key := must(x509.ParsePKCS8PrivateKey(readPEM(filepath.Join(own, "signing.key")))).(crypto.Signer)
	start := "/api/v1/out/" + code + "/stream/start"
	return &bank{code: code, url: url, start: start, stream: start, key: key,
		open: map[string]string{}, known: map[string]bool{},
		certificate: must(x509.ParseCertificate(readPEM(filepath.Join(own, "signing.crt")))),
		switchCert:  must(x509.ParseCertificate(readPEM(filepath.Join(dir, "switch/signing.crt")))),
		client: &http.Client{Timeout: answerTime, Transport: &http.Transport{TLSClientConfig: &tls.Config{
			RootCAs: authorities, Certificates: []tls.Certificate{channel}, MinVersion: tls.VersionTLS12}}},
	}
}

func now() string                 { return time.Now().UTC().Format("2006-01-02T15:04:05.000Z") }
func unique(prefix string) string { return prefix + rand.Text() } // 35 characters, used once
func agent(code string) string {
	return "<FinInstnId><ClrSysMmbId><MmbId>" + code + "</MmbId></ClrSysMmbId></FinInstnId>"
}

func text(from *etree.Element, path string) string {
	if found := from.FindElement(path); found != nil {
		return found.Text()
	}
	return ""
}

// convert turns an ECDSA SignatureValue from XML's r||s to goxmldsig's DER, or back.
func convert(signature *etree.Element, toDER bool) {
	value := must(base64.StdEncoding.DecodeString(text(signature, "./SignatureValue")))
	var both struct{ R, S *big.Int }
	if half := len(value) / 2; toDER {
		both.R, both.S = new(big.Int).SetBytes(value[:half]), new(big.Int).SetBytes(value[half:])
		value = must(asn1.Marshal(both))
	} else {
		must(asn1.Unmarshal(value, &both))
		value = append(both.R.FillBytes(make([]byte, 32)), both.S.FillBytes(make([]byte, 32))...)
	}
	signature.FindElement("./SignatureValue").SetText(base64.StdEncoding.EncodeToString(value))
}

// message makes a signed Envelope; group and transactions are what its kind has of its own.
func (b *bank) message(kind, name, group, transactions string) []byte {
	id := unique("M" + b.code)
	document := etree.NewDocument()
	check(document.ReadFromString(fmt.Sprintf(`<Envelope xmlns="urn:cauce:envelope:1"><AppHdr xmlns="%[1]shead.001.001.02">
  <Fr><FIId>%[2]s</FIId></Fr><To><FIId>%[3]s</FIId></To>
  <BizMsgIdr>%[4]s</BizMsgIdr><MsgDefIdr>%[5]s</MsgDefIdr><CreDt>%[6]s</CreDt><Sgntr/></AppHdr>
<Document xmlns="%[1]s%[5]s"><%[7]s>
  <GrpHdr><MsgId>%[4]s</MsgId><CreDtTm>%[6]s</CreDtTm>%[8]s</GrpHdr>
  %[9]s</%[7]s></Document></Envelope>`,
		iso, agent(b.code), agent(theSwitch), id, kind, now(), name, group, transactions)))
	signing := must(dsig.NewSigningContext(b.key, [][]byte{b.certificate.Raw}))
	signing.Canonicalizer = dsig.MakeC14N10ExclusiveCanonicalizerWithPrefixList("") // not the default
	// Of a copy, as canonicalising changes it; the signature is then set where the switch wants it.
	signature := must(signing.ConstructSignature(document.Root().Copy(), true))
	if _, elliptic := b.key.(*ecdsa.PrivateKey); elliptic {
		convert(signature, false)
	}
	document.FindElement("./Envelope/AppHdr/Sgntr").AddChild(signature)
	return must(document.WriteToBytes())
}

// read returns the Document of a message that the switch has signed for us.
func (b *bank) read(message []byte) *etree.Element {
	received := etree.NewDocument()
	received.ReadSettings.ValidateInput = true
	check(received.ReadFromBytes(message))
	signatures := received.FindElements("//Signature")
	demand(len(signatures) == 1 && signatures[0].GetPath() == "/Envelope/AppHdr/Sgntr/Signature",
		"not one signature in its place")
	references, transforms := signatures[0].FindElements(".//Reference"), signatures[0].FindElements(".//Transform")
	demand(len(references) == 1 && references[0].SelectAttrValue("URI", "?") == "" && len(transforms) == 2 &&
		transforms[0].SelectAttrValue("Algorithm", "") == string(dsig.EnvelopedSignatureAltorithmId) &&
		transforms[1].SelectAttrValue("Algorithm", "") == string(dsig.CanonicalXML10ExclusiveAlgorithmId), "the signature does not cover the whole")
	if signatures[0].FindElement("./SignedInfo/SignatureMethod[@Algorithm='"+dsig.ECDSASHA256SignatureMethod+"']") != nil {
		convert(signatures[0], true)
	}
	trusted := &dsig.MemoryX509CertificateStore{Roots: []*x509.Certificate{b.switchCert}}
	root, err := dsig.NewDefaultValidationContext(trusted).Validate(received.Root())
	demand(err == nil, err)
	// From here on only what Validate returned: the bytes that were digested, read again.
	document, kind := root.SelectElement("Document"), text(root, "./AppHdr/MsgDefIdr")
	way := text(root, "./AppHdr/Fr//MmbId") + " to " + text(root, "./AppHdr/To//MmbId")
	demand(way == theSwitch+" to "+b.code, "it is from "+way)
	demand(document != nil && document.NamespaceURI() == iso+kind, "its Document is no "+kind)
	demand(kind != "admi.002.001.01", "refused: "+text(document, ".//RjctgPtyRsn")+" "+text(document, ".//RsnDesc"))
	return document
}

// request makes one exchange, with one header; what got no answer is sent again as it is.
func (b *bank) request(method, path string, body []byte, name, value string) (*http.Response, []byte) {
	for attempt := 1; ; attempt++ {
		sent := must(http.NewRequest(method, b.url+path, bytes.NewReader(body)))
		sent.Header.Set(name, value)
		answer, err := b.client.Do(sent)
		wait := time.Duration(attempt) * time.Second
		if err == nil {
			content, failed := io.ReadAll(answer.Body)
			answer.Body.Close()
			if err = failed; err == nil && (attempt == tries || answer.StatusCode < 500 && answer.StatusCode != 429) {
				return answer, content
			}
			if seconds, none := time.ParseDuration(answer.Header.Get("Retry-After") + "s"); none == nil {
				wait = seconds
			}
		}
		demand(attempt < tries, err)
		time.Sleep(wait)
	}
}

func (b *bank) send(messages [][]byte) {
	var body bytes.Buffer
	writer := multipart.NewWriter(&body)
	for _, message := range messages {
		part := must(writer.CreatePart(textproto.MIMEHeader{"Content-Type": {"application/xml"}}))
		must(part.Write(message))
	}
	check(writer.Close())
	answer, content := b.request("POST", "/api/v1/in/"+b.code+"/msgs", body.Bytes(),
		"Content-Type", "multipart/mixed; boundary="+writer.Boundary())
	demand(answer.StatusCode == 201, answer.Status+" "+string(content))
}

// poll confirms what came last and returns the next Documents, verified: maybe none.
func (b *bank) poll() (documents []*etree.Element) {
	answer, content := b.request("GET", b.stream, nil, "Accept", "multipart/mixed")
	if b.stream = answer.Header.Get("PI-Pull-Next"); answer.StatusCode == 204 {
		return nil
	} else if answer.StatusCode == 410 {
		b.stream = b.start
		return nil
	}
	_, parameters, err := mime.ParseMediaType(answer.Header.Get("Content-Type"))
	demand(answer.StatusCode == 200 && err == nil, answer.Status+" "+string(content))
	parts := multipart.NewReader(bytes.NewReader(content), parameters["boundary"])
	part, err := parts.NextPart()
	for ; err == nil; part, err = parts.NextPart() {
		documents = append(documents, b.read(must(io.ReadAll(part))))
	}
	demand(err == io.EOF, err)
	return documents
}

func (b *bank) transfer(payee, amount string) []byte {
	e2e := unique("E" + b.code)
	b.open[e2e] = "to " + payee + " " + amount
	return b.message("pacs.008.001.08", "FIToFICstmrCdtTrf",
		"<NbOfTxs>1</NbOfTxs><SttlmInf><SttlmMtd>CLRG</SttlmMtd></SttlmInf>", fmt.Sprintf(
			`<CdtTrfTxInf><PmtId><EndToEndId>%s</EndToEndId></PmtId>
    <IntrBkSttlmAmt Ccy="MXN">%s</IntrBkSttlmAmt>
    <AccptncDtTm>%s</AccptncDtTm><ChrgBr>SLEV</ChrgBr>
    <Dbtr><Nm>Ana Díaz</Nm></Dbtr><DbtrAgt>%s</DbtrAgt>
    <CdtrAgt>%s</CdtrAgt><Cdtr><Nm>Luis Peña</Nm></Cdtr></CdtTrfTxInf>`,
			e2e, amount, now(), agent(b.code), agent(payee)))
}

func (b *bank) accept(offers []*etree.Element) {
	verdicts := ""
	for _, offer := range offers {
		e2e := text(offer, "./PmtId/EndToEndId")
		if !b.known[e2e] {
			b.known[e2e] = true
			b.open[e2e] = "from " + text(offer, "./DbtrAgt//MmbId") + " " + text(offer, "./IntrBkSttlmAmt")
		}
		verdicts += "<TxInfAndSts><OrgnlEndToEndId>" + e2e + "</OrgnlEndToEndId><TxSts>ACSP</TxSts></TxInfAndSts>"
	}
	b.send([][]byte{b.message("pacs.002.001.10", "FIToFIPmtStsRpt", "", verdicts)})
}

func (b *bank) end(told *etree.Element) {
	e2e, status := text(told, "./OrgnlEndToEndId"), text(told, "./TxSts")
	whom := b.open[e2e]
	if whom == "" || status != "ACSC" && status != "ACCC" && status != "RJCT" { // may be told twice
		return
	}
	delete(b.open, e2e)
	b.ended++
	if status != "RJCT" {
		fmt.Println(e2e, whom, "settled seq="+text(told, "./AcctSvcrRef"))
	} else {
		fmt.Println(e2e, whom, "rejected", text(told, "./StsRsnInf/Rsn/Cd"))
		b.rejected++
	}
}

// work goes on until so many payments have ended and none is open.
func (b *bank) work(count int) {
	for b.ended < count || len(b.open) > 0 {
		for _, document := range b.poll() {
			if offers := document.FindElements("./FIToFICstmrCdtTrf/CdtTrfTxInf"); len(offers) > 0 {
				b.accept(offers)
			}
			for _, told := range document.FindElements("./FIToFIPmtStsRpt/TxInfAndSts") {
				b.end(told)
			}
		}
	}
	b.request("DELETE", b.stream, nil, "Accept", "*/*") // confirms the last and closes
}

func main() {
	dir, url := flag.String("dir", "", "folder made by `cauce dev`"), flag.String("url", "", "the switch")
	code, payee := flag.String("as", "", "the bank's code"), flag.String("to", "", "the payee's bank")
	amount, count := flag.String("amount", "", "of each"), flag.Int("count", 1, "payments")
	flag.Parse()
	action := flag.Arg(0)
	demand(action == "pay" || action == "serve", "pay or serve?")
	check(flag.CommandLine.Parse(flag.Args()[1:])) // what stands behind the action
	b := newBank(*dir, *url, *code)
	for first := 0; action == "pay" && first < *count; first += bodyMax {
		var messages [][]byte
		for i := first; i < min(first+bodyMax, *count); i++ {
			messages = append(messages, b.transfer(*payee, *amount))
		}
		b.send(messages)
	}
	b.work(*count)
	demand(b.rejected == 0, "not all is settled")
}
