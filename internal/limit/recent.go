package limit

import (
	"hash/maphash"
	"time"
)

// recent maps keys to values and forgets those that were used longest ago. Of a
// key it keeps a hash: 64 bits, seeded by chance, so that nobody can aim at
// another's. Entries lie in one slice, which is filled again and never shrinks.
type recent[K comparable, V any] struct {
	byKey map[uint64]int32
	all   []entry[V] // the first is the ring's: its next was used last, its prev longest ago
	free  int32      // the first of those not in use, linked by next; 0: none
	extra int        // the sizes of all values
	seed  maphash.Seed
	began time.Time
}

type entry[V any] struct {
	key        uint64
	used       int64
	value      V
	size       int32 // what the value holds beside itself
	next, prev int32
}

// stamp is a time as it is kept: as far as it is from the first one.
func (r *recent[K, V]) stamp(now time.Time) int64 {
	if r.byKey == nil {
		r.byKey, r.seed, r.began = make(map[uint64]int32), maphash.MakeSeed(), now
		r.all = make([]entry[V], 1)
	}
	return int64(now.Sub(r.began))
}

// use returns the entry of key to change its value, the zero value for a new key. A
// new key drives out what was not used for keep, and of more than most keys the
// one used longest ago.
func (r *recent[K, V]) use(key K, now int64, keep time.Duration, most int) *entry[V] {
	h := maphash.Comparable(r.seed, key)
	i, known := r.byKey[h]
	if known {
		r.unlink(i)
	} else {
		for range 2 { // two go for one that comes: the idle ones get fewer
			if last := r.all[0].prev; last != 0 && (now-r.all[last].used >= int64(keep) || r.len() >= most) {
				r.drop(last)
			}
		}
		i = r.room()
		r.byKey[h] = i
		r.all[i].key = h
	}
	r.link(i)
	r.all[i].used = now
	return &r.all[i]
}

// resize says what an entry's value holds from now on, and of more than most in
// all values drives out those used longest ago, but not this one.
func (r *recent[K, V]) resize(e *entry[V], size, most int) {
	r.extra += size - int(e.size)
	e.size = int32(size)
	for r.extra > most && r.len() > 1 {
		r.drop(r.all[0].prev)
	}
}

// find returns the value of key, if there is one.
func (r *recent[K, V]) find(key K) (V, bool) {
	i, known := r.byKey[maphash.Comparable(r.seed, key)]
	return r.all[i].value, known
}

// room is an entry that is not in use.
func (r *recent[K, V]) room() int32 {
	if i := r.free; i != 0 {
		r.free = r.all[i].next
		return i
	}
	r.all = append(r.all, entry[V]{})
	return int32(len(r.all) - 1)
}

func (r *recent[K, V]) link(i int32) {
	after := r.all[0].next
	r.all[i].prev, r.all[i].next = 0, after
	r.all[0].next, r.all[after].prev = i, i
}

func (r *recent[K, V]) unlink(i int32) {
	e := &r.all[i]
	r.all[e.prev].next, r.all[e.next].prev = e.next, e.prev
}

func (r *recent[K, V]) drop(i int32) {
	r.unlink(i)
	delete(r.byKey, r.all[i].key)
	r.extra -= int(r.all[i].size)
	r.all[i] = entry[V]{next: r.free}
	r.free = i
}

func (r *recent[K, V]) len() int { return len(r.byKey) }
