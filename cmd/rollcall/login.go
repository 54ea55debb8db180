package main

import (
	"context"
	"errors"
	"fmt"

	"rollcall.example/client"
)

// loginCmd holds one session open.
type loginCmd struct {
	loggingIn
	Dir  string `placeholder:"DIR" help:"Keep the device in this directory; without one, every start is a new device."`
	JSON bool   `name:"json" help:"Print each event as a line of JSON, for programs."`
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

// errInterrupted ends a login that Ctrl-C ended before it was in.
var errInterrupted = errors.New("interrupted before the login was answered")

// Run logs in and watches.
func (c *loginCmd) Run(ctx context.Context, s *streams) (err error) {
	t, err := c.tickets(s.in)
	if err != nil {
		return err
	}
	r := &reporter{out: s.out, json: c.JSON, ended: make(chan error, 1)}
	k, err := c.open(t, c.Dir)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, k.Close()) }()
	r.client = k
	k.AddListener(r.listener())
	switch err := k.Login(ctx, string(c.User), t.first); {
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
	ctx, cancel := context.WithTimeout(context.Background(), logoutWithin)
	defer cancel()
	if err := k.Logout(ctx); err != nil {
		return err
	}
	r.print(event{Event: "logged out", Text: unheard(r.online.Load(), c.Dir)})
	return nil
}

// unheard says what becomes of a logout that the server may not have heard of.
func unheard(online bool, dir string) string {
	switch {
	case online:
		return ""
	case dir == "":
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
