package bench

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"math"
	"path/filepath"
	"strconv"
	"sync/atomic"
	"time"

	"rollcall.example"
	"rollcall.example/internal/admin"
	"rollcall.example/internal/apps"
	"rollcall.example/internal/plain"
)

// A grown is a server whose store has many accounts.
type grown struct {
	*target
	Size

	admin   *admin.Client
	next    int // account to log in, in an order without order
	history []time.Duration
	explain []time.Duration
}

// sessionsOfEach is how often an account logs in that is to be logged in, on another
// device each time: two may stay, so that its history has a kick in it.
const sessionsOfEach = 3

// grow makes a store of n accounts. What it returns with an error is to be stopped.
func (s *sitting) grow(ctx context.Context, n int, o GrowthOptions, last bool) (*grown, error) {
	profile := ""
	if last {
		profile = s.Profile
	}
	t, err := s.start(ctx, want{kind: rollcallKind, steady: true}, profile)
	if err != nil {
		return nil, err
	}
	g := &grown{target: t, Size: Size{Accounts: n}, admin: admin.Local(t.dir)}
	two := apps.Policy{Name: "dual", Instances: apps.Instances{rollcall.Android: sessionsOfEach - 1}}
	if _, err := g.admin.ChangeSettings(ctx, benchApp, apps.ChangeTo(two)); err != nil {
		return g, fmt.Errorf("set the policy: %w", err)
	}
	if err := s.fill(ctx, g); err != nil {
		return g, fmt.Errorf("import %s: %w", plain.Count(n, "account"), err)
	}
	return g, s.logSomeIn(ctx, g, max(1, int(math.Round(float64(n)*o.LoggedIn/100))))
}

// sayEvery is how often it is told how far something long is.
const sayEvery = 5 * time.Second

// fill imports the accounts, as `rollcall account import` does.
func (s *sitting) fill(ctx context.Context, g *grown) error {
	began := time.Now()
	told := began
	for from := 0; from < g.Accounts; from += admin.MaxImport {
		page := make([]admin.NewAccount, min(admin.MaxImport, g.Accounts-from))
		for i := range page {
			page[i].User = rollcall.UserID(userOf(from + i))
		}
		done, err := g.admin.Import(ctx, benchApp, page)
		if err != nil {
			return err
		}
		if done.Added != len(page) {
			return fmt.Errorf("%d of %d were there already", len(page)-done.Added, len(page))
		}
		if time.Since(told) >= sayEvery {
			told = time.Now()
			s.sayf("%d of %s imported", from+len(page), plain.Count(g.Accounts, "account"))
		}
	}
	g.ImportS = time.Since(began).Seconds()
	s.sayf("%s imported in %.1f s, %.0f a second", plain.Count(g.Accounts, "account"), g.ImportS, float64(g.Accounts)/g.ImportS)
	return nil
}

// userOf names an imported account.
func userOf(i int) string { return "user-" + strconv.Itoa(i) }

// scattered is where the i-th of n is, each once, in an order in which neighbours
// are far from each other.
func scattered(i, n int) int {
	const prime = 2_654_435_761 // no number of accounts is a multiple of it
	return int(uint64(i) % uint64(n) * prime % uint64(n))
}

// logSomeIn gives the first accounts sessions and a history.
func (s *sitting) logSomeIn(ctx context.Context, g *grown, n int) error {
	accounts, err := g.take(n)
	if err != nil {
		return err
	}
	var done atomic.Int64
	told, now := atomic.Int64{}, time.Now
	told.Store(now().UnixNano())
	err = inParallel(ctx, n, func(ctx context.Context, i int, buf []byte) error {
		for range sessionsOfEach {
			l, err := g.connectFrom(ctx, buf, i)
			if err != nil {
				return err
			}
			err = accounts[i].logIn(l)
			l.cut()
			if err != nil {
				return err
			}
		}
		have, at := done.Add(1), told.Load()
		if now().UnixNano()-at >= int64(sayEvery) && told.CompareAndSwap(at, now().UnixNano()) {
			s.sayf("%d of %s logged in", have, plain.Count(n, "account"))
		}
		return nil
	})
	g.LoggedIn = n
	return errors.Join(err, g.rest(ctx))
}

// take makes the next n accounts ready to log in, which never did.
func (g *grown) take(n int) ([]*account, error) {
	from := g.next
	g.next += n
	return g.named(n, func(i int) string { return userOf(scattered(from+i, g.Accounts)) })
}

// share is how many of the accounts that never logged in a turn may have, at most
// want.
func (g *grown) share(o GrowthOptions, want int) int {
	turnsOfEach := 3 * o.Rounds
	return max(1, min(want, (g.Accounts-g.LoggedIn)/turnsOfEach))
}

// fullLoad is logins of accounts that never logged in, as fast as they are answered.
// Where there are few accounts, few clients do it.
func (g *grown) fullLoad(o GrowthOptions) (*load, error) {
	n := g.share(o, most(min(maxLogins, leastEach*o.Clients+int(10_000*o.Duration.Seconds()))))
	accounts, err := g.take(n)
	if err != nil {
		return nil, err
	}
	frames := make([][]byte, n)
	for i, a := range accounts {
		if frames[i], err = g.login(a); err != nil {
			return nil, err
		}
	}
	clients := max(1, min(o.Clients, n/leastEach))
	return &load{target: g.target, clients: clients, duration: o.Duration, ask: staying(g.target, frames)}, nil
}

// atRate is logins of accounts that never logged in, at the rate, each of which
// leaves with its answer: for the turn's length, or until over.
func (g *grown) atRate(ctx context.Context, o GrowthOptions, over <-chan struct{}) *turn {
	most := g.share(o, math.MaxInt)
	if over == nil {
		most = min(most, max(1, int(float64(o.Rate)*o.Duration.Seconds())))
	}
	return g.paced(ctx, o.Rate, func(i int) func() (time.Duration, error) {
		select {
		case <-over:
			return nil
		default:
		}
		if i >= most {
			return nil
		}
		return g.oneLogin(ctx, i)
	})
}

// oneLogin is the login of the next account.
func (g *grown) oneLogin(ctx context.Context, i int) func() (time.Duration, error) {
	accounts, err := g.take(1)
	return func() (time.Duration, error) {
		if err != nil {
			return 0, err
		}
		frame, err := g.login(accounts[0])
		if err != nil {
			return 0, err
		}
		began := time.Now()
		l, err := g.connectFrom(ctx, nil, i)
		if err != nil {
			return 0, err
		}
		defer l.cut()
		err = l.login(frame)
		return time.Since(began), err
	}
}

// questions is how many accounts are asked about in a round.
const questions = 20

// ask asks about the past of accounts that have one.
func (g *grown) ask(ctx context.Context) error {
	for i := range min(questions, g.LoggedIn) {
		a := rollcall.Account{App: benchApp, User: rollcall.UserID(userOf(scattered((len(g.history)+i)%g.LoggedIn, g.Accounts)))}
		began := time.Now()
		rows, err := g.admin.History(ctx, a, 0, admin.MaxHistory)
		if err != nil {
			return fmt.Errorf("read a history: %w", err)
		}
		g.history, g.Events = append(g.history, time.Since(began)), len(rows)
		began = time.Now()
		if _, err := g.admin.Explain(ctx, a, admin.Question{}); err != nil {
			return fmt.Errorf("ask why devices were signed out: %w", err)
		}
		g.explain = append(g.explain, time.Since(began))
	}
	return nil
}

// startAgain measures how long the servers take to start, in turns, and what their
// stores occupy meanwhile.
func (s *sitting) startAgain(ctx context.Context, all []*grown) error {
	for range s.Rounds {
		for _, g := range all {
			if err := g.startOnce(ctx); err != nil {
				return err
			}
		}
	}
	for _, g := range all {
		g.StartMs = median(g.Starts)
		s.sayf("%s: ready within %.0f ms, %.1f MB on disk", plain.Count(g.Accounts, "account"), g.StartMs, float64(g.FileBytes)/1e6)
	}
	return nil
}

func (g *grown) startOnce(ctx context.Context) (err error) {
	if err := g.stop(); err != nil {
		return err
	}
	if g.FileBytes, err = sizeOf(g.dir); err != nil {
		return err
	}
	if err := g.again(); err != nil {
		return err
	}
	if err := g.awaitService(ctx); err != nil {
		return err
	}
	g.Starts = append(g.Starts, ms(g.ready))
	if err := g.rest(ctx); err != nil {
		return err
	}
	g.ResidentBytes, _, _ = memory(g.process.pid())
	return nil
}

// sizeOf is how many bytes the files of a directory have.
func sizeOf(dir string) (size int64, err error) {
	err = filepath.WalkDir(dir, func(_ string, e fs.DirEntry, err error) error {
		if err != nil || !e.Type().IsRegular() {
			return err
		}
		info, err := e.Info()
		if err == nil {
			size += info.Size()
		}
		return err
	})
	return size, err
}

// sum sums up what the rounds have found beside the logins.
func (g *grown) sum(alone, beside *record) {
	g.PreviewMs = median(g.Previews)
	g.HistoryMs, g.ExplainMs = delays(g.history), delays(g.explain)
	p99 := func(r Round) float64 { return r.P99Ms }
	g.LoginsBeside = ratio(beside.figures().Rounds, alone.figures().Rounds, p99)
}
