package terminal

import (
	"context"
	"errors"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"rollcall.example"
	"rollcall.example/client"
	"rollcall.example/imcode"
	"rollcall.example/internal/backoff"
	"rollcall.example/internal/plain"
)

const (
	pageCount = 50 // messages shown of a conversation that is opened
	maxJobs   = 100
	within    = 30 * time.Second // what is asked of the server
)

// A desk is what a person works at.
type desk struct {
	Options

	screen  bool // and not a pipe: what is open is shown, and read
	show    func(event)
	refused func(error) // told when the account is not let in
	box     *outbox
	jobs    chan func(context.Context) // done one after the other
	logins  chan struct{}              // a login is wanted
	synced  chan struct{}              // closed when the list has come from the server, or did not

	mu      sync.Mutex
	link    link
	why     string          // the last sentence about the link
	peer    rollcall.UserID // whose conversation is open; "": none
	oldest  uint64          // the first message of it that was shown; 0: none was
	in      bool            // the login was granted, and its session goes on
	watched bool            // somebody looks at what is open, so that it is read
}

// newDesk returns a desk that shows what there is to see by calling show, from several
// goroutines. Run has to run beside it.
func newDesk(o Options, screen bool, show func(event)) *desk {
	if o.Now == nil {
		o.Now = time.Now
	}
	return &desk{
		Options: o, screen: screen, show: show, refused: func(error) {}, box: newOutbox(), jobs: make(chan func(context.Context), maxJobs),
		logins: make(chan struct{}, 1), synced: make(chan struct{}), peer: o.Peer, watched: screen,
	}
}

// run serves the desk until ctx ends.
func (d *desk) run(ctx context.Context) {
	remove := d.Client.AddListener(d.listener())
	defer remove()
	var g errgroup.Group
	g.Go(func() error {
		d.box.deliver(ctx, d.Client.Send, d.show)
		return nil
	})
	g.Go(func() error {
		for {
			select {
			case job := <-d.jobs:
				job(ctx)
			case <-ctx.Done():
				return nil
			}
		}
	})
	g.Go(func() error {
		for {
			select {
			case <-d.logins:
				d.enter(ctx)
			case <-ctx.Done():
				return nil
			}
		}
	})
	_ = g.Wait() // none fails
}

// start has the account logged in, if that is not on its way already.
func (d *desk) start() {
	select {
	case d.logins <- struct{}{}:
	default:
	}
}

// later has something done behind what is asked for already; false: there is too much.
func (d *desk) later(job func(context.Context)) bool {
	select {
	case d.jobs <- job:
		return true
	default:
		return false
	}
}

// now reads what the desk keeps.
func (d *desk) now() (l link, peer rollcall.UserID) {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.link, d.peer
}

// isIn tells whether the account was let in, and is still.
func (d *desk) isIn() bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.in
}

// is tells how things stand from now on.
func (d *desk) is(l link, text string) {
	d.mu.Lock()
	d.link, d.why = l, text
	d.in = l == online || d.in && l != out
	d.mu.Unlock()
	d.show(happened{l, text})
}

// logIn logs in once, with a UserSig as it is now.
func (d *desk) logIn(ctx context.Context) error {
	sig := d.UserSig
	if d.Ticket != nil {
		var err error
		if sig, err = d.Ticket(); err != nil {
			return err
		}
	}
	err := d.Client.Login(ctx, string(d.User), sig)
	if err == nil {
		d.is(online, "logged in as "+string(d.User))
		d.box.tryNow()
	}
	return err
}

// enter logs in, again and again while the network is to blame. What the device has of
// the account is there to be read meanwhile.
func (d *desk) enter(ctx context.Context) {
	again := backoff.Backoff{Base: 2 * time.Second}
	for {
		err := d.logIn(ctx)
		switch {
		case err == nil || ctx.Err() != nil:
			return
		case !unreached(err):
			d.is(out, notIn(err))
			d.refused(err)
			return
		}
		wait := again.Next(retryAfter(err)) + time.Second
		d.is(offline, notIn(err)+"; trying again in "+plain.Span(wait)+", and what this device has can be read")
		timer := time.NewTimer(wait)
		select {
		case <-timer.C:
		case <-d.logins: // now
		case <-ctx.Done():
		}
		timer.Stop()
		if ctx.Err() != nil {
			return
		}
	}
}

func retryAfter(err error) time.Duration {
	if coded, ok := errors.AsType[*imcode.Error](err); ok {
		return coded.RetryAfter
	}
	return 0
}

// listener hears the client.
func (d *desk) listener() client.Listener {
	synced := sync.OnceFunc(func() { close(d.synced) })
	begin := sync.OnceFunc(func() { d.later(d.begin) }) // the account is named from now on
	return client.Listener{
		Connecting: func() {
			d.is(connecting, "connecting; what this device has can be read")
			begin()
		},
		ConnectSuccess: func() {
			if d.isIn() { // else the login's result follows
				d.is(online, "connected again")
				d.box.tryNow()
			}
		},
		ConnectFailed: func(code imcode.Code, text string) {
			d.is(offline, "no connection ("+reason(code, text)+"); it is tried again, and what this device has can be read")
		},
		KickedOffline:     func(k client.Kick) { d.is(out, kicked(k)) },
		UserSigExpired:    func() { d.is(out, d.ticketOver()) },
		UserSigWillExpire: func(ends time.Time) { d.show(told{[]string{d.ticketEnds(ends)}}) },
		NewMessage:        d.hear,
		MessageRecalled:   func(m client.Message) { d.show(said{Message: m}) },
		ReadByPeer: func(id rollcall.ConversationID, sequence uint64) {
			d.show(readUpTo{id.Peer(), sequence})
		},
		ConversationNew: func([]client.Conversation) {
			d.showList()
			d.later(d.openFirst)
		},
		ConversationChanged: func([]client.Conversation) { d.showList() },
		ConversationDeleted: func(all []rollcall.ConversationID) {
			for _, id := range all {
				d.show(told{[]string{"the conversation with " + name(id.Peer()) + " was deleted"}})
			}
		},
		SyncFinish: func() {
			d.showList()
			synced()
			d.later(d.refresh)
		},
		SyncFailed: func(code imcode.Code, text string) {
			d.show(told{[]string{"the conversations could not be brought up to date (" + reason(code, text) + "): it is tried again"}})
			synced()
		},
	}
}

// hear takes a new message. Who looks at its conversation has read it.
func (d *desk) hear(m client.Message) {
	d.show(said{m, true})
	d.mu.Lock()
	seen := d.watched && m.Conversation.Peer() == d.peer && !m.Self
	d.mu.Unlock()
	if seen {
		d.Client.StartMarkRead(m.Conversation, m.Sequence, func(error) {}) // or with the next
	}
}

// showList shows which conversations have unread messages.
func (d *desk) showList() {
	ctx, cancel := context.WithTimeout(context.Background(), within)
	defer cancel()
	var l listed
	_, _, err := d.conversations(ctx, mostListed, func(c client.Conversation) bool {
		l.names = append(l.names, c.Peer)
		if c.Unread > 0 {
			l.unread = append(l.unread, c)
		}
		return false
	})
	if err == nil {
		d.show(l)
	}
}
