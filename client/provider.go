package client

import (
	"context"
	"time"

	"rollcall.example/imcode"
)

// A provider that keeps giving what the server refuses is asked so often, with
// doubling waits from so long.
const (
	maxFetches    = 5
	firstFetchGap = time.Second
	fetchWithin   = 30 * time.Second
)

// fetch is the asking of the provider, for one end of a UserSig.
type fetch struct {
	asked int
	last  time.Time // when it was asked last, for whichever end
	alarm *alarm
	now   *started // the asking that is under way; what comes of an older one is late
}

func (f *fetch) stop() {
	f.alarm.stop()
	if f.now != nil {
		f.now.cancel()
		f.now = nil
	}
}

// usable is the UserSig to log in with, the newest first; "" if there is none.
func (e *engine) usable(s *seat) string {
	for _, userSig := range []string{s.kept, s.userSig} {
		if userSig != "" && !s.refused.has(userSig) && !e.isOver(userSig) {
			return userSig
		}
	}
	return ""
}

// refuse remembers that a UserSig is of no use any more.
func (e *engine) refuse(s *seat, userSig string, code imcode.Code) {
	s.refused.add(userSig)
	if saysExpired(code) {
		e.dead.add(userSig)
	}
	if s.kept == userSig {
		s.kept = ""
	}
}

// fetchUserSig asks the provider, or gives up.
func (e *engine) fetchUserSig(s *seat) {
	s.fetch.stop()
	if e.opt.UserSig == nil || s.fetch.asked == maxFetches {
		e.expired(s)
		return
	}
	wait := firstFetchGap - time.Since(s.fetch.last) // a session may be over as soon as it begins
	if n := s.fetch.asked; n > 0 {
		wait = firstFetchGap << (n - 1)
	}
	s.fetch.asked++
	s.fetch.alarm = e.after(wait, func() { e.callProvider(s) })
}

// callProvider lets the app's function work on a goroutine that nobody waits
// for: it may take its time, and hang.
func (e *engine) callProvider(s *seat) {
	ctx, cancel := context.WithTimeout(e.ctx, fetchWithin)
	now := &started{cancel}
	s.fetch.now, s.fetch.last = now, time.Now()
	given := make(chan string, 1)
	go func() {
		userSig, err := e.opt.UserSig(ctx, s.User)
		if err != nil {
			e.log.Warn("the provider gave no UserSig", "user_id", s.User, "err", err)
			userSig = ""
		}
		given <- userSig
	}()
	e.tasks.Go(func() {
		defer cancel()
		var userSig string
		select {
		case userSig = <-given:
		case <-ctx.Done():
		}
		e.post(func() { e.fetched(s, now, userSig) })
	})
}

// fetched goes on with what the provider gave.
func (e *engine) fetched(s *seat, now *started, userSig string) {
	if e.seat != s || s.fetch.now != now {
		return
	}
	s.fetch.now = nil
	if userSig != "" {
		s.userSig = userSig
	}
	e.goOn(s)
}
