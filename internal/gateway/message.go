package gateway

import (
	"bufio"
	"bytes"
	"io"
	"sync"
	"time"
)

// A message is the memory that reading one needs. Connections share it: one that
// waits for a message has none.
type message struct {
	in   *bufio.Reader
	text bytes.Buffer
	c    *conn // whose frame is read
}

// maxKept bounds the text that is kept for other messages.
const maxKept = 16 << 10

var messages = sync.Pool{New: func() any { return &message{in: bufio.NewReaderSize(nil, 2<<10)} }}

// take begins with the frame of a connection whose first byte has been read.
func take(c *conn) *message {
	m := messages.Get().(*message)
	m.c = c
	m.in.Reset(m)
	m.text.Reset()
	return m
}

// Read reads the frame's first byte, what was read with an earlier one, and then
// from the connection.
func (m *message) Read(p []byte) (int, error) {
	n := copy(p, m.c.first[:m.c.head])
	m.c.head -= n
	k := copy(p[n:], m.c.early)
	m.c.early = m.c.early[k:]
	if n += k; n > 0 {
		return n, nil
	}
	return m.c.net.Read(p)
}

// free gives the connection what was read beyond its frame, and others the memory.
func (m *message) free() {
	if n := m.in.Buffered(); n > 0 {
		ahead, _ := m.in.Peek(n)
		m.c.early = append(bytes.Clone(ahead), m.c.early...)
	}
	m.c = nil
	m.in.Reset(nil)
	if m.text.Cap() <= maxKept {
		messages.Put(m)
	}
}

var _ io.Reader = (*message)(nil)

// A pace bounds requests: maxPerSecond, with bursts of twice that. Its zero value
// has not seen any.
type pace struct {
	full time.Time // when the burst is whole again
}

// allow counts a request, and tells whether it may be served.
func (p *pace) allow(now time.Time) bool {
	const each, burst = time.Second / maxPerSecond, 2 * time.Second
	if p.full.Before(now) {
		p.full = now
	}
	if p.full.Sub(now) > burst-each {
		return false
	}
	p.full = p.full.Add(each)
	return true
}
