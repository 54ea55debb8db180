package bench

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"
	"google.golang.org/protobuf/proto"

	"rollcall.example"
	"rollcall.example/internal/plain"
	"rollcall.example/internal/policy"
	"rollcall.example/internal/store"
	"rollcall.example/internal/store/sqlite"
	"rollcall.example/internal/talk"
	"rollcall.example/wire"
)

// A past is conversations to be put into a store: each of a host with a guest of its
// own, who write in turn. All conversations go on at the same time, so that the
// messages of one lie among those of all others, as they do where people talk.
type past struct {
	hosts         int // conversations are dealt out to so many accounts
	conversations int
	messages      int // in all of them, dealt out evenly
	size          int // bytes of a message's text
}

// host and guest are who speak in a conversation.
func (p *past) host(conversation int) rollcall.UserID {
	return rollcall.UserID(fmt.Sprintf("host-%d", conversation%p.hosts))
}

func (p *past) guest(conversation int) rollcall.UserID {
	return rollcall.UserID(fmt.Sprintf("guest-%d", conversation))
}

// length is how many messages a conversation has.
func (p *past) length(conversation int) int {
	n := p.messages / p.conversations
	if conversation < p.messages%p.conversations {
		n++
	}
	return n
}

// fillTogether is how many put messages into a store at a time: a full commit.
const fillTogether = 512

// relive puts a past into the store in dir, which no server has open, by the way by
// which a server does it, and notes what that took.
func (s *sitting) relive(ctx context.Context, dir string, p *past, found *Stored) error {
	began := time.Now()
	if err := s.recite(ctx, dir, p); err != nil {
		return fmt.Errorf("fill the store: %w", err)
	}
	found.FillS = time.Since(began).Seconds()
	var err error
	found.FileBytes, err = sizeOf(dir)
	s.sayf("%s stored in %.1f s, %.0f a second, %.1f MB", plain.Count(p.messages, "message"), found.FillS, float64(p.messages)/found.FillS, float64(found.FileBytes)/1e6)
	return err
}

func (s *sitting) recite(ctx context.Context, dir string, p *past) (err error) {
	db, err := sqlite.Open(ctx, dir, sqlite.Options{})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	f := &filler{past: p, store: db}
	if f.text, err = proto.Marshal(&wire.Content{Kind: &wire.Content_Text{Text: strings.Repeat("x", p.size)}}); err != nil {
		return err
	}
	if err := f.signUp(ctx); err != nil {
		return err
	}
	g, ctx := errgroup.WithContext(ctx)
	workers := min(fillTogether, p.conversations)
	for w := range workers {
		g.Go(func() error { return f.talk(ctx, w, workers) })
	}
	said := make(chan struct{})
	go func() {
		defer close(said)
		for sleep(ctx, sayEvery) == nil {
			s.sayf("%d of %d messages stored", f.done.Load(), p.messages)
		}
	}()
	err = g.Wait()
	<-said // the group's context has ended
	return err
}

// A filler puts a past into a store.
type filler struct {
	*past

	store *sqlite.Store
	text  []byte
	done  atomic.Int64
}

// signUp logs all accounts in.
func (f *filler) signUp(ctx context.Context) error {
	return inParallel(ctx, f.hosts+f.conversations, func(ctx context.Context, i int, _ []byte) error {
		user := f.guest(i - f.hosts)
		if i < f.hosts {
			user = f.host(i)
		}
		now := time.Now()
		q := policy.Login{
			Now: now, Node: "bench", Device: "device-of-the-past", Platform: rollcall.Android,
			SigTime: now.Unix(), SigEnds: now.Add(ticketsFor).Unix(), Try: 1,
		}
		copy(q.Fixed[:], half())
		copy(q.Changing[:], half())
		o, err := f.store.Mutate(ctx, rollcall.Account{App: benchApp, User: user}, func(before policy.State) policy.Outcome {
			return policy.LogIn(before, q, policy.Multi())
		})
		if err == nil && o.Answer != policy.Granted {
			err = fmt.Errorf("a login of %s is answered with %d", user, o.Answer)
		}
		return err
	})
}

// talk sends the messages of every so many-th conversation, of each in turn.
func (f *filler) talk(ctx context.Context, first, step int) error {
	for n := range f.length(first) {
		for c := first; c < f.conversations; c += step {
			if n >= f.length(c) {
				continue
			}
			if err := f.send(ctx, c, n); err != nil {
				return err
			}
		}
	}
	return nil
}

// send sends the n-th message of a conversation.
func (f *filler) send(ctx context.Context, conversation, n int) error {
	from, to := f.host(conversation), f.guest(conversation)
	if n%2 == 1 {
		from, to = to, from
	}
	q := talk.Sending{
		Asking: talk.Asking{Now: time.Now(), Session: 1, Conn: 1}, Content: f.text,
		ID: fmt.Sprintf("%010x-%015x", scattered(n, maxMarks), conversation),
	}
	asked := store.Conversing{Account: rollcall.Account{App: benchApp, User: from}, Peer: to, Need: talk.Need{ID: q.ID}}
	o, err := f.store.Converse(ctx, asked, func(t talk.Talk) talk.Outcome { return talk.Send(t, q) }, func(talk.Outcome) {})
	if err == nil && o.Code != 0 {
		err = o.Code.Errorf("%s", o.Detail)
	}
	f.done.Add(1)
	return err
}
