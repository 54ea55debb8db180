package usersig

import (
	"bytes"
	"compress/zlib"
	"encoding/base64"
	"encoding/json"
	"io"
	"strings"
	"sync"
	"unicode/utf8"

	"rollcall.example"
	"rollcall.example/imcode"
)

// version is the only TLS.ver there is.
const version = "2.0"

// maxInflated bounds the JSON document inside a UserSig, in bytes.
const maxInflated = 8 << 10

// outer is standard base64 with * for +, - for / and _ for the padding. It is
// not the base64url of RFC 4648.
var outer = base64.NewEncoding("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789*-").WithPadding('_').Strict()

// inner is standard base64, in which one text stands for one value only.
var inner = base64.StdEncoding.Strict()

// A document is the JSON inside a UserSig.
type document struct {
	Ver        string  `json:"TLS.ver"`
	Identifier string  `json:"TLS.identifier"`
	App        int64   `json:"TLS.sdkappid"`
	Time       int64   `json:"TLS.time"`
	Expire     int64   `json:"TLS.expire"`
	Userbuf    *string `json:"TLS.userbuf,omitempty"` // standard base64; nil: none
	Sig        string  `json:"TLS.sig"`               // standard base64

	userbuf []byte // Userbuf decoded
}

// Parse reads a UserSig without checking that it is genuine: anybody may have
// written it. The error is imcode.UserSigEmpty for the empty string,
// imcode.UserSigMismatchAppID if it is for an app that cannot be (0, or above
// 32 bits), imcode.UserSigCheckFailed for whatever else is no UserSig.
func Parse(ticket string) (Claims, error) {
	d, err := decode(ticket)
	if err != nil {
		return Claims{}, err
	}
	app := rollcall.AppID(d.App)
	if int64(app) != d.App || app == 0 {
		return Claims{}, imcode.UserSigMismatchAppID.Errorf("it is for SDKAppID %d, which no app has", d.App)
	}
	return d.claims(), nil
}

// claims returns what the document says, its app being within 32 bits.
func (d document) claims() Claims {
	return Claims{
		App:        rollcall.AppID(d.App),
		Identifier: d.Identifier,
		Time:       d.Time,
		Expire:     d.Expire,
		Userbuf:    d.userbuf,
	}
}

// decode reads the document in a ticket and checks its form.
func decode(ticket string) (document, error) {
	if ticket == "" {
		return document{}, imcode.UserSigEmpty
	}
	if len(ticket) > MaxLen {
		return document{}, imcode.UserSigCheckFailed.Errorf("%d characters, at most %d are allowed", len(ticket), MaxLen)
	}
	in := inflaters.Get().(*inflater)
	defer inflaters.Put(in)
	text, err := in.read(ticket)
	if err != nil {
		return document{}, err
	}
	if !utf8.Valid(text) {
		return document{}, imcode.UserSigCheckFailed.Errorf("the document in it is not UTF-8")
	}
	d := document{App: -1, Time: -1, Expire: -1} // which a missing member leaves
	if err := json.Unmarshal(text, &d); err != nil {
		return document{}, imcode.UserSigCheckFailed.Errorf("the document in it is not the JSON of a UserSig")
	}
	if err := d.complete(); err != nil {
		return document{}, err
	}
	return d, nil
}

// complete checks that every member is there and sound, and decodes the userbuf.
func (d *document) complete() error {
	switch {
	case d.Ver != version:
		return imcode.UserSigCheckFailed.Errorf("TLS.ver is not %q", version)
	case d.Identifier == "" || d.Sig == "":
		return imcode.UserSigCheckFailed.Errorf("TLS.identifier or TLS.sig is missing")
	case strings.Contains(d.Identifier, "\n"):
		return imcode.UserSigCheckFailed.Errorf("TLS.identifier has a line feed in it")
	}
	for _, n := range [...]int64{d.App, d.Time, d.Expire} {
		if n < 0 || n > maxNumber {
			return imcode.UserSigCheckFailed.Errorf("TLS.sdkappid, TLS.time or TLS.expire is missing or not between 0 and 2^53")
		}
	}
	if d.Userbuf == nil {
		return nil
	}
	var err error
	if d.userbuf, err = appendBase64([]byte{}, inner, *d.Userbuf); err != nil {
		return imcode.UserSigCheckFailed.Errorf("TLS.userbuf is not standard base64")
	}
	return nil
}

// inflaters keeps inflaters for reuse: a new one takes 40 KB.
var inflaters = sync.Pool{New: func() any { return new(inflater) }}

// An inflater undoes the two outer layers of a ticket, in memory that it keeps.
type inflater struct {
	compressed []byte
	in         bytes.Reader
	zlib       io.ReadCloser // nil before its first stream
	text       bytes.Buffer
}

// read returns the document in a ticket. It is good until the next read.
func (f *inflater) read(ticket string) ([]byte, error) {
	var err error
	if f.compressed, err = appendBase64(f.compressed[:0], outer, ticket); err != nil {
		return nil, imcode.UserSigCheckFailed.Errorf("it is not base64 with * for +, - for / and _ for =")
	}
	f.in.Reset(f.compressed)
	if err := f.open(); err != nil {
		return nil, imcode.UserSigCheckFailed.Errorf("it does not inflate: is it whole?")
	}
	f.text.Reset()
	if _, err := f.text.ReadFrom(io.LimitReader(f.zlib, maxInflated+1)); err != nil {
		return nil, imcode.UserSigCheckFailed.Errorf("it does not inflate: is it whole?")
	}
	if f.text.Len() > maxInflated {
		return nil, imcode.UserSigCheckFailed.Errorf("it inflates to more than %d bytes", maxInflated)
	}
	if f.in.Len() > 0 {
		return nil, imcode.UserSigCheckFailed.Errorf("%d bytes follow its end", f.in.Len())
	}
	return f.text.Bytes(), nil
}

// open reads the header of the zlib stream in f.in.
func (f *inflater) open() (err error) {
	if f.zlib == nil {
		f.zlib, err = zlib.NewReader(&f.in)
		return err
	}
	return f.zlib.(zlib.Resetter).Reset(&f.in, nil)
}

// appendBase64 decodes s onto b. Unlike the standard decoder it takes no line
// breaks.
func appendBase64(b []byte, encoding *base64.Encoding, s string) ([]byte, error) {
	if i := strings.IndexAny(s, "\r\n"); i >= 0 {
		return b, base64.CorruptInputError(i)
	}
	return encoding.AppendDecode(b, []byte(s))
}
