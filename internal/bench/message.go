package bench

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"time"

	"rollcall.example/internal/plain"
)

// MessageOptions are those of Message.
type MessageOptions struct {
	Options

	Pairs  []int // each a run of its own
	Size   int   // bytes of a message's text
	Rate   int   // messages in a second that are offered, by the first number of pairs; 0: not measured
	Stored int   // messages in the store whose pages are read; 0: not measured
}

// Message measures messages from one account to another: from when one is sent until
// the peer's connection has read it and the sender has the answer, with one message of
// each pair on its way, and at a rate. Beside it, one flush to the same disk. Then
// pages of what is stored.
func Message(ctx context.Context, o MessageOptions) (_ *Report, err error) {
	for _, n := range o.Pairs {
		if err := room(2*n, "--pairs"); err != nil {
			return nil, err
		}
	}
	s, err := sit(o.Options)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, s.rise()) }()
	report := s.report("message")
	wants := s.wants(true, false)
	for i := range wants {
		wants[i].relay = wants[i].kind != rollcallKind
	}
	if err := s.each(ctx, wants, func(all []*target) error { return s.messageRuns(ctx, o, all, report) }); err != nil {
		return nil, err
	}
	if o.Stored == 0 || o.Running != nil {
		return report, nil
	}
	return report, s.stored(ctx, o, report)
}

// messageRuns measures with each number of pairs.
func (s *sitting) messageRuns(ctx context.Context, o MessageOptions, all []*target, report *Report) error {
	var flushed []time.Duration
	for i, n := range o.Pairs {
		rate := 0
		if i == 0 {
			rate = o.Rate
		}
		closed, offered := newRecords(all), newRecords(all)
		for round := range s.Rounds {
			for j, t := range all {
				one, many, err := s.messagesOf(ctx, t, n, o.Size, rate)
				if err != nil {
					return err
				}
				closed[j].turns = append(closed[j].turns, one)
				s.sayf("%s, round %d of %d: %-13s %s", plain.Count(n, "pair"), round+1, s.Rounds, t.name(), one)
				if rate > 0 {
					offered[j].turns = append(offered[j].turns, many)
					s.sayf("%d/s offered, round %d of %d: %-13s %s", rate, round+1, s.Rounds, t.name(), many)
				}
			}
			some, err := s.flushes(ctx, 50)
			if err != nil {
				return err
			}
			flushed = append(flushed, some...)
		}
		report.Runs = append(report.Runs, summary(plain.Count(n, "pair")+", one message of each on its way", n, 0, closed))
		if rate > 0 {
			report.Runs = append(report.Runs, summary(fmt.Sprintf("messages offered at %d/s, by %s", rate, plain.Count(n, "pair")), n, rate, offered))
		}
	}
	report.FlushMs = delays(flushed)
	return nil
}

// messagesOf is the turns of one server. rate 0: none is offered.
func (s *sitting) messagesOf(ctx context.Context, t *target, n, size, rate int) (closed, offered *turn, err error) {
	pairs, err := t.pairs(ctx, n, size)
	if err != nil {
		return nil, nil, err
	}
	defer part(pairs)
	defer context.AfterFunc(ctx, func() { cutAll(pairs) })()
	if err := t.rest(ctx); err != nil {
		return nil, nil, err
	}
	closed = s.oneEach(ctx, t, pairs)
	if err := errors.Join(ctx.Err(), t.rest(ctx)); err != nil || rate == 0 {
		return closed, nil, err
	}
	offered = s.offer(ctx, t, pairs, rate)
	return closed, offered, errors.Join(ctx.Err(), t.rest(ctx))
}

// late cuts the pairs when a turn takes far too long: nobody waits for a message for ever.
func (s *sitting) late(pairs []*pair) (stop func()) {
	timer := time.AfterFunc(2*s.Duration+answerWithin, func() { cutAll(pairs) })
	return func() { timer.Stop() }
}

// oneEach is a turn in which each pair has one message on its way.
func (s *sitting) oneEach(ctx context.Context, t *target, pairs []*pair) *turn {
	defer s.late(pairs)()
	l := &load{
		target: t, clients: len(pairs), duration: s.Duration,
		ask: func(ctx context.Context, client, _ int, _ []byte) (*line, bool, error) {
			return nil, true, pairs[client].once(ctx)
		},
		took: func(client int) took { return pairs[client].last },
	}
	return l.run(ctx)
}

// offer is a turn in which the first of each pair sends messages, together at a rate,
// whether those before have come or not. Each is counted from when it was to be sent: who makes others wait is not
// spared for it.
func (s *sitting) offer(ctx context.Context, t *target, pairs []*pair, rate int) *turn {
	defer s.late(pairs)()
	n := max(1, int(float64(rate)*s.Duration.Seconds()))
	first := make([]int, len(pairs)) // of each pair's messages
	for i, p := range pairs {
		first[i] = p.sent
	}
	before, known := t.cpu()
	began := time.Now()
	due := func(i int) time.Time { return began.Add(time.Duration(i) * time.Second / time.Duration(rate)) }
	done, failed := &turn{}, failures{}
	// The one who sends has a thread to itself while it waits.
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(runtime.GOMAXPROCS(0) + 1))
	for i := 0; i < n && ctx.Err() == nil; i++ {
		for wait := time.Until(due(i)); wait > 0; wait = time.Until(due(i)) {
			if ctx.Err() != nil {
				break
			}
			nap(min(wait, longestNap))
		}
		done.late = append(done.late, time.Since(due(i)))
		if err := pairs[i%len(pairs)].send(0); err != nil {
			failed.add(err)
			break
		}
	}
	for i, p := range pairs {
		for k := first[i]; k < p.sent; k++ {
			d, err := p.since(due(i+(k-first[i])*len(pairs)), 0, k+1)
			if err != nil {
				failed.add(err)
				continue
			}
			done.add(d)
		}
	}
	after, _ := t.cpu()
	done.took, done.cpu, done.measured = time.Since(began), after-before, known
	done.failed, done.first = failed.count, failed.first
	return done
}

// longestNap is how long the end of the context may go unnoticed.
const longestNap = 100 * time.Millisecond

func cutAll(pairs []*pair) {
	for _, p := range pairs {
		p.cut()
	}
}
