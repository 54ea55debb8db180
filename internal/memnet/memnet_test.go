package memnet_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net"
	"os"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"rollcall.example/internal/memnet"
)

// pair returns both ends of a connection that endpoint "phone" of n dialled.
func pair(t *testing.T, n *memnet.Network) (client, server net.Conn) {
	t.Helper()
	l, err := n.Listen("127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	client, err = n.Endpoint("phone").Dial(t.Context(), "tcp", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	server, err = l.Accept()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close(); client.Close(); server.Close() })
	return client, server
}

// check fails the test for an error; any goroutine may call it.
func check(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Error(err)
	}
}

func write(t *testing.T, c net.Conn, text string) {
	t.Helper()
	if n, err := io.WriteString(c, text); n != len(text) || err != nil {
		t.Fatalf("write %q: %d, %v", text, n, err)
	}
}

func wantRead(t *testing.T, c net.Conn, want string) {
	t.Helper()
	b := make([]byte, len(want))
	if _, err := io.ReadFull(c, b); err != nil || string(b) != want {
		t.Fatalf("read %q, %v; want %q", b, err, want)
	}
}

// wantNothing checks that nothing arrives within an hour.
func wantNothing(t *testing.T, c net.Conn) {
	t.Helper()
	check(t, c.SetReadDeadline(time.Now().Add(time.Hour)))
	if n, err := c.Read(make([]byte, 1)); n != 0 || !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Fatalf("read %d bytes, %v; want silence", n, err)
	}
	check(t, c.SetReadDeadline(time.Time{}))
}

func wantReset(t *testing.T, c net.Conn) {
	t.Helper()
	if _, err := c.Read(make([]byte, 1)); !errors.Is(err, syscall.ECONNRESET) {
		t.Fatalf("read: %v, want a reset", err)
	}
	if _, err := c.Write([]byte("x")); !errors.Is(err, syscall.ECONNRESET) {
		t.Fatalf("write: %v, want a reset", err)
	}
}

func TestBytesArriveBothWays(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		client, server := pair(t, new(memnet.Network))
		write(t, client, "one ")
		write(t, client, "two")
		wantRead(t, server, "one two")
		write(t, server, "three")
		wantRead(t, client, "three")
	})
}

func TestCloseIsReadAfterTheData(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		client, server := pair(t, new(memnet.Network))
		write(t, server, "goodbye")
		server.Close()
		if got, err := io.ReadAll(client); string(got) != "goodbye" || err != nil {
			t.Errorf("read %q, %v", got, err)
		}
		if _, err := client.Write([]byte("still there?")); !errors.Is(err, syscall.EPIPE) {
			t.Errorf("write to a closed peer: %v", err)
		}
		for name, err := range map[string]error{
			"second close": server.Close(),
			"deadline":     server.SetDeadline(time.Now()),
			"read":         second(server.Read(make([]byte, 1))),
			"write":        second(server.Write([]byte("x"))),
		} {
			if !errors.Is(err, net.ErrClosed) {
				t.Errorf("%s after close: %v", name, err)
			}
		}
	})
}

func second(_ int, err error) error { return err }

func TestASlowReaderHoldsTheWriterUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		client, server := pair(t, &memnet.Network{Buffer: 1000})
		check(t, server.SetWriteDeadline(time.Now().Add(time.Minute)))
		n, err := server.Write(make([]byte, 1500))
		if n != 1000 || !errors.Is(err, os.ErrDeadlineExceeded) {
			t.Fatalf("wrote %d of 1500 to a full buffer of 1000: %v", n, err)
		}
		check(t, server.SetWriteDeadline(time.Time{}))
		go func() {
			time.Sleep(time.Second)
			_, err := io.CopyN(io.Discard, client, 1000)
			check(t, err)
		}()
		began := time.Now()
		write(t, server, strings.Repeat("x", 600))
		if waited := time.Since(began); waited != time.Second {
			t.Errorf("the writer waited %v, the reader came after 1s", waited)
		}
		synctest.Wait()
	})
}

func TestWritesDoNotMix(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		client, server := pair(t, &memnet.Network{Buffer: 7})
		for _, text := range []string{"aaaaaaaaaaaaaaaaaaaa", "bbbbbbbbbbbbbbbbbbbb", "cccccccccccccccccccc"} {
			go func() { check(t, second(io.WriteString(server, text))) }()
		}
		got := make([]byte, 60)
		if _, err := io.ReadFull(client, got); err != nil {
			t.Fatal(err)
		}
		if runs := len(bytes.Fields(bytes.Map(spaceAtChange(), got))); runs != 3 {
			t.Errorf("three writes came as %s", got)
		}
	})
}

// spaceAtChange maps the first letter of every run to a space.
func spaceAtChange() func(rune) rune {
	last := ' '
	return func(r rune) rune {
		defer func() { last = r }()
		if r != last {
			return ' '
		}
		return r
	}
}

func TestDeadlines(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		client, server := pair(t, new(memnet.Network))
		began := time.Now()
		check(t, client.SetReadDeadline(began.Add(time.Minute)))
		go func() {
			time.Sleep(time.Second)
			check(t, client.SetReadDeadline(began.Add(5*time.Second))) // hurries the Read that waits
		}()
		_, err := client.Read(make([]byte, 1))
		if timeout, ok := errors.AsType[net.Error](err); !ok || !timeout.Timeout() {
			t.Errorf("read: %v, want a time-out", err)
		}
		if took := time.Since(began); took != 5*time.Second {
			t.Errorf("the read ended after %v, want 5s", took)
		}
		write(t, server, "late")
		if _, err := client.Read(make([]byte, 4)); !errors.Is(err, os.ErrDeadlineExceeded) {
			t.Errorf("read past the deadline: %v", err)
		}
		check(t, client.SetReadDeadline(time.Time{}))
		wantRead(t, client, "late")
	})
}

func TestAddresses(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var n memnet.Network
		l, err := n.Listen("rollcall.test:8080")
		if err != nil {
			t.Fatal(err)
		}
		defer l.Close()
		if _, err := n.Listen("rollcall.test:8080"); !errors.Is(err, syscall.EADDRINUSE) {
			t.Errorf("second listener: %v", err)
		}
		for _, name := range []string{"phone", "laptop", "phone"} {
			for _, addr := range []string{"rollcall.test:8080", l.Addr().String()} {
				e := n.Endpoint(name)
				c, err := e.Dial(t.Context(), "tcp", addr)
				if err != nil {
					t.Fatal(err)
				}
				s, err := l.Accept()
				if err != nil {
					t.Fatal(err)
				}
				if c.LocalAddr().String() != s.RemoteAddr().String() || c.RemoteAddr().String() != s.LocalAddr().String() {
					t.Errorf("client %v to %v, server %v from %v", c.LocalAddr(), c.RemoteAddr(), s.LocalAddr(), s.RemoteAddr())
				}
				if from := s.RemoteAddr().(*net.TCPAddr).AddrPort().Addr(); from != e.Addr() {
					t.Errorf("the server sees %v, the endpoint is %v", from, e.Addr())
				}
				c.Close()
				s.Close()
			}
		}
		if n.Endpoint("phone").Addr() == n.Endpoint("laptop").Addr() {
			t.Error("two endpoints share an address")
		}
	})
}

func TestDialErrors(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var n memnet.Network
		l, _ := n.Listen("rollcall.test:8080")
		l.Close()
		if _, err := l.Accept(); !errors.Is(err, net.ErrClosed) {
			t.Errorf("accept after close: %v", err)
		}
		for addr, want := range map[string]error{
			"rollcall.test:8080": syscall.ECONNREFUSED,
			"127.0.0.1:8080":     syscall.ECONNREFUSED,
			":8080":              syscall.ECONNREFUSED,
		} {
			if _, err := n.Dial(t.Context(), "tcp", addr); !errors.Is(err, want) {
				t.Errorf("dial %s: %v, want %v", addr, err, want)
			}
		}
		_, err := n.Dial(t.Context(), "tcp", "nowhere.test:8080")
		if dns, ok := errors.AsType[*net.DNSError](err); !ok || !dns.IsNotFound {
			t.Errorf("dial an unknown name: %v", err)
		}
		for _, addr := range []string{"rollcall.test", "127.0.0.1:http", "127.0.0.1:65536"} {
			if _, err := n.Dial(t.Context(), "tcp", addr); err == nil {
				t.Errorf("dial %s succeeded", addr)
			}
			if _, err := n.Listen(addr); err == nil {
				t.Errorf("listen at %s succeeded", addr)
			}
		}
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		if _, err := n.Dial(ctx, "tcp", "rollcall.test:8080"); !errors.Is(err, context.Canceled) {
			t.Errorf("dial with an ended context: %v", err)
		}
	})
}

func TestUnacceptedConnectionsAreResetAndBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var n memnet.Network
		l, _ := n.Listen(":0")
		first, err := n.Dial(t.Context(), "tcp", l.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		for err == nil {
			_, err = n.Dial(t.Context(), "tcp", l.Addr().String())
		}
		if !errors.Is(err, syscall.ECONNREFUSED) {
			t.Errorf("over the backlog: %v", err)
		}
		l.Close()
		wantReset(t, first)
	})
}
