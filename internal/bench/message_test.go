package bench

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/gobwas/ws"

	"rollcall.example"
	"rollcall.example/internal/store/sqlite"
	"rollcall.example/internal/talk"
	"rollcall.example/wire"
)

// relaying is a relay inside the test, as a target.
func relaying(t *testing.T, k kind) *target {
	t.Helper()
	to := listening(t, k, func(ctx context.Context, l net.Listener) error { return ServeRelay(ctx, l, k == webSocketKind) })
	to.relay = true
	return to
}

var relays = []kind{floorKind, webSocketKind}

func TestARelayHandsOnWhatIsSigned(t *testing.T) {
	for _, k := range relays {
		t.Run(string(k), func(t *testing.T) {
			to := relaying(t, k)
			first, second := connected(t, to), connected(t, to)
			for i, l := range []*line{first, second} {
				if err := l.login(to.spell([]byte("a login"), uint64(i))); err != nil {
					t.Fatal(err)
				}
			}
			// Three at once, and a part of the fourth.
			var all []byte
			for n := range 4 {
				all = append(all, to.spell(fmt.Appendf(nil, "message %d", n), 1)...)
			}
			cut := len(all) - 20
			if err := errors.Join(first.send(all[:cut]), first.send(all[cut:])); err != nil {
				t.Fatal(err)
			}
			for n := range 4 {
				for l, kind := range map[*line]byte{first: floorAnswer, second: floorNotice} {
					got, err := l.next()
					if want := fmt.Sprintf("%cmessage %d", kind, n); err != nil || string(got) != want {
						t.Errorf("%q, %v came; want %q", got, err, want)
					}
				}
			}
			if err := first.login(to.spell([]byte("to nobody"), 7)); err != nil {
				t.Errorf("a message to who is not there: %v", err)
			}
		})
	}
}

func TestARelayClosesOnWhatIsNot(t *testing.T) {
	forged := func(to *target) []byte {
		b := to.spell([]byte("a request"), 1)
		b[len(b)-1] ^= 1
		return b
	}
	for _, k := range relays {
		for what, spell := range map[string]func(*target) []byte{
			"a forged request": forged,
			"a short request": func(*target) []byte {
				if k == webSocketKind {
					return masked(ws.OpBinary, []byte("short"))
				}
				return []byte{0, 1, 'x'}
			},
			"a request longer than any": func(*target) []byte {
				if k == webSocketKind {
					return masked(ws.OpBinary, bytes.Repeat([]byte{0}, 2*floorReadSize))
				}
				return bytes.Repeat([]byte{0xff}, 2*floorReadSize)
			},
		} {
			to := relaying(t, k)
			l := connected(t, to)
			if err := l.send(spell(to)); err != nil {
				t.Fatal(err)
			}
			if got, err := l.next(); err == nil {
				t.Errorf("%s, %s is answered with %q", k, what, got)
			}
		}
	}
}

// TestPairsTalkOverARelay in turn, and then at a rate.
func TestPairsTalkOverARelay(t *testing.T) {
	for _, k := range relays {
		t.Run(string(k), func(t *testing.T) {
			to := relaying(t, k)
			pairs, err := to.pairs(t.Context(), 3, 50)
			if err != nil {
				t.Fatal(err)
			}
			defer part(pairs)
			s := &sitting{Options: Options{Duration: 100 * time.Millisecond}}
			turn := s.oneEach(t.Context(), to, pairs)
			if turn.failed > 0 || turn.answered < len(pairs) || len(turn.answers) != turn.answered || len(turn.pushes) != turn.answered {
				t.Errorf("%d answered, %d and %d delays, %d failed: %v", turn.answered, len(turn.answers), len(turn.pushes), turn.failed, turn.first)
			}
			turn = s.offer(t.Context(), to, pairs, 1000)
			if turn.failed > 0 || turn.answered != 100 || len(turn.late) != 100 {
				t.Errorf("%d of 100 came that were offered, %d left, %d failed: %v", turn.answered, len(turn.late), turn.failed, turn.first)
			}
			for i := range turn.delays {
				if turn.delays[i] != max(turn.answers[i], turn.pushes[i]) || turn.answers[i] <= 0 || turn.pushes[i] <= 0 {
					t.Errorf("message %d took %s, its answer %s, its push %s", i, turn.delays[i], turn.answers[i], turn.pushes[i])
				}
			}
		})
	}
}

// TestWhatIsOfferedCountsFromItsTime: who makes messages wait is not spared for it.
func TestWhatIsOfferedCountsFromItsTime(t *testing.T) {
	to := relaying(t, floorKind)
	pairs, err := to.pairs(t.Context(), 1, 50)
	if err != nil {
		t.Fatal(err)
	}
	defer part(pairs)
	const n = 50
	sender, peer := pairs[0].ears[0], pairs[0].ears[1]
	peer.mu.Lock() // it takes nothing that comes, until the last one has left
	go func() {
		defer peer.mu.Unlock()
		_, _ = sender.wait(n)
	}()
	turn := (&sitting{Options: Options{Duration: n * time.Millisecond}}).offer(t.Context(), to, pairs, 1000)
	if turn.answered != n || turn.failed > 0 {
		t.Fatalf("%d answered, %d failed: %v", turn.answered, turn.failed, turn.first)
	}
	for i, d := range turn.pushes {
		if held := time.Duration(n-1-i) * time.Millisecond; i > 0 && d < held { // the first one was read before
			t.Errorf("message %d was held for %s after its time, and took %s", i, held, d)
		}
	}
}

func TestPairsThatAreCutFail(t *testing.T) {
	to := relaying(t, floorKind)
	pairs, err := to.pairs(t.Context(), 1, 50)
	if err != nil {
		t.Fatal(err)
	}
	if err := pairs[0].once(t.Context()); err != nil {
		t.Fatal(err)
	}
	cutAll(pairs)
	if err := pairs[0].once(t.Context()); err == nil {
		t.Error("a message over a connection that was cut has come")
	}
	part(pairs)
	if _, err := pairs[0].ears[0].wait(5); err == nil {
		t.Error("a message that was never sent has come")
	}
}

// hearing is an ear at whose connection the test speaks.
func hearing(t *testing.T, k kind, marks int) (e *ear, say func(b []byte)) {
	t.Helper()
	here, there := net.Pipe()
	e = listen(&line{target: &target{kind: k}, conn: here}, marks, 100)
	t.Cleanup(func() {
		there.Close()
		<-e.ended
		here.Close()
	})
	return e, func(b []byte) {
		t.Helper()
		if _, err := there.Write(b); err != nil {
			t.Fatal(err)
		}
	}
}

func TestAnEarNotesWhatDidNotCome(t *testing.T) {
	e, say := hearing(t, rollcallKind, maxMarks)
	push := func(n int) []byte {
		return ws.MustCompileFrame(ws.NewBinaryFrame([]byte("..." + messageID(n) + "...")))
	}
	refusal, err := wire.Proto.Encode(refused(60018, 1000))
	if err != nil {
		t.Fatal(err)
	}
	say(push(0))
	say(push(3)) // 1 and 2 were dropped
	say(ws.MustCompileFrame(ws.NewBinaryFrame(refusal)))
	say(push(5))
	for n, came := range []bool{true, false, false, true, false, true} {
		if _, err := e.wait(n + 1); (err == nil) != came {
			t.Errorf("message %d came: %v, want %t", n, err, came)
		}
	}
	say(push(2))
	if _, err := e.wait(7); err == nil || !strings.Contains(err.Error(), "message 2 came in the place of 6") {
		t.Errorf("an earlier message came again: %v", err)
	}
}

func TestAnEarEndsWithWhatIsNoMessage(t *testing.T) {
	notice, err := wire.Proto.Encode(&wire.ServerFrame{Body: &wire.ServerFrame_Notice{Notice: &wire.Notice{}}})
	if err != nil {
		t.Fatal(err)
	}
	for what, frame := range map[string][]byte{
		"a notice": ws.MustCompileFrame(ws.NewBinaryFrame(notice)),
		"noise":    ws.MustCompileFrame(ws.NewBinaryFrame([]byte("noise"))),
		"a close":  ws.MustCompileFrame(ws.NewCloseFrame(ws.NewCloseFrameBody(4001, ""))),
	} {
		e, say := hearing(t, rollcallKind, maxMarks)
		say(frame)
		if _, err := e.wait(1); err == nil {
			t.Errorf("after %s a message came", what)
		}
	}
}

func TestLettersAreMessages(t *testing.T) {
	to := &target{kind: rollcallKind, app: benchApp}
	for _, size := range []int{1, 200} { // frames with a short head, and with a longer one
		l, err := to.lettersTo(&account{user: "bob"}, size)
		if err != nil {
			t.Fatal(err)
		}
		for _, n := range []int{0, 7, 12_345_678, 10} {
			frame := bytes.Clone(l.frame(n))
			request, all := (&relay{webSocket: true}).request(frame) // which is masked no longer
			f := new(wire.ClientFrame)
			if err := wire.Proto.Decode(request, f); err != nil || all != len(frame) {
				t.Fatalf("a frame of %d bytes, %d of them a request: %v", len(frame), all, err)
			}
			if got := f.GetSend(); got.GetPeer() != "bob" || got.GetMessageId() != messageID(n) || len(got.GetContent().GetText()) != size {
				t.Errorf("message %d of %d bytes is %v", n, size, got)
			}
			if got, ok := numberIn(request); !ok || got != n {
				t.Errorf("in the frame of message %d there is %d, %t", n, got, ok)
			}
		}
	}
}

// TestAPastIsConversations of which each has its messages, told by both in turn.
func TestAPastIsConversations(t *testing.T) {
	dir := t.TempDir()
	p := &past{hosts: 3, conversations: 7, messages: 100, size: 10}
	found := &Stored{}
	s := &sitting{}
	if err := s.relive(t.Context(), dir, p, found); err != nil {
		t.Fatal(err)
	}
	if found.FillS <= 0 || found.FileBytes <= 0 {
		t.Errorf("it took %v s and %d bytes", found.FillS, found.FileBytes)
	}
	db, err := sqlite.Open(t.Context(), dir, sqlite.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	sum := 0
	for c := range p.conversations {
		page, err := db.Messages(t.Context(), rollcall.Account{App: benchApp, User: p.host(c)}, p.guest(c), talk.Span{Count: 100})
		if err != nil {
			t.Fatal(err)
		}
		if len(page.Messages) != p.length(c) || !page.Complete {
			t.Errorf("conversation %d has %d messages, want %d", c, len(page.Messages), p.length(c))
		}
		for i, m := range page.Messages {
			if m.Own != (i%2 == 0) || m.Sequence != uint64(i+1) {
				t.Errorf("message %d of conversation %d: its host's %t, sequence %d", i, c, m.Own, m.Sequence)
			}
		}
		sum += len(page.Messages)
	}
	if sum != p.messages {
		t.Errorf("%d messages, want %d", sum, p.messages)
	}
}

func TestAPageIsTheOneThatWasAskedFor(t *testing.T) {
	answer := func(f *wire.ServerFrame) []byte {
		b, err := wire.Proto.Encode(f)
		if err != nil {
			t.Fatal(err)
		}
		return b
	}
	page := func(sequences ...uint64) []byte {
		a := &wire.MessagesAnswer{}
		for _, n := range sequences {
			a.Messages = append(a.Messages, &wire.Message{Sequence: n})
			a.ToSequence = n
		}
		return answer(&wire.ServerFrame{Id: 1, Body: &wire.ServerFrame_Messages{Messages: a}})
	}
	for _, tt := range []struct {
		answer []byte
		before uint64
		good   bool
	}{
		{page(8, 9), 0, true}, {page(3, 4), 5, true}, {page(), 0, false}, {page(7, 8), 0, false}, {page(4, 5), 5, false},
		{answer(refused(20003, 0)), 0, false}, {[]byte{0xff}, 0, false},
	} {
		if err := checkPage(tt.answer, tt.before, 9); (err == nil) != tt.good {
			t.Errorf("the page %q before %d of 9: %v, want it good %t", tt.answer, tt.before, err, tt.good)
		}
	}
}

// FuzzRelay reads what a client may send to a relay: it ends, and takes no more than
// there is.
func FuzzRelay(f *testing.F) {
	f.Add(floorRequest(binary.BigEndian.AppendUint64(nil, 7)), false)
	f.Add(masked(ws.OpBinary, floorRequest(make([]byte, 200))[2:]), true)
	f.Fuzz(func(t *testing.T, b []byte, webSocket bool) {
		r := &relay{webSocket: webSocket}
		for len(b) > 0 {
			request, size := r.request(b)
			if size == 0 {
				return
			}
			if size > len(b) || len(request) > size {
				t.Fatalf("a request of %d bytes, which takes %d of %d", len(request), size, len(b))
			}
			signed(request)
			b = b[size:]
		}
	})
}
