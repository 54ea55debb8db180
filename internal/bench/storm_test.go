package bench

import (
	"bytes"
	"errors"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/gobwas/ws"

	"rollcall.example/internal/backoff"
	"rollcall.example/wire"
)

// busy answers one connection after the other with what it is given, and returns
// the frames that came, once all is answered.
func busy(t *testing.T, answers ...*wire.ServerFrame) (to *target, came func() []*wire.ClientFrame) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var frames []*wire.ClientFrame
	ended := make(chan error, 1)
	go func() {
		var err error
		for _, a := range answers {
			f := new(wire.ClientFrame)
			if err = errors.Join(err, answerOnce(l, f, a)); err == nil {
				frames = append(frames, f)
			}
		}
		ended <- err
	}()
	t.Cleanup(func() { l.Close() })
	if to, err = (&target{kind: rollcallKind, app: benchApp, key: floorKey}).at(l.Addr().String()); err != nil {
		t.Fatal(err)
	}
	return to, func() []*wire.ClientFrame {
		t.Helper()
		if err := <-ended; err != nil {
			t.Fatal(err)
		}
		return frames
	}
}

func answerOnce(l net.Listener, f *wire.ClientFrame, a *wire.ServerFrame) error {
	c, err := l.Accept()
	if err != nil {
		return err
	}
	defer c.Close()
	u := ws.Upgrader{Protocol: func([]byte) bool { return true }}
	if _, err := u.Upgrade(c); err != nil {
		return err
	}
	head, err := ws.ReadHeader(c)
	if err != nil || head.Length > bufferBytes {
		return errors.Join(errors.New("no frame of a login"), err)
	}
	payload := make([]byte, head.Length)
	if _, err := io.ReadFull(c, payload); err != nil {
		return err
	}
	ws.Cipher(payload, head.Mask, 0)
	if err := wire.Proto.Decode(payload, f); err != nil {
		return err
	}
	b, err := wire.Proto.Encode(a)
	if err != nil {
		return err
	}
	return ws.WriteFrame(c, ws.NewBinaryFrame(b))
}

func refused(code int32, after uint32) *wire.ServerFrame {
	return &wire.ServerFrame{Id: 1, Body: &wire.ServerFrame_Refusal{Refusal: &wire.Refusal{Code: code, RetryAfterMs: after}}}
}

var granted = &wire.ServerFrame{Id: 1, Body: &wire.ServerFrame_Session{Session: &wire.SessionAnswer{Session: 1}}}

// TestACallerThatIsSentAwayComesBackWithTheSameAttempt, and is in then.
func TestACallerThatIsSentAwayComesBackWithTheSameAttempt(t *testing.T) {
	for _, returns := range []bool{false, true} {
		to, came := busy(t, refused(70500, 1), refused(70500, 1), granted)
		all, err := to.accounts(1)
		if err != nil {
			t.Fatal(err)
		}
		all[0].session, all[0].fixed, all[0].present, all[0].next = 7, half(), half(), half()
		c := &caller{account: all[0], returns: returns, wait: backoff.Backoff{Base: time.Millisecond}}
		c.call(t.Context(), to)
		frames := came()
		if c.line == nil || c.failure != nil || c.away != 2 || c.door != 0 || c.took <= 0 {
			t.Fatalf("returning %t: in %t after being sent away %d times, %v; want it in after 2", returns, c.line != nil, c.away, c.failure)
		}
		c.line.cut()
		var halves [][]byte
		for i, f := range frames {
			try, fixed := f.GetLogin().GetTryNumber(), f.GetLogin().GetFixedHalf()
			if returns {
				try, fixed = f.GetResume().GetTryNumber(), f.GetResume().GetFixedHalf()
			}
			if try != uint64(i+1) {
				t.Errorf("returning %t: try %d has the number %d", returns, i+1, try)
			}
			halves = append(halves, fixed)
		}
		if len(halves[0]) == 0 || !bytes.Equal(halves[0], halves[1]) || !bytes.Equal(halves[0], halves[2]) {
			t.Errorf("returning %t: each try is an attempt of its own", returns)
		}
	}
}

func TestACallerWhoseAppIsToldHasFailed(t *testing.T) {
	to, came := busy(t, refused(70051, 0))
	all, err := to.accounts(1)
	if err != nil {
		t.Fatal(err)
	}
	c := &caller{account: all[0]}
	c.call(t.Context(), to)
	came()
	if c.line != nil || c.failure == nil || !strings.Contains(c.failure.Error(), "refused with 70051") {
		t.Errorf("in %t, its app is told %v; want that it is refused with 70051", c.line != nil, c.failure)
	}
	x := &StormFigures{Subject: asConfigured, all: []*gale{{sustained: 1, callers: []*caller{c}}}}
	x.sum()
	if err := (&Report{Storms: []StormFigures{*x}}).Err(); x.Failed != 1 || err == nil || !strings.Contains(err.Error(), "70051") {
		t.Errorf("%d failed, the report's error is %v", x.Failed, err)
	}
	x.Subject = nobodyAway
	if err := (&Report{Storms: []StormFigures{*x}}).Err(); err != nil {
		t.Errorf("what the server is compared to has failed, and the error is %v", err)
	}
}

func TestAnUpgradeThatIsRefusedSaysWhenToComeBack(t *testing.T) {
	for _, tt := range []struct {
		answer string
		hint   time.Duration
	}{
		{"HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\nretry-after: 2\r\n\r\n", 2 * time.Second},
		{"HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\n\r\n", 0},
		{"HTTP/1.1 503 Service Unavailable\r\nRetry-After: -5\r\n\r\n", 0},
	} {
		l := &line{target: &target{kind: rollcallKind}, buf: []byte(tt.answer), w: len(tt.answer)}
		err := l.upgraded()
		if hint, final := verdict(err); err == nil || refusedLater(err) || hint != tt.hint || final || !strings.Contains(err.Error(), "503") {
			t.Errorf("%q: %v, again after %s, final %t; want %s", tt.answer, err, hint, final, tt.hint)
		}
	}
}

// TestBystandersThatAreCutAreAFailure of the storm.
func TestBystandersThatAreCutAreAFailure(t *testing.T) {
	to := served(t, webSocketKind, false)
	c := &crowd{target: to, lines: []*line{connected(t, to)}}
	c.lines[0].cut()
	ops, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "ok") }), ReadHeaderTimeout: time.Minute}
	ended := make(chan error, 1)
	go func() { ended <- s.Serve(ops) }()
	to.ops = "http://" + ops.Addr().String()
	c.watch(t.Context())
	_, health, broken := c.seen()
	if broken == nil || len(health) == 0 {
		t.Errorf("a connection that is cut: %v; healthy %d times", broken, len(health))
	}
	if err := errors.Join(s.Close(), <-ended); !errors.Is(err, http.ErrServerClosed) {
		t.Error(err)
	}
}

func TestEachAccountComesOnce(t *testing.T) {
	for _, n := range []int{1, 2, 100, 1000, 65_536, 99_991} {
		seen := make([]bool, n)
		near := 0
		for i := range n {
			at := scattered(i, n)
			if at < 0 || at >= n || seen[at] {
				t.Fatalf("of %d, the one in place %d is %d, which was there before or is none", n, i, at)
			}
			seen[at] = true
			if i > 0 && at-scattered(i-1, n) == 1 {
				near++
			}
		}
		if n >= 100 && near > n/10 {
			t.Errorf("of %d, %d are next to the one before", n, near)
		}
	}
}
