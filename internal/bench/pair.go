package bench

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"
)

// A pair is two accounts that are logged in and write to each other. Each of them
// hears of every message, in the order in which they are numbered: as the answer or
// as what was pushed.
type pair struct {
	letters [2]*letters // of each to the other
	ears    [2]*ear
	sent    int
	free    time.Time // of a Rollcall: when its limit has forgotten what was sent
	last    took      // of the latest message
}

// took is how long something took; of a message also until the sender had its answer,
// and until the peer had it.
type took struct{ all, answer, push time.Duration }

// pairs logs pairs of new accounts in. They are to part.
func (t *target) pairs(ctx context.Context, n, size int) ([]*pair, error) {
	accounts, err := t.accounts(2 * n)
	if err != nil {
		return nil, err
	}
	return t.pairsOf(ctx, accounts, size)
}

// pairsOf logs pairs in: the first account with the second, the third with the fourth,
// and so on.
func (t *target) pairsOf(ctx context.Context, accounts []*account, size int) ([]*pair, error) {
	all, frames := make([]*pair, len(accounts)/2), make([][]byte, len(accounts))
	for i := range all {
		all[i] = &pair{}
	}
	var err error
	for i, a := range accounts {
		if frames[i], err = t.login(a); err != nil {
			return nil, err
		}
		if all[i/2].letters[i%2], err = t.lettersTo(accounts[i^1], size); err != nil {
			return nil, err
		}
	}
	lines, err := t.logInAll(ctx, frames)
	if err != nil {
		for _, l := range lines {
			l.cut()
		}
		return nil, err
	}
	for i, l := range lines {
		p := all[i/2]
		p.ears[i%2] = listen(l, p.letters[i%2].marks(), size)
	}
	return all, nil
}

// part cuts the pairs' connections.
func part(all []*pair) {
	cutAll(all)
	for _, p := range all {
		<-p.ears[0].ended
		<-p.ears[1].ended
	}
}

func (p *pair) cut() {
	p.ears[0].line.cut()
	p.ears[1].line.cut()
}

// send sends the next message, by one of the two.
func (p *pair) send(by int) error {
	frame := p.letters[by].frame(p.sent)
	p.sent++
	return p.ears[by].line.send(frame)
}

// mostPerSecond is how many messages a pair sends a Rollcall, both together, which
// lets each connection ask 200 times a second.
const mostPerSecond = 380

// pace waits until one more message is within the limit.
func (p *pair) pace(ctx context.Context) error {
	if p.ears[0].line.target.kind != rollcallKind {
		return nil
	}
	const burst = time.Second
	now := time.Now()
	if p.free.Before(now) {
		p.free = now
	}
	wait := p.free.Sub(now) - burst
	p.free = p.free.Add(time.Second / mostPerSecond)
	if wait <= 0 {
		return nil
	}
	return sleep(ctx, wait)
}

// once sends a message, by the one who got the latest, and waits until the sender has
// its answer and the peer has the message.
func (p *pair) once(ctx context.Context) error {
	if err := p.pace(ctx); err != nil {
		return err
	}
	by, began := p.sent%2, time.Now()
	if err := p.send(by); err != nil {
		return err
	}
	var err error
	p.last, err = p.since(began, by, p.sent)
	return err
}

// since waits for the n-th message, from 1, and tells how long it took since it began.
func (p *pair) since(began time.Time, by, n int) (t took, err error) {
	answered, err := p.ears[by].wait(n)
	if err != nil {
		return t, err
	}
	pushed, err := p.ears[1-by].wait(n)
	if err != nil {
		return t, err
	}
	t.answer, t.push = answered.Sub(began), pushed.Sub(began)
	t.all = max(t.answer, t.push)
	return t, nil
}

// An ear reads a connection of a pair, on a goroutine of its own, and notes when each
// message came.
type ear struct {
	line  *line
	marks int
	ended chan struct{} // closed when nothing more is read

	mu   sync.Mutex
	more sync.Cond   // there is another message, or nothing more comes
	at   []time.Time // of each message; zero: it did not come
	why  error       // why the first of those did not
	over error       // nothing more comes
}

// listen begins to read.
func listen(l *line, marks, size int) *ear {
	e := &ear{line: l, marks: marks, ended: make(chan struct{})}
	e.more.L = &e.mu
	l.buf = make([]byte, 2*size+bufferBytes)
	go func() {
		defer close(e.ended)
		err := l.patient()
		for err == nil {
			err = e.next()
		}
		e.mu.Lock()
		defer e.mu.Unlock()
		e.over = err
		e.more.Broadcast()
	}()
	return e
}

// next reads one frame and notes it.
func (e *ear) next() error {
	b, err := e.line.next()
	if err != nil {
		return err
	}
	now := time.Now()
	n, ok := numberIn(b)
	e.mu.Lock()
	defer e.mu.Unlock()
	if !ok {
		f, err := serverFrame(b)
		if err != nil || f.GetId() == 0 {
			return errors.Join(errors.New("something else than a message came"), err)
		}
		e.miss(refusal(f))
		return nil
	}
	for len(e.at)%e.marks != n {
		if e.marks != maxMarks || len(e.at) > n {
			return fmt.Errorf("message %d came in the place of %d", n, len(e.at)%e.marks)
		}
		e.miss(fmt.Errorf("message %d came next, and %d did not come", n, len(e.at)))
	}
	e.at = append(e.at, now)
	e.more.Broadcast()
	return nil
}

// miss notes that the next message does not come, and why.
func (e *ear) miss(why error) {
	e.at = append(e.at, time.Time{})
	if e.why == nil {
		e.why = why
	}
	e.more.Broadcast()
}

// wait waits for the n-th message, from 1, and returns when it came.
func (e *ear) wait(n int) (time.Time, error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	for len(e.at) < n && e.over == nil {
		e.more.Wait()
	}
	switch {
	case len(e.at) < n:
		return time.Time{}, e.over
	case e.at[n-1].IsZero():
		return time.Time{}, e.why
	}
	return e.at[n-1], nil
}
