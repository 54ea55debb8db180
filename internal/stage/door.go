package stage

import (
	"net"
	"sync"
)

// A door is the server's listener, which knows who is inside.
type door struct {
	net.Listener

	mu    sync.Mutex
	muted bool
	open  map[net.Conn]struct{}
}

// Accept implements net.Listener.
func (d *door) Accept() (net.Conn, error) {
	c, err := d.Listener.Accept()
	if err != nil {
		return nil, err
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	in := &inside{Conn: c, door: d}
	d.open[in] = struct{}{}
	return in, nil
}

// mute lets nothing out any more.
func (d *door) mute() {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.muted = true
}

func (d *door) isMuted() bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.muted
}

// shut closes the listener and every connection, as the system does for a
// process that has died.
func (d *door) shut() {
	d.Listener.Close()
	d.mu.Lock()
	var all []net.Conn
	for c := range d.open {
		all = append(all, c)
	}
	d.mu.Unlock()
	for _, c := range all {
		c.Close()
	}
}

// An inside is the server's end of a connection.
type inside struct {
	net.Conn

	door *door
}

// Write implements net.Conn.
func (c *inside) Write(b []byte) (int, error) {
	if c.door.isMuted() {
		return len(b), nil
	}
	return c.Conn.Write(b)
}

// Close implements net.Conn.
func (c *inside) Close() error {
	c.door.mu.Lock()
	delete(c.door.open, c)
	c.door.mu.Unlock()
	return c.Conn.Close()
}
