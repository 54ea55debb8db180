package client

import (
	"bytes"
	"runtime"
	"strconv"
	"sync"
	"sync/atomic"
)

// A queue runs callbacks one after the other on a goroutine of its own. It
// takes all that it is given: state callbacks are few, and losing one would be
// a lie to the app.
type queue struct {
	done chan struct{} // closed when the last callback has returned

	goroutine atomic.Int64 // that of run

	mu     sync.Mutex
	filled sync.Cond
	items  []item
	closed bool
}

// An item is one callback. Results are owed to a caller, whatever happens.
type item struct {
	run    func()
	result bool
}

func newQueue() *queue {
	q := &queue{done: make(chan struct{})}
	q.filled.L = &q.mu
	return q
}

// push adds a callback. After close it is dropped.
func (q *queue) push(it item) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.closed {
		return
	}
	q.items = append(q.items, it)
	q.filled.Signal()
}

// run calls back until close, and then what is still there.
func (q *queue) run() {
	defer close(q.done)
	q.goroutine.Store(goroutineNumber())
	for {
		it, ok := q.pop()
		if !ok {
			return
		}
		it.run()
	}
}

func (q *queue) pop() (item, bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	for len(q.items) == 0 {
		if q.closed {
			return item{}, false
		}
		q.filled.Wait()
	}
	it := q.items[0]
	q.items = q.items[1:]
	return it, true
}

// close lets run end when it has called back all that is there. Inside a
// callback it gives the results on the spot and drops the rest, so that no
// callback follows the one that closes.
func (q *queue) close(inside bool) {
	q.mu.Lock()
	q.closed = true
	var left []item
	if inside {
		left, q.items = q.items, nil
	}
	q.filled.Signal()
	q.mu.Unlock()
	for _, it := range left {
		if it.result {
			it.run()
		}
	}
}

// inside tells whether the caller stands in a callback of this queue.
func (q *queue) inside() bool { return q.goroutine.Load() == goroutineNumber() }

// goroutineNumber is the number of the calling goroutine. Go keeps it out of
// reach on purpose, and it serves for one thing here: Login and Logout wait for
// the callbacks before their result, which would wait for ever on the very
// goroutine that runs those.
func goroutineNumber() int64 {
	var buf [64]byte
	first := buf[:runtime.Stack(buf[:], false)] // "goroutine 17 [running]: ..."
	number, _, _ := bytes.Cut(bytes.TrimPrefix(first, []byte("goroutine ")), []byte(" "))
	n, err := strconv.ParseInt(string(number), 10, 64)
	if err != nil {
		panic("client: the runtime names its goroutines in a new way: " + string(first))
	}
	return n
}
