package usersig

import (
	"bytes"
	"compress/zlib"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"strconv"
	"strings"
	"sync"
	"time"
	"unicode/utf8"

	"rollcall.example"
	"rollcall.example/imcode"
)

// Sign makes a UserSig with which identifier can log in to app from now on, for
// the given lifetime in whole seconds. The key is a secret key of the app, used
// as the string it is: hex is not decoded. It belongs on the app's own server,
// never in a client.
//
// The error is imcode.InvalidParameters if app, key or identifier is empty, or
// if no check would accept the result.
func Sign(app rollcall.AppID, key, identifier string, now time.Time, lifetime time.Duration) (string, error) {
	if lifetime < 0 {
		return "", imcode.InvalidParameters.Errorf("the lifetime is %v, want 0 or more", lifetime)
	}
	return Claims{
		App:        app,
		Identifier: identifier,
		Time:       now.Unix(),
		Expire:     int64(lifetime / time.Second),
	}.Sign(key)
}

// Sign makes a UserSig that says c. An empty Userbuf is left out, because the
// vendor's Go library drops one and then fails to verify what it signed. For
// the key and the errors see the function [Sign].
func (c Claims) Sign(key string) (string, error) {
	if err := c.signable(key); err != nil {
		return "", err
	}
	d := document{
		Ver:        version,
		Identifier: c.Identifier,
		App:        int64(c.App),
		Time:       c.Time,
		Expire:     c.Expire,
	}
	if len(c.Userbuf) > 0 {
		d.Userbuf = new(base64.StdEncoding.EncodeToString(c.Userbuf))
	}
	d.Sig = string(signature(d.content(), key))
	text, err := json.Marshal(d)
	if err != nil {
		return "", imcode.InvalidParameters.Errorf("encode the UserSig: %v", err)
	}
	if len(text) > maxInflated {
		return "", imcode.InvalidParameters.Errorf("the UserSig holds %d bytes, at most %d fit", len(text), maxInflated)
	}
	sig := outer.EncodeToString(deflate(text))
	if len(sig) > MaxLen {
		return "", imcode.InvalidParameters.Errorf("the UserSig has %d characters, at most %d are allowed", len(sig), MaxLen)
	}
	return sig, nil
}

// signable reports why c cannot be signed with key.
func (c Claims) signable(key string) error {
	switch {
	case key == "":
		return imcode.InvalidParameters.Errorf("the key is empty")
	case c.App == 0:
		return imcode.InvalidParameters.Errorf("the SDKAppID is 0")
	case c.Identifier == "":
		return imcode.InvalidParameters.Errorf("the identifier is empty")
	case !utf8.ValidString(c.Identifier):
		return imcode.InvalidParameters.Errorf("the identifier is not UTF-8")
	case strings.Contains(c.Identifier, "\n"):
		return imcode.InvalidParameters.Errorf("the identifier has a line feed in it")
	case c.Time < 0 || c.Time > maxNumber:
		return imcode.InvalidParameters.Errorf("time is %d, want 0 to 2^53", c.Time)
	case c.Expire < 0 || c.Expire > maxNumber:
		return imcode.InvalidParameters.Errorf("the lifetime is %d seconds, want 0 to 2^53", c.Expire)
	}
	return nil
}

// content returns the lines that are signed. No value has a line feed in it,
// so that two documents never share their content.
func (d document) content() []byte {
	b := make([]byte, 0, 512)
	b = append(append(b, "TLS.identifier:"...), d.Identifier...)
	b = strconv.AppendInt(append(b, "\nTLS.sdkappid:"...), d.App, 10)
	b = strconv.AppendInt(append(b, "\nTLS.time:"...), d.Time, 10)
	b = strconv.AppendInt(append(b, "\nTLS.expire:"...), d.Expire, 10)
	if d.Userbuf != nil {
		b = append(append(b, "\nTLS.userbuf:"...), *d.Userbuf...)
	}
	return append(b, '\n')
}

// signature returns the value of TLS.sig for the content.
func signature(content []byte, key string) []byte {
	mac := hmac.New(sha256.New, []byte(key))
	mac.Write(content)
	return base64.StdEncoding.AppendEncode(nil, mac.Sum(nil))
}

// deflaters keeps compressors for reuse: a new one takes 800 KB.
var deflaters = sync.Pool{New: func() any { return zlib.NewWriter(nil) }}

// deflate compresses text. Writing to memory does not fail.
func deflate(text []byte) []byte {
	var b bytes.Buffer
	z := deflaters.Get().(*zlib.Writer)
	defer deflaters.Put(z)
	z.Reset(&b)
	z.Write(text)
	z.Close()
	return b.Bytes()
}
