package conformance_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"rollcall.example"
	"rollcall.example/client"
	"rollcall.example/conformance"
	"rollcall.example/imcode"
	"rollcall.example/internal/memnet"
	"rollcall.example/internal/stage"
)

// A tab is a page with the browser SDK, on a device of the stage.
type tab struct {
	*browserDevice

	t     *testing.T
	stage *stage.Stage
}

// A page is what getMessageList gives, with messages that can be given back.
type page struct {
	MessageList      []json.RawMessage
	NextReqMessageID string
	IsCompleted      bool
	Gaps             [][2]uint64
}

// browserStory runs a story with a stage in fake time, where there is Node.
func browserStory(t *testing.T, story func(t *testing.T, s *stage.Stage, open func(device string) *tab)) {
	t.Helper()
	b := newBrowser(t)
	if b == nil {
		return
	}
	synctest.Test(t, func(t *testing.T) {
		s, err := stage.Open(t.TempDir(), stage.Options{})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() {
			if err := s.Close(); err != nil {
				t.Error(err)
			}
		})
		story(t, s, func(device string) *tab {
			d, err := b.Open(conformance.Setup{
				App: stage.App, URL: s.URL(), DataDirectory: s.DataDirectory(device), Platform: rollcall.Web,
				Dial: s.Endpoint(device).Dial, Hear: func(conformance.Event) {},
			})
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { d.Close() })
			return &tab{d.(*browserDevice), t, s}
		})
	})
}

// try makes any call of the SDK; the result is in into, if that is not nil.
func (b *tab) try(into any, method string, args ...any) imcode.Code {
	b.t.Helper()
	w, err := b.any(method, args...)
	if err == nil && w.Code == 0 && into != nil {
		err = json.Unmarshal(w.Data, into)
	}
	if err != nil {
		b.t.Fatalf("%s gave %s: %v", method, w.Data, err)
	}
	return imcode.Code(w.Code)
}

// must is try, for what succeeds.
func (b *tab) must(into any, method string, args ...any) {
	b.t.Helper()
	if code := b.try(into, method, args...); code != imcode.OK {
		b.t.Fatalf("%s%v: %d", method, args, int(code))
	}
}

// login logs alice in.
func (b *tab) login() {
	b.t.Helper()
	ticket, err := b.stage.UserSig("alice", 24*time.Hour)
	if err != nil {
		b.t.Fatal(err)
	}
	b.must(nil, "login", map[string]string{"userID": "alice", "userSig": ticket})
	synctest.Wait()
}

// text makes a message of the SDK.
func (b *tab) text(to, text string) json.RawMessage {
	b.t.Helper()
	var m json.RawMessage
	b.must(&m, "createTextMessage", map[string]any{"to": to, "payload": map[string]string{"text": text}})
	return m
}

func (b *tab) list() (all []listed) {
	b.t.Helper()
	var r struct {
		Data struct{ ConversationList []listed }
	}
	b.must(&r, "getConversationList")
	return r.Data.ConversationList
}

// history is a page of what alice and bob have said.
func (b *tab) history(before string, count int) page {
	b.t.Helper()
	var r struct{ Data page }
	b.must(&r, "getMessageList", map[string]any{"conversationID": "C2Cbob", "nextReqMessageID": before, "count": count})
	return r.Data
}

// told is what the events of a name have brought since it was asked last.
func (b *tab) told(name string) (all []json.RawMessage) {
	synctest.Wait()
	b.mu.Lock()
	defer b.mu.Unlock()
	var left []word
	for _, w := range b.heard {
		if w.Heard == name {
			all = append(all, w.Data)
		} else {
			left = append(left, w)
		}
	}
	b.heard = left
	return all
}

// texts are what messages say, of a page or of events.
func texts(t *testing.T, all ...json.RawMessage) string {
	t.Helper()
	var out []string
	for _, raw := range all {
		var list []said
		if err := json.Unmarshal(raw, &list); err != nil { //nolint:musttag // as above
			var one said
			if err := json.Unmarshal(raw, &one); err != nil { //nolint:musttag // as above
				t.Fatal(err)
			}
			list = []said{one}
		}
		for _, m := range list {
			s := m.Flow + " " + m.Payload.Text
			if m.IsRevoked {
				s = m.Flow + " revoked"
			}
			if m.Status != "success" {
				s += " (" + m.Status + ")"
			}
			out = append(out, s)
		}
	}
	return strings.Join(out, ", ")
}

func (b *tab) want(got, want string) {
	b.t.Helper()
	if got != want {
		b.t.Errorf("got %q, want %q", got, want)
	}
}

// goClient is bob with the Go SDK.
func goClient(t *testing.T, s *stage.Stage, user string) *client.Client {
	t.Helper()
	c, err := client.Open(stage.App, s.URL(), client.Options{Platform: rollcall.Android, Dial: s.Endpoint(user).Dial})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	ticket, err := s.UserSig(user, 24*time.Hour)
	if err == nil {
		err = c.Login(t.Context(), user, ticket)
	}
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// sends lets bob say something to alice.
func sends(t *testing.T, c *client.Client, text string) {
	t.Helper()
	_, err := c.SendText(t.Context(), "alice", text)
	if err != nil {
		t.Fatal(err)
	}
}

func TestABrowserAndAGoClientTalk(t *testing.T) {
	browserStory(t, func(t *testing.T, s *stage.Stage, open func(string) *tab) {
		bob := goClient(t, s, "bob")
		var got []string
		bob.AddListener(client.Listener{
			NewMessage:      func(m client.Message) { got = append(got, m.Text) },
			MessageRecalled: func(m client.Message) { got = append(got, fmt.Sprintf("recalled %d", m.Sequence)) },
			ReadByPeer:      func(_ rollcall.ConversationID, n uint64) { got = append(got, fmt.Sprintf("read %d", n)) },
		})
		a := open("A")
		a.login()
		if ready := a.told("sdkStateReady"); len(ready) != 1 {
			t.Errorf("ready %d times", len(ready))
		}
		var sent struct {
			Data struct{ Message json.RawMessage }
		}
		a.must(&sent, "sendMessage", a.text("bob", "hello 👋 \u0000 你好"))
		a.want(texts(t, sent.Data.Message), "out hello 👋 \u0000 你好")
		sends(t, bob, "hi")
		sends(t, bob, "how are you")
		a.want(texts(t, a.told("onMessageReceived")...), "in hi, in how are you")
		if l := a.list(); len(l) != 1 || l[0].UnreadCount != 2 || l[0].LastMessage.Payload.Text != "how are you" {
			t.Errorf("the list is %+v", l)
		}
		var unread int
		a.must(&unread, "getTotalUnreadMessageCount")
		a.must(nil, "setMessageRead", map[string]string{"conversationID": "C2Cbob"})
		a.must(nil, "pinConversation", map[string]any{"conversationID": "C2Cbob", "isPinned": true})
		if l := a.list(); unread != 2 || l[0].UnreadCount != 0 || !l[0].IsPinned {
			t.Errorf("unread %d, then the list is %+v", unread, l)
		}
		a.must(nil, "revokeMessage", sent.Data.Message)
		synctest.Wait()
		a.want(strings.Join(got, ", "), "hello 👋 \u0000 你好, read 3, recalled 1")
		h := a.history("", 2)
		a.want(texts(t, h.MessageList...), "in hi, in how are you")
		h = a.history(h.NextReqMessageID, 2)
		a.want(texts(t, h.MessageList...), "out revoked")
		if !h.IsCompleted {
			t.Errorf("there is nothing before the first: %+v", h)
		}
		a.must(nil, "deleteConversation", "C2Cbob")
		if l := a.list(); len(l) != 0 {
			t.Errorf("deleted, and still %+v", l)
		}
		if code := a.try(nil, "getConversationProfile", "C2Cbob"); code != imcode.InvalidConversation {
			t.Errorf("its profile: %d", int(code))
		}
		sends(t, bob, "again")
		a.want(texts(t, a.told("onMessageReceived")...), "in again")
		a.want(texts(t, a.history("", 10).MessageList...), "in again")
	})
}

func TestABrowserSendsAMessageOnce(t *testing.T) {
	browserStory(t, func(t *testing.T, s *stage.Stage, open func(string) *tab) {
		goClient(t, s, "bob")
		a := open("A")
		a.login()
		m := a.text("bob", "once")
		if err := s.Endpoint("A").LoseAnswer(memnet.Reset); err != nil {
			t.Fatal(err)
		}
		if code := a.try(nil, "sendMessage", m); code != imcode.WaitAckTimeout {
			t.Fatalf("the answer is lost: %d", int(code))
		}
		// The page is closed before it is back, and loaded again.
		if err := a.Close(); err != nil {
			t.Fatal(err)
		}
		a = open("A")
		a.login()
		a.want(texts(t, a.told("onMessageReceived")...), "out once") // who sent it is gone
		a.must(nil, "sendMessage", m)
		a.must(nil, "sendMessage", m)
		a.want(texts(t, a.history("", 10).MessageList...), "out once")
	})
}

func TestABrowserShowsWhatWasNotSent(t *testing.T) {
	browserStory(t, func(t *testing.T, s *stage.Stage, open func(string) *tab) {
		goClient(t, s, "bob")
		a := open("A")
		a.login()
		a.must(nil, "sendMessage", a.text("bob", "first"))
		s.Endpoint("A").Cut(memnet.Unplug)
		synctest.Wait()
		if code := a.try(nil, "sendMessage", a.text("bob", "second")); code != imcode.Disconnected {
			t.Fatalf("without a connection: %d", int(code))
		}
		if err := a.Close(); err != nil {
			t.Fatal(err)
		}
		s.Endpoint("A").Mend()
		a = open("A")
		a.login()
		h := a.history("", 10)
		a.want(texts(t, h.MessageList...), "out first, out second (fail)")
		a.must(nil, "sendMessage", h.MessageList[1])
		a.want(texts(t, a.history("", 10).MessageList...), "out first, out second")
	})
}

func TestABrowserHearsWhatItMissed(t *testing.T) {
	browserStory(t, func(t *testing.T, s *stage.Stage, open func(string) *tab) {
		bob := goClient(t, s, "bob")
		goClient(t, s, "alice")
		sends(t, bob, "before this device")
		time.Sleep(time.Second)
		a := open("A")
		a.login()
		sends(t, bob, "seen")
		a.told("onMessageReceived")
		s.Endpoint("A").Cut(memnet.Unplug)
		var want []string
		for i := range 250 {
			text := fmt.Sprint("missed ", i)
			sends(t, bob, text)
			want = append(want, "in "+text)
			time.Sleep(time.Second)
		}
		s.Endpoint("A").Mend()
		time.Sleep(time.Minute)
		a.want(texts(t, a.told("onMessageReceived")...), strings.Join(want, ", "))
		if err := a.Close(); err != nil {
			t.Fatal(err)
		}
		sends(t, bob, "while the page was closed")
		a = open("A")
		a.login()
		time.Sleep(time.Second)
		a.want(texts(t, a.told("onMessageReceived")...), "in while the page was closed")
	})
}

func TestABrowserReadsItsCacheWithoutAServer(t *testing.T) {
	browserStory(t, func(t *testing.T, s *stage.Stage, open func(string) *tab) {
		bob := goClient(t, s, "bob")
		a := open("A")
		if code := a.try(nil, "getConversationList"); code != imcode.NotLoggedIn {
			t.Errorf("before a login: %d", int(code))
		}
		a.login()
		sends(t, bob, "one")
		sends(t, bob, "two")
		synctest.Wait()
		if err := a.Close(); err != nil {
			t.Fatal(err)
		}
		if err := s.Stop(); err != nil {
			t.Fatal(err)
		}
		a = open("A")
		fails := func(user string) {
			t.Helper()
			ticket, err := s.UserSig(user, time.Hour)
			if err != nil {
				t.Fatal(err)
			}
			if code := a.try(nil, "login", map[string]string{"userID": user, "userSig": ticket}); code != imcode.Disconnected {
				t.Fatalf("a login without a server: %d", int(code))
			}
		}
		fails("alice")
		a.want(texts(t, a.history("", 10).MessageList...), "in one, in two")
		if l := a.list(); len(l) != 1 || l[0].UnreadCount != 2 {
			t.Errorf("the list is %+v", l)
		}
		fails("carol") // nobody sees anything of the other
		if l := a.list(); len(l) != 0 {
			t.Errorf("carol reads %+v", l)
		}
		a.want(texts(t, a.history("", 10).MessageList...), "")
		a.must(nil, "logout")
		if code := a.try(nil, "getMessageList", map[string]string{"conversationID": "C2Cbob"}); code != imcode.NotLoggedIn {
			t.Errorf("after a logout: %d", int(code))
		}
		if err := s.Start(); err != nil {
			t.Fatal(err)
		}
	})
}

func TestABrowserRefusesWhatIsNoMessage(t *testing.T) {
	browserStory(t, func(t *testing.T, _ *stage.Stage, open func(string) *tab) {
		a := open("A")
		a.login()
		custom := func(data string) map[string]any {
			return map[string]any{"to": "bob", "payload": map[string]string{"data": data, "description": "d", "extension": "e"}}
		}
		for _, tt := range []struct {
			name, method string
			arg          any
			want         imcode.Code
		}{
			{"an empty text", "createTextMessage", map[string]any{"to": "bob", "payload": map[string]string{"text": ""}}, imcode.SDKInvalidParameters},
			{"no text", "createTextMessage", map[string]any{"to": "bob", "payload": map[string]int{"text": 1}}, imcode.SDKInvalidParameters},
			{"nobody", "createTextMessage", map[string]any{"to": "bob smith", "payload": map[string]string{"text": "x"}}, imcode.InvalidUserID},
			{"half a character", "createTextMessage", json.RawMessage(`{"to":"bob","payload":{"text":"\ud83d"}}`), imcode.SDKInvalidParameters},
			{"too long", "createCustomMessage", custom(strings.Repeat("x", 12<<10)), imcode.MsgBodySizeLimit},
			{"the longest", "createCustomMessage", custom(strings.Repeat("x", 12<<10-6-6)), imcode.OK},
		} {
			if got := a.try(nil, tt.method, tt.arg); got != tt.want {
				t.Errorf("%s: %d, want %d", tt.name, int(got), int(tt.want))
			}
		}
		if code := a.try(nil, "sendMessage", a.text("nobody", "x")); code != 20003 {
			t.Errorf("to an account that is not there: %d", int(code))
		}
	})
}
