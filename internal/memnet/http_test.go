package memnet_test

import (
	"bufio"
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"os"
	"testing"
	"testing/synctest"
	"time"

	"github.com/coder/websocket"
	"github.com/gobwas/ws"
	"github.com/gobwas/ws/wsutil"

	"rollcall.example/internal/memnet"
)

// serve runs an http.Server in the bubble until the test ends.
func serve(t *testing.T, n *memnet.Network, h http.Handler) {
	t.Helper()
	l, err := n.Listen("rollcall.test:80")
	if err != nil {
		t.Fatal(err)
	}
	srv := &http.Server{Handler: h, ReadHeaderTimeout: 10 * time.Second}
	done := make(chan error, 1)
	go func() { done <- srv.Serve(l) }()
	t.Cleanup(func() {
		check(t, srv.Close())
		if err := <-done; !errors.Is(err, http.ErrServerClosed) {
			t.Errorf("serve: %v", err)
		}
	})
}

// httpClient returns a client that dials from the endpoint "phone".
func httpClient(t *testing.T, n *memnet.Network) *http.Client {
	t.Helper()
	tr := &http.Transport{DialContext: n.Endpoint("phone").Dial}
	t.Cleanup(tr.CloseIdleConnections)
	return &http.Client{Transport: tr}
}

func TestHTTP(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var n memnet.Network
		serve(t, &n, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			body, err := io.ReadAll(r.Body)
			if err != nil {
				t.Errorf("server reads: %v", err)
			}
			check(t, second(w.Write(body)))
		}))
		c := httpClient(t, &n)
		for range 3 {
			const size = 1 << 20 // more than the buffers hold
			req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "http://rollcall.test/", &zeros{left: size})
			if err != nil {
				t.Fatal(err)
			}
			resp, err := c.Do(req)
			if err != nil {
				t.Fatal(err)
			}
			got, err := io.ReadAll(resp.Body)
			resp.Body.Close()
			if err != nil || len(got) != size {
				t.Errorf("echo of %d bytes: %d, %v", size, len(got), err)
			}
		}
	})
}

// zeros reads as so many zero bytes.
type zeros struct{ left int }

func (z *zeros) Read(b []byte) (int, error) {
	if z.left == 0 {
		return 0, io.EOF
	}
	n := min(len(b), z.left)
	z.left -= n
	return n, nil
}

func TestHTTPServerSendsASilentClientAway(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var n memnet.Network
		serve(t, &n, http.NotFoundHandler())
		c, err := n.Dial(t.Context(), "tcp", "rollcall.test:80")
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		began := time.Now()
		_, err = io.ReadAll(c)
		if took := time.Since(began); took != 10*time.Second || err != nil {
			t.Errorf("sent away after %v, %v; want 10s and a close", took, err)
		}
	})
}

func TestHijack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var n memnet.Network
		serve(t, &n, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			c, rw, err := w.(http.Hijacker).Hijack()
			if err != nil {
				t.Errorf("hijack: %v", err)
				return
			}
			defer c.Close()
			line, err := rw.ReadString('\n')
			if err != nil {
				t.Errorf("read after hijacking: %v", err)
			}
			check(t, second(rw.WriteString("you said "+line)))
			check(t, rw.Flush())
			check(t, c.SetReadDeadline(time.Now().Add(time.Minute)))
			if _, err := c.Read(make([]byte, 1)); !errors.Is(err, os.ErrDeadlineExceeded) {
				t.Errorf("read to the deadline: %v", err)
			}
		}))
		c, err := n.Dial(t.Context(), "tcp", "rollcall.test:80")
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		write(t, c, "GET / HTTP/1.1\r\nHost: rollcall.test\r\n\r\n")
		synctest.Wait() // the handler waits for the line
		write(t, c, "hello\n")
		if got, err := bufio.NewReader(c).ReadString('\n'); got != "you said hello\n" || err != nil {
			t.Errorf("read %q, %v", got, err)
		}
		wantEnd(t, c)
	})
}

func wantEnd(t *testing.T, c net.Conn) {
	t.Helper()
	if _, err := c.Read(make([]byte, 1)); !errors.Is(err, io.EOF) {
		t.Errorf("read: %v, want the end", err)
	}
}

// coder's server and client, with a deadline on each side.
func TestWebSocket(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var n memnet.Network
		serve(t, &n, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			c, err := websocket.Accept(w, r, nil)
			if err != nil {
				t.Errorf("accept: %v", err)
				return
			}
			defer c.CloseNow()
			kind, msg, err := c.Read(r.Context())
			if err != nil {
				t.Errorf("server reads: %v", err)
			}
			if err := c.Write(r.Context(), kind, msg); err != nil {
				t.Errorf("server writes: %v", err)
			}
			ctx, cancel := context.WithTimeout(r.Context(), 10*time.Second)
			defer cancel()
			if _, _, err := c.Read(ctx); !errors.Is(err, context.DeadlineExceeded) {
				t.Errorf("server waits for more: %v", err)
			}
		}))
		opts := &websocket.DialOptions{HTTPClient: httpClient(t, &n)}
		c, _, err := websocket.Dial(t.Context(), "ws://rollcall.test/", opts)
		if err != nil {
			t.Fatal(err)
		}
		defer c.CloseNow()
		sent := make([]byte, 20<<10)
		if err := c.Write(t.Context(), websocket.MessageBinary, sent); err != nil {
			t.Fatal(err)
		}
		if _, got, err := c.Read(t.Context()); err != nil || len(got) != len(sent) {
			t.Errorf("echo of %d bytes: %d, %v", len(sent), len(got), err)
		}
		began := time.Now()
		if _, _, err := c.Read(t.Context()); err == nil || time.Since(began) != 10*time.Second {
			t.Errorf("the server left after %v: %v", time.Since(began), err)
		}
	})
}

// gobwas's server on the hijacked connection, its client on our dialler.
func TestWebSocketOfGobwas(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var n memnet.Network
		serve(t, &n, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			c, _, _, err := ws.UpgradeHTTP(r, w)
			if err != nil {
				t.Errorf("upgrade: %v", err)
				return
			}
			defer c.Close()
			for {
				msg, op, err := wsutil.ReadClientData(c)
				if err != nil {
					return
				}
				if err := wsutil.WriteServerMessage(c, op, msg); err != nil {
					t.Errorf("server writes: %v", err)
				}
			}
		}))
		d := ws.Dialer{NetDial: n.Endpoint("phone").Dial}
		c, br, _, err := d.Dial(t.Context(), "ws://rollcall.test/")
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		if br != nil {
			t.Fatal("the server spoke first")
		}
		if err := wsutil.WriteClientBinary(c, []byte("hello")); err != nil {
			t.Fatal(err)
		}
		if got, err := wsutil.ReadServerBinary(c); string(got) != "hello" || err != nil {
			t.Errorf("echo %q, %v", got, err)
		}
		n.Endpoint("phone").Cut(memnet.Silent)
		if err := wsutil.WriteClientBinary(c, []byte("anybody?")); err != nil {
			t.Fatal(err)
		}
		wantNothing(t, c)
		n.Endpoint("phone").Mend()
		if got, err := wsutil.ReadServerBinary(c); string(got) != "anybody?" || err != nil {
			t.Errorf("late echo %q, %v", got, err)
		}
	})
}
