package terminal

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/charmbracelet/x/ansi"

	"rollcall.example"
	"rollcall.example/client"
	"rollcall.example/internal/plain"
	"rollcall.example/rollcalltest"
)

// A sight is a screen without a terminal: its desk is a real one.
type sight struct {
	*screen

	t      *testing.T
	device *rollcalltest.Client

	mu     sync.Mutex
	events []event
}

// look has alice look at a screen, until the test ends.
func look(t *testing.T, s *rollcalltest.Server, peer string, width, height int) *sight {
	t.Helper()
	return lookFrom(t, s, s.Client("alice", rollcall.Linux), peer, width, height)
}

func lookFrom(t *testing.T, s *rollcalltest.Server, device *rollcalltest.Client, peer string, width, height int) *sight {
	t.Helper()
	x := &sight{t: t, device: device}
	d := newDesk(Options{Client: device.SDK, User: "alice", UserSig: s.UserSig("alice", time.Hour), Peer: rollcall.UserID(peer)}, true, func(e event) {
		x.mu.Lock()
		defer x.mu.Unlock()
		x.events = append(x.events, e)
	})
	x.screen = newScreen(d)
	x.resize(width, height)
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan struct{})
	go func() {
		d.run(ctx)
		close(ended)
	}()
	t.Cleanup(func() {
		cancel()
		<-ended
	})
	d.start()
	x.settle()
	return x
}

// settle waits until nothing more happens, and takes in what did.
func (x *sight) settle() {
	synctest.Wait()
	x.mu.Lock()
	all := x.events
	x.events = nil
	x.mu.Unlock()
	for _, e := range all {
		x.take(e)
	}
	if len(all) > 0 {
		x.settle()
	}
}

// types is text typed as a person does, character by character.
func (x *sight) types(text string) {
	for _, r := range text {
		x.press(key{text: string(r)})
	}
}

// says types lines and enters each.
func (x *sight) says(lines ...string) {
	for _, line := range lines {
		x.types(line)
		x.hits("enter")
	}
}

// hits presses keys by their names, and waits for what comes of each.
func (x *sight) hits(names ...string) {
	for _, name := range names {
		x.press(key{name: name})
		x.settle()
	}
}

// plain is what stands on the screen, row by row, without styles and without the
// blanks at their ends.
func (x *sight) plain() []string {
	all, _ := x.view()
	rows := slices.Clone(all)
	for i := range rows {
		rows[i] = strings.TrimRight(strings.ReplaceAll(ansi.Strip(rows[i]), unbroken, " "), " ")
	}
	return rows
}

// wants compares the last rows of the screen.
func (x *sight) wants(when string, rows ...string) {
	x.t.Helper()
	all := x.plain()
	if len(all) != x.height {
		x.t.Errorf("%s: %d rows on a screen of %d", when, len(all), x.height)
	}
	if got := all[max(0, len(all)-len(rows)):]; !slices.Equal(got, rows) {
		x.t.Errorf("%s: the screen ends with\n%s\nwant\n%s", when, strings.Join(got, "\n"), strings.Join(rows, "\n"))
	}
}

// today is the row above what was said on the day that it is in the bubble.
func today() string {
	return "── " + time.Now().Local().Format("Monday, 2 January 2006") + " ──"
}

// clock is the time in the bubble, as it stands before a message.
func clock() string { return time.Now().Local().Format("15:04") }

// sends has a user say something to alice.
func sends(t *testing.T, c *rollcalltest.Client, texts ...string) {
	t.Helper()
	for _, text := range texts {
		if _, err := c.SDK.SendText(t.Context(), "alice", text); err != nil {
			t.Fatal(err)
		}
	}
}

// in logs a user in.
func in(t *testing.T, s *rollcalltest.Server, user string) *rollcalltest.Client {
	t.Helper()
	c := s.Client(user, rollcall.Android)
	if err := c.Login(); err != nil {
		t.Fatal(err)
	}
	return c
}

func TestWhatIsTypedStaysWhileMessagesArrive(t *testing.T) {
	rollcalltest.Run(t, func(t *testing.T, s *rollcalltest.Server) {
		bob, carol := in(t, s, "bob"), in(t, s, "carol")
		alice := look(t, s, "bob", 50, 8)
		alice.types("half a wo")
		at := clock()
		sends(t, bob, "first", "second")
		sends(t, carol, "psst \x1b[2J")
		alice.settle()
		alice.wants("while she types",
			today(),
			at+"    #1 bob: first",
			at+"    #2 bob: second",
			"carol: psst \ufffd[2J  (/switch carol)",
			"> half a wo",
		)
		if _, c := alice.view(); c.column != len("> half a wo") || c.row != 7 {
			t.Errorf("the cursor is at %+v", c)
		}
		alice.says("rd")
		alice.wants("when it is sent", at+"    #2 bob: second", at+"    #3 alice: half a word ✓", ">")
		if head := alice.plain()[0]; head != " alice › bob          unread: carol 1 · connected" {
			t.Errorf("the first row is %q", head)
		}
		if n, err := bob.SDK.TotalUnread(t.Context()); err != nil || n != 1 {
			t.Errorf("bob has %d unread, %v", n, err)
		}
		if err := bob.SDK.MarkRead(t.Context(), "c2c_alice", 0); err != nil {
			t.Fatal(err)
		}
		alice.settle()
		alice.wants("when it is read", at+"    #3 alice: half a word ✓✓", ">")
	})
}

func TestConversationsAreSwitched(t *testing.T) {
	rollcalltest.Run(t, func(t *testing.T, s *rollcalltest.Server) {
		bob, carol := in(t, s, "bob"), in(t, s, "carol")
		alice := look(t, s, "", 60, 10)
		alice.wants("at first", "  No conversation yet. /switch NAME begins one, /help says", "  what else there is.", ">")
		sends(t, bob, "I am bob")
		alice.settle()
		at := clock()
		alice.wants("the first one that comes is opened", today(), at+"    #1 bob: I am bob", ">")
		sends(t, carol, "I am carol")
		alice.settle()
		alice.wants("the second one is not", at+"    #1 bob: I am bob", "carol: I am carol  (/switch carol)", ">")
		alice.types("/sw")
		alice.hits("tab")
		alice.types(" c")
		alice.hits("tab", "enter")
		alice.wants("carol's", today(), at+"    #1 carol: I am carol", ">")
		if head := alice.plain()[0]; head != " alice › carol                                    connected" {
			t.Errorf("the first row is %q", head)
		}
		alice.says("/switch bob", "/list")
		alice.wants("bob's", at+"    #1 bob: I am bob", "  carol             "+at+"  carol: I am carol", "  bob               "+at+"  bob: I am bob", ">")
		sends(t, carol, "are you there?")
		alice.settle()
		alice.says("/switch nobody", "hello")
		alice.wants("to nobody",
			"  ✗        alice: hello (not sent: there is no account", "                  nobody: it is there from its first login",
			"                  on (20003))", ">")
		in(t, s, "nobody")
		alice.settle()
		alice.hits("up", "enter") // what was typed is sent again
		alice.wants("to nobody, who is there now",
			"                  nobody: it is there from its first login", "                  on (20003))", today(), at+"    #1 alice: hello ✓", ">")
		alice.says("/recall 99", "/delete 1 98")
		alice.wants("what is not there", "  there is no message #99: the latest is #1", "  there is no message #98: the latest is #1", ">")
		alice.types("/switch ")
		alice.hits("tab")
		alice.wants("to choose from", "/switch nobody  /switch carol  /switch bob", "> /switch")
	})
}

// TestWhatIsReadIsReadByWhoLooks: while the terminal is not looked at, nothing is.
func TestWhatIsReadIsReadByWhoLooks(t *testing.T) {
	rollcalltest.Run(t, func(t *testing.T, s *rollcalltest.Server) {
		bob := in(t, s, "bob")
		alice := look(t, s, "bob", 60, 10)
		unread := func() int {
			n, err := alice.device.SDK.TotalUnread(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			return n
		}
		sends(t, bob, "one")
		alice.settle()
		if n := unread(); n != 0 {
			t.Errorf("%d are unread by who looks", n)
		}
		alice.hits(blurred)
		sends(t, bob, "two", "three")
		alice.settle()
		if n := unread(); n != 2 {
			t.Errorf("%d are unread by who does not look, want 2", n)
		}
		alice.hits(focused)
		alice.settle()
		if n := unread(); n != 0 {
			t.Errorf("%d are unread by who looks again", n)
		}
	})
}

func TestWhatIsTypedOfflineIsSentWhenBack(t *testing.T) {
	rollcalltest.Run(t, func(t *testing.T, s *rollcalltest.Server) {
		bob := in(t, s, "bob")
		alice := look(t, s, "bob", 60, 9)
		sends(t, bob, "hi")
		alice.settle()
		alice.device.Cut()
		at := clock()
		time.Sleep(10 * time.Second)
		alice.settle()
		alice.says("are you there?", "hello?")
		alice.wants("offline",
			at+"    #1 bob: hi",
			"  …        alice: are you there? (waiting for a connection)",
			"  …        alice: hello? (sending)",
			"no connection (no way to the server, 9512); it is tried",
			"again, and what this device has can be read",
			">",
		)
		if alice.hits("ctrl+d"); alice.left {
			t.Error("it is left with messages that were not sent, unasked")
		}
		if got := strings.Join(alice.plain(), "\n"); !strings.Contains(got, "2 messages not sent yet: again leaves without") {
			t.Errorf("who leaves with messages that were not sent sees\n%s", got)
		}
		alice.device.Mend()
		time.Sleep(time.Minute)
		alice.settle()
		alice.wants("back", at+"    #1 bob: hi", at+"    #2 alice: are you there? ✓", at+"    #3 alice: hello? ✓", ">")
		if alice.hits("ctrl+d"); !alice.left {
			t.Error("Ctrl-D does not leave")
		}
	})
}

// TestAStartWithoutANetworkShowsWhatTheDeviceHas, and logs in once there is one.
func TestAStartWithoutANetworkShowsWhatTheDeviceHas(t *testing.T) {
	rollcalltest.Run(t, func(t *testing.T, s *rollcalltest.Server) {
		bob := in(t, s, "bob")
		device := s.Client("alice", rollcall.Linux)
		if err := device.Login(); err != nil {
			t.Fatal(err)
		}
		sends(t, bob, "remember me")
		synctest.Wait()
		page, err := device.SDK.Conversations(t.Context(), client.ListOptions{Count: 10})
		t.Logf("%+v %v", page, err)
		if err := device.Logout(); err != nil {
			t.Fatal(err)
		}
		at := clock()
		s.Stop()
		alice := lookFrom(t, s, device, "", 70, 8)
		alice.wants("without a server", today(), at+"    #1 bob: remember me",
			"no connection (nobody serves there, 9511); it is tried again, and what", "this device has can be read", ">")
		time.Sleep(time.Minute)
		alice.settle()
		s.Start()
		time.Sleep(time.Minute)
		alice.settle()
		alice.wants("with one", at+"    #1 bob: remember me", ">")
	})
}

func TestAKickIsToldAndLoginTakesThePlaceBack(t *testing.T) {
	rollcalltest.Run(t, func(t *testing.T, s *rollcalltest.Server) {
		in(t, s, "bob")
		alice := look(t, s, "bob", 80, 9)
		other := s.Client("alice", rollcall.Linux)
		if err := other.Login(); err != nil {
			t.Fatal(err)
		}
		alice.settle()
		got := strings.Join(alice.plain(), " ")
		if !strings.Contains(got, "Signed out because the account logged in on") || !strings.Contains(got, "/login takes the") || !strings.Contains(got, "signed out") {
			t.Errorf("after the kick the screen is\n%s", strings.Join(alice.plain(), "\n"))
		}
		alice.says("still here?")
		alice.wants("signed out", "  …        alice: still here? (waiting: you are signed out, /login)", ">")
		at := clock()
		alice.says("/login")
		alice.wants("back", at+"    #1 alice: still here? ✓", ">")
		if got := other.Next(); got.Kind != rollcalltest.Kicked {
			t.Errorf("the other device heard %v", got)
		}

		time.Sleep(time.Hour + time.Minute) // its ticket ends
		alice.settle()
		got = strings.Join(alice.plain(), " ")
		if !strings.Contains(got, "The ticket has ended, or was revoked: you are signed out. Get a new one") {
			t.Errorf("after the end of the ticket the screen is\n%s", strings.Join(alice.plain(), "\n"))
		}
	})
}

func TestWhatIsReadStaysInPlaceWhenSomethingComes(t *testing.T) {
	rollcalltest.Run(t, func(t *testing.T, s *rollcalltest.Server) {
		bob := in(t, s, "bob")
		in(t, s, "alice")
		for i := range 120 {
			sends(t, bob, fmt.Sprint("message ", i+1))
		}
		alice := look(t, s, "bob", 40, 10)
		at := clock()
		alice.hits("pgup")
		alice.wants("a page up", at+"  #113 bob: message 113", ">")
		before := alice.plain()[1:9]
		sends(t, bob, "a new one")
		alice.settle()
		if got := alice.plain()[1:9]; !slices.Equal(got, before) {
			t.Errorf("it moved to\n%s\nfrom\n%s", strings.Join(got, "\n"), strings.Join(before, "\n"))
		}
		if head := alice.plain()[0]; head != " alice › bob     more below · connected" {
			t.Errorf("the first row is %q", head)
		}
		alice.hits("esc")
		alice.wants("below", at+"  #120 bob: message 120", at+"  #121 bob: a new one", ">")
		for range 40 { // all the way up, which loads what was before
			alice.hits("pgup")
		}
		if got := alice.plain()[1:3]; !slices.Equal(got, []string{today(), at + "    #1 bob: message 1"}) {
			t.Errorf("the top is %q", got)
		}
		for range 40 {
			alice.hits("pgdown")
		}
		alice.wants("down again", at+"  #121 bob: a new one", ">")
	})
}

func TestKeys(t *testing.T) {
	rollcalltest.Run(t, func(t *testing.T, s *rollcalltest.Server) {
		in(t, s, "bob")
		alice := look(t, s, "bob", 60, 10)
		alice.says("one", "two")
		alice.hits("up", "up")
		alice.wants("two up", "> one")
		alice.hits("down")
		alice.wants("one down", "> two")
		alice.hits("down")
		alice.wants("all down", ">")
		alice.types("你好, wide")
		alice.hits("home", "right")
		if _, c := alice.view(); c.column != 4 {
			t.Errorf("behind a wide character the cursor is at %+v, want column 4", c)
		}
		alice.press(key{name: pasted, text: pasteOf([]byte("pasted\r\nin \x1b[31mtwo\u202e lines\t."))})
		alice.wants("pasted", "> 你pasted", "  in \ufffd[31mtwo\ufffd lines    .好, wide")
		alice.hits("up", "end")
		alice.types("!")
		alice.wants("a row up", "> 你pasted!", "  in \ufffd[31mtwo\ufffd lines    .好, wide")
		if alice.hits("ctrl+c"); alice.left {
			t.Error("Ctrl-C leaves what was typed")
		}
		alice.wants("Ctrl-C", ">")
		alice.types("/un")
		alice.hits("tab", "tab")
		alice.wants("completed", "> /unread")
		alice.hits("ctrl+c")
		if alice.hits("ctrl+c"); !alice.left {
			t.Error("Ctrl-C on an empty line does not leave")
		}
		alice.left = false
		alice.types("/quit")
		if alice.hits("enter"); !alice.left {
			t.Error("/quit does not leave")
		}
		if alice.hits("ctrl+z", "ctrl+l"); !alice.suspend || !alice.repaint {
			t.Error("Ctrl-Z does not suspend, or Ctrl-L does not show anew")
		}
	})
}

// TestEverySizeHasItsRows: however the window is pulled, as many rows as it has, none
// wider than it is.
func TestEverySizeHasItsRows(t *testing.T) {
	rollcalltest.Run(t, func(t *testing.T, s *rollcalltest.Server) {
		bob := in(t, s, "bob")
		alice := look(t, s, "bob", 80, 24)
		sends(t, bob, "short", strings.Repeat("long words ", 40), strings.Repeat("无", 100), strings.Repeat("x", 500), strings.Repeat("line\n", 100), "e\u0301\u0301\u0301👩‍💻🏴")
		alice.settle()
		alice.says("/help")
		alice.types("something to say that is long enough for more than one row of a small window")
		alice.status = "a sentence that needs a row or two on a small window, as there may be"
		for width := 1; width < 130; width += 3 {
			for _, height := range []int{1, 2, 3, 4, 5, 8, 24, 60} {
				alice.resize(width, height)
				rows, cursor := alice.view()
				if len(rows) != height || cursor.row >= height || cursor.column > max(width, leastWidth) {
					t.Fatalf("%d x %d: %d rows, the cursor at %+v", width, height, len(rows), cursor)
				}
				for _, row := range rows {
					if text := ansi.Strip(row); columns(text) > max(width, leastWidth) || !plain.Printable(text) {
						t.Fatalf("%d x %d: a row of %d columns: %q", width, height, columns(text), row)
					}
				}
			}
		}
	})
}

// TestAScrollHasAnEnd: however much is said, the oldest goes.
func TestAScrollHasAnEnd(t *testing.T) {
	s := scroll{self: "alice", peer: "bob", end: true}
	for i := range uint64(maxEntries) {
		s.put(client.Message{Conversation: "c2c_bob", Sequence: i + 1, Sender: "bob", Text: "x"})
		if first := s.trim(); first != 0 {
			t.Fatalf("%d entries are too many", i+1)
		}
	}
	s.put(client.Message{Conversation: "c2c_bob", Sequence: maxEntries + 1, Sender: "bob", Text: "x"})
	first := s.trim()
	if want := uint64(maxEntries + 2 - maxEntries*3/4); first != want || len(s.entries) != maxEntries*3/4 || s.end {
		t.Errorf("%d entries are left, from %d on, end is %v; want %d from %d on", len(s.entries), first, s.end, maxEntries*3/4, want)
	}
}

// TestMessagesStandInTheirOrder, however they come, each once, and what was told
// stands behind what was said until then.
func TestMessagesStandInTheirOrder(t *testing.T) {
	s := scroll{self: "alice", peer: "bob"}
	say := func(sequence uint64, text string) {
		s.put(client.Message{Conversation: "c2c_bob", Sequence: sequence, Sender: "bob", Text: text, Time: time.Unix(0, 0)})
	}
	s.tell([]string{"before all"})
	say(3, "three")
	say(5, "five")
	s.tell([]string{"after five"})
	say(4, "four")
	say(6, "six")
	say(3, "three again")
	say(1, "one")
	s.remove(4)
	var got []string
	for _, row := range s.rows(80, online) {
		_, text, found := strings.Cut(ansi.Strip(row), "bob: ")
		if !found {
			text = strings.TrimSpace(ansi.Strip(row))
		}
		got = append(got, text)
	}
	if want := []string{"before all", "── " + time.Unix(0, 0).Format("Monday, 2 January 2006") + " ──", "one", "three again", "five", "after five", "six"}; !slices.Equal(got, want) {
		t.Errorf("%q, want %q", got, want)
	}
}
