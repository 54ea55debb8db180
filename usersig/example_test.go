package usersig_test

import (
	"errors"
	"fmt"
	"time"

	"rollcall.example/imcode"
	"rollcall.example/usersig"
)

// A business server signs for alice, whom it has just recognised, and the
// ticket is good for a day.
func Example() {
	const app, key = 1400000000, "a secret key of the app"
	now := time.Unix(1_700_000_000, 0)

	ticket, err := usersig.Sign(app, key, "alice", now, 24*time.Hour)
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, at := range []time.Duration{0, 24 * time.Hour, 24*time.Hour + time.Second} {
		_, err := usersig.Verify(ticket, app, "alice", []string{key}, now.Add(at))
		fmt.Println(at, "later:", err)
	}
	// Output:
	// 0s later: <nil>
	// 24h0m0s later: <nil>
	// 24h0m1s later: 70001 ERR_SVR_ACCOUNT_USERSIG_EXPIRED: it was good for 86400 seconds and ended at 2023-11-15T22:13:21Z
}

// While a key is being changed both are good.
func ExampleVerify_severalKeys() {
	now := time.Unix(1_700_000_000, 0)
	ticket, _ := usersig.Sign(1, "old key", "alice", now, time.Hour)

	_, err := usersig.Verify(ticket, 1, "alice", []string{"new key", "old key"}, now)
	fmt.Println("both:", err)
	_, err = usersig.Verify(ticket, 1, "alice", []string{"new key"}, now)
	fmt.Println("the new one only, refused for its key:", errors.Is(err, imcode.UserSigMismatchPublicKey))
	// Output:
	// both: <nil>
	// the new one only, refused for its key: true
}

// After a REST kick the account's tickets count only from ValidFrom on. One
// signed for that moment works at once.
func ExampleClaims_NotBefore() {
	now := time.Unix(1_700_000_000, 0)
	validFrom := now.Add(time.Second)

	c := usersig.Claims{App: 1, Identifier: "alice", Time: now.Unix(), Expire: 3600}.NotBefore(validFrom)
	ticket, err := c.Sign("key")
	if err != nil {
		fmt.Println(err)
		return
	}
	got, err := usersig.Verify(ticket, 1, "alice", []string{"key"}, now)
	fmt.Println("made at", got.Time, err)
	// Output:
	// made at 1700000001 <nil>
}

// Parse shows what a ticket says; it does not ask who wrote it.
func ExampleParse() {
	c, err := usersig.Parse("eJyrVgrxCdYrSy1SslIy0jNQ0gHzM1NS80oy0zLBwok5mcmpUInilOzEgoLMFCUrQxMDKIDIlGTmpipZGZqjiqZWFGQWpSpZWZiZwISKM9OVrJTM3HOzsrxyPA2i0spSspwNCr0q3bI8svN8Cj3DUos8zYoKvPzTwyvS0g2zbZVqAZcSMWk_")
	fmt.Println(c.App, c.Identifier, c.Ends().UTC(), err)
	// Output:
	// 1400000000 alice 2023-11-15 22:13:21 +0000 UTC <nil>
}
