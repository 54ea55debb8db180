package session

import (
	"net/netip"
	"strings"
	"testing"
	"time"
)

func TestAClockThatJumpsForwardIsNotBelieved(t *testing.T) {
	began := time.Now()
	for _, tt := range []struct {
		name       string
		wall, mono time.Duration // how far each went
		want       bool
	}{
		{"both go alike", time.Hour, time.Hour, false},
		{"a minute ahead", 2 * time.Minute, time.Minute, false},
		{"more than a minute ahead", 2*time.Minute + time.Millisecond, time.Minute, true},
		{"a year ahead at once", 365 * 24 * time.Hour, 0, true},
		{"set back", -time.Hour, time.Minute, false},
		{"a slow drift", 30*time.Second + time.Millisecond, 30 * time.Second, false},
	} {
		w := watched{wall: began.Round(0), mono: began}
		wall, mono := began.Round(0).Add(tt.wall), began.Add(tt.mono)
		if got := w.jumped(wall, mono); got != tt.want {
			t.Errorf("%s: jumped is %v, want %v", tt.name, got, tt.want)
		}
		if w.jumped(wall, mono) {
			t.Errorf("%s: the same moment seen again is a jump", tt.name)
		}
	}
}

// TestLimitsCountTimeThatPasses: the machine's times carry the monotonic clock, by
// which their distances are measured, so that no limit sees a jump.
func TestLimitsCountTimeThatPasses(t *testing.T) {
	if now := New(nil, nil, nil, Options{}).Now(); !strings.Contains(now.String(), " m=") {
		t.Errorf("the clock reads %s, without the time that passes", now)
	}
}

func TestAnAddressIsKeptShort(t *testing.T) {
	for _, tt := range []struct{ address, key, short string }{
		{"192.0.2.77", "192.0.2.77", "192.0.2.0"},
		{"::ffff:192.0.2.77", "192.0.2.77", "192.0.2.0"},
		{"2001:db8:1:2:3:4:5:6", "2001:db8:1:2::", "2001:db8:1::"},
	} {
		a := Address{netip.MustParseAddr(tt.address)}
		if a.Key().String() != tt.key || a.Short() != tt.short {
			t.Errorf("%s: key %s, short %s; want %s and %s", tt.address, a.Key(), a.Short(), tt.key, tt.short)
		}
	}
	if a := (Address{}); a.Key().IsValid() || a.Short() != "" {
		t.Errorf("no address: key %s, short %q", a.Key(), a.Short())
	}
}

func TestTheHashOfAFixedHalfProvesItAndIsNotIt(t *testing.T) {
	half := []byte("0123456789abcdef")
	stored := fixed(half)
	once := hash(half)
	if proofs := hashes([][]byte{once[:]}); proofs[0] != stored {
		t.Error("the hash of the fixed half does not prove it")
	}
	if fixed(once[:16]) == stored || hash(half) == stored {
		t.Error("something else than the fixed half has its hash")
	}
}
