package server_test

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"rollcall.example"
	"rollcall.example/imcode"
	"rollcall.example/internal/apps"
	"rollcall.example/internal/chat"
	"rollcall.example/internal/gateway"
	"rollcall.example/internal/memnet"
	"rollcall.example/internal/node"
	"rollcall.example/internal/policy"
	"rollcall.example/internal/session"
	"rollcall.example/internal/store"
	"rollcall.example/internal/store/sqlite"
	"rollcall.example/internal/talk"
	"rollcall.example/server"
	"rollcall.example/wire"
)

// A balky store is a store that fails, or waits, as a test tells it to.
type balky struct {
	*sqlite.Store

	mu       sync.Mutex
	unseeing bool              // nobody is due
	before   error             // instead of anything happening
	after    error             // although all of it happened
	wait     rollcall.DeviceID // whose next granted request waits after its commit
	hold     <-chan struct{}   // for this
	takes    time.Duration     // each request, one at a time
	turn     chan struct{}
	talk     <-chan struct{} // for which the next request about a conversation waits

	changes atomic.Int64 // requests that it was given
	busy    atomic.Int64 // logins that were told to come back
}

// slow makes each request from now on take so long, one after the other.
func (b *balky) slow(takes time.Duration) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.takes = takes
}

var errBalky = errors.New("the store balks")

// waitToTalk makes the next request about a conversation wait for hold, before it
// comes to the store.
func (b *balky) waitToTalk(hold <-chan struct{}) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.talk = hold
}

// Converse implements store.Chat.
func (b *balky) Converse(ctx context.Context, q store.Conversing, rule store.TalkRule, then func(talk.Outcome)) (talk.Outcome, error) {
	b.mu.Lock()
	before, after, hold := b.before, b.after, b.talk
	b.talk = nil
	b.mu.Unlock()
	if before != nil {
		return talk.Outcome{}, before
	}
	if hold != nil {
		<-hold
	}
	if after != nil {
		then = func(talk.Outcome) {}
	}
	o, err := b.Store.Converse(ctx, q, rule, then)
	if err == nil {
		err = after
	}
	return o, err
}

// waitOnce makes the device's next request that is granted wait for hold, between
// its commit and its answer.
func (b *balky) waitOnce(device rollcall.DeviceID, hold <-chan struct{}) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.wait, b.hold = device, hold
}

func (b *balky) fail(before, after error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.before, b.after = before, after
}

// Mutate implements session.Store.
func (b *balky) Mutate(ctx context.Context, a rollcall.Account, rule store.Rule) (policy.Outcome, error) {
	b.mu.Lock()
	b.changes.Add(1)
	before, after, takes := b.before, b.after, b.takes
	b.mu.Unlock()
	if takes > 0 {
		b.turn <- struct{}{}
		time.Sleep(takes)
		<-b.turn
	}
	if before != nil {
		return policy.Outcome{}, before
	}
	o, err := b.Store.Mutate(ctx, a, rule)
	if err == nil {
		err = after
	}
	b.mu.Lock()
	waits := b.wait != "" && err == nil && o.Answer == policy.Granted && o.Session.Device == b.wait
	hold := b.hold
	if waits {
		b.wait = ""
	}
	b.mu.Unlock()
	if waits {
		<-hold
	}
	return o, err
}

// NotePeaks implements session.Store.
func (b *balky) NotePeaks(ctx context.Context, all []store.Peak) error {
	b.mu.Lock()
	before := b.before
	b.mu.Unlock()
	if before != nil {
		return before
	}
	return b.Store.NotePeaks(ctx, all)
}

// blind keeps from now on who is due to itself.
func (b *balky) blind() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.unseeing = true
}

// Due implements session.Store.
func (b *balky) Due(ctx context.Context, now time.Time, limit int) (due []rollcall.Account, next time.Time, err error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.unseeing {
		return nil, time.Time{}, nil
	}
	return b.Store.Due(ctx, now, limit)
}

// balkyStory is a story on a server whose store is a balky one.
func balkyStory(t *testing.T, tell func(t *testing.T, w *world, b *balky)) {
	t.Helper()
	balkyStoryBehind(t, gateway.DoorOptions{}, 0, tell)
}

// balkyStoryBehind is one on a server with a door, and a wait for logins, of its own.
func balkyStoryBehind(t *testing.T, door gateway.DoorOptions, loginWait time.Duration, tell func(t *testing.T, w *world, b *balky)) {
	t.Helper()
	dir := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		st, err := sqlite.Open(ctx, dir, sqlite.Options{Node: "local"})
		if err != nil {
			t.Fatal(err)
		}
		a, err := apps.Load(ctx, st, apps.Options{})
		if err != nil {
			t.Fatal(err)
		}
		w := &world{t: t, net: &memnet.Network{}, log: &journal{}}
		if w.key, err = a.Add(ctx, app, "test", ""); err != nil {
			t.Fatal(err)
		}
		log := slog.New(slog.NewTextHandler(w.log, nil))
		b := &balky{Store: st, turn: make(chan struct{}, 1)}
		roster := node.NewRoster()
		sessions := session.New(b, a, roster, session.Options{
			Log: log, LoginWait: loginWait, OnLogin: func(c imcode.Code) {
				if c == imcode.Internal {
					b.busy.Add(1)
				}
			},
		})
		g := gateway.New(sessions, chat.New(b, a, roster, sessions, chat.Options{Log: log}), gateway.Options{Log: log})
		srv := &http.Server{Handler: g, ReadHeaderTimeout: time.Second, ConnContext: gateway.ConnContext}
		l := gateway.NewDoor(w.listen(host), door)
		var running sync.WaitGroup
		running.Go(func() { _ = sessions.Run(ctx) })
		running.Go(func() { _ = sessions.CountOnline(ctx) })
		running.Go(func() { _ = srv.Serve(l) })
		tell(t, w, b)
		g.Drain(ctx, time.Second)
		_ = srv.Close()
		l.Wait()
		cancel()
		running.Wait()
		if err := st.Close(); err != nil {
			t.Error(err)
		}
	})
}

// stateIn is what the balky store has of an account.
func stateIn(t *testing.T, b *balky, user string) policy.State {
	t.Helper()
	s, err := b.State(t.Context(), account(user))
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestAStoreThatFailsIs70500WithARetryAfterAndNothingHalf(t *testing.T) {
	balkyStory(t, func(t *testing.T, w *world, b *balky) {
		full := errors.New("disk full in /var/lib/secret-place")
		d := w.device("alice", "phone", rollcall.Android)
		p := w.connect()
		b.fail(full, nil)
		r := p.refused(d.attempt(), imcode.Internal)
		if r.GetRetryAfterMs() == 0 {
			t.Error("70500 came without a retry-after")
		}
		if got := r.GetText(); got == "" || strings.Contains(got, "secret-place") {
			t.Errorf("70500 says %q", got)
		}
		if s := stateIn(t, b, "alice"); s.Exists() || len(s.Sessions)+len(s.Tries) != 0 {
			t.Errorf("a login that failed left %+v", s)
		}
		b.fail(nil, nil)
		d.granted(p.ask(d.again())) // the same connection goes on

		b.fail(full, nil)
		p.refused(&wire.RenewRequest{UserSig: w.sig("alice", 48*time.Hour)}, imcode.Internal)
		p.refused(d.logout(), imcode.Internal)
		q := w.connect()
		q.refused(d.resume(), imcode.Internal)
		b.fail(nil, nil)
		d.granted(q.ask(d.resume()))
		p.closed(wire.CloseSuperseded)
		if f := q.ask(d.logout()); !f.GetLogout().GetKnown() {
			t.Errorf("the logout was answered with %v", f)
		}
	})
}

func TestACommitWhoseAnswerIsUnknownIsFoundByTheRetry(t *testing.T) {
	balkyStory(t, func(t *testing.T, w *world, b *balky) {
		d := w.device("alice", "phone", rollcall.Android)
		p := w.connect()
		b.fail(nil, errors.New("the disk failed while committing"))
		p.refused(d.attempt(), imcode.Internal)
		b.fail(nil, nil)
		s := d.granted(p.ask(d.again()))
		if s.GetSession() != 1 || s.GetConnection() != 2 {
			t.Errorf("session %d, connection %d; want 1 and 2", s.GetSession(), s.GetConnection())
		}
	})
}

func TestADisconnectThatTheStoreCouldNotTakeIsMadeUpFor(t *testing.T) {
	balkyStory(t, func(t *testing.T, w *world, b *balky) {
		d := w.device("alice", "tab", rollcall.Web)
		p := d.online()
		b.fail(errors.New("disk full"), nil)
		p.hangUp()
		synctest.Wait()
		b.fail(nil, nil)
		time.Sleep(2 * time.Minute)
		synctest.Wait()
		if x := stateIn(t, b, "alice").Sessions; len(x) != 0 {
			t.Errorf("a tab that left while the disk was full is still %+v after 2 minutes", x)
		}
	})
}

func TestAKickDuringAPendingLoginIsItsAnswer(t *testing.T) {
	balkyStory(t, func(t *testing.T, w *world, b *balky) {
		hold := make(chan struct{})
		b.waitOnce("slow", hold)
		slow := w.device("alice", "slow", rollcall.Android)
		p := w.connect()
		id := p.send(slow.attempt())
		synctest.Wait() // its login is committed, and not answered
		fast := w.device("alice", "fast", rollcall.Android)
		q := fast.online()
		close(hold)
		f := p.read()
		if n := f.GetNotice(); f.GetId() != id || n.GetSession() != 1 || n.GetReason() != wire.Reason_REASON_NEWER_LOGIN || n.GetBySession() != 2 {
			t.Errorf("the login was answered with %v, want a notice under id %d", f, id)
		}
		p.send(&wire.Acknowledgement{Session: 1})
		p.closed(wire.CloseKicked)
		synctest.Wait()
		if rows := stateIn(t, b, "alice").Kicks; len(rows) != 0 {
			t.Errorf("%d kick rows after the acknowledgement, want 0", len(rows))
		}
		q.silent(time.Second)
	})
}

func TestARetryServedBeforeTheFirstTrySupersedesIt(t *testing.T) {
	balkyStory(t, func(t *testing.T, w *world, b *balky) {
		hold := make(chan struct{})
		b.waitOnce("phone", hold)
		d := w.device("alice", "phone", rollcall.Android)
		first := w.connect()
		first.send(d.attempt())
		synctest.Wait()
		second := w.connect()
		if s := d.granted(second.ask(d.again())); s.GetConnection() != 2 {
			t.Errorf("connection %d, want 2", s.GetConnection())
		}
		close(hold)
		if c := first.closed(wire.CloseSuperseded); c.Connection != 2 {
			t.Errorf("closed naming connection %d, want 2", c.Connection)
		}
		second.silent(time.Second)
	})
}

func TestALogoutDuringAPendingLoginEndsItWithoutAWord(t *testing.T) {
	balkyStory(t, func(t *testing.T, w *world, b *balky) {
		hold := make(chan struct{})
		b.waitOnce("phone", hold)
		d := w.device("alice", "phone", rollcall.Android)
		p := w.connect()
		p.send(d.attempt())
		synctest.Wait()
		if f := w.connect().ask(d.logout()); !f.GetLogout().GetKnown() {
			t.Errorf("the logout was answered with %v", f)
		}
		close(hold)
		p.closed(wire.CloseLoggedOut)
	})
}

func TestTheServerEndsWellWhenItsStoreIsGone(t *testing.T) {
	story(t, server.Config{}, func(t *testing.T, w *world) {
		d := w.device("alice", "phone", rollcall.Android)
		p := d.online()
		if err := w.server.Store().Close(); err != nil {
			t.Fatal(err)
		}
		p.refused(&wire.RenewRequest{UserSig: w.sig("alice", 48*time.Hour)}, imcode.Internal)
		w.connect().refused(w.device("bob", "phone", rollcall.Android).attempt(), imcode.Internal)
		if status, _ := w.ops("/readyz"); status != http.StatusServiceUnavailable {
			t.Errorf("/readyz answers %d without a store, want 503", status)
		}
		if status, _ := w.ops("/healthz"); status != http.StatusOK {
			t.Errorf("/healthz answers %d, want 200", status)
		}
		w.stop()
		p.closed(wire.CloseDrain)
	})
}
