package bench

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"rollcall.example/internal/plain"
)

// StormOptions are those of Storm.
type StormOptions struct {
	Options

	Clients   int           // that come in a storm
	Returning int           // percent of them that have a session and resume it
	Times     []int         // what is offered, in what the server sustains
	LoginWait time.Duration // the server's login_wait; 0: as configured by default
}

// StormFigures are what came of more logins than the server sustains: medians of its
// rounds, and what came together in all of them.
type StormFigures struct {
	Subject   string  `json:"subject"`
	Times     int     `json:"times"`     // what it sustains is offered, in a second
	Clients   int     `json:"clients"`   //
	Returning int     `json:"returning"` // of them, who resume
	Sustained float64 `json:"sustained_per_second"`
	OfferedS  float64 `json:"offered_s"` // over which they come first
	IdealS    float64 `json:"ideal_s"`   // clients / sustained, or offered_s if that is longer
	AllInS    float64 `json:"all_in_s"`  // until all were in that came in at all
	Ratio     float64 `json:"ratio"`     // to ideal_s of the same round
	P50S      float64 `json:"login_p50_s"`
	P99S      float64 `json:"login_p99_s"` // of a login, from its first try
	Resume    *Delays `json:"resume_ms"`   // from its first try
	Ping      *Delays `json:"ping_ms"`     // of sessions that were in before
	Health    *Delays `json:"healthz_ms"`
	SentAway  int     `json:"sent_away"` // clients told to come back later, of all rounds
	Often     int     `json:"sent_away_times"`
	Door      int     `json:"sent_away_door"` // of these times: there was no room for the connection
	Most      int     `json:"sent_away_most"` // the same client
	Failed    int     `json:"failed"`         // what an app would have seen
	Failure   string  `json:"failure,omitempty"`

	AllIn []float64 `json:"all_in_s_of_rounds"`
	all   []*gale
}

// The subjects of a storm.
const (
	asConfigured = "rollcall"
	nobodyAway   = "nobody sent away"
)

// Storm measures logins at a multiple of what the server sustains, with clients
// that come back as they are told, resumes among them: as the server is configured,
// and where it lets everybody wait.
func Storm(ctx context.Context, o StormOptions) (_ *Report, err error) {
	if err := room(o.Clients+bystanders, "--clients"); err != nil {
		return nil, err
	}
	s, err := sit(o.Options)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, s.rise()) }()
	report := s.report("storm")
	configured := want{kind: rollcallKind, ops: true}
	if o.LoginWait > 0 {
		configured.env = []string{"ROLLCALL_LIMITS_LOGIN_WAIT=" + o.LoginWait.String()}
	}
	patient := want{
		kind: rollcallKind, ops: true, wait: time.Hour,
		env: []string{"ROLLCALL_TIMEOUTS_LOGIN=1h", fmt.Sprintf("ROLLCALL_LIMITS_CONNECTIONS_WITHOUT_LOGIN=%d", o.Clients+spare)},
	}
	err = s.each(ctx, []want{configured, patient}, func(all []*target) error {
		return s.storms(ctx, o, all, report)
	})
	return report, err
}

// storms plays the rounds: what the server sustains, and then each storm on each
// server in turn.
func (s *sitting) storms(ctx context.Context, o StormOptions, all []*target, report *Report) error {
	var storms []*StormFigures
	for _, times := range o.Times {
		for i := range all {
			storms = append(storms, &StormFigures{
				Subject: []string{asConfigured, nobodyAway}[i], Times: times, Clients: o.Clients, Returning: o.Clients * o.Returning / 100,
			})
		}
	}
	steady := &record{name: all[0].name(), floor: all[0].name()}
	for round := range s.Rounds {
		turn, err := s.sustained(ctx, o, all[0])
		if err != nil {
			return err
		}
		steady.turns = append(steady.turns, turn)
		s.sayf("round %d of %d: sustained %s", round+1, s.Rounds, turn)
		if turn.rate() <= 0 {
			return errors.New("no login was answered while it counted: take a longer --duration")
		}
		for i, x := range storms {
			g, err := x.blow(ctx, all[i%len(all)], turn.rate())
			if err != nil {
				return err
			}
			x.all = append(x.all, g)
			s.sayf("round %d of %d: %d times that, %-16s %s", round+1, s.Rounds, x.Times, x.Subject, g)
		}
	}
	report.Runs = append(report.Runs, summary(plain.Count(stormClients(o), "client")+", as fast as they are answered", stormClients(o), 0, []*record{steady}))
	for _, x := range storms {
		x.sum()
		report.Storms = append(report.Storms, *x)
	}
	return nil
}

// stormClients is how many log in at a time to find out what the server sustains.
func stormClients(o StormOptions) int { return min(256, max(1, o.Clients/leastEach)) }

// sustained is logins as fast as they are answered.
func (s *sitting) sustained(ctx context.Context, o StormOptions, t *target) (*turn, error) {
	l, err := s.loginLoad(t, stormClients(o), false)
	if err != nil {
		return nil, err
	}
	if err := t.rest(ctx); err != nil {
		return nil, err
	}
	turn := l.run(ctx)
	return turn, errors.Join(t.rest(ctx), ctx.Err())
}

// A gale is one storm of one round.
type gale struct {
	callers        []*caller
	sustained      float64
	offered, allIn time.Duration
	ping, health   []time.Duration
	broken         error // of those who were in before
}

func (g *gale) ideal() time.Duration {
	return max(g.offered, time.Duration(float64(len(g.callers))/g.sustained*float64(time.Second)))
}

// String is a gale in a line.
func (g *gale) String() string {
	away, door, failed := 0, 0, 0
	for _, c := range g.callers {
		away, door = away+c.away, door+c.door
		if c.failure != nil {
			failed++
		}
	}
	return fmt.Sprintf("all in after %.2f s, ideally %.2f s; sent away %d times, %d of them at the door; %d failed", g.allIn.Seconds(), g.ideal().Seconds(), away, door, failed)
}

// blow has the clients come.
func (x *StormFigures) blow(ctx context.Context, t *target, sustained float64) (g *gale, err error) {
	g = &gale{sustained: sustained, offered: time.Duration(float64(x.Clients) / (sustained * float64(x.Times)) * float64(time.Second))}
	if g.callers, err = x.callers(ctx, t); err != nil {
		return nil, err
	}
	still, err := t.bystand(ctx)
	defer still.leave()
	if err != nil {
		return nil, err
	}
	if err := t.rest(ctx); err != nil {
		return nil, err
	}
	whole := ctx
	ctx, cancel := context.WithTimeout(ctx, backWithin)
	defer cancel()
	still.watch(ctx)
	began := time.Now()
	var calls sync.WaitGroup
	for i, c := range g.callers {
		calls.Go(func() {
			if sleep(ctx, time.Until(began.Add(g.offered*time.Duration(i)/time.Duration(len(g.callers))))) == nil {
				c.call(ctx, t)
			}
			c.at = time.Since(began)
		})
	}
	calls.Wait()
	g.ping, g.health, g.broken = still.seen()
	for _, c := range g.callers {
		if c.line != nil {
			g.allIn = max(g.allIn, c.at)
			c.line.cut()
		}
	}
	return g, errors.Join(whole.Err(), t.rest(whole))
}

// sum sums up the rounds.
func (x *StormFigures) sum() {
	var of struct{ sustained, offered, ideal, allIn, ratio []float64 }
	var logins, resumes, pings, healths []time.Duration
	for _, g := range x.all {
		of.sustained, of.offered = append(of.sustained, g.sustained), append(of.offered, g.offered.Seconds())
		of.ideal, of.allIn = append(of.ideal, g.ideal().Seconds()), append(of.allIn, g.allIn.Seconds())
		of.ratio = append(of.ratio, g.allIn.Seconds()/g.ideal().Seconds())
		pings, healths = slices.Concat(pings, g.ping), slices.Concat(healths, g.health)
		x.fail(g.broken)
		for _, c := range g.callers {
			if c.away > 0 {
				x.SentAway++
			}
			x.Often, x.Door, x.Most = x.Often+c.away, x.Door+c.door, max(x.Most, c.away)
			switch {
			case c.failure != nil:
				x.fail(c.failure)
			case c.returns:
				resumes = append(resumes, c.took)
			default:
				logins = append(logins, c.took)
			}
		}
	}
	x.Sustained, x.OfferedS, x.IdealS = median(of.sustained), median(of.offered), median(of.ideal)
	x.AllIn, x.AllInS, x.Ratio = of.allIn, median(of.allIn), median(of.ratio)
	d := delays(logins)
	x.P50S, x.P99S = d.P50/1e3, d.P99/1e3
	x.Resume, x.Ping, x.Health = delays(resumes), delays(pings), delays(healths)
}

func (x *StormFigures) fail(err error) {
	if err != nil {
		x.Failed++
		x.Failure = cmp.Or(x.Failure, err.Error())
	}
}
