package main

import (
	"errors"
	"fmt"
	"io"
	"text/tabwriter"
	"time"

	"rollcall.example"
	"rollcall.example/imcode"
	"rollcall.example/internal/apps"
	"rollcall.example/internal/plain"
	"rollcall.example/usersig"
)

// userSigCmd is about UserSigs.
type userSigCmd struct {
	New     userSigNew     `cmd:"" help:"Print a UserSig with which an account can log in."`
	Check   userSigCheck   `cmd:"" help:"Check a UserSig as the server does, but for what only it knows."`
	Explain userSigExplain `cmd:"" help:"Say what is in a UserSig, without a key."`
}

// A signingKey is the flag for the key that tickets are made and checked with.
type signingKey struct {
	Key string `env:"ROLLCALL_KEY" placeholder:"KEY" help:"A secret key of the app; - reads it from standard input."`
}

// check refuses to go without.
func (k signingKey) check() error {
	if k.Key == "" {
		return errors.New("want the app's key, in ROLLCALL_KEY or with --key - from standard input")
	}
	return nil
}

// userSigNew prints a UserSig with which an account can log in.
type userSigNew struct {
	App rollcall.AppID `required:"" placeholder:"N" help:"The app's SDKAppID."`
	signingKey
	User rollcall.UserID `required:"" placeholder:"USER" help:"Who may log in with it."`
	For  lifetime        `default:"24h" placeholder:"24h" help:"How long it is good for."`
}

// Help is the long help.
func (*userSigNew) Help() string {
	return `
Prints a UserSig, a ticket, and nothing else. Whoever has it is the account until it ends.

Better keep the key out of the command line, where others can list it: ROLLCALL_KEY is read instead.

Examples:

    rollcall usersig new --app 1400000000 --user alice
    rollcall usersig new --app 1400000000 --user alice --for 15m --key - <key.txt
`
}

// Validate refuses what can only be a slip.
func (c *userSigNew) Validate() error { return c.check() }

// Run makes it.
func (c *userSigNew) Run(s *streams) error {
	key, err := given("key", c.Key, s.in, apps.MaxKeyBytes)
	if err != nil {
		return err
	}
	sig, err := usersig.Sign(c.App, key, string(c.User), time.Now(), time.Duration(c.For))
	if err == nil {
		fmt.Fprintln(s.out, sig)
	}
	return err
}

// userSigCheck checks a UserSig as the server does, but for what only that knows.
type userSigCheck struct {
	App rollcall.AppID `required:"" placeholder:"N" help:"The app's SDKAppID."`
	signingKey
	User   rollcall.UserID `required:"" placeholder:"USER" help:"Who is to log in with it."`
	Ticket string          `arg:"" help:"The UserSig; - reads it from standard input."`
	JSON   bool            `name:"json" help:"Print JSON, for programs."`
}

// Help is the long help.
func (*userSigCheck) Help() string {
	return `
Exits 0 if the UserSig is good in itself, or else 1, with the code that the server would give and what to do about it. No server is asked, and only one knows whether it has the app and the key, and whether the account is disabled or its UserSigs were revoked since: rollcall sessions says the latter two.

Examples:

    rollcall usersig check --app 1400000000 --user alice eJwtzM...
    rollcall usersig check --app 1400000000 --user alice - <ticket.txt
`
}

// Validate refuses what can only be a slip.
func (c *userSigCheck) Validate() error {
	if c.Key == "-" && c.Ticket == "-" {
		return errors.New("standard input cannot be both the key and the UserSig")
	}
	return c.check()
}

// Run checks it.
func (c *userSigCheck) Run(s *streams) error {
	key, err := given("key", c.Key, s.in, apps.MaxKeyBytes)
	if err != nil {
		return err
	}
	ticket, err := given("UserSig", c.Ticket, s.in, usersig.MaxLen)
	if err != nil {
		return err
	}
	now := time.Now()
	claims, err := usersig.Verify(ticket, c.App, string(c.User), []string{key}, now)
	if c.JSON {
		result := struct {
			Good bool        `json:"good"`
			Code imcode.Code `json:"code"`
			Ends *time.Time  `json:"ends,omitempty"`
		}{Good: err == nil, Code: imcode.Of(err)}
		if err == nil {
			ends := claims.Ends().UTC()
			result.Ends = &ends
		}
		if err := printJSON(s.out, result); err != nil {
			return err
		}
	}
	if err == nil && !c.JSON {
		fmt.Fprintf(s.out, "good for %s, until %s\n", plain.Span(claims.Ends().Sub(now)), stamp(claims.Ends()))
		fmt.Fprintf(s.err, "unless UserSigs were revoked, or the account was disabled, which no server was asked: `rollcall sessions %s`\n", c.User)
	}
	return err
}

// userSigExplain says what is in a UserSig.
type userSigExplain struct {
	Ticket string `arg:"" help:"The UserSig; - reads it from standard input."`
	JSON   bool   `name:"json" help:"Print JSON, for programs."`
}

// Help is the long help.
func (*userSigExplain) Help() string {
	return `
Says what a UserSig claims: for whom, since when, until when. Whether it is genuine only its key can tell: rollcall usersig check.

Examples:

    rollcall usersig explain eJwtzM...
    rollcall usersig explain - <ticket.txt
`
}

// An explained is a UserSig as programs read it.
type explained struct {
	App          rollcall.AppID `json:"app"`
	User         string         `json:"user"`
	Made         time.Time      `json:"made"`
	Ends         time.Time      `json:"ends"`
	Expired      bool           `json:"expired"`
	Seconds      int64          `json:"expire"`
	UserbufBytes *int           `json:"userbuf_bytes,omitempty"`
}

// Run explains it.
func (c *userSigExplain) Run(s *streams) error {
	ticket, err := given("UserSig", c.Ticket, s.in, usersig.MaxLen)
	if err != nil {
		return err
	}
	claims, err := usersig.Parse(ticket)
	if err != nil {
		return err
	}
	now := time.Now()
	e := explained{
		App: claims.App, User: claims.Identifier, Ends: claims.Ends().UTC(),
		Made:    time.Unix(min(claims.Time, claims.Ends().Unix()), 0).UTC(), // Ends stops at the year 9999
		Expired: !now.Before(claims.Ends()), Seconds: claims.Expire,
	}
	if claims.Userbuf != nil {
		n := len(claims.Userbuf)
		e.UserbufBytes = &n
	}
	if c.JSON {
		return printJSON(s.out, e)
	}
	return e.print(s.out, now)
}

func (e explained) print(w io.Writer, now time.Time) error {
	made := plain.Span(now.Sub(e.Made)) + " ago"
	if e.Made.After(now) {
		made = plain.Span(e.Made.Sub(now)) + " from now: check the clock of the server that signs"
	}
	ends := "good for another " + plain.Span(e.Ends.Sub(now))
	if e.Expired {
		ends = "expired " + plain.Span(now.Sub(e.Ends)) + " ago"
	}
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintf(t, "app\t%d\n", e.App)
	fmt.Fprintf(t, "user\t%q\n", e.User)
	fmt.Fprintf(t, "made\t%s\t%s\n", stamp(e.Made), made)
	fmt.Fprintf(t, "ends\t%s\t%s\n", stamp(e.Ends), ends)
	if e.UserbufBytes != nil {
		fmt.Fprintf(t, "userbuf\t%s, which a login ignores\n", plain.Count(*e.UserbufBytes, "byte"))
	}
	fmt.Fprintf(t, "signature\tnot checked; with the key, rollcall usersig check does\n")
	return t.Flush()
}
