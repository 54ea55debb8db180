package usersig_test

import (
	"reflect"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"rollcall.example"
	"rollcall.example/imcode"
	"rollcall.example/usersig"
)

var (
	someKey        = rapid.StringN(1, 80, -1)
	someIdentifier = rapid.OneOf(
		rapid.StringMatching(`[A-Za-z0-9_-]{1,32}`),
		rapid.StringN(1, 32, -1).Filter(func(s string) bool { return !strings.Contains(s, "\n") }),
	)
	someClaims = rapid.Custom(func(t *rapid.T) usersig.Claims {
		c := usersig.Claims{
			App:        rollcall.AppID(rapid.Uint32Min(1).Draw(t, "app")),
			Identifier: someIdentifier.Draw(t, "identifier"),
			Time:       rapid.Int64Range(0, 1<<53).Draw(t, "time"),
			Expire:     rapid.Int64Range(0, 1<<53).Draw(t, "expire"),
		}
		if b := rapid.SliceOfN(rapid.Byte(), 0, 200).Draw(t, "userbuf"); len(b) > 0 {
			c.Userbuf = b
		}
		return c
	})
)

func TestWhatIsSignedVerifies(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		want, key := someClaims.Draw(t, "claims"), someKey.Draw(t, "key")
		keys := rapid.Permutation([]string{key, "another " + key, ""}).Draw(t, "keys")
		ticket, err := want.Sign(key)
		if err != nil {
			t.Fatalf("Sign: %v", err)
		}
		got, err := usersig.Verify(ticket, want.App, want.Identifier, keys, time.Unix(want.Time, 0))
		if ended := !time.Unix(want.Time, 0).Before(want.Ends()); err != nil && !ended {
			t.Fatalf("Verify: %v", err)
		}
		if !reflect.DeepEqual(got, want) {
			t.Fatalf("signed %+v, read %+v", want, got)
		}
	})
}

func TestEveryMemberIsSigned(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		a, b, key := someClaims.Draw(t, "a"), someClaims.Draw(t, "b"), someKey.Draw(t, "key")
		// b is a with one member of its own.
		b = rapid.SampledFrom([]usersig.Claims{
			{App: b.App, Identifier: a.Identifier, Time: a.Time, Expire: a.Expire, Userbuf: a.Userbuf},
			{App: a.App, Identifier: b.Identifier, Time: a.Time, Expire: a.Expire, Userbuf: a.Userbuf},
			{App: a.App, Identifier: a.Identifier, Time: b.Time, Expire: a.Expire, Userbuf: a.Userbuf},
			{App: a.App, Identifier: a.Identifier, Time: a.Time, Expire: b.Expire, Userbuf: a.Userbuf},
			{App: a.App, Identifier: a.Identifier, Time: a.Time, Expire: a.Expire, Userbuf: b.Userbuf},
		}).Filter(func(b usersig.Claims) bool { return !reflect.DeepEqual(a, b) }).Draw(t, "changed")
		sigOf := func(c usersig.Claims) any { return members(t, must(c.Sign(key)))["TLS.sig"] }
		if sigOf(a) == sigOf(b) {
			t.Fatalf("%+v and %+v have the same signature", a, b)
		}
	})
}

// TestAChangedTicketIsRefused, or says what it said: deflate has bits that mean
// nothing, as the padding before a stored block, so there are many ways to pack the
// same signed document.
func TestAChangedTicketIsRefused(t *testing.T) {
	ticket := pack(signed(genuine))
	said := must(verify(ticket))
	rapid.Check(t, func(t *rapid.T) {
		at := rapid.IntRange(0, len(ticket)-1).Draw(t, "at")
		with := rapid.StringOfN(rapid.SampledFrom([]rune(alphabet+"_+/=\n")), 0, 3, -1).Draw(t, "with")
		changed := ticket[:at] + with + ticket[at+1:]
		if got, err := verify(changed); err == nil && !reflect.DeepEqual(got, said) {
			t.Fatalf("accepted %q, which says %+v", changed, got)
		}
	})
}

func FuzzParse(f *testing.F) {
	vectors, checks := golden(f)
	for _, v := range vectors {
		f.Add(v.Ticket)
	}
	for _, c := range checks {
		f.Add(c.Ticket)
	}
	f.Fuzz(func(t *testing.T, ticket string) {
		c, err := usersig.Parse(ticket)
		switch got := code(t, err); got {
		case imcode.UserSigEmpty, imcode.UserSigCheckFailed, imcode.UserSigMismatchAppID:
		case 0:
			sameAgain(t, c)
		default:
			t.Errorf("Parse answers %v", got)
		}
	})
}

// FuzzVerify reaches behind the base64 and the zlib: it packs what it is given.
func FuzzVerify(f *testing.F) {
	f.Add(signed(genuine), int64(1_700_000_000))
	f.Add(strings.Replace(signed(genuine), "60", "6e1", 1), int64(1_700_000_060))
	f.Add(strings.Replace(signed(genuine), "{", `{"TLS.userbuf":"",`, 1), int64(0))
	// The key has signed one document in this test: nothing else is genuine.
	only := usersig.Claims{App: 1, Identifier: "alice", Time: 1_700_000_000, Expire: 60}
	f.Fuzz(func(t *testing.T, document string, now int64) {
		c, err := usersig.Verify(pack(document), 1, "alice", []string{"key"}, time.Unix(now%(1<<54), 0))
		forged := reflect.DeepEqual(c, usersig.Claims{})
		if !forged && !reflect.DeepEqual(c, only) {
			t.Errorf("%q passes for %+v", document, c)
		}
		if got := code(t, err); forged && (got == 0 || got == imcode.UserSigExpired) {
			t.Errorf("%q answers %v", document, err)
		}
	})
}

// sameAgain holds that c, if it can be signed, comes back as it went.
func sameAgain(t *testing.T, c usersig.Claims) {
	t.Helper()
	if c.Userbuf != nil && len(c.Userbuf) == 0 {
		c.Userbuf = nil
	}
	ticket, err := c.Sign("key")
	if err != nil {
		return // no identifier, or too long once compressed our way
	}
	if again, err := usersig.Parse(ticket); err != nil || !reflect.DeepEqual(again, c) {
		t.Errorf("%+v comes back as %+v, %v", c, again, err)
	}
}
