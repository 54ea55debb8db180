package bench

import (
	"context"
	"errors"
	"fmt"
	"time"

	"rollcall.example/internal/plain"
	"rollcall.example/wire"
)

// Stored is a store with many messages in it.
type Stored struct {
	Messages      int     `json:"messages"`
	Conversations int     `json:"conversations"`
	FillS         float64 `json:"fill_s"` // by the store's own way in, without a server
	FileBytes     int64   `json:"file_bytes"`
}

const (
	storedHosts   = 64   // who read pages, in turn: each may ask 200 times a second
	storedTalks   = 1000 // conversations
	pageMessages  = 100  // the most that may be asked for
	besidePairs   = 64   // that send messages while pages are read
	besideEachMax = 150  // messages in a second of a pair
)

// stored measures pages of a store with many messages.
func (s *sitting) stored(ctx context.Context, o MessageOptions, report *Report) error {
	p := &past{hosts: min(storedHosts, o.Stored), conversations: min(storedTalks, o.Stored), messages: o.Stored, size: o.Size}
	p.hosts = min(p.hosts, p.conversations)
	found := &Stored{Messages: p.messages, Conversations: p.conversations}
	w := want{kind: rollcallKind, fill: func(dir string) error {
		took, err := s.relive(ctx, dir, p)
		if err != nil {
			return err
		}
		found.FillS = took.Seconds()
		found.FileBytes, err = sizeOf(dir)
		s.sayf("%s stored in %.1f s, %.0f a second, %.1f MB", plain.Count(p.messages, "message"), found.FillS, float64(p.messages)/found.FillS, float64(found.FileBytes)/1e6)
		return err
	}}
	report.Stored = found
	return s.each(ctx, []want{w}, func(all []*target) error { return s.pageRuns(ctx, o, all[0], p, report) })
}

// A shelf is where pages are read.
type shelf struct {
	*past

	lines []*line // of the hosts
	next  int
	took  time.Duration // the latest page
}

// pageRuns plays the rounds: newest pages and old ones, alone and beside messages.
func (s *sitting) pageRuns(ctx context.Context, o MessageOptions, t *target, p *past, report *Report) error {
	x, err := t.shelf(ctx, p)
	if err != nil {
		return err
	}
	defer func() {
		for _, l := range x.lines {
			l.cut()
		}
	}()
	kinds := []string{"newest pages", "old pages"}
	records := func() (all []*record) {
		for _, k := range kinds {
			all = append(all, &record{name: k, floor: kinds[0]})
		}
		return all
	}
	alone, beside := records(), records()
	for round := range s.Rounds {
		for i, k := range kinds {
			if err := t.rest(ctx); err != nil {
				return err
			}
			turn := s.readPages(ctx, t, x, i > 0)
			alone[i].turns = append(alone[i].turns, turn)
			s.sayf("round %d of %d: %s %s", round+1, s.Rounds, k, turn)
			if o.Rate == 0 {
				continue
			}
			if turn, err = s.pagesBeside(ctx, o, t, x, i > 0); err != nil {
				return err
			}
			beside[i].turns = append(beside[i].turns, turn)
			s.sayf("round %d of %d: %s beside messages %s", round+1, s.Rounds, k, turn)
		}
		if err := ctx.Err(); err != nil {
			return err
		}
	}
	what := fmt.Sprintf("pages of %d, of %s in %s, one at a time", pageMessages, plain.Count(p.messages, "message"), plain.Count(p.conversations, "conversation"))
	report.Runs = append(report.Runs, summary(what, 1, 0, alone))
	if o.Rate > 0 {
		report.Runs = append(report.Runs, summary(fmt.Sprintf("the same, while %d messages are sent in a second", o.Rate), 1, 0, beside))
	}
	return nil
}

// shelf logs the hosts in.
func (t *target) shelf(ctx context.Context, p *past) (*shelf, error) {
	accounts, err := t.named(p.hosts, func(i int) string { return string(p.host(i)) })
	if err != nil {
		return nil, err
	}
	frames := make([][]byte, len(accounts))
	for i, a := range accounts {
		if frames[i], err = t.login(a); err != nil {
			return nil, err
		}
	}
	x := &shelf{past: p}
	if x.lines, err = t.logInAll(ctx, frames); err != nil {
		for _, l := range x.lines {
			l.cut()
		}
		return nil, err
	}
	for _, l := range x.lines {
		l.buf = make([]byte, wire.MaxFrame+bufferBytes)
	}
	return x, nil
}

// readPages is a turn of one page after the other.
func (s *sitting) readPages(ctx context.Context, t *target, x *shelf, old bool) *turn {
	l := &load{
		target: t, clients: 1, duration: s.Duration,
		ask:  func(context.Context, int, int, []byte) (*line, bool, error) { return nil, true, x.read(old) },
		took: func(int) took { return took{all: x.took} },
	}
	return l.run(ctx)
}

// pagesBeside is the same while messages are sent at a rate. The processor time is
// that of both, and is not told.
func (s *sitting) pagesBeside(ctx context.Context, o MessageOptions, t *target, x *shelf, old bool) (*turn, error) {
	pairs, err := t.pairs(ctx, max(min(besidePairs, o.Rate), o.Rate/besideEachMax), o.Size)
	if err != nil {
		return nil, err
	}
	defer part(pairs)
	defer context.AfterFunc(ctx, func() { cutAll(pairs) })()
	if err := t.rest(ctx); err != nil {
		return nil, err
	}
	sent := make(chan *turn, 1)
	go func() { sent <- s.offer(ctx, t, pairs, o.Rate) }()
	turn := s.readPages(ctx, t, x, old)
	turn.measured = false
	if messages := <-sent; messages.first != nil {
		return nil, fmt.Errorf("messages beside pages: %d failed, the first: %w", messages.failed, messages.first)
	}
	return turn, ctx.Err()
}

// read reads a page of the next conversation: its newest messages, or some of its
// older ones. Its time ends when the answer is there; it is looked at after that.
func (x *shelf) read(old bool) error {
	c := scattered(x.next, x.conversations)
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
