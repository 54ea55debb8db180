package client_test

import (
	"context"
	"fmt"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"rollcall.example/client"
	"rollcall.example/imcode"
	"rollcall.example/wire"
)

// asked asks for the list, and lets the app hear what it is and after how long.
func (d *device) asked(ctx context.Context) {
	began := time.Now()
	go func() {
		page, err := d.Conversations(ctx, client.ListOptions{Count: 10})
		got := outcome(err)
		if err == nil {
			got = fmt.Sprintf("%d listed, complete %v", len(page.Conversations), page.Complete)
		}
		d.events <- fmt.Sprintf("%s after %v", got, time.Since(began))
	}()
	synctest.Wait()
}

// Who asks for the list of a device that never had it gets it when it has come.
func TestTheFirstListIsWaitedFor(t *testing.T) {
	story(t, func(t *testing.T, p *peer) {
		d, l := p.inChat(client.Options{})
		l.sync(0)
		d.asked(t.Context())
		time.Sleep(time.Second)
		l.answer(&wire.ServerFrame{Body: &wire.ServerFrame_Sync{Sync: &wire.SyncAnswer{
			Change: 4, More: true, Conversations: []*wire.Conversation{with("carol", 4, 1, said("carol", 3, "older"))},
		}}})
		d.heard("new [carol(1 unread)]", "unread 1")
		l.sync(4)
		time.Sleep(time.Second)
		l.synced(20, with("bob", 20, 2, said("bob", 8, "hello")))
		d.hasHeard("2 listed, complete true after 2s")
		d.asked(t.Context()) // the messages are on their way
		d.heard("2 listed, complete true after 0s")
	})
}

// Calls that ask for one conversation, or a sum over all, wait as well.
func TestWhatIsOfTheFirstListIsWaitedFor(t *testing.T) {
	story(t, func(t *testing.T, p *peer) {
		d, l := p.inChat(client.Options{})
		l.sync(0)
		done := make(chan string, 2)
		go func() {
			x, err := d.Conversation(t.Context(), "c2c_bob")
			done <- fmt.Sprint(x.Unread, outcome(err))
		}()
		go func() {
			n, err := d.TotalUnread(t.Context())
			done <- fmt.Sprint(n, outcome(err))
		}()
		synctest.Wait()
		if len(done) > 0 {
			t.Fatalf("not waited for: %s", <-done)
		}
		l.synced(20, with("bob", 20, 2, said("bob", 8, "hello")))
		for range 2 {
			d.same("unread", <-done, fmt.Sprint(2, outcome(nil)))
		}
		d.forget()
	})
}

func TestTheFirstListDoesNotCome(t *testing.T) {
	for _, tt := range []struct {
		name string
		end  func(*device, *line)
		want string
	}{
		{"no answer", func(*device, *line) { time.Sleep(9 * time.Second) }, "0 listed, complete false after 10s"},
		{"the connection is lost", func(_ *device, l *line) { l.cut() }, "0 listed, complete false after 1s"},
		{"the server is busy", func(_ *device, l *line) { l.refuse(imcode.TooManyRequests, time.Minute) }, "0 listed, complete false after 1s"},
		{"the server has no messages", func(_ *device, l *line) { l.refuse(imcode.UnknownRequest, 0) }, "0 listed, complete false after 1s"},
		{"a kick", func(_ *device, l *line) {
			l.send(l.notice(&wire.Notice{Session: 1, Reason: wire.Reason_REASON_OPERATOR}))
		}, "0 listed, complete false after 1s"},
		{"a logout", func(d *device, _ *line) { d.logout() }, "6014 after 1s"},
		{"another account", func(d *device, _ *line) { d.login("carol", sig("carol", time.Hour)) }, "6014 after 1s"},
		{"the client is closed", func(d *device, _ *line) { _ = d.Close() }, "6013 after 1s"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			story(t, func(t *testing.T, p *peer) {
				d, l := p.inChat(client.Options{})
				l.sync(0)
				d.asked(t.Context())
				time.Sleep(time.Second)
				tt.end(d, l)
				synctest.Wait()
				d.hasHeard(tt.want)
			})
		})
	}
}

// hasHeard fails unless this is among what the app has heard.
func (d *device) hasHeard(want string) {
	d.t.Helper()
	if all := d.forget(); !slices.Contains(all, want) {
		d.t.Errorf("heard %q, want %q among it", all, want)
	}
}

// A context that ends gives up waiting.
func TestTheFirstListIsGivenUp(t *testing.T) {
	story(t, func(t *testing.T, p *peer) {
		d, l := p.inChat(client.Options{})
		l.sync(0)
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if _, err := d.Conversations(ctx, client.ListOptions{Count: 10}); err != context.DeadlineExceeded { //nolint:errorlint // it is this one
			t.Errorf("%v, want the context's error", err)
		}
		l.synced(0)
		d.heard("synced")
	})
}

// While the server is not asked, or has said that it is to be asked later, nobody waits.
func TestNobodyWaitsForAListThatIsNotOnItsWay(t *testing.T) {
	story(t, func(t *testing.T, p *peer) {
		p.chat = true
		d := p.open(client.Options{})
		d.hearsChat()
		d.login("alice", sig("alice", 24*time.Hour))
		l := p.accept()
		l.login()
		d.forget()
		d.asked(t.Context())
		d.heard("0 listed, complete false after 0s") // logging in
		l.grant(1, 1)
		l.sync(0)
		l.refuse(imcode.TooManyRequests, time.Minute)
		d.forget()
		d.asked(t.Context())
		d.heard("0 listed, complete false after 0s")
		l.cut()
		d.forget()
		d.asked(t.Context())
		d.heard("0 listed, complete false after 0s")
	})
}

// A device that once had the list gives it at once, however old it is.
func TestAListThatIsHereIsNotWaitedFor(t *testing.T) {
	story(t, func(t *testing.T, p *peer) {
		dir := t.TempDir()
		p.withHello(dir)
		d, _ := p.back(dir)
		d.asked(t.Context()) // what has changed meanwhile is not answered yet
		d.hasHeard("1 listed, complete true after 0s")
	})
}

// A callback may wait, too.
func TestTheFirstListInACallback(t *testing.T) {
	story(t, func(t *testing.T, p *peer) {
		p.chat = true
		d := p.open(client.Options{})
		d.AddListener(client.Listener{SyncStart: func() { d.events <- d.list() }})
		d.login("alice", sig("alice", 24*time.Hour))
		l := p.accept()
		l.login()
		l.grant(1, 1)
		l.sync(0)
		d.forget()
		l.synced(20, with("bob", 20, 2, said("bob", 8, "hello")))
		synctest.Wait()
		d.hasHeard("c2c_bob")
	})
}
