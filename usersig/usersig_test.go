package usersig_test

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"os"
	"reflect"
	"strings"
	"testing"
	"time"

	"rollcall.example"
	"rollcall.example/imcode"
	"rollcall.example/usersig"
)

// A vector is a ticket and what is in it, from a file in testdata.
type vector struct {
	Shows      string
	App        uint32
	Key        string
	Identifier string
	Time       int64
	Expire     int64
	Userbuf    *string // standard base64
	Sig        string
	Ticket     string
}

// claims returns what v's ticket says.
func (v vector) claims(t testing.TB) usersig.Claims {
	t.Helper()
	c := usersig.Claims{App: rollcall.AppID(v.App), Identifier: v.Identifier, Time: v.Time, Expire: v.Expire}
	if v.Userbuf != nil {
		b, err := base64.StdEncoding.DecodeString(*v.Userbuf)
		if err != nil {
			t.Fatal(err)
		}
		c.Userbuf = b
	}
	return c
}

// A check is a request and the code that answers it, 0 for none.
type check struct {
	Shows      string
	Ticket     string
	App        uint32
	Identifier string
	Keys       []string
	Now        int64
	Code       imcode.Code
}

// golden reads testdata/usersig.json and puts the keys in place of their names.
func golden(t testing.TB) (vectors []vector, checks []check) {
	t.Helper()
	var file struct {
		Keys    map[string]string
		Vectors []vector
		Checks  []check
	}
	readJSON(t, "testdata/usersig.json", &file)
	for i, v := range file.Vectors {
		file.Vectors[i].Key = file.Keys[v.Key]
	}
	for _, c := range file.Checks {
		for i, name := range c.Keys {
			c.Keys[i] = file.Keys[name]
		}
	}
	if len(file.Vectors) != 18 || len(file.Checks) == 0 {
		t.Fatalf("testdata/usersig.json: %d vectors, %d checks", len(file.Vectors), len(file.Checks))
	}
	return file.Vectors, file.Checks
}

func readJSON(t testing.TB, path string, into any) {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(text, into); err != nil {
		t.Fatalf("%s: %v", path, err)
	}
}

// code returns the Code in err, 0 for none.
func code(t testing.TB, err error) imcode.Code {
	t.Helper()
	var c imcode.Code
	if err != nil && !errors.As(err, &c) {
		t.Fatalf("error without a code: %v", err)
	}
	return c
}

func TestVectors(t *testing.T) {
	vectors, _ := golden(t)
	for _, v := range vectors {
		t.Run(v.Shows, func(t *testing.T) { testVector(t, v) })
	}
}

func TestTicketsOfTheVendorsGenerator(t *testing.T) {
	var vectors []vector
	readJSON(t, "testdata/npm.json", &vectors)
	for _, v := range vectors {
		t.Run(v.Shows, func(t *testing.T) { testVector(t, v) })
	}
}

// testVector holds v against every function of the package.
func testVector(t *testing.T, v vector) {
	t.Helper()
	want := v.claims(t)
	if got, err := usersig.Parse(v.Ticket); err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("Parse: %+v, %v; want %+v", got, err, want)
	}
	last := time.Unix(v.Time+v.Expire, 999_999_999)
	if got, err := usersig.Verify(v.Ticket, rollcall.AppID(v.App), v.Identifier, []string{v.Key}, last); err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("Verify in the last second: %+v, %v; want %+v", got, err, want)
	}
	got, err := usersig.Verify(v.Ticket, rollcall.AppID(v.App), v.Identifier, []string{v.Key}, last.Add(1))
	if code(t, err) != imcode.UserSigExpired || !reflect.DeepEqual(got, want) {
		t.Errorf("Verify a second later: %+v, %v; want %v and the claims", got, err, imcode.UserSigExpired)
	}
	ours, err := want.Sign(v.Key)
	if err != nil {
		t.Fatalf("Sign: %v", err)
	}
	if v.Userbuf != nil && *v.Userbuf == "" {
		return // ours has no userbuf then: TestAnEmptyUserbufIsLeftOut
	}
	if got, want := members(t, ours), members(t, v.Ticket); !reflect.DeepEqual(got, want) {
		t.Errorf("Sign made %v, the vendor %v", got, want)
	}
}

func TestChecks(t *testing.T) {
	_, checks := golden(t)
	for _, c := range checks {
		t.Run(c.Shows, func(t *testing.T) {
			got, err := usersig.Verify(c.Ticket, rollcall.AppID(c.App), c.Identifier, c.Keys, time.Unix(c.Now, 0))
			if code(t, err) != c.Code {
				t.Errorf("got %v, want code %d", err, c.Code)
			}
			_, err = usersig.Check(c.Ticket, rollcall.AppID(c.App), c.Identifier, c.Keys)
			genuine := err == nil
			if genuine == reflect.DeepEqual(got, usersig.Claims{}) {
				t.Errorf("genuine: %v (%v), but the claims are %+v", genuine, err, got)
			}
		})
	}
}

func TestSignRefuses(t *testing.T) {
	good := usersig.Claims{App: 1, Identifier: "alice", Time: 1_700_000_000, Expire: 86400}
	for _, tt := range []struct {
		name   string
		key    string
		change func(c *usersig.Claims)
	}{
		{"no key", "", func(c *usersig.Claims) {}},
		{"no app", "k", func(c *usersig.Claims) { c.App = 0 }},
		{"no identifier", "k", func(c *usersig.Claims) { c.Identifier = "" }},
		{"an identifier that is not UTF-8", "k", func(c *usersig.Claims) { c.Identifier = "a\xff" }},
		{"an identifier that adds a line to what is signed", "k", func(c *usersig.Claims) { c.Identifier = "alice\nTLS.sdkappid:2" }},
		{"a lifetime below zero", "k", func(c *usersig.Claims) { c.Expire = -1 }},
		{"a lifetime above 2^53", "k", func(c *usersig.Claims) { c.Expire = 1<<53 + 1 }},
		{"a time before 1970", "k", func(c *usersig.Claims) { c.Time = -1 }},
		{"a time above 2^53", "k", func(c *usersig.Claims) { c.Time = 1<<53 + 1 }},
		{"a ticket too long to read", "k", func(c *usersig.Claims) { c.Userbuf = noise(1600) }},
		{"a document too long to read, however short the ticket", "k", func(c *usersig.Claims) { c.Userbuf = make([]byte, 8<<10) }},
	} {
		t.Run(tt.name, func(t *testing.T) {
			c := good
			tt.change(&c)
			if sig, err := c.Sign(tt.key); code(t, err) != imcode.InvalidParameters {
				t.Errorf("got %q, %v; want %v", sig, err, imcode.InvalidParameters)
			}
		})
	}
	if _, err := good.Sign("k"); err != nil {
		t.Errorf("unchanged: %v", err)
	}
	if _, err := usersig.Sign(1, "k", "alice", time.Now(), -time.Nanosecond); code(t, err) != imcode.InvalidParameters {
		t.Errorf("a lifetime of -1 ns: %v, want %v", err, imcode.InvalidParameters)
	}
}

func TestAnEmptyUserbufIsLeftOut(t *testing.T) {
	c := usersig.Claims{App: 1, Identifier: "alice", Time: 1_700_000_000, Expire: 60, Userbuf: []byte{}}
	ticket := must(c.Sign("key"))
	if _, there := members(t, ticket)["TLS.userbuf"]; there {
		t.Error("the ticket has a TLS.userbuf")
	}
	if got, err := usersig.Check(ticket, 1, "alice", []string{"key"}); err != nil || got.Userbuf != nil {
		t.Errorf("read back: %+v, %v; want no userbuf", got, err)
	}
}

func TestSignCutsToWholeSeconds(t *testing.T) {
	ticket := must(usersig.Sign(1, "key", "alice", time.Unix(1_700_000_000, 999_999_999), 90*time.Second+999*time.Millisecond))
	if got := must(usersig.Parse(ticket)); got.Time != 1_700_000_000 || got.Expire != 90 {
		t.Errorf("time %d, expire %d; want 1700000000 and 90", got.Time, got.Expire)
	}
}

func TestNotBefore(t *testing.T) {
	c := usersig.Claims{Time: 1000, Expire: 60}
	for _, tt := range []struct {
		name string
		t    time.Time
		want int64
	}{
		{"never kicked", time.Time{}, 1000},
		{"kicked before", time.Unix(999, 0), 1000},
		{"kicked in this second", time.Unix(1000, 0), 1000},
		{"valid from the next second on", time.Unix(1001, 0), 1001},
		{"part of a second counts as a whole one", time.Unix(1001, 1), 1002},
	} {
		if got := c.NotBefore(tt.t); got.Time != tt.want || got.Expire != 60 {
			t.Errorf("%s: time %d, expire %d; want %d and 60", tt.name, got.Time, got.Expire, tt.want)
		}
	}
}

func TestEnds(t *testing.T) {
	for _, tt := range []struct {
		name         string
		time, expire int64
		want         string
	}{
		{"a second after the last good one", 1_700_000_000, 86400, "2023-11-15T22:13:21Z"},
		{"no lifetime: good in its own second", 1_000_000_000, 0, "2001-09-09T01:46:41Z"},
		{"100 years", 1735689600, 3153600000, "2124-12-08T00:00:01Z"},
		{"forever", 1 << 53, 1 << 53, "9999-12-31T23:59:59Z"},
	} {
		if got := (usersig.Claims{Time: tt.time, Expire: tt.expire}).Ends().UTC().Format(time.RFC3339); got != tt.want {
			t.Errorf("%s: %s, want %s", tt.name, got, tt.want)
		}
	}
}

func TestAnEmptyKeyOpensNothing(t *testing.T) {
	mac := hmac.New(sha256.New, nil)
	mac.Write([]byte("TLS.identifier:alice\nTLS.sdkappid:1\nTLS.time:1700000000\nTLS.expire:60\n"))
	ticket := pack(strings.Replace(genuine, "SIG", base64.StdEncoding.EncodeToString(mac.Sum(nil)), 1))
	for _, tt := range []struct {
		keys []string
		want imcode.Code
	}{
		{[]string{""}, imcode.PublicKeyNotFound},
		{[]string{"", "key"}, imcode.UserSigMismatchPublicKey},
	} {
		if _, err := usersig.Check(ticket, 1, "alice", tt.keys); code(t, err) != tt.want {
			t.Errorf("keys %q: %v, want %v", tt.keys, err, tt.want)
		}
	}
}

func TestSampleKeysAreKnown(t *testing.T) {
	vectors, _ := golden(t)
	for _, v := range vectors {
		if !usersig.IsSampleKey(v.Key) {
			t.Errorf("%s: its key is not among the sample keys", v.Shows)
		}
	}
	if usersig.IsSampleKey("") || usersig.IsSampleKey("another") {
		t.Error("a key that nobody knows is among the sample keys")
	}
}
