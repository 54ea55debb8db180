package storetest

import (
	"cmp"
	"fmt"
	"slices"
	"testing"
	"time"
	"unicode"

	"pgregory.net/rapid"

	"rollcall.example"
	"rollcall.example/internal/policy"
)

// same tells whether two states say the same.
func same(a, b policy.State) bool {
	return fmt.Sprintf("%+v", a) == fmt.Sprintf("%+v", b)
}

// roundTrip turns one account into any state and from there into any other.
func roundTrip(t *testing.T, e Engine) {
	account := rollcall.Account{App: 7}
	n := 0
	rapid.Check(t, func(r *rapid.T) {
		n++
		account.User = rollcall.UserID(fmt.Sprintf("user-%d", n))
		was := policy.State{}
		for range rapid.IntRange(1, 4).Draw(r, "steps") {
			want := states.Draw(r, "state")
			o, err := e.Mutate(t.Context(), account, func(s policy.State) policy.Outcome {
				if !same(s, was) {
					r.Errorf("the rule saw\n%+v, want\n%+v", s, was)
				}
				return policy.Outcome{State: want}
			})
			if err != nil {
				r.Fatal(err)
			}
			got, err := e.State(t.Context(), account)
			if err != nil {
				r.Fatal(err)
			}
			if !same(got, want) {
				r.Fatalf("reads back as\n%+v, want\n%+v", got, want)
			}
			if !same(o.State, want) {
				r.Fatalf("was answered as\n%+v, want\n%+v", o.State, want)
			}
			was = want
		}
	})
}

// sameView: times finer than they are stored, in another zone, and rows out of
// order look the same in the answer, to the next rule and to a reader.
func sameView(t *testing.T, e Engine) {
	a := account("alice")
	at := start.Add(1234567 * time.Nanosecond).In(time.FixedZone("far", 9*3600))
	fine := policy.State{
		Created:  at,
		Sessions: []policy.Session{{Number: 2, Since: at, SigEnds: 1e10}, {Number: 1, Away: at, SigEnds: 1e10}},
		Kicks:    []policy.Kick{{Session: 4, At: at}, {Session: 3, At: at.Add(1)}},
		Tries:    []policy.Try{{Device: "b", Seen: at}, {Device: "a", Seen: at.Add(1)}},
	}
	var saw policy.State
	rule := func(s policy.State) policy.Outcome {
		if !s.Exists() {
			return policy.Outcome{State: fine}
		}
		saw = s
		return policy.Outcome{State: s}
	}
	release := hold(t, e)
	defer release()
	first, second := ask(t.Context(), e, a, rule), ask(t.Context(), e, a, rule)
	release()
	for _, err := range []error{<-first, <-second} {
		if err != nil {
			t.Fatal(err)
		}
	}
	read := state(t, e, a)
	if !same(saw, read) {
		t.Errorf("the second rule saw\n%+v, a reader sees\n%+v", saw, read)
	}
	if o := mutate(t, e, account("bob"), rule); !same(o.State, read) {
		t.Errorf("the answer was\n%+v, a reader sees\n%+v", o.State, read)
	}
	if want := start.Add(time.Millisecond); read.Created != want || read.Sessions[0].Number != 1 || read.Tries[0].Device != "a" {
		t.Errorf("reads as %+v, want times at %s and rows in order", read, want)
	}
}

var (
	words     = rapid.StringOfN(rapid.RuneFrom(nil, unicode.L, unicode.N, unicode.P, unicode.So, unicode.Zs), 0, 64, 64)
	names     = rapid.StringMatching(`[a-zA-Z0-9_-]{1,64}`)
	devices   = rapid.SampledFrom([]rollcall.DeviceID{"a", "A", "b", "device-1", "device_1", "0"})
	platforms = rapid.Custom(func(t *rapid.T) rollcall.Platform {
		return rollcall.Platform(rapid.IntRange(0, policy.NumPlatforms-1).Draw(t, "platform"))
	})
	moments = rapid.Custom(func(t *rapid.T) time.Time {
		return start.Add(time.Duration(rapid.Int64Range(-1e12, 1e12).Draw(t, "ms")) * time.Millisecond)
	})
	maybeMoments = rapid.OneOf(rapid.Just(time.Time{}), moments)
	seconds      = rapid.Int64Range(0, 1<<54) // as much as a UserSig may claim
	hashes       = rapid.Custom(func(t *rapid.T) (h policy.Hash) {
		if rapid.Bool().Draw(t, "hash") {
			copy(h[:], rapid.SliceOfN(rapid.Byte(), len(h), len(h)).Draw(t, "bytes"))
		}
		return h
	})
	secrets = rapid.Custom(func(t *rapid.T) policy.Secret {
		return policy.Secret{Fixed: hashes.Draw(t, "fixed"), Present: hashes.Draw(t, "present"), Before: hashes.Draw(t, "before")}
	})
	numbers = rapid.Uint64Range(1, 12)
)

var sessions = rapid.Custom(func(t *rapid.T) policy.Session {
	return policy.Session{
		Number: numbers.Draw(t, "number"), Device: devices.Draw(t, "device"), DeviceName: words.Draw(t, "name"),
		Platform: platforms.Draw(t, "platform"), Since: moments.Draw(t, "since"), Conn: rapid.Uint64().Draw(t, "conn"),
		Node: rapid.OneOf(rapid.Just(""), names).Draw(t, "node"), Away: maybeMoments.Draw(t, "away"),
		SigTime: seconds.Draw(t, "sig time"), SigEnds: seconds.Draw(t, "sig ends"),
		Address: words.Draw(t, "address"), Secret: secrets.Draw(t, "secret"),
	}
})

var kicks = rapid.Custom(func(t *rapid.T) policy.Kick {
	return policy.Kick{
		Session: numbers.Draw(t, "session"), Device: devices.Draw(t, "device"), Platform: platforms.Draw(t, "platform"),
		Reason: policy.Reason(rapid.IntRange(0, int(policy.SigEnded)).Draw(t, "reason")),
		By: policy.By{
			Session: rapid.Uint64Range(0, 12).Draw(t, "by"), Platform: platforms.Draw(t, "by platform"), DeviceName: words.Draw(t, "by name"),
			Rule: policy.Rule(rapid.IntRange(0, 2).Draw(t, "rule")), Limit: rapid.IntRange(0, 100).Draw(t, "limit"), Operator: words.Draw(t, "operator"),
		},
		At: moments.Draw(t, "at"), Secret: secrets.Draw(t, "secret"),
	}
})

var tries = rapid.Custom(func(t *rapid.T) policy.Try {
	return policy.Try{
		Device: devices.Draw(t, "device"), Highest: rapid.Uint64().Draw(t, "highest"), Seen: moments.Draw(t, "seen"),
		Fixed: hashes.Draw(t, "fixed"), Session: rapid.Uint64Range(0, 12).Draw(t, "session"),
	}
})

// states are any that an account may have, their rows in the order of a store.
var states = rapid.Custom(func(t *rapid.T) policy.State {
	s := policy.State{
		Created: maybeMoments.Draw(t, "created"), Disabled: rapid.Bool().Draw(t, "disabled"),
		Sessions: rapid.SliceOfNDistinct(sessions, 0, 8, func(x policy.Session) uint64 { return x.Number }).Draw(t, "sessions"),
		Kicks:    rapid.SliceOfNDistinct(kicks, 0, 8, func(k policy.Kick) uint64 { return k.Session }).Draw(t, "kicks"),
		Tries:    rapid.SliceOfNDistinct(tries, 0, 6, func(x policy.Try) rollcall.DeviceID { return x.Device }).Draw(t, "tries"),
		Counter:  rapid.Uint64Range(0, 1<<40).Draw(t, "counter"), RESTKickCounter: rapid.Uint64Range(0, 1<<40).Draw(t, "kick counter"),
		ValidFrom: seconds.Draw(t, "valid from"), HighestSigTime: seconds.Draw(t, "highest"),
		ActiveDay: rapid.IntRange(0, 99991231).Draw(t, "day"), ActiveMonth: rapid.IntRange(0, 999912).Draw(t, "month"),
	}
	slices.SortFunc(s.Sessions, func(a, b policy.Session) int { return cmp.Compare(a.Number, b.Number) })
	slices.SortFunc(s.Kicks, func(a, b policy.Kick) int { return cmp.Or(a.At.Compare(b.At), cmp.Compare(a.Session, b.Session)) })
	slices.SortFunc(s.Tries, func(a, b policy.Try) int { return cmp.Or(b.Seen.Compare(a.Seen), cmp.Compare(a.Device, b.Device)) })
	return s
})
