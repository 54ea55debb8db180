package bench

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"rollcall.example/internal/backoff"
	"rollcall.example/wire"
)

// backWithin is how long clients try to come back.
const backWithin = 2 * time.Minute

// restart ends a Rollcall under connected clients, starts it again on the same
// directory, and waits until all are back, each by the rules of docs/protocol.md.
func (s *sitting) restart(ctx context.Context, o ResumeOptions, report *Report) (err error) {
	t, err := s.start(ctx, want{kind: rollcallKind, steady: true}, "")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, t.stop()) }()
	accounts, err := t.accounts(o.Restart)
	if err != nil {
		return err
	}
	all := make([]*comer, o.Restart)
	for i, a := range accounts {
		all[i] = &comer{account: a, number: i}
	}
	defer func() {
		for _, c := range all {
			if c.line != nil {
				c.line.cut()
			}
		}
	}()
	err = inParallel(ctx, o.Restart, func(ctx context.Context, i int, _ []byte) (err error) {
		if all[i].line, err = t.connectFrom(ctx, make([]byte, 512), i); err != nil {
			return err
		}
		return errors.Join(all[i].account.logIn(all[i].line), all[i].line.patient())
	})
	if err != nil {
		return err
	}
	if err := t.rest(ctx); err != nil {
		return err
	}
	s.sayf("restart: %d clients are connected", o.Restart)
	report.Restart, err = t.restart(ctx, all, o.Kill)
	if err == nil {
		s.sayf("restart: all were back after %.2f s", report.Restart.AllBackS)
	}
	return err
}

// restart restarts the server under its clients.
func (t *target) restart(ctx context.Context, all []*comer, kill bool) (*Restart, error) {
	ctx, cancel := context.WithTimeout(ctx, backWithin)
	defer cancel()
	began := time.Now()
	var attempts, postponed atomic.Int64
	var clients sync.WaitGroup
	for _, c := range all {
		clients.Go(func() {
			c.failure = c.comeBack(ctx, &attempts, &postponed)
			c.back = time.Since(began)
		})
	}
	end := t.process.stop
	if kill {
		end = t.process.kill
	}
	err := end()
	if err == nil {
		err = t.again()
	}
	if err != nil {
		cancel()
		clients.Wait()
		return nil, fmt.Errorf("restart the server: %w", err)
	}
	up := time.Since(began)
	clients.Wait()
	r := &Restart{Clients: len(all), Killed: kill, UpS: up.Seconds(), Attempts: int(attempts.Load()), Postponed: int(postponed.Load())}
	var backs []time.Duration
	for _, c := range all {
		if c.failure != nil {
			if r.Failed++; r.Failure == "" {
				r.Failure = c.failure.Error()
			}
			continue
		}
		backs = append(backs, c.back)
	}
	if len(backs) > 0 {
		d := delays(backs)
		r.P50S, r.P99S, r.AllBackS = d.P50/1e3, d.P99/1e3, slices.Max(backs).Seconds()
	}
	return r, nil
}

// A comer is a client that comes back.
type comer struct {
	account *account
	number  int
	line    *line
	back    time.Duration
	failure error
}

// comeBack waits for the end of the connection, and then for a session that serves
// again. The error is what an app would see.
func (c *comer) comeBack(ctx context.Context, attempts, postponed *atomic.Int64) error {
	defer context.AfterFunc(ctx, c.line.cut)()
	_, err := c.line.next()
	if err == nil {
		return errors.New("a message instead of the end of the connection")
	}
	c.line.cut()
	t, wait := c.line.target, backoff.Backoff{}
	for {
		hint, final := verdict(err)
		if final {
			return err
		}
		if hint > 0 {
			postponed.Add(1)
		}
		if sleep(ctx, wait.Next(hint)) != nil {
			return fmt.Errorf("not back: %w", err)
		}
		attempts.Add(1)
		var l *line
		if l, err = t.connectFrom(ctx, make([]byte, 512), c.number); err != nil {
			continue
		}
		if err = c.resume(l); err == nil {
			c.line = l
			return nil
		}
		l.cut()
	}
}

// resume asks for the session on a new connection.
func (c *comer) resume(l *line) error {
	frame, err := l.target.resume(c.account)
	if err != nil {
		return err
	}
	if err := l.send(frame); err != nil {
		return err
	}
	err = l.admitted()
	if err == nil {
		c.account.stepped()
	}
	return err
}

// later is an answer that asks to come again; seen is one that an app sees.
type (
	later struct {
		after time.Duration
		why   error
	}
	seen struct{ why error }
)

func (e *later) Error() string { return e.why.Error() }
func (e *seen) Error() string  { return e.why.Error() }

// verdict is what an error means for a client that comes back: not before hint, or
// never again by itself.
func verdict(err error) (hint time.Duration, final bool) {
	if e, ok := errors.AsType[*later](err); ok {
		return e.after, false
	}
	if e, ok := errors.AsType[*closed](err); ok {
		return e.RetryAfter, !e.Code.ComeBack() || e.Code == wire.CloseSuperseded
	}
	_, final = errors.AsType[*seen](err)
	return 0, final
}
