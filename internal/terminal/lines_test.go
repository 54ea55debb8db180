package terminal_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"

	"rollcall.example"
	"rollcall.example/client"
	"rollcall.example/imcode"
	"rollcall.example/internal/terminal"
	"rollcall.example/rollcalltest"
)

// TestMain fails when a test has left a goroutine behind.
func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// A journal is written while it is read.
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

// A talker is somebody who talks in lines.
type talker struct {
	t      *testing.T
	device *rollcalltest.Client
	in     *io.PipeWriter
	out    journal
	errs   journal
	done   chan error
}

// talk has a user talk in lines, with peer at first, until its input ends.
func talk(t *testing.T, s *rollcalltest.Server, user, peer string, lifetime time.Duration) *talker {
	t.Helper()
	r, w := io.Pipe()
	x := &talker{t: t, device: s.Client(user, rollcall.Linux), in: w, done: make(chan error, 1)}
	t.Cleanup(func() { w.Close() })
	o := terminal.Options{Client: x.device.SDK, User: rollcall.UserID(user), UserSig: s.UserSig(user, lifetime), Peer: rollcall.UserID(peer)}
	go func() {
		x.done <- terminal.Lines(t.Context(), o, r, &x.out, &x.errs)
		r.Close()
	}()
	synctest.Wait()
	return x
}

// say types lines. It waits until the last one was read.
func (x *talker) say(lines ...string) {
	x.t.Helper()
	for _, line := range lines {
		if _, err := io.WriteString(x.in, line+"\n"); err != nil {
			x.t.Fatalf("type %.20q: %v: it ended with %v, and printed\n%s\nbeside\n%s", line, err, <-x.done, x.out.String(), x.errs.String())
		}
	}
	synctest.Wait()
}

// ends closes the input and returns what it came to.
func (x *talker) ends() error {
	x.in.Close()
	return <-x.done
}

// printed are the lines that were printed, without times.
func (x *talker) printed() string {
	var all []string
	for line := range strings.Lines(x.out.String()) {
		if _, err := time.Parse(time.DateTime, line[:min(len(line), len(time.DateTime))]); err == nil {
			line = line[len(time.DateTime)+1:]
		}
		all = append(all, line)
	}
	return strings.Join(all, "")
}

// wants compares what was printed.
func (x *talker) wants(lines ...string) {
	x.t.Helper()
	if got, want := x.printed(), strings.Join(lines, "\n")+"\n"; got != want {
		x.t.Errorf("printed\n%s\nwant\n%s\nbeside\n%s", got, want, x.errs.String())
	}
}

// said are the texts of what two have said to each other, as the server has it.
func said(t *testing.T, s *rollcalltest.Server, user, peer string) (all []string) {
	t.Helper()
	c := s.Client(user, rollcall.Web)
	if err := c.Login(); err != nil {
		t.Fatal(err)
	}
	page, err := c.SDK.Messages(t.Context(), rollcall.ConversationWith(rollcall.UserID(peer)), client.Page{Count: 100})
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range page.Messages {
		all = append(all, m.Text)
	}
	return all
}

// signUp makes accounts that can be talked to.
func signUp(t *testing.T, s *rollcalltest.Server, users ...string) {
	t.Helper()
	for _, user := range users {
		c := s.Client(user, rollcall.Android)
		if err := errors.Join(c.Login(), c.Logout()); err != nil {
			t.Fatal(err)
		}
	}
}

func TestTwoTalkInLines(t *testing.T) {
	rollcalltest.Run(t, func(t *testing.T, s *rollcalltest.Server) {
		signUp(t, s, "bob")
		alice := talk(t, s, "alice", "bob", time.Hour)
		bob := talk(t, s, "bob", "", time.Hour)
		alice.say("hello", "", "  ", "how are you")
		bob.say("/unread", "/switch alice", "fine", "/recall 1", "/recall", "//me laughs", "/read", "/list")
		alice.say("/history 2")
		if err := errors.Join(alice.ends()); err != nil {
			t.Errorf("alice: %v", err)
		}
		if err := bob.ends(); err == nil || err.Error() != "1 line not carried out" {
			t.Errorf("bob: %v, want one line that was not carried out", err)
		}
		alice.wants(
			"#1 alice to bob: hello",
			"#2 alice to bob: how are you",
			"#3 bob: fine",
			"#3 bob: (taken back)",
			"#4 bob: /me laughs",
			"#3 bob: (taken back)",
			"#4 bob: /me laughs",
		)
		now := time.Now().Local().Format("15:04")
		bob.wants(
			"#1 alice: hello",
			"#2 alice: how are you",
			"alice  2 unread   "+now+"  alice: how are you",
			"#3 bob to alice: fine",
			"#3 bob to alice: (you have taken it back)",
			"message #3 is taken back, for both",
			"#4 bob to alice: /me laughs",
			"the conversation with alice is read",
			"alice             "+now+"  bob: /me laughs",
		)
		if !strings.Contains(bob.errs.String(), "line 4: ") || !strings.Contains(bob.errs.String(), "(20022)") {
			t.Errorf("bob, who wanted to recall what alice said, was told\n%s", bob.errs.String())
		}
	})
}

// TestWhoHasSentEnoughWaits: it is said why, and what waits is sent when it may be.
func TestWhoHasSentEnoughWaits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := rollcalltest.NewServerWith(t, rollcalltest.Options{MessageBytes: 1 << 20}) // a short message in 21 s
		signUp(t, s, "bob")
		page := s.Client("alice", rollcall.Web)
		if err := page.Login(); err != nil {
			t.Fatal(err)
		}
		for _, length := range []int{12_000, 1} {
			var err error
			for err == nil {
				_, err = page.SDK.SendText(t.Context(), "bob", strings.Repeat("x", length))
			}
			if imcode.Of(err) != imcode.TooManyRequests {
				t.Fatal(err)
			}
		}
		alice := talk(t, s, "alice", "bob", time.Hour)
		alice.say("one", "two")
		if err := alice.ends(); err != nil {
			t.Errorf("alice: %v, and was told\n%s", err, alice.errs.String())
		}
		told := strings.Count(alice.errs.String(), "a message to bob waits: the account has sent as much as it may in a day (60018)\n")
		if told < 1 || told > 2 { // of each message once
			t.Errorf("alice was told\n%s", alice.errs.String())
		}
		if got := said(t, s, "bob", "alice"); !slices.Equal(got[len(got)-2:], []string{"one", "two"}) {
			t.Errorf("the latest that bob has are %.9q", got[len(got)-2:])
		}
	})
}

// TestWhatIsSaidIsTextAndNothingElse: whatever a stranger sends.
func TestWhatIsSaidIsTextAndNothingElse(t *testing.T) {
	rollcalltest.Run(t, func(t *testing.T, s *rollcalltest.Server) {
		alice := talk(t, s, "alice", "bob", time.Hour)
		bob := s.Client("bob", rollcall.Mac)
		if err := bob.Login(); err != nil {
			t.Fatal(err)
		}
		for _, text := range []string{
			"\x1b[2J\x1b]0;title\a", "one\n2000-01-01 00:00:00 #9 carol: two\ttabs", "back\rwards \u202ereversed\u2069 \u009b31m",
		} {
			if _, err := bob.SDK.SendText(t.Context(), "alice", text); err != nil {
				t.Fatal(err)
			}
		}
		if _, err := bob.SDK.SendCustom(t.Context(), "alice", client.Custom{Data: []byte{0x1b}, Description: "\x1b[2J"}); err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		alice.say("/list")
		if err := alice.ends(); err != nil {
			t.Error(err)
		}
		alice.wants(
			"#1 bob: \ufffd[2J\ufffd]0;title\ufffd",
			"#2 bob: one",
			"  2000-01-01 00:00:00 #9 carol: two    tabs",
			"#3 bob: back\ufffdwards \ufffdreversed\ufffd \ufffd31m",
			"#4 bob: (data of an app: 1 byte, \ufffd[2J)",
			"bob  4 unread   "+time.Now().Local().Format("15:04")+"  bob: (data of an app: 1 byte, \ufffd[2J)",
		)
	})
}

func TestWhatIsSaidWithoutANetworkIsSentOnceItIsBack(t *testing.T) {
	rollcalltest.Run(t, func(t *testing.T, s *rollcalltest.Server) {
		signUp(t, s, "bob")
		alice := talk(t, s, "alice", "bob", time.Hour)
		alice.say("one")
		alice.device.Cut()
		alice.say("two")
		time.Sleep(20 * time.Second)
		alice.device.Mend()
		alice.say("three")
		time.Sleep(time.Minute)
		s.Kill()
		alice.say("four")
		time.Sleep(20 * time.Second)
		s.Start()
		if err := alice.ends(); err != nil {
			t.Error(err)
		}
		if got := said(t, s, "bob", "alice"); fmt.Sprint(got) != "[one two three four]" {
			t.Errorf("bob has %q", got)
		}
		alice.wants("#1 alice to bob: one", "#2 alice to bob: two", "#3 alice to bob: three", "#4 alice to bob: four")
		for _, word := range []string{"a message to bob waits for a connection", "connected again"} {
			if !strings.Contains(alice.errs.String(), word) {
				t.Errorf("alice was not told %q, but\n%s", word, alice.errs.String())
			}
		}
	})
}

func TestWhatCouldNotBeSentIsSaid(t *testing.T) {
	rollcalltest.Run(t, func(t *testing.T, s *rollcalltest.Server) {
		signUp(t, s, "bob")
		alice := talk(t, s, "alice", "bob", time.Hour)
		alice.device.Cut()
		alice.say("into the void")
		err := <-alice.done // after two minutes, although there may be more to say
		if err == nil || err.Error() != "1 message not sent, nothing could be sent for 2 minutes" {
			t.Errorf("without a network: %v", err)
		}

		carol := talk(t, s, "carol", "nobody", time.Hour)
		carol.say("hello", "/switch bob", "hi")
		if err := carol.ends(); err == nil || err.Error() != "1 message not sent" {
			t.Errorf("to nobody: %v", err)
		}
		if got := carol.errs.String(); !strings.Contains(got, "not sent to nobody: hello: ") || !strings.Contains(got, "(20003)") {
			t.Errorf("carol was told\n%s", got)
		}
		carol.wants("#1 carol to bob: hi")
	})
}

func TestTheEndOfASessionEndsTheLines(t *testing.T) {
	for name, tt := range map[string]struct {
		end  func(*rollcalltest.Server)
		code imcode.Code
		said string
	}{
		"a newer login": {func(s *rollcalltest.Server) { _ = s.Client("alice", rollcall.Linux).Login() }, imcode.Internal, "kicked offline: newer login"},
		"an operator":   {func(s *rollcalltest.Server) { s.Kick("alice") }, imcode.Internal, "kicked offline: operator"},
		"disabled":      {func(s *rollcalltest.Server) { s.SetDisabled("alice", true) }, imcode.AccountDisabled, "kicked offline: account disabled"},
		"its ticket":    {func(*rollcalltest.Server) { time.Sleep(time.Minute) }, imcode.UserSigExpired, "the ticket has ended"},
	} {
		t.Run(name, func(t *testing.T) {
			rollcalltest.Run(t, func(t *testing.T, s *rollcalltest.Server) {
				signUp(t, s, "bob")
				alice := talk(t, s, "alice", "bob", 50*time.Second)
				alice.say("hello")
				tt.end(s)
				if err := <-alice.done; imcode.Of(err) != tt.code || !strings.Contains(err.Error(), tt.said) {
					t.Errorf("it ended with %v, want %d and %q", err, tt.code, tt.said)
				}
			})
		})
	}
}

func TestWhoIsNotLetInSaysNothing(t *testing.T) {
	rollcalltest.Run(t, func(t *testing.T, s *rollcalltest.Server) {
		signUp(t, s, "bob")
		c := s.Client("alice", rollcall.Linux)
		var out, errs journal
		o := terminal.Options{Client: c.SDK, User: "alice", UserSig: s.UserSig("bob", time.Hour), Peer: "bob"}
		err := terminal.Lines(t.Context(), o, strings.NewReader("hello\n"), &out, &errs)
		if imcode.Of(err) != imcode.UserSigMismatchID || out.String() != "" {
			t.Errorf("with bob's ticket: %v, printed %q", err, out.String())
		}
		o.Ticket = func() (string, error) { return "", errors.New("the file is gone") }
		if err := terminal.Lines(t.Context(), o, strings.NewReader("hello\n"), &out, &errs); err == nil || err.Error() != "the file is gone" {
			t.Errorf("without a ticket: %v", err)
		}
	})
}

func TestLinesThatCannotBe(t *testing.T) {
	rollcalltest.Run(t, func(t *testing.T, s *rollcalltest.Server) {
		signUp(t, s, "bob")
		alice := talk(t, s, "alice", "", time.Hour)
		lines := []struct{ line, want string }{
			{"hello", "no conversation is open"},
			{"/read", "no conversation is open"},
			{"/switch", "whose conversation? /switch NAME"},
			{"/switch bob smith", "whose conversation? /switch NAME"},
			{"/switch b@b", "illegal"},
			{"/", "a / alone is no command"},
			{"/fly \x1b[2J", "there is no command /fly"},
			{"/\x1b[2J", "there is no command /\ufffd[2J"},
			{"/switch bob", ""},
			{"/history 0", "want one number, 1 to 100"},
			{"/history 101", "want one number, 1 to 100"},
			{"/list 1 2", "want one number, 1 to 1000"},
			{"/recall", "none of the last 100 messages is yours"},
			{"/recall x", `"x" is no message`},
			{"/recall 1 2", "one at a time"},
			{"/recall 7", "(6017)"},
			{"/delete", "which messages?"},
			{"/delete 0", `"0" is no message`},
			{"/pin up", "/pin, or /pin off"},
			{"/devices away", "/devices, /devices out N, or /devices out others"},
			{"/devices out phone", `"phone" is no session`},
			{"/devices out 99", "(70402)"},
			{"/login", "you are logged in"},
			{strings.Repeat("x", 13_000), "(8001)"},
			{strings.Repeat("x", 70_000), "longer than 65536 bytes"},
			{"caf\xe9", "(6017)"},
			{"/quit", ""},
		}
		wrong, refused := 0, 0
		for i, l := range lines {
			before := alice.errs.String()
			if l.line == "/quit" {
				go func() { _, _ = io.WriteString(alice.in, l.line+"\n") }()
				break
			}
			alice.say(l.line)
			got := strings.TrimPrefix(alice.errs.String(), before)
			if !strings.Contains(got, l.want) || l.want == "" && got != "" || strings.ContainsAny(got, "\x1b") {
				t.Errorf("line %d, %.20q: told %q, want %q", i+1, l.line, got, l.want)
			}
			switch {
			case strings.Contains(got, "not sent to"):
				refused++
			case l.want != "":
				wrong++
			}
		}
		if err := <-alice.done; err == nil || err.Error() != fmt.Sprintf("%d messages not sent, %d lines not carried out", refused, wrong) || refused != 2 {
			t.Errorf("it came to %v", err)
		}
	})
}

func TestASessionIsSignedOutFromTheLines(t *testing.T) {
	rollcalltest.Run(t, func(t *testing.T, s *rollcalltest.Server) {
		page := s.Client("alice", rollcall.Web)
		if err := page.Login(); err != nil {
			t.Fatal(err)
		}
		alice := talk(t, s, "alice", "", time.Hour)
		alice.say("/devices", "/devices out 1", "/devices out others", "/status")
		if got := page.Next(); got.Kind != rollcalltest.Kicked || got.Reason != client.ReasonSignedOutElsewhere {
			t.Errorf("the page heard %v", got)
		}
		if err := alice.ends(); err != nil {
			t.Error(err)
		}
		got := alice.printed()
		for _, want := range []string{
			"session 1  Web \"", "session 2  Linux \"", ", this one\n", "\n1 session signed out\n0 sessions signed out\n",
			"\nalice is connected: logged in as alice\nsession 2, connection 1, ticket good for 1 hour\n0 unread messages\n",
		} {
			if !strings.Contains(got, want) {
				t.Errorf("printed\n%s\nwant %q", got, want)
			}
		}
	})
}

// TestConversationsAreKept: pinned, deleted, and whole after it was said.
func TestConversationsAreKept(t *testing.T) {
	rollcalltest.Run(t, func(t *testing.T, s *rollcalltest.Server) {
		signUp(t, s, "bob", "carol")
		alice := talk(t, s, "alice", "bob", time.Hour)
		alice.say("one", "two", "three", "/pin", "/switch carol", "hi", "/list", "/switch bob", "/delete 1 #2", "/history", "/pin off", "/delete all", "/list")
		if err := alice.ends(); err != nil {
			t.Errorf("%v\n%s", err, alice.errs.String())
		}
		now := time.Now().Local().Format("15:04")
		alice.wants(
			"#1 alice to bob: one", "#2 alice to bob: two", "#3 alice to bob: three",
			"the conversation with bob stays on top of the list",
			"#1 alice to carol: hi",
			"bob               pinned  "+now+"  alice: three",
			"carol             "+now+"  alice: hi",
			"deleted for you; bob keeps what was said",
			"#3 alice to bob: three",
			"the conversation with bob is in its place of the list again",
			"the conversation with bob was deleted",
			"carol             "+now+"  alice: hi",
		)
		if got := said(t, s, "bob", "alice"); fmt.Sprint(got) != "[one two three]" {
			t.Errorf("bob has %q", got)
		}
	})
}

func TestWhoIsInterruptedIsNoError(t *testing.T) {
	rollcalltest.Run(t, func(t *testing.T, s *rollcalltest.Server) {
		r, w := io.Pipe()
		ctx, cancel := context.WithCancel(t.Context())
		c := s.Client("alice", rollcall.Linux)
		done := make(chan error, 1)
		var out, errs journal
		go func() {
			done <- terminal.Lines(ctx, terminal.Options{Client: c.SDK, User: "alice", UserSig: s.UserSig("alice", time.Hour)}, r, &out, &errs)
		}()
		synctest.Wait()
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
		w.Close()
	})
}
