package bench

import (
	"context"
	"errors"
	"fmt"
	"time"

	"rollcall.example/internal/apps"
	"rollcall.example/internal/plain"
)

// GrowthOptions are those of Growth.
type GrowthOptions struct {
	Options

	Accounts []int   // in a store each, the fewest first
	LoggedIn float64 // percent of them that have two sessions and some history
	Clients  int     // that log in at a time
	Rate     int     // logins in a second, beside a preview and without
}

// A Size is what a store of so many accounts costs.
type Size struct {
	Accounts      int       `json:"accounts"`
	LoggedIn      int       `json:"logged_in"` // of them, with two sessions each
	ImportS       float64   `json:"import_s"`
	FileBytes     int64     `json:"file_bytes"` // all of the data directory, with nobody in it at work
	StartMs       float64   `json:"start_ms"`   // from the process's start to the first connection served
	Starts        []float64 `json:"all_start_ms"`
	ResidentBytes int64     `json:"resident_bytes"`     // after a start; 0: not measured on this system
	PreviewMs     float64   `json:"preview_ms"`         // while logins go on
	Previews      []float64 `json:"all_preview_ms"`     //
	LoginsBeside  float64   `json:"preview_p99_ratio"`  // p99 of logins at the rate, with previews to without
	HistoryMs     *Delays   `json:"history_ms"`         // of one account, through the operators' door
	ExplainMs     *Delays   `json:"explain_ms"`         // the same
	Previewed     int       `json:"previewed"`          // accounts that a preview looked at
	WouldGo       int       `json:"previewed_would_go"` // sessions that it found too many
	Events        int       `json:"events"`             // that the history of an account has, which was asked for
}

// Growth measures the same with few accounts in the store and with many: logins,
// starts, file, preview, history. The stores stand beside each other, and are
// measured in turns; what they are compared to is the one with the fewest.
func Growth(ctx context.Context, o GrowthOptions) (_ *Report, err error) {
	if err := room(leastEach*o.Clients, "--clients"); err != nil {
		return nil, err
	}
	s, err := sit(o.Options)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, s.rise()) }()
	report := s.report("growth")
	var all []*grown
	defer func() {
		for _, g := range all {
			err = errors.Join(err, g.stop())
		}
	}()
	for i, n := range o.Accounts {
		g, err := s.grow(ctx, n, o, i == len(o.Accounts)-1)
		if g != nil {
			all = append(all, g)
		}
		if err != nil {
			return nil, err
		}
	}
	if err := s.startAgain(ctx, all); err != nil {
		return nil, err
	}
	if err := s.growthRuns(ctx, o, all, report); err != nil {
		return nil, err
	}
	for _, g := range all {
		report.Sizes = append(report.Sizes, g.Size)
	}
	return report, nil
}

// growthRuns plays the rounds: in each, every store in turn.
func (s *sitting) growthRuns(ctx context.Context, o GrowthOptions, all []*grown, report *Report) error {
	floor := plain.Count(o.Accounts[0], "account")
	full, alone, beside := make([]*record, len(all)), make([]*record, len(all)), make([]*record, len(all))
	for i, g := range all {
		for _, r := range []**record{&full[i], &alone[i], &beside[i]} {
			*r = &record{name: plain.Count(g.Accounts, "account"), floor: floor}
		}
	}
	for round := range s.Rounds {
		for i, g := range all {
			t, err := g.round(ctx, o)
			if err != nil {
				return err
			}
			full[i].turns, alone[i].turns, beside[i].turns = append(full[i].turns, t[0]), append(alone[i].turns, t[1]), append(beside[i].turns, t[2])
			for j, what := range []string{"at full speed", fmt.Sprintf("at %d/s", o.Rate), "beside previews"} {
				s.sayf("round %d of %d: %s, logins %-16s %s", round+1, s.Rounds, full[i].name, what, t[j])
			}
		}
	}
	for i, g := range all {
		g.sum(alone[i], beside[i])
	}
	report.Runs = append(report.Runs,
		summary("logins, "+plain.Count(o.Clients, "client"), o.Clients, 0, full),
		summary(fmt.Sprintf("logins at %d/s", o.Rate), 0, o.Rate, alone),
		summary(fmt.Sprintf("logins at %d/s, while policies are previewed", o.Rate), 0, o.Rate, beside))
	return nil
}

// round is a store's turns of one round: logins as fast as they are answered, at a
// rate, and at that rate beside a preview. Then it is asked about the past.
func (g *grown) round(ctx context.Context, o GrowthOptions) (turns [3]*turn, err error) {
	l, err := g.fullLoad(o)
	if err != nil {
		return turns, err
	}
	if err := g.rest(ctx); err != nil {
		return turns, err
	}
	turns[0] = l.run(ctx)
	if err := g.rest(ctx); err != nil {
		return turns, err
	}
	turns[1] = g.atRate(ctx, o, nil)
	if err := g.rest(ctx); err != nil {
		return turns, err
	}
	if turns[2], err = g.besidePreview(ctx, o); err != nil {
		return turns, err
	}
	return turns, errors.Join(g.rest(ctx), g.ask(ctx), ctx.Err())
}

// besidePreview has accounts log in at the rate while a policy is previewed, again
// and again, once at least.
func (g *grown) besidePreview(ctx context.Context, o GrowthOptions) (*turn, error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	over, ended := make(chan struct{}), make(chan error, 1)
	go func() { ended <- g.previews(ctx, o.Duration, over) }()
	t := g.atRate(ctx, o, over)
	return t, <-ended
}

// previews looks what a policy would do, until d has passed, then closes over.
func (g *grown) previews(ctx context.Context, d time.Duration, over chan<- struct{}) error {
	defer close(over)
	for began := time.Now(); ; {
		at := time.Now()
		found, err := g.admin.Preview(ctx, benchApp, apps.ChangeTo(apps.Policy{Name: "dual"}), nil)
		if err != nil {
			return fmt.Errorf("preview a policy: %w", err)
		}
		g.Previews = append(g.Previews, ms(time.Since(at)))
		g.Previewed, g.WouldGo = found.Accounts, found.Sessions
		if time.Since(began) >= d {
			return nil
		}
		if err := sleep(ctx, betweenPreviews); err != nil {
			return err
		}
	}
}

// betweenPreviews is how long the next one waits, so that a short one is not a load
// of its own.
const betweenPreviews = 20 * time.Millisecond

func ms(d time.Duration) float64 { return float64(d.Microseconds()) / 1e3 }
