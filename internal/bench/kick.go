package bench

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"rollcall.example/internal/plain"
)

// KickOptions are those of Kick.
type KickOptions struct {
	Options

	Idle int // sessions that may be kicked
	Rate int // kicks in a second
}

// Kick measures from when a winner's login is sent until the loser has its notice:
// one at a time, and at a rate. Beside it, one flush to the same disk.
func Kick(ctx context.Context, o KickOptions) (_ *Report, err error) {
	// Beside those who may be kicked there are those who just come, and who just go.
	if err := room(o.Idle+2*o.Rate, "--idle with --rate"); err != nil {
		return nil, err
	}
	s, err := sit(o.Options)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, s.rise()) }()
	report := s.report("kick")
	return report, s.each(ctx, s.wants(false, true), func(all []*target) error { return s.kicks(ctx, o, all, report) })
}

// kicks plays the rounds: in each, every server, first unloaded and then loaded.
func (s *sitting) kicks(ctx context.Context, o KickOptions, all []*target, report *Report) error {
	calm, busy := newRecords(all), newRecords(all)
	var flushed []time.Duration
	for round := range s.Rounds {
		for i, t := range all {
			h, err := t.house(ctx, o.Idle)
			if err != nil {
				return err
			}
			single, loaded, err := s.kicksOf(ctx, h, o.Rate)
			h.empty()
			if err != nil {
				return err
			}
			calm[i].turns, busy[i].turns = append(calm[i].turns, single), append(busy[i].turns, loaded)
			s.sayf("round %d of %d: %-13s unloaded %s", round+1, s.Rounds, t.name(), single)
			s.sayf("round %d of %d: %-13s loaded   %s", round+1, s.Rounds, t.name(), loaded)
			if err := t.rest(ctx); err != nil {
				return err
			}
		}
		some, err := s.flushes(ctx, 50)
		if err != nil {
			return err
		}
		flushed = append(flushed, some...)
	}
	report.FlushMs = delays(flushed)
	report.Runs = append(report.Runs,
		summary("kicks, one at a time", 1, 0, calm),
		summary(fmt.Sprintf("kicks at %d/s, with %s", o.Rate, plain.Count(o.Idle, "idle session")), 0, o.Rate, busy))
	return nil
}

// kicksOf is both turns of one server.
func (s *sitting) kicksOf(ctx context.Context, h *house, rate int) (single, loaded *turn, err error) {
	if err := h.target.rest(ctx); err != nil {
		return nil, nil, err
	}
	single = h.oneByOne(ctx, s.Duration)
	if err := h.target.rest(ctx); err != nil {
		return nil, nil, err
	}
	loaded = h.atRate(ctx, s.Duration, rate)
	return single, loaded, ctx.Err()
}

// A house is accounts with an idle session each.
type house struct {
	target *target
	seats  []*seat
	next   int
}

// A seat is one account's place. Its session is read by a goroutine of its own, as
// a client would.
type seat struct {
	mu      sync.Mutex // held by the one kick of it that goes on
	account *account
	holder  *line
	noticed chan time.Time
}

// house logs n accounts in.
func (t *target) house(ctx context.Context, n int) (*house, error) {
	accounts, err := t.accounts(n)
	if err != nil {
		return nil, err
	}
	h, frames := &house{target: t}, make([][]byte, n)
	for i, a := range accounts {
		if frames[i], err = t.login(a); err != nil {
			return nil, err
		}
		h.seats = append(h.seats, &seat{account: a})
	}
	lines, err := t.logInAll(ctx, frames)
	if err != nil {
		for _, l := range lines {
			l.cut()
		}
		return nil, err
	}
	for i, l := range lines {
		h.seats[i].sit(l)
	}
	return h, nil
}

// empty cuts all connections.
func (h *house) empty() {
	for _, s := range h.seats {
		s.mu.Lock()
		s.holder.cut()
		<-s.noticed // its reader has ended
		s.mu.Unlock()
	}
}

// sit makes l the seat's session, and has it wait for its notice. What the channel
// gives is when that came, and nothing if the connection ended without one.
func (s *seat) sit(l *line) {
	noticed := make(chan time.Time, 1)
	s.holder, s.noticed = l, noticed
	go func() {
		defer close(noticed)
		defer l.cut()
		l.buf = make([]byte, 512)
		if l.patient() != nil {
			return
		}
		session, err := l.notice()
		if err != nil {
			return
		}
		noticed <- time.Now()
		if l.target.kind != rollcallKind || l.hurried() != nil {
			return
		}
		ack, err := l.target.acknowledgement(session)
		if err != nil || l.send(ack) != nil {
			return
		}
		_, _ = l.next() // the close
	}()
}

// notice waits for a notice and returns its session.
func (l *line) notice() (uint64, error) {
	b, err := l.next()
	if err != nil {
		return 0, err
	}
	if l.target.kind != rollcallKind {
		if len(b) == 0 || b[0] != floorNotice {
			return 0, fmt.Errorf("the floor sent %.8q", b)
		}
		return 0, nil
	}
	f, err := serverFrame(b)
	if err != nil {
		return 0, err
	}
	if f.GetNotice() == nil {
		return 0, refusal(f)
	}
	return f.GetNotice().GetSession(), nil
}

// kick logs the seat's account in on another device, and returns how long after
// that was sent the one before had its notice.
func (h *house) kick(ctx context.Context, s *seat) (time.Duration, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	l, err := h.target.connect(ctx, nil)
	if err != nil {
		return 0, err
	}
	frame, err := h.target.login(s.account)
	if err != nil {
		l.cut()
		return 0, err
	}
	sent := time.Now()
	if err := l.login(frame); err != nil {
		l.cut()
		return 0, err
	}
	noticed := s.noticed
	s.sit(l)
	late := time.NewTimer(answerWithin)
	defer late.Stop()
	select {
	case at, told := <-noticed:
		if !told {
			return 0, errors.New("the loser's connection ended without a notice")
		}
		return at.Sub(sent), nil
	case <-late.C:
		return 0, fmt.Errorf("the loser has no notice after %s", answerWithin)
	}
}

// pick is the seat whose turn it is. A seat comes again when all others have been
// picked, so that no account is over its limit of logins.
func (h *house) pick() *seat {
	s := h.seats[h.next%len(h.seats)]
	h.next++
	return s
}

// oftenEach is how often an account is kicked in a turn of single kicks at most: an
// account may log in 50 times in 10 s.
const oftenEach = 20

// oneByOne kicks one after the other, once at least.
func (h *house) oneByOne(ctx context.Context, d time.Duration) *turn {
	t, failed := &turn{}, failures{}
	before, known := h.target.cpu()
	began := time.Now()
	for n := 0; n == 0 || time.Since(began) < d && n < oftenEach*len(h.seats) && failed.count < tooManyFailures && ctx.Err() == nil; n++ {
		delay, err := h.kick(ctx, h.pick())
		if err != nil {
			failed.add(err)
			continue
		}
		t.delays = append(t.delays, delay)
	}
	after, _ := h.target.cpu()
	t.answered, t.took, t.cpu, t.measured = len(t.delays), time.Since(began), after-before, known
	t.failed, t.first = failed.count, failed.first
	return t
}

// atRate kicks at a rate, whether the kicks before have ended or not: who is slow
// is not spared for it.
func (h *house) atRate(ctx context.Context, d time.Duration, rate int) *turn {
	n := int((d*time.Duration(rate) + time.Second - 1) / time.Second)
	return h.target.paced(ctx, rate, func(i int) func() (time.Duration, error) {
		if i >= n {
			return nil
		}
		s := h.pick()
		return func() (time.Duration, error) { return h.kick(ctx, s) }
	})
}

// paced does something at a rate, until next has nothing more to do.
func (t *target) paced(ctx context.Context, rate int, next func(i int) func() (time.Duration, error)) *turn {
	var (
		mu      sync.Mutex
		done    = &turn{}
		failed  failures
		broken  atomic.Bool
		running sync.WaitGroup
	)
	before, known := t.cpu()
	began := time.Now()
	for i := 0; ctx.Err() == nil && !broken.Load(); i++ {
		due := began.Add(time.Duration(i) * time.Second / time.Duration(rate))
		if time.Until(due) > 0 && sleep(ctx, time.Until(due)) != nil {
			break
		}
		do := next(i)
		if do == nil {
			break
		}
		running.Go(func() {
			delay, err := do()
			mu.Lock()
			defer mu.Unlock()
			if err != nil {
				failed.add(err)
				broken.Store(failed.count >= tooManyFailures)
				return
			}
			done.delays = append(done.delays, delay)
		})
	}
	running.Wait()
	after, _ := t.cpu()
	done.answered, done.took, done.cpu, done.measured = len(done.delays), time.Since(began), after-before, known
	done.failed, done.first = failed.count, failed.first
	return done
}
