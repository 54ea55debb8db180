package server_test

import (
	"bytes"
	"crypto/tls"
	"io"
	"net"
	"testing"
	"time"

	"github.com/gobwas/ws"

	"rollcall.example/wire"
)

// A hoard keeps what is written while it hoards, and lets it go in one.
type hoard struct {
	net.Conn

	hoards bool
	kept   bytes.Buffer
}

func (h *hoard) Write(b []byte) (int, error) {
	if h.hoards {
		return h.kept.Write(b)
	}
	return h.Conn.Write(b)
}

// TestFramesAreServedHoweverTLSCutsThem: several records in one packet, several frames
// in one record, and a record that comes in parts; each with a wait between, in which
// the server waits for the next packet and not for what it has.
func TestFramesAreServedHoweverTLSCutsThem(t *testing.T) {
	at, key := startAlone(t, orders{TLS: true})
	raw, err := net.Dial("tcp", at.Clients)
	if err != nil {
		t.Fatal(err)
	}
	under := &hoard{Conn: raw}
	c := tls.Client(under, &tls.Config{InsecureSkipVerify: true})
	defer c.Close()
	if err := c.SetDeadline(time.Now().Add(20 * time.Second)); err != nil {
		t.Fatal(err)
	}
	if err := logIn(c, key, "alice", 1); err != nil {
		t.Fatal(err)
	}
	id := uint64(1)
	ping := func() []byte {
		id++
		b, err := wire.Proto.Encode(&wire.ClientFrame{Id: id, Request: &wire.ClientFrame_Ping{Ping: &wire.PingRequest{}}})
		if err != nil {
			t.Fatal(err)
		}
		return masked(ws.NewBinaryFrame(b))
	}
	write := func(b []byte) {
		t.Helper()
		if _, err := c.Write(b); err != nil {
			t.Fatal(err)
		}
	}
	answered := uint64(1)
	answers := func(what string) {
		t.Helper()
		for ; answered < id; answered++ {
			h, err := ws.ReadHeader(c)
			if err != nil {
				t.Fatalf("%s: %v instead of answer %d", what, err, answered+1)
			}
			b := make([]byte, h.Length)
			if _, err := io.ReadFull(c, b); err != nil {
				t.Fatal(err)
			}
			f := new(wire.ServerFrame)
			if err := wire.Proto.Decode(b, f); err != nil || f.GetId() != answered+1 || f.GetPing() == nil {
				t.Fatalf("%s: %v, %v instead of answer %d", what, f, err, answered+1)
			}
		}
	}
	for range 3 {
		under.hoards = true
		for range 4 {
			write(ping())
		}
		if _, err := raw.Write(under.kept.Bytes()); err != nil {
			t.Fatal(err)
		}
		under.kept.Reset()
		under.hoards = false
		answers("several records in one packet")

		write(append(ping(), append(ping(), ping()...)...))
		answers("several frames in one record")

		under.hoards = true
		write(ping())
		for _, b := range under.kept.Bytes() {
			if _, err := raw.Write([]byte{b}); err != nil {
				t.Fatal(err)
			}
		}
		under.kept.Reset()
		under.hoards = false
		answers("a record byte by byte")
	}
}
