// Package chat is the use-cases of one-to-one conversations: accounts send messages,
// read what was sent, mark, pin, delete and recall; old messages are dropped.
//
// Package talk decides what becomes of a conversation; this package brings the request
// to the rule and the outcome to the world: the store makes it durable, the roster
// pushes it to the sessions of both accounts that are connected.
//
// # What callers may rely on
//
//   - What is answered is durable. A message that is sent again, because its answer was
//     lost, is the same message.
//   - Changes of an account leave for each of its connections in their order, answers
//     among them.
//   - A session that has ended changes nothing more, and once its end is told or
//     answered nothing is pushed to it.
//   - Who reads slowly misses pushes, and sees by the change numbers that it has: it
//     slows nobody, and nothing is kept for it but the latest one.
//
// Behaviour: docs/protocol.md. Codes: package imcode.
package chat

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"rollcall.example"
	"rollcall.example/imcode"
	"rollcall.example/internal/apps"
	"rollcall.example/internal/limit"
	"rollcall.example/internal/node"
	"rollcall.example/internal/session"
	"rollcall.example/internal/store"
	"rollcall.example/internal/talk"
)

// Options are the choices that Conversations have. The zero value is good.
type Options struct {
	Log        *slog.Logger      // default: none
	OnSend     func(imcode.Code) // told of each message that was to be sent
	OnPrune    func(messages int)
	RetryAfter time.Duration // told with 70500; default 2 s

	MessageBytes int64       // that an account may add at once and, evenly, in a day; 0: no bound
	NoRoom       func() bool // tells that the disk has no room for messages; the store's writer asks, and waits; default: it has
}

// Conversations are the use-cases of conversations.
type Conversations struct {
	store    store.Chat
	apps     *apps.Apps
	roster   *node.Roster
	sessions *session.Sessions
	opt      Options
	budget   limit.Budget[rollcall.Account] // of bytes of messages
}

// New returns the use-cases over a store, the apps, the roster of this process and its
// sessions, with whom the store is shared.
func New(s store.Chat, a *apps.Apps, r *node.Roster, x *session.Sessions, o Options) *Conversations {
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	if o.OnSend == nil {
		o.OnSend = func(imcode.Code) {}
	}
	if o.NoRoom == nil {
		o.NoRoom = func() bool { return false }
	}
	if o.OnPrune == nil {
		o.OnPrune = func(int) {}
	}
	if o.RetryAfter == 0 {
		o.RetryAfter = 2 * time.Second
	}
	return &Conversations{store: s, apps: a, roster: r, sessions: x, opt: o, budget: limit.Budget[rollcall.Account]{Most: o.MessageBytes}}
}

// A Request is what a session asks of its conversation with somebody.
type Request struct {
	Place *node.Place // of its connection
	ID    uint64      // by which the change is answered there
	Peer  string
}

// Send sends a message under the id that its client gave it. 20003: there is no such
// account; 6017: the id is that of another message; 60018 and 70500: see grow. A message
// that is there already is none that adds to the disk.
func (c *Conversations) Send(ctx context.Context, q Request, id string, content []byte) error {
	err := c.grow(ctx, q, talk.Need{ID: id}, func(t talk.Talk, at present) talk.Outcome {
		return talk.Send(t, talk.Sending{Asking: at.Asking, ID: id, Content: content})
	})
	c.opt.OnSend(imcode.Of(err))
	return err
}

// MarkRead marks as read up to a sequence.
func (c *Conversations) MarkRead(ctx context.Context, q Request, sequence uint64) error {
	return c.change(ctx, q, talk.Need{From: sequence}, func(t talk.Talk, at present) talk.Outcome {
		return talk.MarkRead(t, talk.Marking{Asking: at.Asking, Sequence: sequence})
	})
}

// Pin pins a conversation, or lets it go. 51012: there are too many pinned.
func (c *Conversations) Pin(ctx context.Context, q Request, pinned bool) error {
	return c.change(ctx, q, talk.Need{Pins: pinned}, func(t talk.Talk, at present) talk.Outcome {
		return talk.Pin(t, talk.Pinning{Asking: at.Asking, Pinned: pinned})
	})
}

// Delete deletes a conversation, for this side.
func (c *Conversations) Delete(ctx context.Context, q Request) error {
	return c.change(ctx, q, talk.Need{}, func(t talk.Talk, at present) talk.Outcome {
		return talk.Delete(t, at.Asking)
	})
}

// DeleteMessages deletes messages, for this side. 60018 and 70500: see grow.
func (c *Conversations) DeleteMessages(ctx context.Context, q Request, sequences []uint64) error {
	need := talk.Need{At: sequences}
	if len(sequences) > talk.MaxDeletes {
		need.At = nil // it is refused
	}
	return c.grow(ctx, q, need, func(t talk.Talk, at present) talk.Outcome {
		return talk.DeleteMessages(t, talk.Erasing{Asking: at.Asking, Sequences: sequences})
	})
}

// Recall takes a message back. 20022: it is not the account's; 20016: it is too old;
// 20023: it is recalled already.
func (c *Conversations) Recall(ctx context.Context, q Request, sequence uint64) error {
	return c.change(ctx, q, talk.Need{At: []uint64{sequence}}, func(t talk.Talk, at present) talk.Outcome {
		return talk.Recall(t, talk.Recalling{Asking: at.Asking, Sequence: sequence, Within: at.recall()})
	})
}

// A present is what is so when a request is judged: not when it came, since it may have
// waited in the line.
type present struct {
	talk.Asking

	app *apps.App
}

func (c *Conversations) present(p *node.Place) (present, error) {
	app, err := c.apps.App(p.Account().App)
	number, conn := p.Session()
	now := time.UnixMilli(c.sessions.Now().UnixMilli()).UTC()
	return present{talk.Asking{Now: now, Session: number, Conn: conn}, app}, err
}

// recall is for how long a message can be taken back.
func (at present) recall() time.Duration {
	return time.Duration(at.app.Settings.Effective().RecallSeconds) * time.Second
}

// change carries a conversation to a rule, and what it made of it to all whom that
// concerns. The asking connection has its answer by then, unless there is an error.
func (c *Conversations) change(ctx context.Context, q Request, need talk.Need, rule func(talk.Talk, present) talk.Outcome) error {
	own := q.Place.Account()
	peer, err := c.peer(own, q.Peer)
	if err != nil {
		return err
	}
	leave, err := c.sessions.Turn(ctx)
	if err != nil {
		return err
	}
	defer leave()
	at, err := c.present(q.Place)
	if err != nil {
		return err
	}
	var before talk.Talk
	out, err := c.store.Converse(ctx, store.Conversing{Account: own, Peer: peer, Need: need},
		func(t talk.Talk) talk.Outcome {
			before = t
			return rule(t, at)
		},
		func(o talk.Outcome) {
			if o.Code == imcode.OK {
				c.tell(q, own, peer, before, o)
			}
		})
	if err != nil {
		return c.internal(own, err)
	}
	if out.Code != imcode.OK {
		return &imcode.Error{Code: out.Code, Detail: out.Detail, RetryAfter: out.RetryAfter}
	}
	return nil
}

// tell hands a change to the connections of both accounts. The writer of the store
// waits for it, so that all leave in the order of the commits.
func (c *Conversations) tell(q Request, own rollcall.Account, peer rollcall.UserID, before talk.Talk, o talk.Outcome) {
	a, b := o.Changes(own.User, peer)
	q.Place.Answer(q.ID, a)
	if o.Talk.Own.Changes != before.Own.Changes {
		c.roster.Push(own, a, q.Place)
	}
	if o.Talk.Peer.Changes != before.Peer.Changes {
		c.roster.Push(rollcall.Account{App: own.App, User: peer}, b, nil)
	}
}

// peer checks whom a request is about.
func (c *Conversations) peer(own rollcall.Account, name string) (rollcall.UserID, error) {
	peer, err := rollcall.ParseUserID(name)
	if err != nil {
		return "", imcode.InvalidRecipient.Errorf("the peer is no UserID: want 1 to %d of a-z, A-Z, 0-9, _ and -", rollcall.MaxUserIDBytes)
	}
	if peer == own.User {
		return "", imcode.InvalidRecipient.Errorf("a conversation is with another account")
	}
	return peer, nil
}

// internal logs a cause and hides it behind 70500.
func (c *Conversations) internal(a rollcall.Account, err error) error {
	if errors.Is(err, context.Canceled) {
		return err
	}
	level := slog.LevelError
	if errors.Is(err, store.ErrDisk) || errors.Is(err, store.ErrDamaged) { // of which the log has heard
		level = slog.LevelDebug
	}
	c.opt.Log.Log(context.Background(), level, "store", "app", a.App, "user", a.User, "err", err)
	if errors.Is(err, store.ErrDamaged) {
		return session.Damaged()
	}
	return &imcode.Error{Code: imcode.Internal, Detail: "the server could not store or read this: try again", RetryAfter: c.opt.RetryAfter}
}
