package usersig

import (
	"crypto/subtle"
	"time"

	"rollcall.example"
	"rollcall.example/imcode"
)

// Verify judges a UserSig with which identifier wants to log in to app at now:
// first as [Check] does, then against the clock as [Claims.At] does. When only
// the clock speaks against it, the Claims are returned beside the error; in
// every other refusal they are zero.
func Verify(ticket string, app rollcall.AppID, identifier string, keys []string, now time.Time) (Claims, error) {
	c, err := Check(ticket, app, identifier, keys)
	if err != nil {
		return Claims{}, err
	}
	return c, c.At(now)
}

// Check judges everything about a UserSig but the clock, and returns what it
// says. Keys are the app's current ones, in any order: one that matches is
// enough. Empty ones are passed over. The error is the first of
//
//   - imcode.UserSigEmpty, imcode.UserSigCheckFailed: see [Parse]
//   - imcode.PublicKeyNotFound: there is no key
//   - imcode.UserSigMismatchAppID: it is for another app
//   - imcode.UserSigMismatchID: it is for another identifier, byte for byte
//   - imcode.UserSigMismatchPublicKey: it was signed with none of the keys, or
//     changed since
func Check(ticket string, app rollcall.AppID, identifier string, keys []string) (Claims, error) {
	d, err := decode(ticket)
	if err != nil {
		return Claims{}, err
	}
	if !usable(keys) {
		return Claims{}, imcode.PublicKeyNotFound
	}
	if d.App != int64(app) {
		return Claims{}, imcode.UserSigMismatchAppID.Errorf("it is for SDKAppID %d, the request for %d", d.App, app)
	}
	if d.Identifier != identifier {
		return Claims{}, imcode.UserSigMismatchID.Errorf("it is for %.40q, the request for %.40q", d.Identifier, identifier)
	}
	if !d.signedWith(keys) {
		return Claims{}, imcode.UserSigMismatchPublicKey.Errorf("it was signed with no current key of SDKAppID %d, or changed since", app)
	}
	return d.claims(), nil
}

// usable reports whether there is a key to check with.
func usable(keys []string) bool {
	for _, k := range keys {
		if k != "" {
			return true
		}
	}
	return false
}

// signedWith reports whether one of the keys made the signature. It tries them
// all, so that the time it takes does not tell which.
func (d document) signedWith(keys []string) bool {
	content, got := d.content(), []byte(d.Sig)
	found := 0
	for _, k := range keys {
		if k != "" {
			found |= subtle.ConstantTimeCompare(got, signature(content, k))
		}
	}
	return found == 1
}
