package bench

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"sync/atomic"
	"time"

	"rollcall.example/internal/plain"
)

// LoginOptions are those of Login.
type LoginOptions struct {
	Options

	Clients []int         // each a run of its own
	Leave   bool          // clients leave with their answer, in the place of staying until the turn's end
	Idle    int           // sessions whose memory is measured; 0: not measured
	Settle  time.Duration // how long they are left alone before
}

// leastEach is how often each client logs in, at least: twice to get warm, and twice
// to be counted. Where clients stay, that many are connected at a time.
const leastEach = 4

// maxLogins bounds the logins of a turn: each is made beforehand.
const maxLogins = 60_000

// Login measures logins: connect, upgrade, ticket, commit, answer; each the first
// of its account. Then the memory of idle sessions, and the time to get ready.
func Login(ctx context.Context, o LoginOptions) (_ *Report, err error) {
	for _, c := range o.Clients {
		if !o.Leave {
			c *= leastEach
		}
		if err := room(c, "--clients"); err != nil {
			return nil, err
		}
	}
	if err := room(o.Idle, "--idle"); err != nil {
		return nil, err
	}
	s, err := sit(o.Options)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, s.rise()) }()
	report := s.report("login")
	if err := s.loginRuns(ctx, o, report); err != nil {
		return nil, err
	}
	if o.Running != nil {
		return report, nil
	}
	if o.Idle > 0 {
		if err := s.idle(ctx, o.Idle, o.Settle, report); err != nil {
			return nil, err
		}
	}
	return report, s.starts(ctx, report)
}

// report begins a report.
func (s *sitting) report(bench string) *Report {
	r := &Report{
		Bench: bench, At: time.Now().UTC().Truncate(time.Second), System: runtime.GOOS + "/" + runtime.GOARCH,
		CPUs: runtime.GOMAXPROCS(0), Disk: s.disk, Rounds: s.Rounds, Duration: s.Duration.Seconds(), Runs: []Run{},
	}
	if s.Running != nil {
		r.Server = s.Running.URL
	}
	return r
}

// each starts the servers, has them measured and ends them.
func (s *sitting) each(ctx context.Context, wants []want, measure func([]*target) error) (err error) {
	var all []*target
	defer func() { err = errors.Join(err, stopAll(all)) }()
	for _, w := range wants {
		profile := ""
		if w.kind == rollcallKind && !w.secure && w.wait == 0 {
			profile = s.Profile
		}
		t, err := s.start(ctx, w, profile)
		if err != nil {
			return err
		}
		all = append(all, t)
	}
	return measure(all)
}

// loginRuns measures with each number of clients.
func (s *sitting) loginRuns(ctx context.Context, o LoginOptions, report *Report) error {
	return s.each(ctx, s.wants(true, false), func(all []*target) error {
		for _, clients := range o.Clients {
			records, err := s.turns(ctx, plain.Count(clients, "client"), all, func(t *target) (*load, error) {
				return s.loginLoad(t, clients, o.Leave)
			})
			if err != nil {
				return err
			}
			report.Runs = append(report.Runs, summary(plain.Count(clients, "client"), clients, 0, records))
		}
		return nil
	})
}

// turns plays the rounds: in each, every server in turn.
func (s *sitting) turns(ctx context.Context, what string, all []*target, prepare func(*target) (*load, error)) ([]*record, error) {
	records := newRecords(all)
	for round := range s.Rounds {
		for i, t := range all {
			l, err := prepare(t)
			if err != nil {
				return nil, err
			}
			if err := t.rest(ctx); err != nil {
				return nil, err
			}
			turn := l.run(ctx)
			if err := ctx.Err(); err != nil {
				return nil, err
			}
			records[i].turns = append(records[i].turns, turn)
			s.sayf("%s, round %d of %d: %-13s %s", what, round+1, s.Rounds, t.name(), turn)
			if err := t.rest(ctx); err != nil {
				return nil, err
			}
		}
	}
	return records, nil
}

// newRecords makes a record for each server; its floor is the one with or without
// TLS as it has.
func newRecords(all []*target) []*record {
	records := make([]*record, len(all))
	for i, t := range all {
		floor := name(floorKind, t.tls != nil && t.process != nil)
		records[i] = &record{name: t.name(), floor: floor}
	}
	return records
}

// String is a turn in a line.
func (t *turn) String() string {
	d := delays(t.delays)
	line := fmt.Sprintf("%8.0f/s   p50 %7.2f ms   p99 %7.2f ms", t.rate(), d.P50, d.P99)
	if t.failed > 0 {
		line += fmt.Sprintf("   %d failed: %v", t.failed, t.first)
	}
	return line
}

// loginLoad prepares the logins of a turn. Where clients stay, there are as many as
// may be connected at a time.
func (s *sitting) loginLoad(t *target, clients int, leave bool) (*load, error) {
	fastest := 30_000
	if t.kind == rollcallKind {
		fastest = 10_000 // each is signed beforehand
	}
	n := min(maxLogins, leastEach*clients+int(float64(fastest)*s.Duration.Seconds()))
	if !leave {
		n = most(n)
	}
	frames, err := t.logins(n)
	if err != nil {
		return nil, err
	}
	ask := staying(t, frames)
	if leave {
		ask = leaving(ask)
	}
	return &load{target: t, clients: clients, duration: s.Duration, ask: ask}, nil
}

// An asker does one operation of a load.
type asker = func(ctx context.Context, client, n int, buf []byte) (stays *line, more bool, err error)

// staying logs in with one frame after the other, and stays.
func staying(t *target, frames [][]byte) asker {
	var taken atomic.Int64
	return func(ctx context.Context, _, _ int, buf []byte) (*line, bool, error) {
		i := int(taken.Add(1)) - 1
		if i >= len(frames) {
			return nil, false, nil
		}
		l, err := t.connectFrom(ctx, buf, i)
		if err != nil {
			return nil, true, err
		}
		if err := l.login(frames[i]); err != nil {
			l.cut()
			return nil, true, err
		}
		l.buf = nil // it is the client's next connection's
		return l, true, nil
	}
}

// leaving is staying, but for the staying.
func leaving(ask asker) asker {
	return func(ctx context.Context, client, n int, buf []byte) (*line, bool, error) {
		l, more, err := ask(ctx, client, n, buf)
		if l != nil {
			l.cut()
		}
		return nil, more, err
	}
}
