package main

import (
	"context"
	"errors"
	"time"

	"rollcall.example/internal/bench"
)

// benchKick measures kicks.
type benchKick struct {
	benchFlags

	Idle int `default:"5000" placeholder:"N" help:"Idle sessions, which are kicked in turn, 1 to 1,000,000 (default: 5000)."`
	Rate int `default:"1000" placeholder:"N" help:"Kicks in a second, 1 to 20,000 (default: 1000)."`
}

// Help is the long help.
func (*benchKick) Help() string {
	return `
Logs accounts in a second time, on another device, and measures from when that login is sent until the first device has its notice: one at a time, and at a rate. Beside it, a plain TCP server that checks one HMAC and tells the older connection, and one flush to the same disk: a kick is told once it is on the disk, not before.

Examples:

    rollcall bench kick
    rollcall bench kick --idle 10000 --rate 500 --json
`
}

// Validate refuses what is out of bounds.
func (c *benchKick) Validate() error {
	err := errors.Join(c.check(), within("--idle", c.Idle, 1, 1_000_000), within("--rate", c.Rate, 1, 20_000))
	if err == nil && time.Duration(c.Idle) < time.Duration(c.Rate)*leastBetweenKicks/time.Second {
		err = errors.New("--idle: each account would be kicked more often than it may log in: want at least half of --rate")
	}
	return err
}

// leastBetweenKicks is how long an account has its session: 50 logins in 10 s are
// the most that it may have.
const leastBetweenKicks = time.Second / 2

// Run measures.
func (c *benchKick) Run(ctx context.Context, s *streams) error {
	r, err := bench.Kick(ctx, bench.KickOptions{Options: c.options(s), Idle: c.Idle, Rate: c.Rate})
	return c.print(s, r, err)
}

// benchResume measures returns.
type benchResume struct {
	benchFlags

	Clients clientCounts `default:"64,512" placeholder:"N,..." help:"How many come back at a time, 1 to 10,000; each number is measured (default: 64,512)."`
	Restart int          `default:"0" placeholder:"N" help:"Then restart the server under so many connected clients, up to 1,000,000 (default: 0, not at all)."`
	Kill    bool         `help:"With --restart: kill the server, in the place of asking it to end."`
}

// Help is the long help.
func (*benchResume) Help() string {
	return `
Cuts sessions and resumes them: connect, upgrade, secret, commit, answer. Each costs the write of the cut as well. With --restart, a server is ended under connected clients and started again on its directory; each client comes back by the rules of docs/protocol.md, and what an app would see is a failure.

Examples:

    rollcall bench resume --clients 512
    rollcall bench resume --clients 64 --restart 10000
`
}

// Validate refuses what is out of bounds.
func (c *benchResume) Validate() error {
	err := errors.Join(c.check(), c.Clients.check(), within("--restart", c.Restart, 0, 1_000_000))
	switch {
	case err != nil:
		return err
	case c.Kill && c.Restart == 0:
		return errors.New("--kill goes with --restart")
	case c.Restart > 0 && c.Server != "":
		return errors.New("--restart is for a server that is started, not for --server")
	}
	return nil
}

// Run measures.
func (c *benchResume) Run(ctx context.Context, s *streams) error {
	r, err := bench.Resume(ctx, bench.ResumeOptions{Options: c.options(s), Clients: c.Clients.ints(), Restart: c.Restart, Kill: c.Kill})
	return c.print(s, r, err)
}

// benchUserSig measures the check of tickets.
type benchUserSig struct {
	turns
}

// Help is the long help.
func (*benchUserSig) Help() string {
	return `
Checks one UserSig again and again in this process: its HMAC alone (the floor), the format read plainly with everything made anew for each ticket, and as the server does it; time and garbage of each.

Examples:

    rollcall bench usersig
    rollcall bench usersig --rounds 9 --duration 500ms --json
`
}

// Run measures.
func (c *benchUserSig) Run(ctx context.Context, s *streams) error {
	r, err := bench.UserSig(ctx, c.options(s))
	return c.print(s, r, err)
}
