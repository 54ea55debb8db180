package limit

import (
	"container/list"
	"time"
)

// recent maps keys to values and forgets those that were used longest ago.
type recent[K comparable, V any] struct {
	byKey map[K]*list.Element
	byUse list.List // of *entry, the one used last in front
}

type entry[K comparable, V any] struct {
	key   K
	value V
	used  time.Time
}

// use returns the value of key to change it, the zero value for a new key. A
// new key drives out what was not used for keep, and of more than most keys the
// one used longest ago.
func (r *recent[K, V]) use(key K, now time.Time, keep time.Duration, most int) *V {
	if e, known := r.byKey[key]; known {
		r.byUse.MoveToFront(e)
		x := e.Value.(*entry[K, V])
		x.used = now
		return &x.value
	}
	for range 2 { // two go for one that comes: the idle ones get fewer
		if last := r.last(); last != nil && (now.Sub(last.used) >= keep || r.len() >= most) {
			r.drop(last.key)
		}
	}
	if r.byKey == nil {
		r.byKey = make(map[K]*list.Element)
	}
	x := &entry[K, V]{key: key, used: now}
	r.byKey[key] = r.byUse.PushFront(x)
	return &x.value
}

// find returns the value of key, if there is one.
func (r *recent[K, V]) find(key K) (V, bool) {
	e, known := r.byKey[key]
	if !known {
		var none V
		return none, false
	}
	return e.Value.(*entry[K, V]).value, true
}

// last returns the entry used longest ago, nil if there is none.
func (r *recent[K, V]) last() *entry[K, V] {
	if e := r.byUse.Back(); e != nil {
		return e.Value.(*entry[K, V])
	}
	return nil
}

func (r *recent[K, V]) drop(key K) {
	r.byUse.Remove(r.byKey[key])
	delete(r.byKey, key)
}

func (r *recent[K, V]) len() int { return len(r.byKey) }
