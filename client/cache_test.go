package client_test

import (
	"database/sql"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"rollcall.example/client"
	"rollcall.example/imcode"
	"rollcall.example/wire"
)

// cacheFile is the one cache in a data directory.
func cacheFile(t *testing.T, dir string) string {
	t.Helper()
	all, err := filepath.Glob(filepath.Join(dir, "cache", "*.db"))
	if err != nil || len(all) != 1 {
		t.Fatalf("caches %v, %v, want one", all, err)
	}
	return all[0]
}

// withHello is alice's device with a conversation of one message, closed again.
func (p *peer) withHello(dir string) {
	p.t.Helper()
	d, l := p.inChat(client.Options{DataDirectory: dir})
	l.sync(0)
	l.synced(0)
	hello := said("bob", 1, "hello")
	l.push(change(with("bob", 1, 1, hello), hello))
	d.heard("synced", "c2c_bob 1: hello", "new [bob(1 unread)]", "unread 1")
	_ = d.Close()
}

// back is alice's device again, whose login is granted.
func (p *peer) back(dir string) (*device, *line) {
	p.t.Helper()
	d := p.open(client.Options{DataDirectory: dir})
	d.hearsChat()
	d.login("alice", sig("alice", 24*time.Hour))
	l := p.accept()
	l.login()
	l.grant(2, 1)
	return d, l
}

func TestADamagedCacheIsFilledByTheServer(t *testing.T) {
	story(t, func(t *testing.T, p *peer) {
		dir := t.TempDir()
		p.withHello(dir)
		if err := os.WriteFile(cacheFile(t, dir), []byte(strings.Repeat("garbage ", 1000)), 0o600); err != nil {
			t.Fatal(err)
		}
		hello := said("bob", 1, "hello")
		time.Sleep(time.Second)
		d, l := p.back(dir)
		d.heard("connecting", "connected", "login ok", "sync")
		l.sync(0)
		l.synced(1, with("bob", 1, 1, hello))
		d.heard("new [bob(1 unread)]", "unread 1", "synced") // and no message: it was told
		d.same("the list", d.list(), "c2c_bob")
	})
}

func TestANewerCacheIsLeftAloneUntilItIsWiped(t *testing.T) {
	story(t, func(t *testing.T, p *peer) {
		dir := t.TempDir()
		p.withHello(dir)
		path := cacheFile(t, dir)
		b, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		b[63] = 99 // the lowest byte of SQLite's user_version
		if err := os.WriteFile(path, b, 0o600); err != nil {
			t.Fatal(err)
		}
		d, l := p.back(dir)
		d.heard("connecting", "connected", "login ok")
		d.same("the list", d.list(), "6019")
		if len(l.frames) > 0 {
			t.Errorf("it asks %v", l.next())
		}
		again := said("bob", 2, "again")
		l.push(change(with("bob", 2, 2, again), again))
		d.heard()
		time.Sleep(time.Second)
		if err := d.WipeCache("alice"); err != nil {
			t.Fatal(err)
		}
		d.heard("sync")
		l.sync(0)
		time.Sleep(time.Second)
		l.synced(2, with("bob", 2, 2, again))
		d.heard("new [bob(2 unread)]", "unread 2", "synced")
		d.same("the list", d.list(), "c2c_bob")
	})
}

// What comes while the cache is damaged makes it anew.
func TestDamageWhileSomebodyIsIn(t *testing.T) {
	story(t, func(t *testing.T, p *peer) {
		dir := t.TempDir()
		p.withHello(dir)
		spoilMessages(t, cacheFile(t, dir))
		d, l := p.back(dir)
		d.heard("connecting", "connected", "login ok", "sync")
		l.sync(1)
		l.synced(1) // it has not noticed yet
		again := said("bob", 2, "again")
		l.push(change(with("bob", 2, 2, again), again))
		d.heard("synced", "sync")
		l.sync(0)
		hello := said("bob", 1, "hello")
		time.Sleep(time.Second)
		l.synced(1, with("bob", 1, 1, hello))
		d.same("the list", d.list(), "c2c_bob")
	})
}

// spoilMessages overwrites the beginning of the messages in a cache.
func spoilMessages(t *testing.T, path string) {
	t.Helper()
	db, err := sql.Open("sqlite", path)
	if err != nil {
		t.Fatal(err)
	}
	var page, size int64
	err = db.QueryRowContext(t.Context(), `SELECT rootpage, page_size FROM sqlite_schema, pragma_page_size WHERE name = 'message'`).Scan(&page, &size)
	if err = errors.Join(err, db.Close()); err != nil {
		t.Fatal(err)
	}
	f, err := os.OpenFile(path, os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	_, err = f.WriteAt(make([]byte, 200), (page-1)*size)
	if err = errors.Join(err, f.Close()); err != nil {
		t.Fatal(err)
	}
}

// A message that is damaged on disk is a gap, which the next call with a connection
// fills; drafts and all else stay.
func TestADamagedMessageIsAskedForAgain(t *testing.T) {
	story(t, func(t *testing.T, p *peer) {
		dir := t.TempDir()
		d, l := p.inChat(client.Options{DataDirectory: dir})
		l.sync(0)
		l.synced(0)
		var all []*wire.Message
		for i := range uint64(5) {
			m := said("bob", i+1, fmt.Sprint("hello ", i+1))
			l.push(change(with("bob", i+1, uint32(i+1), m), m))
			all = append(all, m)
		}
		if err := d.SetDraft("c2c_bob", "I was about"); err != nil {
			t.Fatal(err)
		}
		d.forget()
		_ = d.Close()
		path := cacheFile(t, dir)
		b, err := os.ReadFile(path)
		if err != nil || strings.Count(string(b), "hello 3") != 1 {
			t.Fatal("the file has it not once", err)
		}
		b[strings.Index(string(b), "hello 3")] ^= 1 << 4
		if err := os.WriteFile(path, b, 0o600); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Second)
		d, l = p.back(dir)
		l.sync(5)
		l.synced(5)
		d.same("on the device", d.history("c2c_bob", client.Page{Local: true}), "1:hello 1 2:hello 2 4:hello 4 5:hello 5 [3-3]")
		var read string
		done := make(chan struct{})
		go func() { read = d.history("c2c_bob", client.Page{}); close(done) }()
		l.page(0, 0)
		l.pages(true, all...)
		<-done
		d.same("with the server", read, "1:hello 1 2:hello 2 3:hello 3 4:hello 4 5:hello 5 .")
		d.forget()
		if x, err := d.Conversation(t.Context(), "c2c_bob"); err != nil || x.Draft != "I was about" {
			t.Errorf("the draft is %q, %v", x.Draft, err)
		}
	})
}

func TestWipe(t *testing.T) {
	story(t, func(t *testing.T, p *peer) {
		dir := t.TempDir()
		p.withHello(dir)
		d := p.open(client.Options{DataDirectory: dir})
		for _, user := range []string{"alice", "alice", "bob"} {
			if err := d.WipeCache(user); err != nil {
				t.Fatal(err)
			}
		}
		if all, _ := filepath.Glob(filepath.Join(dir, "cache", "*")); len(all) > 0 {
			t.Errorf("left: %v", all)
		}
		_ = d.Close()
		if err := d.WipeCache("alice"); imcode.Of(err) != imcode.NotInitialized {
			t.Errorf("closed: %v", err)
		}
	})
}

// became is what a sync says of bob's messages.
func (l *line) became(change uint64, v *wire.Conversation, x *wire.Alterations) {
	l.t.Helper()
	x.Peer = v.GetPeer()
	l.answer(&wire.ServerFrame{Body: &wire.ServerFrame_Sync{Sync: &wire.SyncAnswer{
		Change: change, Conversations: []*wire.Conversation{v}, Alterations: []*wire.Alterations{x},
	}}})
}

// returned is alice's device with 30 messages of bob's, which has lost its connection
// and is back, and asks what it has missed.
func (p *peer) returned(o client.Options) (*device, *line) {
	p.t.Helper()
	d, l := p.inChat(o)
	l.sync(0)
	l.synced(0)
	for i := range uint64(30) {
		m := said("bob", i+1, "x")
		l.push(change(with("bob", i+1, uint32(i+1), m), m))
	}
	d.forget()
	l.cut()
	l = p.acceptWithin(time.Second)
	l.resume()
	l.grant(1, 2)
	d.heard("connecting", "connected", "sync")
	f := l.next()
	if q := f.GetSync(); q.GetSince() != 30 || q.GetAlteredSince() != 30 {
		p.t.Fatalf("got %v, want a question for what has changed since 30", f)
	}
	return d, l
}

// What was recalled or deleted elsewhere while this device was away it hears when it
// is back, and asks for nothing more.
func TestRecalledMeanwhile(t *testing.T) {
	story(t, func(t *testing.T, p *peer) {
		d, l := p.returned(client.Options{})
		l.became(34, with("bob", 34, 30, said("bob", 30, "x")), &wire.Alterations{Recalled: []uint64{2, 29, 31}, Deleted: []uint64{1, 27, 28, 29, 77}})
		d.heard(`c2c_bob 2 recalled: ""`, "changed [bob(30 unread)]", "synced")
		d.same("the beginning", d.history("c2c_bob", client.Page{Local: true, After: 1, Count: 2}), "2:recalled 3:x")
		d.same("the end", d.history("c2c_bob", client.Page{Local: true, Count: 3}), "25:x 26:x 30:x")
		if len(l.frames) > 0 {
			t.Errorf("it asks for more: %v", l.next())
		}
	})
}

// When it may be any message, all that the device has is asked for again, and what the
// server has no more is gone.
func TestAnyMessageMeanwhile(t *testing.T) {
	story(t, func(t *testing.T, p *peer) {
		d, l := p.returned(client.Options{})
		l.became(40, with("bob", 40, 30, said("bob", 30, "x")), &wire.Alterations{All: true})
		d.heard("changed [bob(30 unread)]")
		l.page(31, 0)
		gone := said("bob", 29, "")
		gone.Content, gone.Recalled = nil, true
		l.pages(true, said("bob", 11, "x"), gone, said("bob", 30, "x"))
		d.heard(`c2c_bob 29 recalled: ""`, "synced")
		d.same("what is left", d.history("c2c_bob", client.Page{Local: true}), "11:x 29:recalled 30:x .")
	})
}

// A page that was made before a recall of which the device has heard is asked for again.
func TestAPageThatIsOutOfDate(t *testing.T) {
	story(t, func(t *testing.T, p *peer) {
		one, two := said("bob", 1, "one"), said("bob", 2, "two")
		time.Sleep(time.Hour)
		d, l := p.inChat(client.Options{})
		l.sync(0)
		l.synced(2, with("bob", 2, 2, two))
		d.forget()
		var read string
		done := make(chan struct{})
		go func() { read = d.history("c2c_bob", client.Page{}); close(done) }()
		l.page(0, 0)
		gone := said("bob", 1, "")
		gone.Content, gone.Recalled = nil, true
		l.push(change(with("bob", 3, 2, two), gone))
		stale := &wire.MessagesAnswer{Messages: []*wire.Message{one, two}, Complete: true, KeptFrom: 1, Change: 2}
		l.answer(&wire.ServerFrame{Body: &wire.ServerFrame_Messages{Messages: stale}})
		l.page(0, 0)
		fresh := &wire.MessagesAnswer{Messages: []*wire.Message{gone, two}, Complete: true, KeptFrom: 1, Change: 3}
		l.answer(&wire.ServerFrame{Body: &wire.ServerFrame_Messages{Messages: fresh}})
		<-done
		d.same("the page", read, "1:recalled 2:two .")
		d.forget()
	})
}

// A server that is too busy is asked again, when it wants to be.
func TestSyncLater(t *testing.T) {
	story(t, func(t *testing.T, p *peer) {
		d, l := p.inChat(client.Options{})
		l.sync(0)
		l.refuse(imcode.TooManyRequests, time.Minute)
		d.heard("sync failed 60018")
		time.Sleep(59 * time.Second)
		d.heard()
		l.await(time.Minute)
		d.heard("sync")
		l.sync(0)
		time.Sleep(10 * time.Second)
		l.synced(0) // too late
		l.await(time.Minute)
		d.heard("sync failed 9520", "sync")
		l.sync(0)
		l.cut()
		d.heard("sync failed 9508", "connecting")
	})
}

// await waits for the next frame, at most so long.
func (l *line) await(d time.Duration) {
	l.t.Helper()
	for ; len(l.frames) == 0; d -= time.Second / 10 {
		if d < 0 {
			l.t.Fatal("no frame from the client")
		}
		time.Sleep(time.Second / 10)
		synctest.Wait()
	}
}

// Who logs in as somebody else sees nothing of the first, also after a failed login.
func TestNobodyElsesConversations(t *testing.T) {
	story(t, func(t *testing.T, p *peer) {
		d, l := p.inChat(client.Options{DataDirectory: t.TempDir()})
		l.sync(0)
		l.synced(0)
		hello := said("bob", 1, "hello")
		l.push(change(with("bob", 1, 1, hello), hello))
		d.forget()
		d.login("carol", sig("carol", time.Hour))
		d.same("carol's list", d.list(), "")
		d.same("carol's history", d.history("c2c_bob", client.Page{}), "")
		l = p.accept()
		l.logout()
		l.login()
		l.refuse(imcode.AccountDisabled, 0)
		d.same("carol's list", d.list(), "")
		d.login("alice", sig("alice", time.Hour))
		d.same("alice's list", d.list(), "c2c_bob")
		d.same("alice's history", d.history("c2c_bob", client.Page{}), "1:hello .")
		if n, err := d.TotalUnread(t.Context()); n != 1 || err != nil {
			t.Errorf("%d unread, %v", n, err)
		}
	})
}
