package admin_test

import (
	"bufio"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"rollcall.example/internal/admin"
	"rollcall.example/internal/apps"
)

// TestWhoHasNoTokenIsNotHeld: neither on a connection that might be used again, nor
// by a body that never comes.
func TestWhoHasNoTokenIsNotHeld(t *testing.T) {
	b, _ := backend(t)
	server := httptest.NewServer(admin.Guard(b.Token, admin.Handler(b)))
	defer server.Close()
	for _, request := range []string{
		"GET /v1/apps HTTP/1.1\r\nHost: x\r\nConnection: keep-alive\r\n\r\n",
		"POST /v1/apps HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n\r\n{",
		"POST /v1/apps HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n",
	} {
		c, err := net.Dial("tcp", server.Listener.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		if err := c.SetDeadline(time.Now().Add(20 * time.Second)); err != nil { // only a failing test waits for it
			t.Fatal(err)
		}
		if _, err := io.WriteString(c, request); err != nil {
			t.Fatal(err)
		}
		in := bufio.NewReader(c)
		a, err := http.ReadResponse(in, nil)
		if err != nil || a.StatusCode != http.StatusUnauthorized || !a.Close {
			t.Fatalf("%q: %+v, %v; want 401 and the end", request, a, err)
		}
		defer a.Body.Close()
		if _, err := io.Copy(io.Discard, in); err != nil && !isReset(err) {
			t.Errorf("%q: the connection is held: %v", request, err)
		}
	}
}

// isReset tells whether the other side is gone, whatever it has left unread.
func isReset(err error) bool {
	timeout, ok := errors.AsType[net.Error](err)
	return !ok || !timeout.Timeout()
}

// endless answers every request without an end, in lines or in one.
func endless(t *testing.T, piece string) *admin.Client {
	t.Helper()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		for {
			if _, err := io.WriteString(w, piece); err != nil {
				return
			}
		}
	}))
	t.Cleanup(server.Close)
	return remote(t, server.URL, "")
}

func TestAnAnswerHasAnEnd(t *testing.T) {
	c, ctx := endless(t, strings.Repeat(" ", 64<<10)), t.Context()
	if _, err := c.Apps(ctx); err == nil || !strings.Contains(err.Error(), "longer than 16777216 bytes") {
		t.Errorf("an answer without an end: %v", err)
	}
	for name, ask := range map[string]func(*admin.Client) error{
		"a watch": func(c *admin.Client) error {
			return c.Watch(ctx, ours("alice"), func(admin.Sight) error { return nil })
		},
		"a preview": func(c *admin.Client) error { _, err := c.Preview(ctx, app, apps.Change{}, nil); return err },
	} {
		if err := ask(c); err == nil || !strings.Contains(err.Error(), "lines up to 1048576 bytes") {
			t.Errorf("%s with a line without an end: %v", name, err)
		}
	}
	lines := 0
	enough := errors.New("enough")
	err := endless(t, "\n"+`{"event":{"event":"`+strings.Repeat("x", 100<<10)+`"}}`+"\n").Watch(ctx, ours("alice"), func(s admin.Sight) error {
		if lines++; s.Event == nil || lines == 100 {
			return enough
		}
		return nil
	})
	if !errors.Is(err, enough) || lines != 100 {
		t.Errorf("a watch of many lines ended after %d with %v", lines, err)
	}
}
