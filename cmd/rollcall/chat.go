package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"

	"os"
	"strings"
	"sync/atomic"

	"github.com/alecthomas/kong"

	"rollcall.example"
	"rollcall.example/client"
	"rollcall.example/imcode"
	"rollcall.example/internal/apps"
	"rollcall.example/internal/terminal"
	"rollcall.example/usersig"
)

// chatCmd lets a person talk.
type chatCmd struct {
	loggingIn
	To    rollcall.UserID `placeholder:"USER" help:"Whose conversation is open first (default, on a terminal: the latest)."`
	Dir   string          `placeholder:"DIR" help:"Keep the device, and what was said, in this directory; without one, every start is a new device."`
	Plain bool            `help:"Lines in and out on a terminal too, as in a pipe."`
}

// Help is the long help.
func (*chatCmd) Help() string {
	return `
Logs in and lets you talk: on a terminal with a screen of its own, in a pipe with a message in each line. What begins with / is a command; /help lists them, among them /switch NAME, /list, /history, /devices and /quit.

On a terminal the conversations come back by themselves when the network does, what you type meanwhile is sent then, and what the device has can be read at any time. PgUp and PgDn go through what was said, the arrow up brings back what you typed, Tab completes, Ctrl-C and Ctrl-D leave. Leaving logs out, unless --stay says otherwise.

In a pipe each line is sent, and acknowledged, before the next one is read; what others say is printed as it comes. It ends with standard input, and exits 1 if a message was not acknowledged or a line could not be carried out, and when the session ends.

With a key in place of a ticket it makes its own, also when one ends; a file is read again then. Better keep ticket and key out of the command line, where others can list them: ROLLCALL_USERSIG and ROLLCALL_KEY are read instead.

Examples:

    ROLLCALL_USERSIG=eJwtzM... rollcall chat --user alice
    rollcall chat --user alice --usersig-file ticket.txt --dir ~/.rollcall-alice
    ROLLCALL_KEY=... rollcall chat --app 1400000000 --user alice --to bob
    echo "the build is done" | rollcall chat --user robot --usersig-file ticket.txt --to alice
`
}

// Validate refuses what can only be a slip.
func (c *chatCmd) Validate(line *kong.Context) error {
	if c.User != "" && c.To == c.User {
		return fmt.Errorf("--to %s is you: want somebody else", c.To)
	}
	return c.loggingIn.Validate(line)
}

// Run talks.
func (c *chatCmd) Run(ctx context.Context, s *streams) (err error) {
	in, screen := bufio.NewReader(s.in), c.screen(s)
	t, err := c.ticketsOf(in, screen != nil)
	if err != nil {
		return err
	}
	k, err := c.open(t, c.Dir)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, k.Close()) }()
	var online atomic.Bool
	k.AddListener(client.Listener{
		Connecting:     func() { online.Store(false) },
		ConnectSuccess: func() { online.Store(true) },
	})
	o := terminal.Options{Client: k, User: c.User, UserSig: t.first, Peer: c.To}
	if t.more != nil {
		o.Ticket = func() (string, error) { return t.more(ctx, c.User) }
	}
	if screen != nil {
		err = screen(ctx, o)
	} else {
		err = terminal.Lines(ctx, o, in, s.out, s.err)
	}
	return errors.Join(err, c.leave(k, s, online.Load()))
}

// screen is how to talk on a screen; nil: there is none to be had.
func (c *chatCmd) screen(s *streams) func(context.Context, terminal.Options) error {
	in, reads := s.in.(terminal.Input)
	out, writes := bare(s.out).(terminal.Output)
	if c.Plain || os.Getenv("TERM") == "dumb" || !reads || !writes || !isTerminal(in) || !isTerminal(out) {
		return nil
	}
	return func(ctx context.Context, o terminal.Options) error { return terminal.Screen(ctx, o, in, out) }
}

// ticketsOf is tickets of what comes first in standard input, where that has them: the
// rest is what is said.
func (c *chatCmd) ticketsOf(in *bufio.Reader, onScreen bool) (tickets, error) {
	most := usersig.MaxLen
	switch {
	case c.UserSigFile != "" || c.UserSig != "-" && (c.UserSig != "" || c.Key != "-"):
		return c.tickets(in)
	case onScreen:
		return tickets{}, slipOf(errors.New("standard input is where you type: give the ticket or key by environment or --usersig-file"))
	case c.UserSig == "":
		most = apps.MaxKeyBytes
	}
	var first strings.Builder
	for first.Len() <= most {
		b, err := in.ReadByte()
		if err != nil || b == '\n' {
			break
		}
		first.WriteByte(b)
	}
	return c.tickets(strings.NewReader(first.String()))
}

// leave ends the session, or leaves it away. One that is over needs neither.
func (c *chatCmd) leave(k *client.Client, s *streams, online bool) error {
	if k.LoginStatus() == client.StatusLogout {
		return nil
	}
	if c.Stay {
		fmt.Fprintf(s.err, "%s has left; the session stays, away\n", c.User)
		return nil
	}
	ctx, cancel := context.WithTimeout(context.Background(), logoutWithin)
	defer cancel()
	err := k.Logout(ctx)
	if err == nil || errors.Is(err, imcode.NotLoggedIn) {
		said := string(c.User) + " is logged out"
		if more := unheard(online, c.Dir); more != "" {
			said += "; " + more
		}
		fmt.Fprintln(s.err, said)
		return nil
	}
	return err
}
