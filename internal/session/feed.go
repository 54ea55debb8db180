package session

import (
	"slices"
	"sync"

	"rollcall.example"
	"rollcall.example/internal/policy"
)

// maxUnread bounds the events that wait for one who watches.
const maxUnread = 256

// A feed tells those who watch an account what happens to it.
type feed struct {
	mu       sync.Mutex
	watchers map[rollcall.Account][]chan policy.Event
}

// Watch gives what happens to an account from now on, as it is written to its
// history. The channel is closed when its reader is too slow. stop ends it.
func (s *Sessions) Watch(a rollcall.Account) (events <-chan policy.Event, stop func()) {
	f := &s.feed
	f.mu.Lock()
	defer f.mu.Unlock()
	c := make(chan policy.Event, maxUnread)
	if f.watchers == nil {
		f.watchers = make(map[rollcall.Account][]chan policy.Event)
	}
	f.watchers[a] = append(f.watchers[a], c)
	return c, func() {
		f.mu.Lock()
		defer f.mu.Unlock()
		f.drop(a, c)
	}
}

// drop ends a watch, if it has not ended yet.
func (f *feed) drop(a rollcall.Account, c chan policy.Event) {
	i := slices.Index(f.watchers[a], c)
	if i < 0 {
		return
	}
	close(c)
	f.watchers[a] = slices.Delete(f.watchers[a], i, i+1)
	if len(f.watchers[a]) == 0 {
		delete(f.watchers, a)
	}
}

// tell tells who watches. It does not wait for anybody.
func (f *feed) tell(a rollcall.Account, events []policy.Event) {
	if len(events) == 0 {
		return
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, c := range slices.Clone(f.watchers[a]) {
		for _, e := range events {
			select {
			case c <- e:
				continue
			default:
			}
			f.drop(a, c)
			break
		}
	}
}
