package admin_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"rollcall.example/imcode"
	"rollcall.example/internal/admin"
	"rollcall.example/internal/memnet"
	"rollcall.example/internal/store"
	"rollcall.example/internal/store/sqlite"
)

// copied is what a copy gives.
func copied(ctx context.Context, w admin.Whole) ([]byte, error) {
	var b bytes.Buffer
	size := int64(-1)
	err := w.Copy(ctx, func(bytes int64) (io.Writer, error) {
		size = bytes
		return &b, nil
	})
	if err == nil && size != int64(b.Len()) {
		err = errors.New("the copy is not as long as was said")
	}
	return b.Bytes(), err
}

func TestAStoreIsCheckedAndCopiedAlikeWithAServerAndWithout(t *testing.T) {
	for _, running := range []bool{true, false} {
		t.Run(map[bool]string{true: "running", false: "stopped"}[running], func(t *testing.T) {
			dir := t.TempDir()
			_, stop := run(t, dir)
			if !running {
				stop()
			}
			w, err := admin.OpenWhole(t.Context(), dir)
			if err != nil {
				t.Fatal(err)
			}
			r, err := w.Check(t.Context(), func(store.Progress) {})
			if err != nil || !r.Sound() || len(r.Tables) == 0 {
				t.Errorf("the check: %+v, %v", r, err)
			}
			b, err := copied(t.Context(), w)
			if err != nil || !bytes.HasPrefix(b, []byte("SQLite format 3\x00")) {
				t.Errorf("the copy: %d bytes, %v", len(b), err)
			}
			if running {
				stop()
			}
		})
	}
}

func TestAnUnreachableServerIsNotTakenForAStoppedOne(t *testing.T) {
	dir := t.TempDir()
	l, err := net.Listen("unix", admin.Socket(dir))
	if err != nil {
		t.Fatal(err)
	}
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			c.Close()
		}
	}()
	defer l.Close()
	if _, err := admin.OpenWhole(t.Context(), dir); err == nil || !strings.Contains(err.Error(), "ask the running server") {
		t.Errorf("a server that does not answer: %v", err)
	}
}

// TestWhoIsElsewhereGetsNoCopy: it holds the keys of all apps.
func TestWhoIsElsewhereGetsNoCopy(t *testing.T) {
	b, _ := backend(t)
	b.Remote = true
	server := httptest.NewServer(admin.Handler(b))
	defer server.Close()
	c := remote(t, server.URL, "")
	if _, err := copied(t.Context(), c); imcode.Of(err) != imcode.InvalidParameters || !strings.Contains(err.Error(), "the server's own machine") {
		t.Errorf("a copy from elsewhere: %v", err)
	}
	if r, err := c.Check(t.Context(), func(store.Progress) {}); err != nil || !r.Sound() {
		t.Errorf("a check from elsewhere: %+v, %v", r, err)
	}
}

func TestASecondCheckIsSentAway(t *testing.T) {
	b, s := backend(t)
	server := httptest.NewServer(admin.Handler(b))
	defer server.Close()
	c := remote(t, server.URL, "")
	err := s.Copy(t.Context(), func(int64) (io.Writer, error) {
		if _, err := c.Check(t.Context(), func(store.Progress) {}); imcode.Of(err) != imcode.InvalidParameters || !strings.Contains(err.Error(), "wait until that is done") {
			t.Errorf("a check beside a copy: %v", err)
		}
		if _, err := copied(t.Context(), c); imcode.Of(err) != imcode.InvalidParameters || !strings.Contains(err.Error(), "wait until that is done") {
			t.Errorf("a copy beside a copy: %v", err)
		}
		return io.Discard, nil
	})
	if err != nil {
		t.Error(err)
	}
}

// TestACheckEndsWithItsReaderAndWithTheServer: and so another can begin.
func TestACheckEndsWithItsReaderAndWithTheServer(t *testing.T) {
	b, s := backend(t)
	ending := make(chan struct{})
	b.Ending = ending
	slow := &slowly{Whole: s, begun: make(chan struct{}, 2)}
	b.Whole = slow
	server := httptest.NewServer(admin.Handler(b))
	defer server.Close()
	c := remote(t, server.URL, "")
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { _, err := c.Check(ctx, func(store.Progress) {}); done <- err }()
	<-slow.begun
	cancel()
	if err := <-done; !errors.Is(err, context.Canceled) {
		t.Errorf("a check that its reader has left: %v", err)
	}
	go func() { _, err := c.Check(t.Context(), func(store.Progress) {}); done <- err }()
	<-slow.begun
	close(ending)
	if err := <-done; imcode.Of(err) != imcode.InvalidParameters || !strings.Contains(err.Error(), "shutting down") {
		t.Errorf("a check when the server ends: %v", err)
	}
}

// A slowly is a store whose check takes as long as it may.
type slowly struct {
	admin.Whole

	begun chan struct{}
}

func (s *slowly) Check(ctx context.Context, _ func(store.Progress)) (store.Report, error) {
	s.begun <- struct{}{}
	<-ctx.Done()
	return store.Report{}, context.Cause(ctx)
}

// TestDamageIsReportedWhole, and a copy of a damaged store is a copy.
func TestDamageIsReportedWhole(t *testing.T) {
	b, _ := backend(t)
	broken := &store.Report{}
	for range store.MaxDamages + 5 {
		broken.Find("session 1 of account 2", "its sum differs")
	}
	b.Whole = found{b.Whole, *broken}
	server := httptest.NewServer(admin.Handler(b))
	defer server.Close()
	r, err := remote(t, server.URL, "").Check(t.Context(), func(store.Progress) {})
	if err != nil || r.Count != store.MaxDamages+5 || len(r.Damages) != store.MaxDamages {
		t.Errorf("the report has %d of %d damages, %v", len(r.Damages), r.Count, err)
	}
}

type found struct {
	admin.Whole

	report store.Report
}

func (f found) Check(context.Context, func(store.Progress)) (store.Report, error) {
	return f.report, nil
}

// TestACopyThatIsCutOffIsNone, whoever answers.
func TestACopyThatIsCutOffIsNone(t *testing.T) {
	for name, answer := range map[string]http.HandlerFunc{
		"cut off": func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Length", "100000")
			_, _ = io.WriteString(w, "SQLite format 3\x00")
		},
		"of no length": func(w http.ResponseWriter, _ *http.Request) {
			_, _ = io.WriteString(w, strings.Repeat("SQLite format 3\x00", 1000))
			w.(http.Flusher).Flush()
		},
		"an error": func(w http.ResponseWriter, _ *http.Request) { http.Error(w, "no", http.StatusInternalServerError) },
	} {
		server := httptest.NewServer(answer)
		path := filepath.Join(t.TempDir(), "backup.db")
		_, err := sqlite.Backup(t.Context(), path, false, remote(t, server.URL, "").Copy, func(store.Progress) {})
		if left, _ := filepath.Glob(path + "*"); err == nil || left != nil {
			t.Errorf("%s: %v; left are %q", name, err, left)
		}
		server.Close()
	}
}

// TestWhoDoesNotReadACopyIsNotWaitedFor: the log of the store grows as long as it lasts.
func TestWhoDoesNotReadACopyIsNotWaitedFor(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, err := sqlite.Open(context.WithoutCancel(t.Context()), t.TempDir(), sqlite.Options{})
		if err != nil {
			t.Fatal(err)
		}
		defer s.Close()
		if err := s.SetValue(t.Context(), "much", make([]byte, 4<<20)); err != nil {
			t.Fatal(err)
		}
		var network memnet.Network
		l, err := network.Listen("server:80")
		if err != nil {
			t.Fatal(err)
		}
		began, ended := time.Now(), make(chan time.Duration, 1)
		h := admin.Handler(admin.Backend{Whole: s, Log: slog.New(slog.DiscardHandler)})
		hs := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			h.ServeHTTP(w, r)
			ended <- time.Since(began)
		}), ReadHeaderTimeout: time.Minute}
		go func() { _ = hs.Serve(l) }()
		defer hs.Close()
		c, err := network.Dial(t.Context(), "tcp", "server:80")
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		if _, err := io.WriteString(c, "GET /v1/copy HTTP/1.1\r\nHost: x\r\n\r\n"); err != nil {
			t.Fatal(err)
		}
		if took := <-ended; took > 30*time.Second {
			t.Errorf("who reads nothing held it up for %s", took)
		}
		if r, err := s.Check(t.Context(), func(store.Progress) {}); err != nil || !r.Sound() {
			t.Errorf("a check after it: %+v, %v", r, err)
		}
	})
}
