package usersig_test

import (
	"bytes"
	"compress/zlib"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"math/rand/v2"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"rollcall.example/imcode"
	"rollcall.example/usersig"
)

const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789*-"

var outer = strings.NewReplacer("+", "*", "/", "-", "=", "_")
var standard = strings.NewReplacer("*", "+", "-", "/", "_", "=")

// pack makes a ticket of a document as it stands, right or wrong.
func pack(document string) string { return encode(compress([]byte(document))) }

func encode(compressed []byte) string {
	return outer.Replace(base64.StdEncoding.EncodeToString(compressed))
}

func compress(document []byte) []byte {
	var b bytes.Buffer
	z := zlib.NewWriter(&b)
	z.Write(document)
	z.Close()
	return b.Bytes()
}

// members reads a ticket step by step as the format says, without the package.
func members(t rapid.TB, ticket string) map[string]any {
	t.Helper()
	z := must(zlib.NewReader(bytes.NewReader(must(base64.StdEncoding.DecodeString(standard.Replace(ticket))))))
	d := json.NewDecoder(z)
	d.UseNumber()
	var m map[string]any
	if err := d.Decode(&m); err != nil {
		t.Fatalf("%s: %v", ticket, err)
	}
	return m
}

// hmacOf returns the TLS.sig of lines under key "key".
func hmacOf(lines ...string) string {
	mac := hmac.New(sha256.New, []byte("key"))
	mac.Write([]byte(strings.Join(lines, "\n") + "\n"))
	return base64.StdEncoding.EncodeToString(mac.Sum(nil))
}

// noise returns n bytes that do not compress, always the same.
func noise(n int) []byte {
	b := make([]byte, n)
	rand.NewChaCha8([32]byte{}).Read(b)
	return b
}

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

// genuine is the document that the tables below change.
const genuine = `{"TLS.ver":"2.0","TLS.identifier":"alice","TLS.sdkappid":1,"TLS.time":1700000000,"TLS.expire":60,"TLS.sig":"SIG"}`

func signed(document string) string {
	return strings.Replace(document, "SIG", hmacOf("TLS.identifier:alice", "TLS.sdkappid:1", "TLS.time:1700000000", "TLS.expire:60"), 1)
}

// verify judges a ticket for alice in app 1, whose key is "key".
func verify(ticket string) (usersig.Claims, error) {
	return usersig.Verify(ticket, 1, "alice", []string{"key"}, time.Unix(1_700_000_000, 0))
}

func TestDocuments(t *testing.T) {
	for _, tt := range []struct {
		name     string
		old, new string
		want     imcode.Code
	}{
		{"as it is", "", "", 0},
		{"unknown member", `{`, `{"TLS.new":{"a":[1,2]},`, 0},
		{"white space and a line feed at the end", `}`, " \n}\n", 0},
		{"members in another order", `"TLS.ver":"2.0","TLS.identifier":"alice"`, `"TLS.identifier":"alice","TLS.ver":"2.0"`, 0},
		{"identifier spelled with an escape", `"alice"`, `"\u0061lice"`, 0},
		{"null for the userbuf is none", `{`, `{"TLS.userbuf":null,`, 0},
		{"no TLS.ver", `"TLS.ver":"2.0",`, ``, imcode.UserSigCheckFailed},
		{"no TLS.identifier", `"TLS.identifier":"alice",`, ``, imcode.UserSigCheckFailed},
		{"no TLS.sdkappid", `"TLS.sdkappid":1,`, ``, imcode.UserSigCheckFailed},
		{"no TLS.time", `"TLS.time":1700000000,`, ``, imcode.UserSigCheckFailed},
		{"no TLS.expire", `"TLS.expire":60,`, ``, imcode.UserSigCheckFailed},
		{"no TLS.sig", `,"TLS.sig":"SIG"`, ``, imcode.UserSigCheckFailed},
		{"another version", `"2.0"`, `"1.0"`, imcode.UserSigCheckFailed},
		{"the version as a number", `"2.0"`, `2.0`, imcode.UserSigCheckFailed},
		{"the identifier as a number", `"alice"`, `7`, imcode.UserSigCheckFailed},
		{"an identifier that is not UTF-8", `alice`, "alice\xff", imcode.UserSigCheckFailed},
		{"a line feed in the identifier", `alice`, `alice\nTLS.sdkappid:1`, imcode.UserSigCheckFailed},
		{"a number as a string", `:60`, `:"60"`, imcode.UserSigCheckFailed},
		{"a number with a fraction", `:60`, `:60.5`, imcode.UserSigCheckFailed},
		{"a number with an exponent", `:60`, `:6e1`, imcode.UserSigCheckFailed},
		{"a negative expire", `:60`, `:-60`, imcode.UserSigCheckFailed},
		{"a negative time", `:1700000000`, `:-1`, imcode.UserSigCheckFailed},
		{"an expire above 2^53", `:60`, `:9007199254740993`, imcode.UserSigCheckFailed},
		{"an expire above 2^64", `:60`, `:18446744073709551676`, imcode.UserSigCheckFailed},
		{"an SDKAppID above 2^53", `id":1,`, `id":9007199254740993,`, imcode.UserSigCheckFailed},
		{"an SDKAppID that is 1 modulo 2^32", `id":1,`, `id":4294967297,`, imcode.UserSigMismatchAppID},
		{"a userbuf that is not base64", `{`, `{"TLS.userbuf":"a-b_",`, imcode.UserSigCheckFailed},
		{"a userbuf with a line feed", `{`, `{"TLS.userbuf":"aGVs\nbG8=",`, imcode.UserSigCheckFailed},
		{"a userbuf with loose bits", `{`, `{"TLS.userbuf":"aGVsbG9=",`, imcode.UserSigCheckFailed},
		{"a userbuf that is not signed", `{`, `{"TLS.userbuf":"aGVsbG8=",`, imcode.UserSigMismatchPublicKey},
		{"an empty signature", `"SIG"`, `""`, imcode.UserSigCheckFailed},
		{"an empty identifier", `"alice"`, `""`, imcode.UserSigCheckFailed},
		{"null for a number", `:60`, `:null`, imcode.UserSigCheckFailed},
		{"a member twice: the last one counts", `{`, `{"TLS.expire":61,`, 0},
		{"a signature that is not base64", `SIG`, `???`, imcode.UserSigMismatchPublicKey},
		{"an array", genuine, `[]`, imcode.UserSigCheckFailed},
		{"null", genuine, `null`, imcode.UserSigCheckFailed},
		{"nothing", genuine, ``, imcode.UserSigCheckFailed},
		{"two documents", `}`, `}{}`, imcode.UserSigCheckFailed},
		{"more than 8 KiB", `}`, `}` + strings.Repeat(" ", 8<<10), imcode.UserSigCheckFailed},
		{"8 KiB of open arrays", genuine, strings.Repeat("[", 8<<10), imcode.UserSigCheckFailed},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if _, err := verify(pack(signed(strings.Replace(genuine, tt.old, tt.new, 1)))); code(t, err) != tt.want {
				t.Errorf("got %v, want code %d", err, tt.want)
			}
		})
	}
}

// padded returns a genuine ticket that ends in padding, and its bytes.
func padded() (ticket string, compressed []byte) {
	document := signed(genuine)
	for !strings.HasSuffix(ticket, "_") {
		document += " "
		compressed = compress([]byte(document))
		ticket = encode(compressed)
	}
	return ticket, compressed
}

// loosen sets a bit of a padded ticket that stands for nothing.
func loosen(ticket string) string {
	end := strings.IndexByte(ticket, '_')
	last := strings.IndexByte(alphabet, ticket[end-1])
	return ticket[:end-1] + alphabet[last+1:last+2] + ticket[end:]
}

func TestParseNamesAnAppThatCannotBe(t *testing.T) {
	for _, id := range []string{"0", "4294967296", "4294967297", "9007199254740992"} {
		document := strings.Replace(genuine, `id":1,`, `id":`+id+`,`, 1)
		if _, err := usersig.Parse(pack(document)); code(t, err) != imcode.UserSigMismatchAppID {
			t.Errorf("SDKAppID %s: %v, want %v", id, err, imcode.UserSigMismatchAppID)
		}
	}
}

func TestWrappings(t *testing.T) {
	ticket, compressed := padded()
	body, checksum := compressed[:len(compressed)-4], compressed[len(compressed)-4:]
	then := func(parts ...[]byte) string { return encode(bytes.Join(parts, nil)) }
	for _, tt := range []struct{ name, ticket string }{
		{"a line feed in the middle", ticket[:20] + "\n" + ticket[20:]},
		{"a line break at the end", ticket + "\r\n"},
		{"a space at the end", ticket + " "},
		{"the alphabet of RFC 4648", strings.NewReplacer("*", "-", "-", "_").Replace(ticket)},
		{"no padding", strings.TrimRight(ticket, "_")},
		{"padding of =", strings.ReplaceAll(ticket, "_", "=")},
		{"more padding", ticket + "____"},
		{"loose bits before the padding", loosen(ticket)},
		{"a byte behind the end", then(compressed, []byte{0})},
		{"a second stream behind the end", then(compressed, compressed)},
		{"a checksum of zero", then(body, make([]byte, 4))},
		{"no checksum", then(body)},
		{"a checksum cut short", then(body, checksum[:3])},
		{"deflate without its zlib header", then(body[2:])},
		{"a preset dictionary", then([]byte{0x78, 0xbb}, compressed[2:])},
		{"not compressed", encode([]byte(signed(genuine)))},
		{"2,049 characters", strings.Repeat("A", usersig.MaxLen+1)},
		{"only padding", "____"},
		{"characters outside ASCII", "小明"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if _, err := verify(tt.ticket); code(t, err) != imcode.UserSigCheckFailed {
				t.Errorf("%q: got %v, want %v", tt.ticket, err, imcode.UserSigCheckFailed)
			}
		})
	}
	if _, err := verify(ticket); err != nil {
		t.Errorf("after all these, the genuine ticket: %v", err)
	}
}

// Two documents must not have the same signed lines: these two would, were line
// feeds allowed in a value. Whoever gets the first one signed for a name of
// their choice must not hold the second.
func TestALineFeedCannotMoveTheSignature(t *testing.T) {
	sig := hmacOf("TLS.identifier:alice", "TLS.sdkappid:1", "TLS.time:1700000000", "TLS.expire:60",
		"TLS.userbuf:", "TLS.sdkappid:1", "TLS.time:1700000000", "TLS.expire:60")
	for name, document := range map[string]string{
		"identifier": `{"TLS.ver":"2.0","TLS.identifier":"alice\nTLS.sdkappid:1\nTLS.time:1700000000\nTLS.expire:60\nTLS.userbuf:",` +
			`"TLS.sdkappid":1,"TLS.time":1700000000,"TLS.expire":60,"TLS.sig":"` + sig + `"}`,
		"userbuf": `{"TLS.ver":"2.0","TLS.identifier":"alice","TLS.sdkappid":1,"TLS.time":1700000000,"TLS.expire":60,` +
			`"TLS.userbuf":"\nTLS.sdkappid:1\nTLS.time:1700000000\nTLS.expire:60","TLS.sig":"` + sig + `"}`,
	} {
		if _, err := verify(pack(document)); code(t, err) != imcode.UserSigCheckFailed {
			t.Errorf("in the %s: %v, want %v", name, err, imcode.UserSigCheckFailed)
		}
	}
}

func TestABombTakesBoundedMemory(t *testing.T) {
	bombs := map[string]string{
		"2,016 characters, 1.5 MB":  encode(compress(make([]byte, 1_536_000))),
		"a megabyte of text, 1 GiB": encode(gibibyte()),
	}
	if n := len(bombs["2,016 characters, 1.5 MB"]); n > usersig.MaxLen {
		t.Fatalf("the small bomb has %d characters: its length alone refuses it", n)
	}
	for name, bomb := range bombs {
		t.Run(name, func(t *testing.T) {
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			_, err := verify(bomb)
			runtime.ReadMemStats(&after)
			if code(t, err) != imcode.UserSigCheckFailed {
				t.Errorf("got %v, want %v", err, imcode.UserSigCheckFailed)
			}
			if took := after.TotalAlloc - before.TotalAlloc; took > 256<<10 {
				t.Errorf("it took %d bytes", took)
			}
		})
	}
}

// gibibyte returns a deflated GiB of zeros: the same block again and again.
func gibibyte() []byte {
	const block = 1 << 20
	var b bytes.Buffer
	z := zlib.NewWriter(&b)
	z.Write(make([]byte, block))
	z.Flush()
	first := b.Len()
	z.Write(make([]byte, block))
	z.Flush()
	return slices.Concat(b.Bytes(), bytes.Repeat(b.Bytes()[first:], 1<<30/block-2))
}
