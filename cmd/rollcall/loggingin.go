package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"time"

	"github.com/alecthomas/kong"

	"rollcall.example"
	"rollcall.example/client"
	"rollcall.example/imcode"
	"rollcall.example/internal/apps"
	"rollcall.example/internal/config"
	"rollcall.example/usersig"
)

// defaultServer is where login looks for a server: where one listens that
// configures nothing.
const defaultServer = "127.0.0.1:7400"

// A loggingIn is the flags of the commands that log an account in.
type loggingIn struct {
	Server      string             `default:"127.0.0.1:7400" env:"ROLLCALL_SERVER" placeholder:"ADDRESS" help:"The server, as host:port, ws://host:port or wss://host (default: 127.0.0.1:7400)."`
	App         rollcall.AppID     `placeholder:"N" help:"The app's SDKAppID; not needed with a UserSig, which names it."`
	User        rollcall.UserID    `required:"" placeholder:"USER" help:"Who logs in."`
	UserSig     string             `name:"usersig" env:"ROLLCALL_USERSIG" placeholder:"TICKET" help:"The UserSig to log in with; - reads it from standard input."`
	UserSigFile string             `name:"usersig-file" type:"path" placeholder:"FILE" help:"A file with the UserSig, which is read again when another one is needed."`
	Key         string             `env:"ROLLCALL_KEY" placeholder:"KEY" help:"A secret key of the app, to make UserSigs with where none is given; - reads it from standard input."`
	For         lifetime           `default:"24h" placeholder:"24h" help:"How long each UserSig made with the key is good for."`
	Platform    *rollcall.Platform `placeholder:"NAME" help:"Log in as Android, iPhone, iPad, Windows, Mac, Linux, Web or HarmonyOS (default: what this is)."`
	DeviceName  string             `placeholder:"NAME" help:"Shown to those who look where they are logged in (default: terminal, with a number)."`
	Stay        bool               `help:"Leave without logging out: the session stays, away."`
}

// Validate refuses what can only be a slip. A ticket that is given and empty is one:
// with a key at hand the login would take that, and nobody would see that the ticket
// is missing.
func (c *loggingIn) Validate(line *kong.Context) error {
	if err := config.Unknown(os.Environ()); err != nil {
		return err
	}
	switch {
	case c.UserSig == "" && inLine(line, "usersig"):
		return imcode.UserSigEmpty.Errorf("--usersig is empty")
	case c.UserSigFile != "" && inLine(line, "usersig"):
		return errors.New("--usersig and --usersig-file: want one of them")
	case c.UserSig == "" && c.UserSigFile == "" && c.Key == "":
		return errors.New("want a ticket, in ROLLCALL_USERSIG or --usersig-file, or the app's key to make one with, in ROLLCALL_KEY")
	case c.UserSig == "" && c.UserSigFile == "" && c.App == 0:
		return errors.New("want the app in --app: only a ticket names it")
	}
	return nil
}

// tickets are the UserSigs to log in with.
type tickets struct {
	first string
	// more gets another one for the user; nil: there is none.
	more func(context.Context, rollcall.UserID) (string, error)
}

// tickets finds them, and the app where it was not named.
func (c *loggingIn) tickets(in io.Reader) (t tickets, err error) {
	switch {
	case c.UserSigFile != "":
		t.more = func(context.Context, rollcall.UserID) (string, error) { return ticketIn(c.UserSigFile) }
	case c.UserSig != "":
		t.first, err = given("UserSig", c.UserSig, in, usersig.MaxLen)
	default:
		var key string
		if key, err = given("key", c.Key, in, apps.MaxKeyBytes); err != nil {
			return t, err
		}
		t.more = func(_ context.Context, user rollcall.UserID) (string, error) {
			return usersig.Sign(c.App, key, string(user), time.Now(), time.Duration(c.For))
		}
	}
	if err == nil && t.more != nil {
		t.first, err = t.more(context.Background(), c.User)
	}
	if err == nil && c.App == 0 {
		var claims usersig.Claims
		claims, err = usersig.Parse(t.first)
		c.App = claims.App
	}
	return t, err
}

// ticketIn reads the UserSig in a file.
func ticketIn(path string) (string, error) {
	f, err := os.Open(path)
	if err != nil {
		return "", fmt.Errorf("read the UserSig: %w", err)
	}
	defer f.Close()
	return oneLine("the UserSig from "+path, f, usersig.MaxLen)
}

// open opens a client that keeps its device in a directory; "": it is a new one.
func (c *loggingIn) open(t tickets, dir string) (*client.Client, error) {
	o := client.Options{DataDirectory: dir, DeviceName: c.DeviceName, UserSig: t.more, Log: slog.New(slog.DiscardHandler)}
	if o.DeviceName == "" {
		o.DeviceName = fmt.Sprintf("terminal %d", os.Getpid())
	}
	if c.Platform != nil {
		o.Platform = *c.Platform
	}
	k, err := client.Open(c.App, c.Server, o)
	if errors.Is(err, imcode.SDKInvalidParameters) {
		return nil, slipOf(err)
	}
	return k, err
}

// logoutWithin is how long leaving may take.
const logoutWithin = 5 * time.Second
