package session

import (
	"net/netip"
	"testing"
)

func TestWhatIsShownOfAnAddress(t *testing.T) {
	for _, tt := range []struct{ address, want string }{
		{"203.0.113.77", "203.0.113.0"},
		{"::ffff:203.0.113.77", "203.0.113.0"},
		{"2001:db8:1:2:3:4:5:6", "2001:db8:1::"},
		{"127.0.0.1", "127.0.0.1"},
		{"::ffff:127.0.0.1", "127.0.0.1"},
		{"::1", "::1"},
	} {
		if got := (Address{netip.MustParseAddr(tt.address)}).Short(); got != tt.want {
			t.Errorf("%s is shown as %q, want %q", tt.address, got, tt.want)
		}
	}
	if got := (Address{}).Short(); got != "" {
		t.Errorf("no address is shown as %q", got)
	}
}
