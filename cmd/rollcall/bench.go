package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"time"

	"rollcall.example"
	"rollcall.example/internal/bench"
)

// benchCmd measures.
type benchCmd struct {
	Login   benchLogin   `cmd:"" help:"Measure durable logins, and the memory of idle sessions."`
	Kick    benchKick    `cmd:"" help:"Measure how soon the loser of a kick hears of it."`
	Resume  benchResume  `cmd:"" help:"Measure sessions that come back, and a restart."`
	Message benchMessage `cmd:"" help:"Measure durable messages from end to end, and pages of many that are stored."`
	UserSig benchUserSig `cmd:"" name:"usersig" help:"Measure the check of a UserSig, in this process."`
	Growth  benchGrowth  `cmd:"" help:"Measure logins, starts and previews with few accounts in the store and with many."`
	Storm   benchStorm   `cmd:"" help:"Measure more logins than the server sustains."`
	SDK     benchSDK     `cmd:"" name:"sdk" help:"Measure how soon an app that starts has its conversations from the SDK's cache."`
	Start   benchStart   `cmd:"" hidden:"" help:"Run an app that shows its conversations, and ends."`
	Floor   benchFloor   `cmd:"" hidden:"" help:"Run a server to measure beside Rollcall."`
}

// benchFlags are those of the benches that put a load on servers.
type benchFlags struct {
	turns
	TLS     bool           `name:"tls" help:"Measure with TLS as well, with a certificate made for this run."`
	Dir     string         `type:"existingdir" placeholder:"DIR" help:"Where to put the data directories, which are removed at the end (default: a temporary place that is on a disk)."`
	Profile string         `type:"path" placeholder:"FILE" help:"Write a CPU profile of the Rollcall that is measured, for go tool pprof."`
	Server  string         `placeholder:"URL" help:"Measure a server of your own that runs already, as ws://127.0.0.1:7400, in the place of one that is started. It keeps the bench's accounts."`
	App     rollcall.AppID `placeholder:"N" help:"With --server: the app to log in to."`
	Key     string         `env:"ROLLCALL_KEY" placeholder:"KEY" help:"With --server: a secret key of the app."`
	Mine    bool           `help:"With --server: it may be on another machine; it is mine to load."`
}

// turns are the flags about how long it takes, and about what is written at the end.
type turns struct {
	Rounds   count         `default:"3" placeholder:"N" help:"Turns that each server has, 1 to 99 (default: 3)."`
	Duration time.Duration `default:"3s" placeholder:"D" help:"How long a turn is, 50ms to 10m (default: 3s)."`
	told
}

// told are the flags about what is written.
type told struct {
	JSON  bool   `name:"json" help:"Print JSON, for programs."`
	Plot  string `type:"path" placeholder:"FILE" help:"Draw the figures into an SVG file."`
	Quiet bool   `help:"Do not say what is going on."`
}

// count is a number above 0.
type count int

// UnmarshalText checks a count.
func (c *count) UnmarshalText(text []byte) error {
	n, err := strconv.Atoi(string(text))
	if err != nil || n < 1 {
		return fmt.Errorf("%q: want a whole number above 0", text)
	}
	*c = count(n)
	return nil
}

// within refuses a flag that is out of bounds.
func within[T int | time.Duration](flag string, value, least, most T) error {
	if value < least || value > most {
		return fmt.Errorf("%s: %v, want %v to %v", flag, value, least, most)
	}
	return nil
}

// Validate refuses what is out of bounds.
func (t *turns) Validate() error {
	return errors.Join(
		within("--rounds", int(t.Rounds), 1, 99),
		within("--duration", t.Duration, 50*time.Millisecond, 10*time.Minute),
	)
}

// check refuses what is out of bounds, and what does not go together.
func (f *benchFlags) check() error {
	if err := f.turns.Validate(); err != nil {
		return err
	}
	switch {
	case f.Server == "" && (f.App != 0 || f.Mine):
		return errors.New("--app and --mine go with --server")
	case f.Server == "":
		return nil
	case f.App == 0 || f.Key == "":
		return errors.New("--server needs --app, and a key in ROLLCALL_KEY, to log accounts in with")
	case f.TLS:
		return errors.New("--tls is for servers that are started: name your own as wss://")
	case f.Profile != "":
		return errors.New("--profile is for a server that is started, not for --server")
	}
	return nil
}

// options are the flags, as the benches take them.
func (f *benchFlags) options(s *streams) bench.Options {
	o := f.turns.options(s)
	o.Dir, o.TLS, o.Profile = f.Dir, f.TLS, f.Profile
	if f.Server != "" {
		o.Running = &bench.Running{URL: f.Server, App: f.App, Key: f.Key, Mine: f.Mine}
	}
	return o
}

func (t *turns) options(s *streams) bench.Options {
	o := t.told.options(s)
	o.Rounds, o.Duration = int(t.Rounds), t.Duration
	return o
}

func (t *told) options(s *streams) bench.Options {
	o := bench.Options{Again: again}
	if !t.Quiet {
		o.Progress = s.err
	}
	return o
}

// again starts this program again, under the name that it was started by.
func again(args ...string) *exec.Cmd {
	self, err := os.Executable()
	if err != nil {
		self = os.Args[0]
	}
	cmd := exec.Command(self, args...) //nolint:noctx,gosec // it is this program, and is asked to end, and waited for, by who started it
	cmd.Args[0] = "rollcall"
	return cmd
}

// print writes a report, and its plot. Failures in it are the error.
func (t *told) print(s *streams, r *bench.Report, err error) error {
	if errors.Is(err, context.Canceled) {
		return errors.New("interrupted: there are no figures")
	}
	if err != nil {
		return err
	}
	if t.Plot != "" {
		if err := plot(t.Plot, r); err != nil {
			return err
		}
	}
	if t.JSON {
		err = printJSON(s.out, r)
	} else {
		err = r.WriteText(s.out)
	}
	return errors.Join(err, r.Err())
}

// plot draws a report into a file.
func plot(path string, r *bench.Report) (err error) {
	f, err := os.Create(path)
	if err != nil {
		return fmt.Errorf("draw the figures: %w", err)
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	return r.WriteSVG(f)
}

// benchLogin measures logins.
type benchLogin struct {
	benchFlags

	Clients clientCounts  `default:"64,512" placeholder:"N,..." help:"How many log in at a time, 1 to 10,000; each number is measured (default: 64,512)."`
	Leave   bool          `help:"Let clients leave with their answer, in the place of staying: each login then costs the write of its end as well."`
	Idle    int           `default:"5000" placeholder:"N" help:"Idle sessions whose memory is measured, up to 1,000,000; 0: none (default: 5000)."`
	Settle  time.Duration `default:"3s" placeholder:"D" help:"How long they are left alone before, up to 10m: after 2m Go has collected the garbage of the logins (default: 3s)."`
}

// Help is the long help.
func (*benchLogin) Help() string {
	return `
Measures logins, each the first of its account: connect, upgrade, ticket, commit, answer. In the same run, and in turns, a plain TCP server that checks one HMAC and answers (the floor), a bare WebSocket server, and Rollcall, each as its own process on this machine; then the memory of idle sessions and the time to get ready. Ratios are to the floor: what they are compared to is in docs/benchmarks.md. Compare no figures of different runs.

Examples:

    rollcall bench login
    rollcall bench login --clients 512 --rounds 5 --tls --plot logins.svg
    rollcall bench login --clients 512 --idle 0 --profile cpu.out
    ROLLCALL_KEY=... rollcall bench login --server ws://127.0.0.1:7400 --app 1400000000
`
}

// Validate refuses what is out of bounds.
func (c *benchLogin) Validate() error {
	return errors.Join(c.check(), c.Clients.check(), within("--idle", c.Idle, 0, 1_000_000), within("--settle", c.Settle, 0, 10*time.Minute))
}

// clientCounts are numbers of clients, each of which is measured.
type clientCounts []count

// check refuses what is out of bounds.
func (c clientCounts) check() error {
	if len(c) == 0 || len(c) > 10 {
		return errors.New("--clients: want 1 to 10 numbers")
	}
	var all []error
	for _, n := range c {
		all = append(all, within("--clients", int(n), 1, 10_000))
	}
	return errors.Join(all...)
}

func (c clientCounts) ints() []int {
	all := make([]int, len(c))
	for i, n := range c {
		all[i] = int(n)
	}
	return all
}

// Run measures.
func (c *benchLogin) Run(ctx context.Context, s *streams) error {
	r, err := bench.Login(ctx, bench.LoginOptions{Options: c.options(s), Clients: c.Clients.ints(), Leave: c.Leave, Idle: c.Idle, Settle: c.Settle})
	return c.print(s, r, err)
}
