package client_test

import (
	"context"
	"fmt"
	"io"
	"path/filepath"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"rollcall.example"
	"rollcall.example/client"
	"rollcall.example/internal/apps"
	"rollcall.example/internal/memnet"
	"rollcall.example/internal/stage"
	"rollcall.example/internal/store"
	"rollcall.example/internal/store/sqlite"
)

// TestAServerThatWasSetBack: after a restore of a backup, clients whose secrets have gone
// on since come in again by themselves, are called no thieves, and hold of conversations
// what the server has: also one that comes when the server has counted further than it had
// before.
func TestAServerThatWasSetBack(t *testing.T) {
	dir, backup := t.TempDir(), filepath.Join(t.TempDir(), "backup.db")
	synctest.Test(t, func(t *testing.T) {
		s, err := stage.Open(dir, stage.Options{})
		must(t, err)
		t.Cleanup(func() { must(t, s.Close()) })
		must(t, s.SetPolicy(apps.Policy{Name: "multi"}))
		w := &setBack{t: t, s: s, server: filepath.Join(dir, "server"), ends: make(chan string, 100)}

		alice, bob, left := w.in("phone", "alice"), w.in("bobs", "bob"), w.in("gone", "dora")
		away := w.enter("tablet", "bob", rollcall.IPad)
		w.say(alice, "bob", 5)
		w.killed(func() { w.backUp(backup) })

		for range 3 { // secrets go on
			for _, device := range []string{"phone", "bobs", "tablet"} {
				s.Endpoint(device).Cut(memnet.Reset)
				s.Endpoint(device).Mend()
			}
			time.Sleep(time.Minute)
		}
		w.say(alice, "bob", 40) // lost, and held by all three
		carol := w.in("carols", "carol")
		must(t, left.Logout(t.Context()))
		w.says(away, "alice", 45)
		s.Endpoint("tablet").Cut(memnet.Unplug)

		w.killed(func() { w.restore(backup) })
		time.Sleep(time.Minute)
		for name, c := range map[string]*client.Client{"alice": alice, "bob": bob, "carol": carol} {
			if c.LoginStatus() != client.StatusLogined {
				t.Errorf("%s is %s a minute after the restore", name, c.LoginStatus())
			}
		}
		sessions(t, s, "dora", 0) // who has logged out stays so
		w.says(alice, "bob", 5)
		w.says(bob, "alice", 5)

		w.say(alice, "bob", 60) // further than it was
		w.says(bob, "alice", 65)
		s.Endpoint("tablet").Mend()
		time.Sleep(10 * time.Minute)
		w.says(away, "alice", 65)
		w.say(away, "alice", 1)
		w.says(alice, "bob", 66)
		if len(w.ends) > 0 {
			t.Errorf("an app was told %q", <-w.ends)
		}
	})
}

// A setBack is a server that is set back, and who is there.
type setBack struct {
	t      *testing.T
	s      *stage.Stage
	server string
	ends   chan string
	said   int
}

func (w *setBack) in(device, user string) *client.Client {
	return w.enter(device, user, rollcall.Android)
}

func (w *setBack) enter(device, user string, p rollcall.Platform) *client.Client {
	w.t.Helper()
	c := enterOn(w.t, w.s, device, user, p)
	c.AddListener(client.Listener{
		KickedOffline:  func(k client.Kick) { w.ends <- fmt.Sprint(user, " is kicked: ", k.Reason) },
		UserSigExpired: func() { w.ends <- user + "'s UserSig has expired" },
	})
	return c
}

func (w *setBack) say(c *client.Client, to rollcall.UserID, n int) {
	w.t.Helper()
	for range n {
		w.said++
		_, err := c.Send(w.t.Context(), client.Outgoing{To: to, Text: fmt.Sprint("message ", w.said)})
		must(w.t, err)
	}
	time.Sleep(time.Second)
	synctest.Wait()
}

// says fails the test unless a client holds messages that are among those that the server
// has, which are so many, and then all of them.
func (w *setBack) says(c *client.Client, peer rollcall.UserID, n int) {
	w.t.Helper()
	read := func(local bool) (all []string, gaps int) {
		page, err := c.Messages(context.Background(), rollcall.ConversationWith(peer), client.Page{Count: 100, Local: local})
		must(w.t, err)
		for _, m := range page.Messages {
			all = append(all, fmt.Sprint(m.Sequence, " ", m.Text))
		}
		return all, len(page.Gaps)
	}
	first, _ := read(true)
	all, _ := read(false)
	then, gaps := read(true)
	if len(all) != n || slices.ContainsFunc(first, func(m string) bool { return !slices.Contains(all, m) }) {
		w.t.Errorf("with %s a client held\n%q\nthe server has, of %d,\n%q", peer, first, n, all)
	}
	if !slices.Equal(then, all) || gaps > 0 {
		w.t.Errorf("with %s a client holds, with %d gaps,\n%q\nthe server has\n%q", peer, gaps, then, all)
	}
}

// killed kills the server, has something done to its directory, and starts it.
func (w *setBack) killed(do func()) {
	w.t.Helper()
	must(w.t, w.s.Kill())
	do()
	must(w.t, w.s.Start())
	time.Sleep(time.Minute)
}

func (w *setBack) backUp(path string) {
	w.t.Helper()
	ctx := context.WithoutCancel(w.t.Context()) // which a bubble may not share
	_, err := sqlite.Backup(ctx, path, false, func(ctx context.Context, begin func(int64) (io.Writer, error)) error {
		return sqlite.Copy(ctx, w.server, begin)
	}, func(store.Progress) {})
	must(w.t, err)
}

func (w *setBack) restore(path string) {
	w.t.Helper()
	ctx := context.WithoutCancel(w.t.Context())
	_, err := sqlite.Restore(ctx, sqlite.Restoring{File: path, Dir: w.server, Over: true, Tell: func(store.Progress) {}})
	must(w.t, err)
}
