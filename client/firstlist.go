package client

import (
	"context"
	"time"

	"rollcall.example"
	"rollcall.example/imcode"
)

// firstListWithin is how long a call may wait for a list that this device never had: as
// long as for the answer to a request.
const firstListWithin = requestWithin

// readList is read for what is of the whole list. On a device that never had that,
// it waits for the first one while it is on its way, until ctx ends.
func (c *Client) readList(ctx context.Context, f func(*box) error) error {
	user, err := c.awaitList(ctx)
	if err != nil {
		return err
	}
	return c.read(func(b *box) error {
		if b.User != user {
			return errLeft(user)
		}
		return f(b)
	})
}

func errLeft(user rollcall.UserID) error {
	return imcode.NotLoggedIn.Errorf("%s has left meanwhile", user)
}

// awaitList returns when the list of the account named last is there, or does not come
// now, and says whose that is.
func (c *Client) awaitList(ctx context.Context) (user rollcall.UserID, err error) {
	late := time.NewTimer(firstListWithin)
	defer late.Stop()
	for ctx.Err() == nil {
		var whose *box
		err := c.read(func(b *box) error {
			whose = b
			return nil
		})
		switch {
		case err != nil:
			return user, err
		case user != "" && whose.User != user:
			return user, errLeft(user)
		case whose.cache.State().Synced:
			return whose.User, nil
		}
		user = whose.User
		var came <-chan struct{}
		if c.engine.do(func() { came = c.engine.firstList() }); came == nil {
			return user, nil
		}
		select {
		case <-came:
		case <-late.C:
			return user, nil
		case <-ctx.Done():
		}
	}
	return user, ctx.Err()
}

// firstList is closed when the list that was never here has come, or does not come
// for now; nil: it is here, or not on its way.
func (e *engine) firstList() <-chan struct{} {
	s := e.seat
	if s == nil || s.login != nil || s.phase != serving || !s.follower.loud || s.box.cache.State().Synced {
		return nil
	}
	if s.follower.first == nil {
		s.follower.first = make(chan struct{})
	}
	return s.follower.first
}

// letGo lets those go on that wait for the first list.
func (f *follower) letGo() {
	if f.first != nil {
		close(f.first)
		f.first = nil
	}
}
