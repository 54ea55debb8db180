package client_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"rollcall.example"
	"rollcall.example/client"
	"rollcall.example/imcode"
	"rollcall.example/wire"
)

// hearsChat lets the app of d write down what it hears of messages.
func (d *device) hearsChat() {
	peers := func(all []client.Conversation) (names []string) {
		for _, x := range all {
			names = append(names, fmt.Sprintf("%s(%d unread)", x.Peer, x.Unread))
		}
		return names
	}
	d.AddListener(client.Listener{
		NewMessage: func(m client.Message) { d.events <- fmt.Sprintf("%s %d: %s", m.Conversation, m.Sequence, m.Text) },
		MessageRecalled: func(m client.Message) {
			d.events <- fmt.Sprintf("%s %d recalled: %q", m.Conversation, m.Sequence, m.Text)
		},
		ReadByPeer: func(id rollcall.ConversationID, sequence uint64) {
			d.events <- fmt.Sprintf("%s read to %d", id, sequence)
		},
		ConversationNew:     func(all []client.Conversation) { d.events <- fmt.Sprint("new ", peers(all)) },
		ConversationChanged: func(all []client.Conversation) { d.events <- fmt.Sprint("changed ", peers(all)) },
		ConversationDeleted: func(all []rollcall.ConversationID) { d.events <- fmt.Sprint("deleted ", all) },
		TotalUnreadChanged:  func(n int) { d.events <- fmt.Sprintf("unread %d", n) },
		SyncStart:           func() { d.events <- "sync" },
		SyncFinish:          func() { d.events <- "synced" },
		SyncFailed:          func(code imcode.Code, text string) { d.events <- fmt.Sprintf("sync failed %d", int(code)) },
	})
}

// inChat is a device that alice has just come in on, which hears of messages, and
// her line with a question for what has changed.
func (p *peer) inChat(o client.Options) (*device, *line) {
	p.t.Helper()
	p.chat = true
	d := p.open(o)
	d.hearsChat()
	d.login("alice", sig("alice", 24*time.Hour))
	l := p.accept()
	l.login()
	l.grant(1, 1)
	d.heard("connecting", "connected", "login ok", "sync")
	return d, l
}

// sync is a question for what has changed.
func (l *line) sync(since uint64) {
	l.t.Helper()
	f := l.next()
	if f.GetSync() == nil || f.GetSync().GetSince() != since {
		l.t.Fatalf("got %v, want a question for what has changed since %d", f, since)
	}
}

// synced answers with all that has changed.
func (l *line) synced(change uint64, all ...*wire.Conversation) {
	l.t.Helper()
	l.answer(&wire.ServerFrame{Body: &wire.ServerFrame_Sync{Sync: &wire.SyncAnswer{Change: change, Conversations: all}}})
}

// page is a question for bob's messages.
func (l *line) page(before, after uint64) {
	l.t.Helper()
	f := l.next()
	q := f.GetListMessages()
	if q.GetPeer() != "bob" || q.GetBefore() != before || q.GetAfter() != after {
		l.t.Fatalf("got %v, want a question for bob's messages before %d, after %d", f, before, after)
	}
}

// pages answers it.
func (l *line) pages(complete bool, all ...*wire.Message) {
	l.t.Helper()
	a := &wire.MessagesAnswer{Messages: all, Complete: complete}
	if n := len(all); n > 0 {
		a.FromSequence, a.ToSequence = all[0].GetSequence(), all[n-1].GetSequence()
	}
	l.answer(&wire.ServerFrame{Body: &wire.ServerFrame_Messages{Messages: a}})
}

// said is a message, taken now.
func said(sender string, sequence uint64, text string) *wire.Message {
	return &wire.Message{
		Sequence: sequence, Sender: sender, MessageId: fmt.Sprint("id-", sequence), TimeMs: time.Now().UnixMilli(),
		Content: &wire.Content{Kind: &wire.Content_Text{Text: text}},
	}
}

// with is alice's view of a conversation whose last message is m.
func with(peer string, change uint64, unread uint32, m *wire.Message) *wire.Conversation {
	return &wire.Conversation{Peer: peer, Change: change, LastSequence: m.GetSequence(), LastMessage: m, Unread: unread}
}

// change is one with messages.
func change(v *wire.Conversation, all ...*wire.Message) *wire.Change {
	return &wire.Change{Number: v.GetChange(), Conversation: v, Messages: all}
}

func (l *line) push(c *wire.Change) {
	l.t.Helper()
	l.send(&wire.ServerFrame{Body: &wire.ServerFrame_Change{Change: c}})
}

func (l *line) done(c *wire.Change) {
	l.t.Helper()
	l.answer(&wire.ServerFrame{Body: &wire.ServerFrame_Change{Change: c}})
}

// history is a page as a line: the sequences with what they say, [a-b] for gaps,
// and a full stop at the end.
func (d *device) history(id rollcall.ConversationID, p client.Page) string {
	d.t.Helper()
	if p.Count == 0 {
		p.Count = 10
	}
	page, err := d.Messages(context.Background(), id, p)
	if err != nil {
		return outcome(err)
	}
	var words []string
	for _, m := range page.Messages {
		text := m.Text
		if m.Recalled {
			text = "recalled"
		}
		words = append(words, fmt.Sprintf("%d:%s", m.Sequence, text))
	}
	for _, g := range page.Gaps {
		words = append(words, fmt.Sprintf("[%d-%d]", g.First, g.Last))
	}
	if page.End {
		words = append(words, ".")
	}
	return strings.Join(words, " ")
}

// list is the list of conversations as a line.
func (d *device) list() string {
	d.t.Helper()
	page, err := d.Conversations(context.Background(), client.ListOptions{Count: 10})
	if err != nil {
		return outcome(err)
	}
	var words []string
	for _, x := range page.Conversations {
		words = append(words, string(x.ID))
	}
	return strings.Join(words, " ")
}

func (d *device) same(what, got, want string) {
	d.t.Helper()
	if got != want {
		d.t.Errorf("%s: %q, want %q", what, got, want)
	}
}

func TestReceive(t *testing.T) {
	story(t, func(t *testing.T, p *peer) {
		d, l := p.inChat(client.Options{})
		l.sync(0)
		l.synced(0)
		d.heard("synced")
		hello := said("bob", 1, "hello")
		l.push(change(with("bob", 1, 1, hello), hello))
		d.heard("c2c_bob 1: hello", "new [bob(1 unread)]", "unread 1")
		l.push(change(with("bob", 1, 1, hello), hello)) // nothing new
		d.heard()
		again := said("bob", 2, "are you there?")
		l.push(change(with("bob", 2, 2, again), again))
		d.heard("c2c_bob 2: are you there?", "changed [bob(2 unread)]", "unread 2")
		d.same("the list", d.list(), "c2c_bob")
		d.same("the history", d.history("c2c_bob", client.Page{Local: true}), "1:hello 2:are you there? .")
	})
}

func TestSend(t *testing.T) {
	story(t, func(t *testing.T, p *peer) {
		d, l := p.inChat(client.Options{})
		l.sync(0)
		l.synced(0)
		d.heard("synced")
		var sent client.Message
		id := d.StartSend(client.Outgoing{To: "bob", Text: "hello"}, func(m client.Message, err error) {
			sent = m
			d.events <- "sent " + outcome(err)
		})
		f := l.next().GetSend()
		if f.GetPeer() != "bob" || f.GetMessageId() != id || f.GetContent().GetText() != "hello" {
			t.Fatalf("it sent %v", f)
		}
		m := said("alice", 1, "hello")
		m.MessageId = id
		l.done(change(with("bob", 1, 0, m), m))
		d.heard("new [bob(0 unread)]", "sent ok")
		if sent.Sequence != 1 || sent.ID != id || !sent.Self || !sent.Read || sent.PeerRead || sent.Conversation != "c2c_bob" {
			t.Errorf("sent %+v", sent)
		}
		d.same("the history", d.history("c2c_bob", client.Page{Local: true}), "1:hello .")

		read := with("bob", 2, 0, m)
		read.PeerReadSequence = 1
		l.push(change(read))
		d.heard("c2c_bob read to 1", "changed [bob(0 unread)]")
		l.push(change(with("bob", 3, 0, &wire.Message{
			Sequence: 1, Sender: "alice", MessageId: id, TimeMs: m.GetTimeMs(), Recalled: true,
		}), &wire.Message{Sequence: 1, Sender: "alice", MessageId: id, TimeMs: m.GetTimeMs(), Recalled: true}))
		d.heard(`c2c_bob 1 recalled: ""`, "changed [bob(0 unread)]")
		d.same("the history", d.history("c2c_bob", client.Page{Local: true}), "1:recalled .")
	})
}

// A message whose answer was lost is found when the client is back, and is no news.
func TestSendWithoutAnAnswer(t *testing.T) {
	story(t, func(t *testing.T, p *peer) {
		d, l := p.inChat(client.Options{})
		l.sync(0)
		l.synced(0)
		d.heard("synced")
		d.StartSend(client.Outgoing{To: "bob", ID: "mine", Text: "hello"}, func(m client.Message, err error) { d.events <- "sent " + outcome(err) })
		l.next()
		l.cut()
		d.heard("connecting", "sent 9520")
		l = p.acceptWithin(time.Second)
		l.resume()
		l.grant(1, 2)
		d.heard("connected", "sync")
		l.sync(0)
		m := said("alice", 1, "hello")
		m.MessageId = "mine"
		l.synced(1, with("bob", 1, 0, m))
		d.heard("new [bob(0 unread)]")
		l.page(2, 0)
		l.pages(true, m)
		d.heard("synced")
		d.StartSend(client.Outgoing{To: "bob", ID: "mine", Text: "hello"}, func(m client.Message, err error) {
			d.events <- fmt.Sprint("sent ", m.Sequence, " ", outcome(err))
		})
		l.next()
		l.done(&wire.Change{Number: 1, Conversation: with("bob", 1, 0, m), Messages: []*wire.Message{m}})
		d.heard("sent 1 ok")
	})
}

// An answer that comes when the call was over changes nothing of what the call gave.
func TestSendAnsweredLate(t *testing.T) {
	story(t, func(t *testing.T, p *peer) {
		d, l := p.inChat(client.Options{})
		l.sync(0)
		l.synced(0)
		d.heard("synced")
		busy := make(chan struct{})
		d.AddListener(client.Listener{ConversationChanged: func([]client.Conversation) { <-busy }})
		m := said("bob", 1, "hi")
		l.push(change(with("bob", 1, 1, m), m))
		l.push(change(with("bob", 2, 1, m)))
		var byCallback client.Message
		d.StartSend(client.Outgoing{To: "bob", ID: "mine", Text: "hello"}, func(m client.Message, err error) {
			byCallback = m
			d.events <- "sent " + outcome(err)
		})
		l.next()
		time.Sleep(11 * time.Second)
		m = said("alice", 2, "hello")
		m.MessageId = "mine"
		l.done(change(with("bob", 3, 1, m), m))
		synctest.Wait()
		close(busy)
		d.heard("c2c_bob 1: hi", "new [bob(1 unread)]", "unread 1", "changed [bob(1 unread)]", "sent 9520", "changed [bob(1 unread)]")
		if byCallback.ID != "mine" || byCallback.Sequence != 0 {
			t.Errorf("sent %+v", byCallback)
		}

		ctx, cancel := context.WithCancel(t.Context())
		over := make(chan error)
		go func() {
			_, err := d.Send(ctx, client.Outgoing{To: "bob", ID: "next", Text: "hello"})
			over <- err
		}()
		l.next()
		cancel()
		if err := <-over; !errors.Is(err, context.Canceled) {
			t.Error(err)
		}
		m = said("alice", 3, "hello")
		m.MessageId = "next"
		l.done(change(with("bob", 4, 1, m), m))
		d.heard("changed [bob(1 unread)]")
		d.same("the history", d.history("c2c_bob", client.Page{Local: true}), "1:hi 2:hello 3:hello .")
	})
}

// A message that is refused for a while is the app's to send again: the client says for
// how long, and sends nothing by itself.
func TestSendRefusedForAWhile(t *testing.T) {
	for _, code := range []imcode.Code{imcode.TooManyRequests, imcode.Internal} {
		t.Run(fmt.Sprint(int(code)), func(t *testing.T) {
			story(t, func(t *testing.T, p *peer) {
				d, l := p.inChat(client.Options{})
				l.sync(0)
				l.synced(0)
				d.heard("synced")
				send := func() {
					d.StartSend(client.Outgoing{To: "bob", ID: "mine", Text: "hello"}, func(_ client.Message, err error) {
						var wait time.Duration
						if e, ok := errors.AsType[*imcode.Error](err); ok {
							wait = e.RetryAfter
						}
						d.events <- fmt.Sprint("sent ", outcome(err), " ", wait)
					})
					if f := l.next().GetSend(); f.GetMessageId() != "mine" {
						t.Fatalf("it sent %v", f)
					}
				}
				send()
				l.refuse(code, 3*time.Second)
				d.heard(fmt.Sprint("sent ", int(code), " 3s"))
				time.Sleep(time.Minute)
				synctest.Wait()
				if len(l.frames) > 0 {
					t.Errorf("it sent %v by itself", l.next())
				}
				d.is(client.StatusLogined, "alice")
				d.same("the history", d.history("c2c_bob", client.Page{Local: true}), ".")
				send()
				m := said("alice", 1, "hello")
				m.MessageId = "mine"
				l.done(change(with("bob", 1, 0, m), m))
				d.heard("new [bob(0 unread)]", "sent ok 0s")
			})
		})
	}
}

// What a push that never came has changed is asked for as soon as another comes.
func TestMissedPush(t *testing.T) {
	story(t, func(t *testing.T, p *peer) {
		d, l := p.inChat(client.Options{})
		l.sync(0)
		l.synced(0)
		one, two, three := said("bob", 1, "one"), said("bob", 2, "two"), said("bob", 3, "three")
		d.heard("synced")
		l.push(change(with("bob", 2, 2, two), two))
		d.heard()
		l.sync(0)
		l.push(change(with("bob", 3, 3, three), three)) // while it is asked for
		l.synced(2, with("bob", 2, 2, two))
		d.heard("new [bob(2 unread)]", "unread 2")
		l.page(3, 0)
		l.pages(false, two) // a page may be shorter
		d.heard()
		l.page(2, 0)
		l.pages(true, one)
		d.heard("c2c_bob 1: one", "c2c_bob 2: two")
		l.sync(2)
		l.synced(3, with("bob", 3, 3, three))
		d.heard("changed [bob(3 unread)]", "unread 3")
		l.page(0, 2)
		l.pages(true, three)
		d.heard("c2c_bob 3: three")
		if len(l.frames) > 0 {
			t.Errorf("it asks for more: %v", l.next())
		}
	})
}

// A page that comes when its caller has given up is kept, and touches nobody.
func TestAPageThatNobodyWaitsFor(t *testing.T) {
	story(t, func(t *testing.T, p *peer) {
		one, two := said("bob", 1, "one"), said("bob", 2, "two")
		time.Sleep(time.Hour)
		d, l := p.inChat(client.Options{})
		l.sync(0)
		l.synced(9, with("bob", 9, 0, two))
		d.heard("new [bob(0 unread)]", "synced")
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error, 1)
		go func() {
			page, err := d.Messages(ctx, "c2c_bob", client.Page{Count: 10})
			if whole := len(page.Messages) == 2; whole != (err == nil) {
				err = fmt.Errorf("%d messages and %v", len(page.Messages), err) //nolint:errorlint // both are wrong
			}
			done <- err
		}()
		l.page(0, 0)
		go cancel() // while the answer comes
		l.pages(true, one, two)
		if err := <-done; err != nil && !errors.Is(err, context.Canceled) {
			t.Error(err)
		}
		d.same("the cache", d.history("c2c_bob", client.Page{Local: true}), "1:one 2:two .")
	})
}

// What is pushed while it is asked what has changed is asked for again, if the answer
// does not know of it yet: the server may have looked before. Who asks on account of a
// push, and hears that there is nothing, asks no more.
func TestAnAnswerOlderThanAPush(t *testing.T) {
	story(t, func(t *testing.T, p *peer) {
		d, l := p.inChat(client.Options{})
		l.sync(0)
		one := said("bob", 1, "one")
		l.push(change(with("bob", 1, 1, one), one))
		l.synced(0)
		l.sync(0)
		l.synced(1, with("bob", 1, 1, one))
		d.heard("new [bob(1 unread)]", "unread 1")
		l.page(2, 0)
		l.pages(true, one)
		d.heard("c2c_bob 1: one", "synced")
		l.push(&wire.Change{Number: 9, Conversation: with("bob", 9, 1, one)})
		l.sync(1)
		l.synced(1)
		d.heard()
		if len(l.frames) > 0 {
			t.Errorf("it asks again: %v", l.next())
		}
	})
}

// A device that is new to the account tells no old messages, but those since it
// came in.
func TestFirstSync(t *testing.T) {
	story(t, func(t *testing.T, p *peer) {
		old, older := said("bob", 7, "old"), said("carol", 3, "older")
		time.Sleep(time.Hour)
		d, l := p.inChat(client.Options{})
		l.sync(0)
		time.Sleep(time.Millisecond)
		fresh := said("bob", 8, "fresh")
		l.synced(20, with("carol", 4, 1, older), with("bob", 20, 2, fresh))
		d.heard("new [carol(1 unread) bob(2 unread)]", "unread 3")
		l.page(9, 0)
		l.pages(true, old, fresh)
		d.heard("c2c_bob 8: fresh", "synced")
		d.same("the list", d.list(), "c2c_bob c2c_carol")
		d.same("carol's", d.history("c2c_carol", client.Page{Local: true}), "3:older [1-2]")
	})
}

// After a kick nothing is told any more, and what is cached can be read.
func TestKickedWithMessages(t *testing.T) {
	story(t, func(t *testing.T, p *peer) {
		dir := t.TempDir()
		d, l := p.inChat(client.Options{DataDirectory: dir})
		l.sync(0)
		l.synced(0)
		hello := said("bob", 1, "hello")
		l.push(change(with("bob", 1, 1, hello), hello))
		d.heard("synced", "c2c_bob 1: hello", "new [bob(1 unread)]", "unread 1")
		again := said("bob", 2, "again")
		d.endpoint.Delay(time.Millisecond) // both are on their way before it hears the first, and hangs up
		l.sendAll(l.notice(&wire.Notice{Session: 1, Reason: wire.Reason_REASON_OPERATOR}),
			&wire.ServerFrame{Body: &wire.ServerFrame_Change{Change: change(with("bob", 2, 2, again), again)}})
		time.Sleep(time.Millisecond)
		d.endpoint.Delay(0)
		d.heard(`kicked 0 operator [LOGOUT ""]`)
		kicked := func(d *device, what string) {
			t.Helper()
			d.same(what+", the list", d.list(), "c2c_bob")
			d.same(what+", the history", d.history("c2c_bob", client.Page{}), "1:hello .")
			if _, err := d.SendText(t.Context(), "bob", "hi"); imcode.Of(err) != imcode.NotLoggedIn {
				t.Errorf("%s, a send: %v", what, err)
			}
			if err := d.SetDraft("c2c_bob", "hi"); imcode.Of(err) != imcode.NotLoggedIn {
				t.Errorf("%s, a draft: %v", what, err)
			}
		}
		kicked(d, "kicked")
		_ = d.Close()
		d.same("closed, the list", d.list(), "6013")

		d = p.open(client.Options{DataDirectory: dir})
		d.hearsChat()
		d.same("not named yet, the list", d.list(), "6014")
		d.login("alice", sig("alice", 24*time.Hour))
		kicked(d, "logging in")
		l = p.accept()
		l.login()
		d.logout()
		d.same("logged out, the list", d.list(), "6014")
		l.logout()
		l.loggedOut(true)
		d.heard("connecting", "login 6023", "logout ok")
		d.login("alice", sig("alice", time.Hour))
		l = p.acceptWithin(time.Minute)
		l.login()
		l.refuse(imcode.UserSigExpired, 0)
		d.heard("connecting", "connected", "login 70001")
		kicked(d, "refused")
		d.login("bob", sig("bob", time.Hour))
		d.same("bob's list", d.list(), "")
	})
}

// After a restart the rest is told, and nothing twice.
func TestToldOnceAcrossRestarts(t *testing.T) {
	story(t, func(t *testing.T, p *peer) {
		o := client.Options{DataDirectory: t.TempDir()}
		d, l := p.inChat(o)
		l.sync(0)
		l.synced(0)
		one, two := said("bob", 1, "one"), said("bob", 2, "two")
		slow := make(chan struct{})
		d.AddListener(client.Listener{NewMessage: func(m client.Message) { <-slow }})
		l.push(change(with("bob", 1, 1, one), one))
		l.push(change(with("bob", 2, 2, two), two))
		d.heard("synced", "c2c_bob 1: one")
		go func() { time.Sleep(time.Second); close(slow) }()
		_ = d.Close() // while the listener has the first message
		d.heard()

		d = p.open(o)
		d.hearsChat()
		d.login("alice", sig("alice", 24*time.Hour))
		l = p.accept()
		l.login()
		l.grant(2, 1)
		d.heard("connecting", "connected", "login ok", "c2c_bob 2: two", "sync")
		l.sync(2)
		l.synced(2)
		d.heard("synced")
	})
}

func TestGapsAreShownAndFilled(t *testing.T) {
	story(t, func(t *testing.T, p *peer) {
		five := said("bob", 5, "five")
		time.Sleep(time.Second)
		d, l := p.inChat(client.Options{})
		l.sync(0)
		l.synced(9, with("bob", 9, 0, five))
		d.heard("new [bob(0 unread)]", "synced")
		d.same("what is here", d.history("c2c_bob", client.Page{Local: true}), "5:five [1-4]")
		got := make(chan string, 1)
		go func() { got <- d.history("c2c_bob", client.Page{Count: 3}) }()
		l.page(0, 0)
		l.pages(false, said("bob", 4, "four"), five) // a page may be shorter
		l.page(4, 0)
		l.pages(false, said("bob", 2, "two"), said("bob", 3, "three"))
		d.same("from the server", <-got, "3:three 4:four 5:five")
		d.same("what is here", d.history("c2c_bob", client.Page{Local: true}), "2:two 3:three 4:four 5:five [1-1]")
		l.cut()
		d.same("offline", d.history("c2c_bob", client.Page{Before: 3}), "2:two [1-1]")
		d.same("newer", d.history("c2c_bob", client.Page{After: 3}), "4:four 5:five .")
	})
}

func TestBadCalls(t *testing.T) {
	story(t, func(t *testing.T, p *peer) {
		d, l := p.inChat(client.Options{})
		l.sync(0)
		l.synced(0)
		ctx := t.Context()
		for _, tt := range []struct {
			name string
			err  error
			want imcode.Code
		}{
			{"no user", second(d.SendText(ctx, "", "hi")), 7003},
			{"an empty text", second(d.SendText(ctx, "bob", "")), 6017},
			{"empty custom data", second(d.SendCustom(ctx, "bob", client.Custom{})), 6017},
			{"a text that is no UTF-8", second(d.SendText(ctx, "bob", "\xff")), 6017},
			{"a long text", second(d.SendText(ctx, "bob", strings.Repeat("x", 12<<10-2))), 8001},
			{"a long custom message", second(d.SendCustom(ctx, "bob", client.Custom{Data: make([]byte, 12<<10), Extension: "x"})), 8001},
			{"text and custom", second(d.Send(ctx, client.Outgoing{To: "bob", Text: "x", Custom: &client.Custom{}})), 6017},
			{"a bad id", second(d.Send(ctx, client.Outgoing{To: "bob", ID: "a b", Text: "x"})), 6017},
			{"a page of 0", second(d.Messages(ctx, "c2c_bob", client.Page{})), 6017},
			{"a page of 101", second(d.Messages(ctx, "c2c_bob", client.Page{Count: 101})), 6017},
			{"both directions", second(d.Messages(ctx, "c2c_bob", client.Page{Before: 2, After: 1, Count: 1})), 6017},
			{"a list of 0", second(d.Conversations(ctx, client.ListOptions{})), 6017},
			{"no conversation id", second(d.Messages(ctx, "bob", client.Page{Count: 1})), 6004},
			{"a conversation that is not there", second(d.Conversation(ctx, "c2c_bob")), 6004},
			{"reading what is not there", d.MarkRead(ctx, "c2c_bob", 0), 6004},
			{"a draft for nobody", d.SetDraft("c2c_bob", "x"), 6004},
			{"a long draft", d.SetDraft("c2c_bob", strings.Repeat("x", 12<<10+1)), 8001},
			{"pinning nothing", d.Pin(ctx, "c2c_", true), 6004},
			{"deleting nothing", d.DeleteMessages(ctx, "c2c_bob"), 6017},
			{"deleting 51", d.DeleteMessages(ctx, "c2c_bob", make([]uint64, 51)...), 6017},
			{"recalling nothing", d.Recall(ctx, "c2c_bob", 0), 6017},
			{"deleting no conversation", d.DeleteConversation(ctx, "x"), 6004},
			{"wiping nobody", d.WipeCache(""), 7003},
		} {
			if imcode.Of(tt.err) != tt.want {
				t.Errorf("%s: %v, want %d", tt.name, tt.err, tt.want)
			}
		}
		if len(l.frames) > 0 {
			t.Errorf("it sent %v", l.next())
		}
	})
}

func second[T any](_ T, err error) error { return err }

// What acts on the server, as it is sent and answered.
func TestActs(t *testing.T) {
	story(t, func(t *testing.T, p *peer) {
		d, l := p.inChat(client.Options{})
		l.sync(0)
		l.synced(0)
		one, two := said("bob", 1, "one"), said("bob", 2, "two")
		l.push(change(with("bob", 1, 1, one), one))
		l.push(change(with("bob", 2, 2, two), two))
		d.forget()
		ctx := t.Context()
		act := func(call func() error, answer *wire.Change) *wire.ClientFrame {
			t.Helper()
			got := make(chan error, 1)
			go func() { got <- call() }()
			f := l.next()
			l.done(answer)
			if err := <-got; err != nil {
				t.Errorf("%v: %v", f, err)
			}
			return f
		}
		f := act(func() error { return d.MarkRead(ctx, "c2c_bob", 0) }, change(with("bob", 3, 0, two)))
		if f.GetMarkRead().GetSequence() != 2 {
			t.Errorf("it sent %v", f)
		}
		d.heard("changed [bob(0 unread)]", "unread 0")
		pinned := with("bob", 4, 0, two)
		pinned.Pinned = true
		act(func() error { return d.Pin(ctx, "c2c_bob", true) }, change(pinned))
		if x, err := d.Conversation(ctx, "c2c_bob"); err != nil || !x.Pinned {
			t.Errorf("pinned: %+v, %v", x, err)
		}
		act(func() error { return d.DeleteMessages(ctx, "c2c_bob", 1) }, &wire.Change{Number: 5, Conversation: with("bob", 5, 0, two), Deleted: []uint64{1}})
		d.same("one deleted", d.history("c2c_bob", client.Page{Local: true}), "2:two .")
		if err := d.SetDraft("c2c_bob", "I was"); err != nil {
			t.Error(err)
		}
		if x, err := d.Conversation(ctx, "c2c_bob"); err != nil || x.Draft != "I was" || x.DraftTime.IsZero() {
			t.Errorf("a draft: %+v, %v", x, err)
		}
		d.forget()
		gone := &wire.Conversation{Peer: "bob", Change: 6, LastSequence: 2, DeletedSequence: 2, Deleted: true}
		act(func() error { return d.DeleteConversation(ctx, "c2c_bob") }, change(gone))
		d.heard("deleted [c2c_bob]")
		d.same("all deleted", d.list()+d.history("c2c_bob", client.Page{Local: true}), ".")
		three := said("bob", 3, "three")
		back := with("bob", 7, 1, three)
		back.DeletedSequence = 2
		l.push(change(back, three))
		d.heard("c2c_bob 3: three", "new [bob(1 unread)]", "unread 1")
		d.same("begun anew", d.history("c2c_bob", client.Page{Local: true}), "3:three .")
		if x, err := d.Conversation(ctx, "c2c_bob"); err != nil || x.Draft != "" {
			t.Errorf("an old draft: %+v, %v", x, err)
		}
	})
}

// Messages behind a slow listener wait on disk, and it hears all of them.
func TestMessagesBehindASlowListener(t *testing.T) {
	story(t, func(t *testing.T, p *peer) {
		d, l := p.inChat(client.Options{})
		l.sync(0)
		l.synced(0)
		heard := make(chan uint64, 1000)
		d.AddListener(client.Listener{NewMessage: func(m client.Message) {
			time.Sleep(time.Second)
			heard <- m.Sequence
		}})
		for i := range uint64(300) {
			m := said("bob", i+1, "x")
			l.push(change(with("bob", i+1, uint32(i+1), m), m))
		}
		time.Sleep(310 * time.Second)
		synctest.Wait()
		for i := range uint64(300) {
			if got := <-heard; got != i+1 {
				t.Fatalf("heard %d, want %d", got, i+1)
			}
		}
	})
}

// A server that knows no messages is asked once.
func TestServerWithoutMessages(t *testing.T) {
	story(t, func(t *testing.T, p *peer) {
		d, l := p.inChat(client.Options{})
		l.sync(0)
		l.refuse(imcode.UnknownRequest, 0)
		d.heard("sync failed 60009")
		time.Sleep(time.Hour)
		if len(l.frames) > 0 {
			t.Errorf("it asks again: %v", l.next())
		}
	})
}

// An answer that comes while a logout is said goodbye with is for nobody.
func TestAnswerAfterALogout(t *testing.T) {
	story(t, func(t *testing.T, p *peer) {
		d, l := p.inChat(client.Options{})
		l.sync(0)
		l.synced(0)
		d.heard("synced")
		d.StartSend(client.Outgoing{To: "bob", ID: "x", Text: "hello"}, func(_ client.Message, err error) { d.events <- "sent " + outcome(err) })
		l.next()
		m := said("alice", 7, "hello")
		m.MessageId = "x"
		answer := change(with("bob", 9, 0, m), m) // others came before it
		send := l.last
		d.logout()
		l.logout()
		l.last, send = send, l.last
		l.done(answer)
		l.last = send
		l.loggedOut(true)
		d.heard("sent 6014", "logout ok")
	})
}
