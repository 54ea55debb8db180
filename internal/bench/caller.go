package bench

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"sync"
	"time"

	"rollcall.example/internal/backoff"
	"rollcall.example/wire"
)

// A caller is a client of a storm. It comes back as it is told, by the rules of
// docs/protocol.md.
type caller struct {
	account *account
	number  int
	returns bool // it has a session, and resumes it
	wait    backoff.Backoff

	line    *line         // once it is in
	took    time.Duration // from its first try
	at      time.Duration // since the storm began
	away    int           // how often it was told to come back later
	door    int           // of these, before it was answered: there was no room for its connection
	failure error         // what an app would see
}

// callers are a storm's. Those that return are spread among the others, and have
// been logged in and cut.
func (x *StormFigures) callers(ctx context.Context, t *target) ([]*caller, error) {
	returning, err := t.cutSessions(ctx, x.Returning)
	if err != nil {
		return nil, err
	}
	others, err := t.accounts(x.Clients - x.Returning)
	if err != nil {
		return nil, err
	}
	all := make([]*caller, x.Clients)
	for i := range all {
		c := &caller{number: i}
		if c.returns = (i+1)*x.Returning/x.Clients > i*x.Returning/x.Clients; c.returns {
			c.account, returning = returning[0], returning[1:]
		} else {
			c.account, others = others[0], others[1:]
		}
		all[i] = c
	}
	return all, nil
}

// loginWithin is how long a login of the SDK goes on by itself. Then its app is told
// that it has failed. A return goes on for as long as it takes.
const loginWithin = 15 * time.Second

// call comes until it is in, or until its app would be told that it is not.
func (c *caller) call(ctx context.Context, t *target) {
	began := time.Now()
	if !c.returns {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, loginWithin)
		defer cancel()
	}
	ask := t.login
	if c.returns {
		ask = t.resume
	}
	for {
		l, err := c.try(ctx, t, ask)
		if err == nil {
			c.line, c.took = l, time.Since(began)
			return
		}
		hint, final := verdict(err)
		if final {
			c.failure = err
			return
		}
		if hint > 0 {
			c.away++
			if !refusedLater(err) {
				c.door++
			}
		}
		if sleep(ctx, c.wait.Next(hint)) != nil {
			c.failure = fmt.Errorf("not in after %.0f s, and sent away %d times: %w", time.Since(began).Seconds(), c.away, err)
			return
		}
		if !c.returns {
			ask = t.loginAgain // the same attempt
		}
	}
}

// refusedLater tells whether it was the answer to a login that asks to come again.
func refusedLater(err error) bool {
	e, ok := errors.AsType[*later](err)
	return ok && !errors.Is(e.why, errUpgrade)
}

// try comes once.
func (c *caller) try(ctx context.Context, t *target, ask func(*account) ([]byte, error)) (*line, error) {
	frame, err := ask(c.account)
	if err != nil {
		return nil, &seen{err}
	}
	l, err := t.connectFrom(ctx, make([]byte, 512), c.number)
	if err != nil {
		return nil, err
	}
	defer context.AfterFunc(ctx, l.cut)()
	if err := l.send(frame); err != nil {
		l.cut()
		return nil, err
	}
	if err := l.admitted(); err != nil {
		l.cut()
		return nil, err
	}
	return l, nil
}

// admitted waits for the answer to a login or resume: nil, later, seen, or that the
// connection is over.
func (l *line) admitted() error {
	f, err := l.answer()
	switch {
	case err != nil:
		return err
	case f.GetSession() != nil:
		return nil
	case f.GetRefusal().GetRetryAfterMs() > 0:
		return &later{time.Duration(f.GetRefusal().GetRetryAfterMs()) * time.Millisecond, refusal(f)}
	}
	return &seen{refusal(f)}
}

// bystanders is how many sessions are in before a storm; each pings, and beside them
// the server's health is asked for, once in so long.
const (
	bystanders = 20
	lookEvery  = 50 * time.Millisecond
)

// A crowd is the bystanders of a storm.
type crowd struct {
	target  *target
	lines   []*line
	cancel  context.CancelFunc
	looking sync.WaitGroup

	mu           sync.Mutex
	ping, health []time.Duration
	broken       error
}

// bystand logs bystanders in. The crowd is to leave, also with an error.
func (t *target) bystand(ctx context.Context) (*crowd, error) {
	c := &crowd{target: t}
	frames, err := t.logins(bystanders)
	if err != nil {
		return c, err
	}
	c.lines, err = t.logInAll(ctx, frames)
	return c, err
}

func (c *crowd) leave() {
	for _, l := range c.lines {
		l.cut()
	}
}

// watch has the bystanders look, until seen.
func (c *crowd) watch(ctx context.Context) {
	ctx, c.cancel = context.WithCancel(ctx)
	for _, l := range c.lines {
		c.looking.Go(func() { c.look(ctx, &c.ping, l.ping) })
	}
	client := &http.Client{Transport: &http.Transport{}, Timeout: answerWithin}
	c.looking.Go(func() {
		defer client.CloseIdleConnections()
		c.look(ctx, &c.health, func() error { return c.target.healthy(client) })
	})
}

// look does something again and again, and notes how long it took.
func (c *crowd) look(ctx context.Context, took *[]time.Duration, do func() error) {
	for {
		began := time.Now()
		err := do()
		d := time.Since(began)
		c.mu.Lock()
		if err == nil {
			*took = append(*took, d)
		} else if c.broken == nil {
			c.broken = fmt.Errorf("who was in before: %w", err)
		}
		c.mu.Unlock()
		if err != nil || sleep(ctx, max(0, lookEvery-d)) != nil {
			return
		}
	}
}

// seen ends the looking, and says what was seen.
func (c *crowd) seen() (ping, health []time.Duration, broken error) {
	c.cancel()
	c.looking.Wait()
	return c.ping, c.health, c.broken
}

// ping asks for the server's clock.
func (l *line) ping() error {
	b, err := wire.Proto.Encode(&wire.ClientFrame{Id: 1, Request: &wire.ClientFrame_Ping{Ping: &wire.PingRequest{}}})
	if err != nil {
		return err
	}
	if l.buf == nil {
		l.buf = make([]byte, 512)
	}
	if err := errors.Join(l.hurried(), l.send(l.target.spell(b, 0))); err != nil {
		return err
	}
	f, err := l.answer()
	if err == nil && f.GetPing() == nil {
		err = refusal(f)
	}
	return err
}

// healthy asks for the server's health.
func (t *target) healthy(c *http.Client) error {
	a, err := c.Get(t.ops + "/healthz") //nolint:noctx // the client has a time-out
	if err != nil {
		return err
	}
	defer a.Body.Close()
	if _, err := io.Copy(io.Discard, a.Body); err != nil {
		return err
	}
	if a.StatusCode != http.StatusOK {
		return fmt.Errorf("/healthz answers %s", a.Status)
	}
	return nil
}
