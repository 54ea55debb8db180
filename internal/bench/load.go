package bench

import (
	"context"
	"runtime"
	"sync"
	"sync/atomic"
	"time"
)

// A load is one turn of one target: clients that ask, one after the other, as fast
// as they are answered.
type load struct {
	target   *target
	clients  int
	duration time.Duration
	// ask does one operation, the n-th of its client, and returns its connection if
	// that is to stay open until the turn's end. more is false when there is nothing
	// left to ask for.
	ask asker
	// took, of a load of messages: how long its client's latest one took.
	took func(client int) took
}

// A turn is what came of a load.
type turn struct {
	answered int           // within took
	took     time.Duration // from when all clients were warm
	delays   []time.Duration
	answers  []time.Duration // of messages: until their senders had the answer
	pushes   []time.Duration // and until the peers had them
	late     []time.Duration // what was offered at a rate left so long after its time
	cpu      time.Duration   // of the server
	measured bool            // whether cpu is known
	failed   int             // at any time of the turn
	first    error           // failure
}

// add counts one that was answered.
func (t *turn) add(d took) {
	t.answered++
	t.delays = append(t.delays, d.all)
	if d.push > 0 {
		t.answers, t.pushes = append(t.answers, d.answer), append(t.pushes, d.push)
	}
}

// rate is how many were answered in a second.
func (t *turn) rate() float64 {
	if t.took <= 0 {
		return 0
	}
	return float64(t.answered) / t.took.Seconds()
}

// A done is one operation that was answered.
type done struct {
	at   time.Time
	took took
}

// A referee says when a turn begins to count and when it is over.
type referee struct {
	load *load
	warm int64 // answers until it counts: every client has had its first, and its second

	least int64 // answers until it may be over: on a slow machine a turn takes longer

	answers  atomic.Int64
	mu       sync.Mutex
	from, to time.Time
	cpu      [2]time.Duration
	known    bool
	passed   atomic.Bool // the duration
	over     chan struct{}
}

// answered counts an answer; the one that warms the last client up begins what counts.
func (r *referee) answered() {
	n := r.answers.Add(1)
	if n >= r.least && r.passed.Load() {
		r.end()
	}
	if n != r.warm {
		return
	}
	cpu, known := r.load.target.cpu()
	r.mu.Lock()
	r.from, r.cpu[0], r.known = time.Now(), cpu, known
	r.mu.Unlock()
	time.AfterFunc(r.load.duration, func() {
		r.passed.Store(true)
		if r.answers.Load() >= r.least {
			r.end()
		}
	})
}

// end ends the turn, once.
func (r *referee) end() {
	r.mu.Lock()
	defer r.mu.Unlock()
	if !r.to.IsZero() {
		return
	}
	r.to = time.Now()
	r.cpu[1], _ = r.load.target.cpu()
	close(r.over)
}

func (r *referee) ended() bool {
	select {
	case <-r.over:
		return true
	default:
		return false
	}
}

// run puts the load on.
func (l *load) run(ctx context.Context) *turn {
	runtime.GC()
	r := &referee{load: l, warm: int64(2 * l.clients), least: int64(3 * l.clients), over: make(chan struct{})}
	// What does not even get warm is over all the same.
	late := time.AfterFunc(l.duration+answerWithin, r.end)
	defer late.Stop()
	defer context.AfterFunc(ctx, r.end)()
	dones, held, failures := make([][]done, l.clients), make([][]*line, l.clients), make([]failures, l.clients)
	var clients sync.WaitGroup
	for c := range l.clients {
		clients.Go(func() {
			buf := make([]byte, bufferBytes)
			for n := 0; !r.ended() && failures[c].count < tooManyFailures; n++ {
				began := time.Now()
				stays, more, err := l.ask(ctx, c, n, buf)
				if !more {
					r.end()
					return
				}
				if err != nil {
					failures[c].add(err)
					continue
				}
				now := time.Now()
				r.answered()
				took := took{all: now.Sub(began)}
				if l.took != nil {
					took = l.took(c)
				}
				dones[c] = append(dones[c], done{now, took})
				if stays != nil {
					held[c] = append(held[c], stays)
				}
			}
		})
	}
	clients.Wait()
	r.end()
	for _, lines := range held {
		for _, x := range lines {
			x.cut()
		}
	}
	return r.judge(dones, failures)
}

// tooManyFailures of one client end its part: a server that refuses is not to be
// asked a million times.
const tooManyFailures = 20

// failures are those of one client.
type failures struct {
	count int
	first error
}

func (f *failures) add(err error) {
	if f.count++; f.first == nil {
		f.first = err
	}
}

// judge counts what was answered while it counted.
func (r *referee) judge(all [][]done, failed []failures) *turn {
	t := &turn{}
	for _, f := range failed {
		t.failed += f.count
		if t.first == nil {
			t.first = f.first
		}
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.from.IsZero() {
		return t
	}
	t.took, t.cpu, t.measured = r.to.Sub(r.from), r.cpu[1]-r.cpu[0], r.known
	for _, dones := range all {
		for _, d := range dones {
			if d.at.After(r.from) && !d.at.After(r.to) {
				t.add(d.took)
			}
		}
	}
	return t
}
