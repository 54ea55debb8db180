package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"time"

	"github.com/alecthomas/kong"

	"rollcall.example"
	"rollcall.example/client"
	"rollcall.example/imcode"
	"rollcall.example/internal/apps"
	"rollcall.example/usersig"
)

// defaultServer is where login looks for a server: where one listens that
// configures nothing.
const defaultServer = "127.0.0.1:7400"

// loginCmd holds one session open.
type loginCmd struct {
	Server     string             `default:"127.0.0.1:7400" env:"ROLLCALL_SERVER" placeholder:"ADDRESS" help:"The server, as host:port, ws://host:port or wss://host (default: 127.0.0.1:7400)."`
	App        rollcall.AppID     `required:"" placeholder:"N" help:"The app's SDKAppID."`
	User       rollcall.UserID    `required:"" placeholder:"USER" help:"Who logs in."`
	UserSig    string             `name:"usersig" env:"ROLLCALL_USERSIG" placeholder:"TICKET" help:"The UserSig to log in with; - reads it from standard input."`
	Key        string             `env:"ROLLCALL_KEY" placeholder:"KEY" help:"A secret key of the app, to make UserSigs with where --usersig is not given; - reads it from standard input."`
	For        lifetime           `default:"24h" placeholder:"24h" help:"How long each UserSig made with the key is good for."`
	Platform   *rollcall.Platform `placeholder:"NAME" help:"Log in as Android, iPhone, iPad, Windows, Mac, Linux, Web or HarmonyOS (default: what this is)."`
	DeviceName string             `placeholder:"NAME" help:"Shown to those who look where they are logged in (default: terminal, with a number)."`
	Dir        string             `placeholder:"DIR" help:"Keep the device in this directory; without one, every start is a new device."`
	Stay       bool               `help:"Leave without logging out: the session stays, away."`
	JSON       bool               `name:"json" help:"Print each event as a line of JSON, for programs."`
}

// Help is the long help.
func (*loginCmd) Help() string {
	return `
Logs in, and prints each event as it happens until Ctrl-C, which logs out. Without a network it waits and comes back by itself. Exits 1, with the code and what to do about it, if the login is refused, and when the session is kicked or its ticket ends.

With a key instead of a ticket it makes its own tickets, also when one ends.

Better keep both out of the command line, where others can list them: ROLLCALL_USERSIG and ROLLCALL_KEY are read instead.

Examples:

    ROLLCALL_USERSIG=eJwtzM... rollcall login --app 1400000000 --user alice
    rollcall login --app 1400000000 --user bob --usersig - <ticket.txt --json
    ROLLCALL_KEY=... rollcall login --app 1400000000 --user alice --for 1m
    rollcall login --server wss://im.example.com --app 1400000000 --user bob
`
}

// Validate refuses what can only be a slip. A ticket that is given and empty is one:
// with a key at hand the login would take that, and nobody would see that the ticket
// is missing.
func (c *loginCmd) Validate(line *kong.Context) error {
	switch {
	case c.UserSig == "" && inLine(line, "usersig"):
		return imcode.UserSigEmpty.Errorf("--usersig is empty")
	case c.UserSig == "" && c.Key == "":
		return errors.New("want a ticket in --usersig, or a key to make one with in --key")
	}
	return nil
}

// errInterrupted ends a login that Ctrl-C ended before it was in.
var errInterrupted = errors.New("interrupted before the login was answered")

// Run logs in and watches.
func (c *loginCmd) Run(ctx context.Context, s *streams) (err error) {
	sig, provide, err := c.tickets(s)
	if err != nil {
		return err
	}
	r := &reporter{out: s.out, json: c.JSON, ended: make(chan error, 1)}
	o := client.Options{DataDirectory: c.Dir, DeviceName: c.DeviceName, UserSig: provide, Log: slog.New(slog.DiscardHandler)}
	if o.DeviceName == "" {
		o.DeviceName = fmt.Sprintf("terminal %d", os.Getpid())
	}
	if c.Platform != nil {
		o.Platform = *c.Platform
	}
	k, err := client.Open(c.App, c.Server, o)
	if errors.Is(err, imcode.SDKInvalidParameters) {
		return slipOf(err)
	}
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, k.Close()) }()
	r.client = k
	k.AddListener(r.listener())
	switch err := k.Login(ctx, string(c.User), sig); {
	case ctx.Err() != nil:
		return errInterrupted
	case err != nil:
		r.failed(err)
		return err
	}
	r.loggedIn()
	select {
	case err := <-r.ended:
		return err
	case <-ctx.Done():
	}
	return c.leave(k, r)
}

// tickets gives the UserSig to log in with, and what makes more of them.
func (c *loginCmd) tickets(s *streams) (string, func(context.Context, rollcall.UserID) (string, error), error) {
	if c.UserSig != "" {
		sig, err := given("UserSig", c.UserSig, s.in, usersig.MaxLen)
		return sig, nil, err
	}
	key, err := given("key", c.Key, s.in, apps.MaxKeyBytes)
	if err != nil {
		return "", nil, err
	}
	provide := func(_ context.Context, user rollcall.UserID) (string, error) {
		return usersig.Sign(c.App, key, string(user), time.Now(), time.Duration(c.For))
	}
	sig, err := provide(context.Background(), c.User)
	return sig, provide, err
}

// leave ends the session, or leaves it away.
func (c *loginCmd) leave(k *client.Client, r *reporter) error {
	overCtrlC(r.out)
	if c.Stay {
		if err := k.Close(); err != nil {
			return err
		}
		r.print(event{Event: "left away", Text: "the session stays, away, for up to 7 days; `rollcall kick` ends it, or the next login on its device"})
		return nil
	}
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	if err := k.Logout(ctx); err != nil {
		return err
	}
	r.print(event{Event: "logged out", Text: c.unheard(r)})
	return nil
}

// unheard says what becomes of a logout that the server may not have heard of.
func (c *loginCmd) unheard(r *reporter) string {
	switch {
	case r.online.Load():
		return ""
	case c.Dir == "":
		return "not connected: the session may stay, away"
	}
	return "not connected: the server hears of it at the next login with this --dir"
}

// kicked is the error of a session that somebody else ended.
func kicked(k client.Kick) error {
	if k.Code != 0 {
		return k.Code.Errorf("kicked offline: %s", k.Reason)
	}
	return fmt.Errorf("kicked offline: %s; to come back, log in again", k.Reason)
}
