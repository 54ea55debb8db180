package bench

import (
	"context"
	"errors"
	"fmt"
	"time"

	"rollcall.example/internal/plain"
	"rollcall.example/wire"
)

// Stored is a store, or cache, with many messages in it.
type Stored struct {
	Messages      int     `json:"messages"`
	Conversations int     `json:"conversations"`
	FillS         float64 `json:"fill_s"` // a store by its own way in, without a server; a cache by the SDK
	FileBytes     int64   `json:"file_bytes"`
}

const (
	storedHosts    = 128  // half of them read pages, in turn: each may ask 200 times a second
	storedTalks    = 1000 // conversations at most
	pageMessages   = 100  // the most that may be asked for
	besidePairs    = 64   // of the other half, that write while pages are read
	besideMostEach = 150  // messages in a second
)

// stored measures pages of a store with many messages.
func (s *sitting) stored(ctx context.Context, o MessageOptions, report *Report) error {
	p := &past{conversations: min(storedTalks, o.Stored/10), messages: o.Stored, size: o.Size}
	p.hosts = min(storedHosts, p.conversations)
	if s.Profile != "" { // which is of the messages
		s.Profile += ".stored"
	}
	report.Stored = &Stored{Messages: p.messages, Conversations: p.conversations}
	w := want{kind: rollcallKind, fill: func(dir string) error { return s.relive(ctx, dir, p, report.Stored) }}
	return s.each(ctx, []want{w}, func(all []*target) (err error) {
		x := &shelf{past: p, readers: p.hosts / 2, rate: o.Rate}
		defer x.empty()
		if err := x.fill(ctx, all[0]); err != nil {
			return err
		}
		return s.pageRuns(ctx, x, report)
	})
}

// A shelf is where pages are read.
type shelf struct {
	*past

	target  *target
	readers int     // of the hosts: the first ones
	lines   []*line // theirs
	pairs   []*pair // some of the others, with a guest each
	rate    int     // of their messages
	next    int
	took    time.Duration // the latest page
}

// fill logs those in who read, and those who write.
func (x *shelf) fill(ctx context.Context, t *target) error {
	x.target = t
	readers, err := t.named(x.readers, func(i int) string { return string(x.host(i)) })
	if err != nil {
		return err
	}
	frames := make([][]byte, len(readers))
	for i, a := range readers {
		if frames[i], err = t.login(a); err != nil {
			return err
		}
	}
	if x.lines, err = t.logInAll(ctx, frames); err != nil {
		return err
	}
	for _, l := range x.lines {
		l.buf = make([]byte, wire.MaxFrame+bufferBytes)
	}
	n := min(besidePairs, x.hosts-x.readers)
	x.rate = min(x.rate, n*besideMostEach)
	if x.rate == 0 {
		return nil
	}
	writers, err := t.named(2*n, func(i int) string {
		if i%2 == 0 {
			return string(x.host(x.readers + i/2))
		}
		return string(x.guest(x.readers + i/2))
	})
	if err != nil {
		return err
	}
	x.pairs, err = t.pairsOf(ctx, writers, x.size)
	return err
}

// empty cuts all connections.
func (x *shelf) empty() {
	for _, l := range x.lines {
		l.cut()
	}
	part(x.pairs)
}

// pageRuns plays the rounds: newest pages and old ones, alone and beside messages.
func (s *sitting) pageRuns(ctx context.Context, x *shelf, report *Report) error {
	kinds := []string{"newest pages", "old pages"}
	records := func() (all []*record) {
		for _, k := range kinds {
			all = append(all, &record{name: k, floor: kinds[0]})
		}
		return all
	}
	alone, beside := records(), records()
	messages := &record{name: string(rollcallKind), floor: string(rollcallKind)}
	for round := range s.Rounds {
		for i, k := range kinds {
			if err := x.target.rest(ctx); err != nil {
				return err
			}
			turn := s.readPages(ctx, x, i > 0)
			alone[i].turns = append(alone[i].turns, turn)
			s.sayf("round %d of %d: %-13s %s", round+1, s.Rounds, k, turn)
			if x.rate == 0 {
				continue
			}
			pages, sent, err := s.pagesBeside(ctx, x, i > 0)
			if err != nil {
				return err
			}
			beside[i].turns, messages.turns = append(beside[i].turns, pages), append(messages.turns, sent)
			s.sayf("round %d of %d: %-13s %s", round+1, s.Rounds, "beside them", pages)
			s.sayf("round %d of %d: %-13s %s", round+1, s.Rounds, "messages", sent)
		}
		if err := ctx.Err(); err != nil {
			return err
		}
	}
	what := fmt.Sprintf("pages of %d, of %s in %s, one at a time", pageMessages, plain.Count(x.messages, "message"), plain.Count(x.conversations, "conversation"))
	report.Runs = append(report.Runs, summary(what, 1, 0, alone))
	if x.rate > 0 {
		report.Runs = append(report.Runs,
			summary(fmt.Sprintf("such pages, while messages are sent at %d/s", x.rate), 1, 0, beside),
			summary(fmt.Sprintf("messages at %d/s in conversations among those, while pages are read", x.rate), len(x.pairs), x.rate, []*record{messages}))
	}
	return nil
}

// readPages is a turn of one page after the other.
func (s *sitting) readPages(ctx context.Context, x *shelf, old bool) *turn {
	l := &load{
		target: x.target, clients: 1, duration: s.Duration,
		ask:  func(context.Context, int, int, []byte) (*line, bool, error) { return nil, true, x.read(old) },
		took: func(int) took { return took{all: x.took} },
	}
	return l.run(ctx)
}

// pagesBeside is the same while messages are sent at a rate. The processor time is
// that of both, and is not told.
func (s *sitting) pagesBeside(ctx context.Context, x *shelf, old bool) (pages, messages *turn, err error) {
	defer context.AfterFunc(ctx, func() { cutAll(x.pairs) })()
	if err := x.target.rest(ctx); err != nil {
		return nil, nil, err
	}
	sent := make(chan *turn, 1)
	go func() { sent <- s.offer(ctx, x.target, x.pairs, x.rate) }()
	pages = s.readPages(ctx, x, old)
	messages = <-sent
	pages.measured, messages.measured = false, false
	return pages, messages, ctx.Err()
}

// read reads a page of the next conversation: its newest messages, or some of its
// older ones. Its time ends when the answer is there; it is looked at after that.
func (x *shelf) read(old bool) error {
	c := scattered(x.next, x.conversations)
	for c%x.hosts >= x.readers {
		x.next++
		c = scattered(x.next, x.conversations)
	}
	before, length := 0, x.length(c)
	if old && length > pageMessages {
		before = pageMessages + 1 + scattered(x.next, length-pageMessages)
	}
	x.next++
	l := x.lines[c%x.hosts]
	b, err := wire.Proto.Encode(&wire.ClientFrame{Id: 1, Request: &wire.ClientFrame_ListMessages{ListMessages: &wire.ListMessagesRequest{
		Peer: string(x.guest(c)), Before: uint64(before), Count: pageMessages,
	}}})
	if err != nil {
		return err
	}
	frame := l.target.spell(b, 0)
	if err := l.hurried(); err != nil {
		return err
	}
	began := time.Now()
	if err := l.send(frame); err != nil {
		return err
	}
	if b, err = l.next(); err != nil {
		return err
	}
	x.took = time.Since(began)
	return checkPage(b, uint64(before), uint64(length))
}

// checkPage makes sure that a page is the one that was asked for.
func checkPage(answer []byte, before, last uint64) error {
	f, err := serverFrame(answer)
	if err != nil {
		return err
	}
	page := f.GetMessages()
	if page == nil {
		return refusal(f)
	}
	if before > 0 {
		last = before - 1
	}
	all := page.GetMessages()
	if len(all) == 0 || all[len(all)-1].GetSequence() != last || page.GetToSequence() != last {
		return errors.New("the page is another one than what was asked for")
	}
	return nil
}
