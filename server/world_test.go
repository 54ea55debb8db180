package server_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"rollcall.example"
	"rollcall.example/internal/apps"
	"rollcall.example/internal/memnet"
	"rollcall.example/internal/policy"
	"rollcall.example/internal/store"
	"rollcall.example/server"
	"rollcall.example/usersig"
)

const host = "rollcall.test:80"

// A world is a server with one app on a network of its own, in fake time.
type world struct {
	t      *testing.T
	net    *memnet.Network
	config server.Config
	server *server.Server
	key    string
	log    *journal
	peers  int
	phones []*phone // cut off when the server is killed
	stop   func()   // drains the server and waits for it
}

// story runs tell against a server that was made with the config, the zero one
// being good. The server and all connections end with it.
func story(t *testing.T, config server.Config, tell func(t *testing.T, w *world)) {
	t.Helper()
	dir := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		w := &world{t: t, net: &memnet.Network{}, config: config, log: &journal{}}
		w.config.Dir = dir
		w.config.Log = slog.New(slog.NewTextHandler(w.log, &slog.HandlerOptions{Level: slog.LevelDebug}))
		w.start()
		w.key = w.addApp(app)
		tell(t, w)
		w.stop()
	})
}

// start starts the server, also again after stop.
func (w *world) start() {
	w.t.Helper()
	if err := w.tryStart(); err != nil {
		w.t.Fatal(err)
	}
}

// tryStart is start, unless the server does not.
func (w *world) tryStart() error {
	w.t.Helper()
	w.config.Listener = w.listen(host)
	w.config.Ops = w.listen("ops.test:80")
	ctx, cancel := context.WithCancel(context.Background())
	s, err := server.New(ctx, w.config)
	if err != nil {
		cancel()
		return errors.Join(err, w.config.Listener.Close(), w.config.Ops.Close())
	}
	done := make(chan error, 1)
	go func() { done <- s.Run(ctx) }()
	w.server = s
	w.stop = sync.OnceFunc(func() {
		cancel()
		if err := <-done; err != nil {
			w.t.Errorf("the server ended with %v", err)
		}
	})
	w.t.Cleanup(w.stop)
	return nil
}

// addApp adds an app under policy multi, where platforms leave each other alone,
// and returns its key.
func (w *world) addApp(id rollcall.AppID) string {
	w.t.Helper()
	key, err := w.server.Apps().Add(w.t.Context(), id, "test", "")
	if err != nil {
		w.t.Fatal(err)
	}
	if _, err := w.server.Apps().ChangeSettings(w.t.Context(), id, apps.ChangeTo(apps.Policy{Name: "multi"})); err != nil {
		w.t.Fatal(err)
	}
	return key
}

// sig is a UserSig of the app's for a user, good from now on.
func (w *world) sig(user string, lifetime time.Duration) string {
	w.t.Helper()
	return signed(w.t, app, w.key, user, time.Now(), lifetime)
}

func signed(t *testing.T, app rollcall.AppID, key, user string, now time.Time, lifetime time.Duration) string {
	t.Helper()
	sig, err := usersig.Sign(app, key, user, now, lifetime)
	if err != nil {
		t.Fatal(err)
	}
	return sig
}

func account(user string) rollcall.Account {
	return rollcall.Account{App: app, User: rollcall.UserID(user)}
}

// state is what is stored of an account.
func (w *world) state(user string) policy.State {
	w.t.Helper()
	s, err := w.server.Store().State(w.t.Context(), account(user))
	if err != nil {
		w.t.Fatal(err)
	}
	return s
}

// history is an account's rows, oldest first, as "login 1" with the session, and
// "refused 70001 x3" with code and count.
func (w *world) history(user string) []string {
	w.t.Helper()
	rows, err := w.server.Store().History(w.t.Context(), account(user), 0, 1000)
	if err != nil {
		w.t.Fatal(err)
	}
	slices.Reverse(rows)
	all := []string{}
	for _, r := range rows {
		s := r.Kind.String()
		if r.Session != 0 {
			s += fmt.Sprintf(" %d", r.Session)
		}
		if r.Code != 0 {
			s += fmt.Sprintf(" %d", r.Code)
		}
		if r.Count > 1 {
			s += fmt.Sprintf(" x%d", r.Count)
		}
		all = append(all, s)
	}
	return all
}

// wantHistory compares an account's rows.
func (w *world) wantHistory(user string, want ...string) {
	w.t.Helper()
	if got := w.history(user); !slices.Equal(got, want) {
		w.t.Errorf("history of %s: %q, want %q", user, got, want)
	}
}

// usage is the app's counters of all periods, but peaks.
func (w *world) usage() []store.UsageRow {
	w.t.Helper()
	rows, err := w.server.Store().Usage(w.t.Context(), app, 0, math.MaxInt32)
	if err != nil {
		w.t.Fatal(err)
	}
	for i := range rows {
		rows[i].Peak, rows[i].PeakAt = 0, time.Time{}
	}
	return slices.DeleteFunc(rows, func(r store.UsageRow) bool { return r == store.UsageRow{Period: r.Period} })
}

// ops asks the operator's door and returns the answer's status and body.
func (w *world) ops(path string) (status int, body string) {
	w.t.Helper()
	c := http.Client{Transport: &http.Transport{DialContext: w.net.Dial, DisableKeepAlives: true}}
	r, err := http.NewRequestWithContext(w.t.Context(), http.MethodGet, "http://ops.test"+path, http.NoBody)
	if err != nil {
		w.t.Fatal(err)
	}
	a, err := c.Do(r)
	if err != nil {
		w.t.Fatal(err)
	}
	defer a.Body.Close()
	b, err := io.ReadAll(a.Body)
	if err != nil {
		w.t.Fatal(err)
	}
	return a.StatusCode, string(b)
}

// metric is the value of one metric, with its labels in the name.
func (w *world) metric(name string) float64 {
	w.t.Helper()
	_, text := w.ops("/metrics")
	for line := range strings.Lines(text) {
		if value, found := strings.CutPrefix(line, name+" "); found {
			v, err := strconv.ParseFloat(strings.TrimSpace(value), 64)
			if err != nil {
				w.t.Fatal(err)
			}
			return v
		}
	}
	return 0
}

// healthy fails the test unless a new account can log in over a new connection.
func (w *world) healthy() {
	w.t.Helper()
	w.peers++
	w.device(fmt.Sprintf("well-%d", w.peers), "probe", rollcall.Android).online().hangUp()
	synctest.Wait()
}

// A journal is a log that is written while it is read.
type journal struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (j *journal) Write(p []byte) (int, error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.b.Write(p)
}

func (j *journal) String() string {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.b.String()
}
