package main

import (
	"context"
	"errors"
	"slices"
	"time"

	"rollcall.example/internal/bench"
)

// benchAlone are the flags of the benches that start their servers themselves.
type benchAlone struct {
	turns
	Dir     string `type:"existingdir" placeholder:"DIR" help:"Where to put the data directories, which are removed at the end (default: a temporary place that is on a disk)."`
	Profile string `type:"path" placeholder:"FILE" help:"Write a CPU profile of the Rollcall that is measured, for go tool pprof."`
}

func (f *benchAlone) options(s *streams) bench.Options {
	o := f.turns.options(s)
	o.Dir, o.Profile = f.Dir, f.Profile
	return o
}

// counts are numbers above 0, each of which is measured.
type counts []count

// check refuses what is out of bounds.
func (c counts) check(flag string, least, most int) error {
	if len(c) == 0 || len(c) > 10 {
		return errors.New(flag + ": want 1 to 10 numbers")
	}
	var all []error
	for _, n := range c {
		all = append(all, within(flag, int(n), least, most))
	}
	return errors.Join(all...)
}

// ascending are the numbers, each once, the lowest first.
func (c counts) ascending() []int {
	all := make([]int, len(c))
	for i, n := range c {
		all[i] = int(n)
	}
	slices.Sort(all)
	return slices.Compact(all)
}

// benchGrowth measures stores of few accounts and of many.
type benchGrowth struct {
	benchAlone

	Accounts counts  `default:"1000,100000,1000000" placeholder:"N,..." help:"Accounts in the store, 100 to 20,000,000; each number is a store of its own (default: 1000,100000,1000000)."`
	LoggedIn float64 `default:"1" placeholder:"P" help:"Percent of them that are logged in with two sessions and have some history, 0.01 to 50 (default: 1)."`
	Clients  int     `default:"32" placeholder:"N" help:"How many log in at a time, 1 to 1,000 (default: 32)."`
	Rate     int     `default:"200" placeholder:"N" help:"Logins in a second while a policy is previewed, and without, 1 to 10,000 (default: 200)."`
}

// Help is the long help.
func (*benchGrowth) Help() string {
	return `
Measures what many accounts in the store cost: a store is filled for each number of accounts, as rollcall account import does it, and a part of them is logged in. Then, in turns, with each: logins of accounts that never logged in before, as fast as they are answered; at a rate; and at that rate while a policy is previewed for all who are logged in. Beside it: the time to start, the file, the memory, and the history and explain of one account. Ratios are to the store with the fewest accounts.

With the default it takes some minutes. Ten million accounts take about ten minutes more, nearly all of it for the import, and 2 GB of disk.

Examples:

    rollcall bench growth
    rollcall bench growth --accounts 1000,100000,10000000 --json
    rollcall bench growth --accounts 1000,50000 --logged-in 20 --profile cpu.out
`
}

// Validate refuses what is out of bounds.
func (c *benchGrowth) Validate() error {
	err := errors.Join(c.turns.Validate(), c.Accounts.check("--accounts", 100, 20_000_000), within("--clients", c.Clients, 1, 1_000), within("--rate", c.Rate, 1, 10_000))
	if err == nil && !(c.LoggedIn >= 0.01 && c.LoggedIn <= 50) {
		err = errors.New("--logged-in: want 0.01 to 50, in percent")
	}
	return err
}

// Run measures.
func (c *benchGrowth) Run(ctx context.Context, s *streams) error {
	r, err := bench.Growth(ctx, bench.GrowthOptions{
		Options: c.options(s), Accounts: c.Accounts.ascending(), LoggedIn: c.LoggedIn, Clients: c.Clients, Rate: c.Rate,
	})
	return c.print(s, r, err)
}

// benchStorm measures more logins than the server sustains.
type benchStorm struct {
	benchAlone

	Clients   int           `default:"15000" placeholder:"N" help:"How many come, 20 to 100,000 (default: 15000); fewer than the server takes within its login_wait are no storm."`
	LoginWait time.Duration `default:"3s" placeholder:"D" help:"The server's login_wait, 10ms to 3s (default: 3s): a short one makes a storm of few."`
	Times     counts        `default:"1,3,10" placeholder:"N,..." help:"At how many times the rate that the server sustains they come, 1 to 100 (default: 1,3,10)."`
	Returning int           `default:"10" placeholder:"P" help:"Percent of them that have a session and resume it, 1 to 90 (default: 10)."`
}

// Help is the long help.
func (*benchStorm) Help() string {
	return `
Finds out how many logins a second the server sustains, then has clients come at a multiple of that rate, sessions that return among them. Each client comes back as it is told, by the rules of docs/protocol.md, and gives up as the SDK does, after 15 s for a login: that is a failure, as is all else that an app would see. Beside them, sessions that are in already ping, and the server is asked for its health. In turns with a server that sends nobody away, but lets everybody wait.

Examples:

    rollcall bench storm
    rollcall bench storm --login-wait 200ms --times 10
    rollcall bench storm --clients 30000 --times 10 --json
`
}

// Validate refuses what is out of bounds.
func (c *benchStorm) Validate() error {
	return errors.Join(c.turns.Validate(), within("--clients", c.Clients, 20, 100_000), c.Times.check("--times", 1, 100), within("--returning", c.Returning, 1, 90), within("--login-wait", c.LoginWait, 10*time.Millisecond, 3*time.Second))
}

// Run measures.
func (c *benchStorm) Run(ctx context.Context, s *streams) error {
	r, err := bench.Storm(ctx, bench.StormOptions{Options: c.options(s), Clients: c.Clients, Times: c.Times.ascending(), Returning: c.Returning, LoginWait: c.LoginWait})
	return c.print(s, r, err)
}
