// Package usersig makes and checks UserSigs, the signed tickets with which an
// account logs in.
//
// A UserSig (the vendor's TLSSigAPIv2, version 2.0) is a zlib-compressed JSON
// document in a URL-safe variant of base64. It says for which app and
// identifier it is, when it was made and for how long it is good, and carries
// an HMAC-SHA256 of that under a secret key of the app. Nothing in it is
// secret: whoever has it can read it, and is the account until it ends.
//
// A business server makes one with [Sign]; [Claims.Sign] takes all that a
// UserSig can hold. [Verify] judges one against the clock. A server that has
// more to ask in between, such as whether the account still honours it, calls
// [Check] for everything but the clock and goes on from its [Claims]. [Parse]
// only reads.
//
// # What callers may rely on
//
//   - What the vendor's generators make is accepted, what this package makes
//     they would have made: same members, same signature. The compressed bytes
//     may differ.
//   - Whatever Sign returns, Check accepts under the same key.
//   - The checks come in a fixed order, each with its own code, so that the
//     code names the true cause. The signature comes before the clock: a forged
//     UserSig is never reported as merely expired.
//   - Signatures are compared in constant time.
//   - A UserSig from a stranger costs bounded work and memory: [MaxLen]
//     characters to read, 8 KiB when inflated.
//   - Errors and Claims hold no key and no signature.
//
// The identifier is a plain string here. Which ones are legal UserIDs is
// checked where requests come in.
//
// The format and signing in other languages: docs/usersig.md. Codes: package
// imcode.
package usersig

import (
	"time"

	"rollcall.example"
	"rollcall.example/imcode"
	"rollcall.example/internal/plain"
)

const (
	// MaxLen is the length of the longest UserSig, in characters. One without
	// a userbuf has about 200.
	MaxLen = 2048

	// MaxAhead is how far ahead of our clock a UserSig may have been made.
	MaxAhead = 300 * time.Second
)

// maxNumber bounds the numbers in a UserSig: integers above it do not survive
// languages whose only number is a double. A sum of two fits an int64.
const maxNumber = 1 << 53

// endOfTime is the last second of the year 9999, the latest moment that every
// encoding of time can hold.
const endOfTime = 253402300799

// Claims is what a UserSig says, in the format's own units.
type Claims struct {
	App        rollcall.AppID
	Identifier string // the account's UserID
	Time       int64  // when it was made: whole seconds since 1970, 0 to 2^53
	Expire     int64  // for how long it is good from Time on: seconds, 0 to 2^53

	// Userbuf is what else is signed: rights in a room, for TRTC. A login needs
	// none. Nil means none; one that is empty but there signs differently.
	Userbuf []byte
}

// NotBefore returns c made no earlier than t, rounded up to a whole second.
// With an account's ValidFrom it is good at once after a kick that ended the
// account's earlier UserSigs.
func (c Claims) NotBefore(t time.Time) Claims {
	earliest := t.Unix()
	if t.Nanosecond() > 0 {
		earliest++
	}
	c.Time = max(c.Time, earliest)
	return c
}

// Ends returns the first moment at which c is no longer good. It is a second
// after Time + Expire, since the last second still counts, and never later than
// the year 9999.
func (c Claims) Ends() time.Time {
	return time.Unix(min(c.Time+c.Expire+1, endOfTime), 0)
}

// At judges c against the clock. The error is imcode.UserSigCheckFailed if c was
// made more than MaxAhead after now, imcode.UserSigExpired if it has ended.
func (c Claims) At(now time.Time) error {
	if ahead := c.Time - now.Unix(); ahead > int64(MaxAhead/time.Second) {
		return imcode.UserSigCheckFailed.Errorf("made %s in the future: check the clock of the server that signed it", plain.Count(int(ahead), "second"))
	}
	if ends := c.Ends(); !now.Before(ends) {
		return imcode.UserSigExpired.Errorf("it was good for %s and ended at %s", plain.Count(int(c.Expire), "second"), ends.UTC().Format(time.RFC3339))
	}
	return nil
}
