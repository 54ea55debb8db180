package server_test

import (
	"bufio"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"rollcall.example"
	"rollcall.example/server"
)

// TestAWatchLastsUntilTheServerEnds: no limit of a request's time cuts it off, and a
// watcher does not hold up the end.
func TestAWatchLastsUntilTheServerEnds(t *testing.T) {
	story(t, server.Config{}, func(t *testing.T, w *world) {
		w.stop()
		w.config.Admin = w.listen("admin.test:80")
		w.start()
		w.device("alice", "phone", rollcall.Android).online().hangUp()
		synctest.Wait()
		c := http.Client{Transport: &http.Transport{DialContext: w.net.Dial, DisableKeepAlives: true}}
		r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, fmt.Sprintf("http://admin.test/v1/apps/%d/accounts/alice/watch", app), http.NoBody)
		if err != nil {
			t.Fatal(err)
		}
		a, err := c.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		defer a.Body.Close()
		lines := read(a.Body)
		if first := <-lines; !strings.HasPrefix(first, `{"now":{"user":"alice",`) {
			t.Fatalf("it begins with %s", first)
		}
		time.Sleep(10*time.Minute + 20*time.Second)
		synctest.Wait()
		for range 20 {
			if breath := <-lines; breath != "" {
				t.Errorf("in ten minutes without events it says %q, want nothing twice a minute", breath)
			}
		}
		w.device("alice", "mac", rollcall.Mac).online()
		if event := <-lines; !strings.HasPrefix(event, `{"event":{"time":"`) || !strings.Contains(event, `"event":"login"`) {
			t.Errorf("a login is seen as %s", event)
		}

		began := time.Now()
		w.stop()
		var last string
		for line := range lines {
			last = line
		}
		if last != `{"end":"the server is shutting down"}` {
			t.Errorf("it ends with %s", last)
		}
		if took := time.Since(began); took > 6*time.Second {
			t.Errorf("with a watcher the server takes %v to end", took)
		}
		w.config.Admin = nil // it is closed
		w.start()
	})
}

// read gives the lines that come, until the end.
func read(from io.Reader) <-chan string {
	lines := make(chan string, 100)
	go func() {
		defer close(lines)
		for s := bufio.NewScanner(from); s.Scan(); {
			lines <- s.Text()
		}
	}()
	return lines
}
