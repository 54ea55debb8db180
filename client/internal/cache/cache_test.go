package cache

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"testing"

	sqlite "modernc.org/sqlite"

	"rollcall.example/wire"
)

// filled is a cache with a conversation of some messages and a draft.
func filled(t *testing.T, path string) *Cache {
	t.Helper()
	c, err := Open(path, "alice", "alice")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	if _, err := c.TakeSync(0, &wire.SyncAnswer{}, 1); err != nil {
		t.Fatal(err)
	}
	s := newServer()
	for range 50 {
		if _, err := c.TakeChange(s.send("bob", "bob"), nobodys); err != nil {
			t.Fatal(err)
		}
	}
	if ok, err := c.SetDraft("bob", "I was", 1); !ok || err != nil {
		t.Fatal(ok, err)
	}
	return c
}

func TestWhatIsThereIsThereAgain(t *testing.T) {
	path := filepath.Join(t.TempDir(), "cache", "x.db")
	must(t, filled(t, path).Close())
	c, err := Open(path, "alice", "alice")
	must(t, err)
	defer c.Close()
	if st := c.State(); st.Change != 50 || !st.Synced || c.Remade {
		t.Errorf("%+v, remade: %v", st, c.Remade)
	}
	x, ok, err := c.Conversation("bob")
	if err != nil || !ok || x.Draft != "I was" || x.GetLastSequence() != 50 {
		t.Errorf("%+v, %v, %v", x, ok, err)
	}
	p, err := c.Page("bob", 0, 0, 100)
	if err != nil || len(p.Messages) != 50 || !p.End {
		t.Errorf("%d messages, end: %v, %v", len(p.Messages), p.End, err)
	}
	for name, mode := range map[string]os.FileMode{path: 0o600, filepath.Dir(path): 0o700 | os.ModeDir} {
		if info, err := os.Stat(name); err != nil || info.Mode() != mode {
			t.Errorf("%s: %v, %v, want %v", name, info.Mode(), err, mode)
		}
	}
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func TestWhatCannotBeUsedIsMadeAnew(t *testing.T) {
	for _, tt := range []struct {
		name  string
		owner string
		spoil func(t *testing.T, path string)
	}{
		{"no database", "alice", func(t *testing.T, path string) {
			t.Helper()
			must(t, os.WriteFile(path, []byte("this was never a database, and is long enough to be seen as none"), 0o600))
		}},
		{"a damaged head", "alice", func(t *testing.T, path string) {
			t.Helper()
			b, err := os.ReadFile(path)
			must(t, err)
			copy(b[100:], make([]byte, 4000))
			must(t, os.WriteFile(path, b, 0o600))
		}},
		{"an older layout", "alice", func(t *testing.T, path string) {
			t.Helper()
			layout(t, path, 0)
		}},
		{"somebody else's", "bob", func(*testing.T, string) {}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "x.db")
			must(t, filled(t, path).Close())
			tt.spoil(t, path)
			c, err := Open(path, tt.owner, "alice")
			must(t, err)
			defer c.Close()
			if !c.Remade || c.State() != (State{}) {
				t.Errorf("remade: %v, %+v", c.Remade, c.State())
			}
			if n, err := c.TotalUnread(); n != 0 || err != nil {
				t.Errorf("%d unread, %v", n, err)
			}
		})
	}
}

// layout sets the number of a file's layout.
func layout(t *testing.T, path string, n int) {
	t.Helper()
	c, err := Open(path, "alice", "alice")
	must(t, err)
	defer c.Close()
	_, err = c.conn.ExecContext(t.Context(), fmt.Sprintf(`PRAGMA user_version = %d`, n))
	must(t, err)
}

func TestANewerLayoutIsLeftAlone(t *testing.T) {
	path := filepath.Join(t.TempDir(), "x.db")
	must(t, filled(t, path).Close())
	layout(t, path, version+1)
	if _, err := Open(path, "alice", "alice"); !errors.Is(err, ErrNewer) {
		t.Fatalf("%v, want %v", err, ErrNewer)
	}
	if info, err := os.Stat(path); err != nil || info.Size() < 10_000 {
		t.Errorf("it was touched: %v, %v", info.Size(), err)
	}
}

// What is damaged further in is found when it is read.
func TestDamageIsFound(t *testing.T) {
	path := filepath.Join(t.TempDir(), "x.db")
	must(t, filled(t, path).Close())
	b, err := os.ReadFile(path)
	must(t, err)
	for i := 2 * 4096; i < len(b); i += 4096 {
		copy(b[i:], make([]byte, 200))
	}
	must(t, os.WriteFile(path, b, 0o600))
	c, err := Open(path, "alice", "alice")
	if Damaged(err) || err == nil && c.Remade {
		return // found at once
	}
	must(t, err)
	defer c.Close()
	if p, err := c.Page("bob", 0, 0, 100); !Damaged(err) {
		t.Errorf("a page of %d messages, %v, want damage", len(p.Messages), err)
	}
}

// On a full disk nothing is taken, and what is there can be read.
func TestFullDisk(t *testing.T) {
	const full = 13
	c := filled(t, filepath.Join(t.TempDir(), "x.db"))
	var pages int
	must(t, c.conn.QueryRowContext(context.Background(), `PRAGMA page_count`).Scan(&pages))
	_, err := c.conn.ExecContext(context.Background(), fmt.Sprintf(`PRAGMA max_page_count = %d`, pages))
	must(t, err)
	s := newServer()
	s.change = 50
	before := c.State()
	var seen error
	for i := 0; i < 200 && seen == nil; i++ {
		before = c.State()
		_, seen = c.TakeChange(s.send("carol", "carol"), nobodys)
	}
	if e, ok := errors.AsType[*sqlite.Error](seen); !ok || e.Code() != full || Damaged(seen) {
		t.Fatalf("%v, want a full disk", seen)
	}
	if c.State() != before {
		t.Errorf("%+v, want %+v", c.State(), before)
	}
	if p, err := c.Page("bob", 0, 0, 100); err != nil || len(p.Messages) != 50 {
		t.Errorf("%d messages, %v", len(p.Messages), err)
	}
}

// A server that was set back knows less than it once said.
func TestAServerThatWasSetBack(t *testing.T) {
	c := filled(t, "")
	if _, err := c.TakeSync(50, &wire.SyncAnswer{Change: 49}, 1); !errors.Is(err, ErrForeign) {
		t.Errorf("%v, want %v", err, ErrForeign)
	}
}

// Whatever a server says, nothing breaks.
func FuzzServerSays(f *testing.F) {
	s := newServer()
	for _, ch := range []*wire.Change{s.send("bob", "bob"), s.recall("bob", 1), s.removeAll("bob")} {
		b, err := wire.Proto.Encode(ch)
		must(f, err)
		page, err := wire.Proto.Encode(s.page(Fetch{Peer: "bob"}, 3))
		must(f, err)
		list, err := wire.Proto.Encode(s.sync(0, 0, 3))
		must(f, err)
		f.Add(b, list, page, uint64(0), uint64(0))
	}
	f.Fuzz(func(t *testing.T, change, list, page []byte, before, after uint64) {
		c, err := Open("", "alice", "alice")
		must(t, err)
		defer c.Close()
		sa, ch, ma := new(wire.SyncAnswer), new(wire.Change), new(wire.MessagesAnswer)
		if wire.Proto.Decode(list, sa) != nil || wire.Proto.Decode(change, ch) != nil || wire.Proto.Decode(page, ma) != nil {
			return
		}
		fine := func(err error) {
			t.Helper()
			if err != nil && !errors.Is(err, ErrForeign) {
				t.Fatal(err)
			}
		}
		_, err = c.TakeSync(0, sa, 1)
		fine(err)
		_, err = c.TakeChange(ch, nobodys)
		fine(err)
		for range 3 {
			next, ok, err := c.Behind()
			fine(err)
			if !ok {
				break
			}
			_, _, err = c.TakeMessages(next, ma, nobodys)
			fine(err)
		}
		peer := ch.GetConversation().GetPeer()
		_, _, err = c.TakeMessages(Fetch{Peer: peer, Before: before, After: after, Last: 5}, ma, nobodys)
		fine(err)
		_, err = c.Page(peer, min(before, maxSequence), 0, 10)
		fine(err)
		_, err = c.Page(peer, 0, min(after, maxSequence), 10)
		fine(err)
		all, err := c.Untold(10)
		fine(err)
		for _, x := range all {
			_, err = c.Told(x.View.GetPeer(), x.Message.GetSequence())
			fine(err)
		}
		_, err = c.Conversations(0, 10)
		fine(err)
	})
}
