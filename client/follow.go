package client

import (
	"errors"
	"time"

	"rollcall.example"
	"rollcall.example/client/internal/cache"
	"rollcall.example/imcode"
	"rollcall.example/internal/backoff"
	"rollcall.example/wire"
)

const (
	pageCount = 100 // how much is asked for at a time
	maxStale  = 10  // answers in a row that may be out of date: each takes a recall or deletion meanwhile
)

// A follower brings the cache of who is in to what the server has: the
// conversations that changed, then the messages that they lack. One request is on
// its way at a time.
type follower struct {
	busy   bool
	loud   bool          // the app has heard SyncStart
	first  chan struct{} // closed when the first list is there or does not come: see firstList
	off    bool          // the server knows no messages
	seen   uint64        // the highest change number heard of
	born   int64         // when the session was granted, in ms by the server's clock
	stale  int           // answers in a row that were out of date
	asked  cache.Fetch   // answered last, on the way to the end
	serial int           // of the request that is waited for
	alarm  *alarm
	retry  backoff.Backoff
}

// follow begins when a session is served on a new connection.
func (e *engine) follow(s *seat) {
	f := &s.follower
	f.alarm.stop()
	f.letGo()
	*f = follower{serial: f.serial + 1, born: e.clock.now().UnixMilli()}
	if s.box.cache == nil {
		return
	}
	e.tell(s.box) // what was left untold
	e.sync(s, true)
}

// sync asks what has changed.
func (e *engine) sync(s *seat, loud bool) {
	f := &s.follower
	f.busy = true
	if loud && !f.loud {
		f.loud = true
		e.raise(func(l Listener) {
			if l.SyncStart != nil {
				l.SyncStart()
			}
		})
	}
	seen := s.box.cache.State()
	since, heard := seen.Change, f.seen
	frame := &wire.ClientFrame{Request: &wire.ClientFrame_Sync{Sync: &wire.SyncRequest{
		Since: since, AlteredSince: seen.Whole, Count: pageCount,
	}}}
	e.askNext(s, frame, func(a *wire.ServerFrame) error {
		switch {
		case a.GetSync() == nil:
			return e.otherAnswer(s, a)
		case a.GetSync().GetMore() && len(a.GetSync().GetConversations()) == 0:
			return e.nothingCame(s)
		}
		n, err := s.box.cache.TakeSync(since, a.GetSync(), f.born)
		if err != nil {
			return err
		}
		if s.box.cache.State().Synced {
			f.letGo()
		}
		e.hear(s, n)
		switch stuck := a.GetSync().GetChange() == since; {
		case a.GetSync().GetMore() && !stuck:
			e.sync(s, false)
		default:
			if stuck && f.seen == heard {
				f.seen = since // the server has no more than this
			}
			e.catchUp(s)
		}
		return nil
	})
}

// catchUp asks for the messages that are missing at the end of conversations.
func (e *engine) catchUp(s *seat) {
	f := &s.follower
	f.busy = true
	next, ok, err := s.box.cache.Behind()
	switch {
	case err != nil:
		e.cacheFailed(s, err)
		return
	case !ok && s.box.cache.State().Change < f.seen:
		e.sync(s, false)
		return
	case !ok:
		e.followed(s)
		return
	case next == f.asked:
		_ = e.nothingCame(s)
		return
	}
	e.askNext(s, listMessages(next, pageCount), func(a *wire.ServerFrame) error {
		if r := a.GetRefusal(); r != nil && !forAWhile(r) && refusalOf(r).Code != imcode.UnknownRequest {
			e.log.Warn("messages are not given", "err", refusalOf(r))
			if err := s.box.cache.GiveUp(next); err != nil {
				return err
			}
			e.catchUp(s)
			return nil
		}
		if a.GetMessages() == nil {
			return e.otherAnswer(s, a)
		}
		n, _, err := s.box.cache.TakeMessages(next, a.GetMessages(), e.mine(s))
		if err != nil {
			return err
		}
		if !n.Stale {
			f.stale, f.asked = 0, next
		} else if f.stale++; f.stale > maxStale {
			e.followFailed(s, imcode.WaitAckTimeout.Errorf("the server gives what is out of date"), 0)
			return nil
		}
		e.hear(s, n)
		e.catchUp(s)
		return nil
	})
}

func listMessages(f cache.Fetch, count int) *wire.ClientFrame {
	return &wire.ClientFrame{Request: &wire.ClientFrame_ListMessages{ListMessages: &wire.ListMessagesRequest{
		Peer: f.Peer, Before: f.Before, After: f.After, Count: uint32(count),
	}}}
}

// followed: the cache has what the server has.
func (e *engine) followed(s *seat) {
	f := &s.follower
	f.busy, f.asked = false, cache.Fetch{}
	f.retry.Reset()
	if f.loud {
		f.loud = false
		e.raise(func(l Listener) {
			if l.SyncFinish != nil {
				l.SyncFinish()
			}
		})
	}
}

// askNext asks the server; take gets the answer, whatever it is.
func (e *engine) askNext(s *seat, frame *wire.ClientFrame, take func(*wire.ServerFrame) error) {
	f, c := &s.follower, s.conn
	f.serial++
	serial := f.serial
	f.alarm.stop()
	f.alarm = e.after(answerWithin, func() {
		if e.here(s, c) && f.serial == serial {
			f.serial++
			e.followFailed(s, unanswered(), 0)
		}
	})
	c.ask(frame, func(a *wire.ServerFrame) {
		switch {
		case e.seat != s || f.serial != serial:
			return
		case a == nil:
			f.alarm.stop()
			e.failLoud(s, imcode.Disconnected.Errorf("the connection was lost"))
			return
		}
		f.alarm.stop()
		if err := take(a); err != nil {
			e.cacheFailed(s, err)
		}
	})
}

// nothingCame: the server says that there is more, and does not give it.
func (e *engine) nothingCame(s *seat) error {
	e.followFailed(s, imcode.WaitAckTimeout.Errorf("the server says that there is more, and gives nothing"), 0)
	return nil
}

// otherAnswer goes by what is no answer of the kind that was asked for.
func (e *engine) otherAnswer(s *seat, a *wire.ServerFrame) error {
	switch b := a.GetBody().(type) {
	case *wire.ServerFrame_Notice: // the end of the session has overtaken it
		e.noticed(s, b.Notice)
	case *wire.ServerFrame_Refusal:
		err := refusalOf(b.Refusal)
		if err.Code == imcode.UnknownRequest {
			s.follower.off = true
			e.failLoud(s, err)
			return nil
		}
		e.followFailed(s, err, err.RetryAfter)
	default:
		e.followFailed(s, imcode.WaitAckTimeout.Errorf("the server gave an answer of another kind"), 0)
	}
	return nil
}

// followFailed tries again after a while.
func (e *engine) followFailed(s *seat, err error, hint time.Duration) {
	f, c := &s.follower, s.conn
	e.log.Info("the conversations could not be brought up to date", "user_id", s.User, "err", err)
	e.failLoud(s, err)
	f.busy, f.asked = true, cache.Fetch{}
	f.alarm.stop()
	f.alarm = e.after(f.retry.Next(hint), func() {
		if e.here(s, c) && s.phase == serving && s.box.cache != nil {
			e.sync(s, true)
		}
	})
}

// failLoud tells the app, if it has heard of the beginning.
func (e *engine) failLoud(s *seat, err error) {
	f := &s.follower
	f.busy = false
	f.letGo()
	if !f.loud {
		return
	}
	f.loud = false
	code, text := imcode.Of(err), err.Error()
	e.raise(func(l Listener) {
		if l.SyncFailed != nil {
			l.SyncFailed(code, text)
		}
	})
}

// cacheFailed: what came could not be kept. A cache that is of no use any more is
// made anew; where there is no room it is tried again.
func (e *engine) cacheFailed(s *seat, err error) {
	e.log.Error("the cache", "user_id", s.User, "err", err)
	if cache.Damaged(err) || errors.Is(err, cache.ErrForeign) {
		e.failLoud(s, localError(err))
		if err := e.rebuild(s.box); err != nil {
			e.log.Error("make the cache anew", "user_id", s.User, "err", err)
		}
		return
	}
	s.follower.serial++
	e.followFailed(s, localError(err), 0)
}

// changed takes a change that the server pushed, or answered a request with.
func (e *engine) changed(s *seat, ch *wire.Change) {
	f := &s.follower
	if s.box.cache == nil || f.off {
		return
	}
	n, err := s.box.cache.TakeChange(ch, e.mine(s))
	if err != nil {
		e.cacheFailed(s, err)
		return
	}
	e.hear(s, n)
	switch {
	case n.Missed:
		f.seen = max(f.seen, ch.GetNumber())
		if !f.busy {
			e.sync(s, false)
		}
	case n.Behind && !f.busy:
		e.catchUp(s)
	}
}

// hear keeps what a step has changed, for the app.
func (e *engine) hear(s *seat, n cache.News) {
	if s.box.news.add(n) {
		e.tell(s.box)
	}
}

// wipe takes a WipeCache call.
func (e *engine) wipe(user string) error {
	id, err := rollcall.ParseUserID(user)
	if err != nil {
		return err
	}
	p := e.place(id)
	for _, b := range e.boxes {
		if b.place == p {
			if s := e.seat; s != nil && s.box == b {
				e.failLoud(s, imcode.DatabaseFailed.Errorf("the cache was wiped"))
			}
			return e.rebuild(b)
		}
	}
	path := e.path(p)
	if path == "" {
		return nil
	}
	if err := cache.Remove(path); err != nil {
		return localError(err)
	}
	return nil
}
