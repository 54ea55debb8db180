package bench

import (
	"context"
	"encoding/json"
	"encoding/xml"
	"errors"
	"io"
	"net"
	"net/netip"
	"strings"
	"sync"
	"testing"
	"time"

	"rollcall.example/wire"
)

// served is a floor or bare WebSocket inside the test, as a target.
func served(t *testing.T, k kind, notify bool) *target {
	t.Helper()
	return listening(t, k, func(ctx context.Context, l net.Listener) error {
		if k == webSocketKind {
			return ServeWebSocket(ctx, l)
		}
		return ServeFloor(ctx, l, notify)
	})
}

// listening serves inside the test, as a target.
func listening(t *testing.T, k kind, serve func(context.Context, net.Listener) error) *target {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	var running sync.WaitGroup
	running.Go(func() { err = serve(ctx, l) })
	t.Cleanup(func() {
		stop()
		running.Wait()
		if err != nil {
			t.Error(err)
		}
	})
	to, failed := (&target{kind: k, app: benchApp}).at(l.Addr().String())
	if failed != nil {
		t.Fatal(failed)
	}
	return to
}

// connected is a connection that the test closes.
func connected(t *testing.T, to *target) *line {
	t.Helper()
	l, err := to.connect(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(l.cut)
	return l
}

func TestTheFloorAnswersWhatIsSigned(t *testing.T) {
	to := served(t, floorKind, false)
	l := connected(t, to)
	for range 2 {
		if err := l.login(to.spell([]byte("a request"), 1)); err != nil {
			t.Fatal(err)
		}
	}
	forged := to.spell([]byte("a request"), 1)
	forged[12] ^= 1
	if err := l.login(forged); err == nil {
		t.Error("the floor answers a request whose HMAC is wrong")
	}
	l = connected(t, to)
	if err := l.login([]byte{0xff, 0xff, 0}); err == nil {
		t.Error("the floor answers a request that is larger than any")
	}
}

func TestTheFloorTellsWhoIsSuperseded(t *testing.T) {
	to := served(t, floorKind, true)
	first, second, other := connected(t, to), connected(t, to), connected(t, to)
	if err := first.login(to.spell(nil, 7)); err != nil {
		t.Fatal(err)
	}
	for _, x := range []struct {
		l      *line
		number uint64
	}{{other, 8}, {second, 7}} {
		if err := x.l.login(to.spell(nil, x.number)); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := first.notice(); err != nil {
		t.Errorf("who was superseded is not told: %v", err)
	}
	if err := other.login(to.spell(nil, 8)); err != nil {
		t.Errorf("another account is told: %v", err) // in the place of an answer
	}
}

func TestTheBareWebSocketAnswers(t *testing.T) {
	to := served(t, webSocketKind, false)
	l := connected(t, to)
	for range 2 {
		if err := l.login(to.spell([]byte("a request"), 1)); err != nil {
			t.Fatal(err)
		}
	}
}

// TestALoadCountsWhatIsAnswered puts a load on a floor, half of which it does not
// answer.
func TestALoadCountsWhatIsAnswered(t *testing.T) {
	const clients = 4
	to := served(t, floorKind, false)
	good := to.spell([]byte("a request"), 1)
	forged := append([]byte{}, good...)
	forged[12] ^= 1
	l := &load{target: to, clients: clients, duration: 500 * time.Millisecond, ask: func(ctx context.Context, client, n int, buf []byte) (*line, bool, error) {
		x, err := to.connect(ctx, buf)
		if err != nil {
			return nil, true, err
		}
		defer x.cut()
		if n < 3 && client%2 == 1 {
			return nil, true, x.login(forged)
		}
		return nil, true, x.login(good)
	}}
	got := l.run(t.Context())
	if got.failed != 3*clients/2 || got.first == nil {
		t.Errorf("%d failed, the first with %v; want %d", got.failed, got.first, 3*clients/2)
	}
	if got.answered < clients || got.answered != len(got.delays) || got.took < l.duration {
		t.Errorf("%d answered, with %d delays, in %s; want %d at least, in %s", got.answered, len(got.delays), got.took, clients, l.duration)
	}
}

// TestALoadEndsWithItsWork: where there is nothing left to ask for, the turn is over.
func TestALoadEndsWithItsWork(t *testing.T) {
	to := served(t, floorKind, false)
	l := &load{target: to, clients: 1, duration: time.Hour, ask: func(_ context.Context, _, n int, _ []byte) (*line, bool, error) {
		return nil, n < 5, nil
	}}
	if got := l.run(t.Context()); got.answered != 3 {
		t.Errorf("%d answered, want 5 less the 2 that warm it up", got.answered)
	}
}

func TestFiguresAreMediansAndRatiosArePaired(t *testing.T) {
	played := func(answered int, ms ...int) *turn {
		x := &turn{answered: answered, took: time.Second}
		for _, d := range ms {
			x.delays = append(x.delays, time.Duration(d)*time.Millisecond)
		}
		return x
	}
	broken := played(50, 8)
	broken.failed, broken.first = 2, errors.New("refused with 70500")
	run := summary("some", 4, 0, []*record{
		{"tcp", "tcp", []*turn{played(100, 1), played(400, 2), played(200, 4)}},
		{"rollcall", "tcp", []*turn{played(90, 2), played(100, 2), broken}},
	})
	floor, got := run.Subjects[0], run.Subjects[1]
	if floor.Ratio != 1 || floor.PerSecond != 200 || floor.Answered != 700 {
		t.Errorf("the floor: %+v", floor)
	}
	// By round the ratios are 0.9, 0.25 and 0.25, though the medians are 200 and 90.
	if got.Ratio != 0.25 || got.PerSecond != 90 || got.P99Ratio < 1.9 || got.P99Ratio > 2.1 {
		t.Errorf("ratio %v of %v/s, p99 %v times; want 0.25, 90, 2", got.Ratio, got.PerSecond, got.P99Ratio)
	}
	r := &Report{Runs: []Run{run}}
	if err := r.Err(); err == nil || !strings.Contains(err.Error(), "2 of 242 failed, the first: refused with 70500") {
		t.Errorf("the report's error is %v", err)
	}
	if err := (&Report{Restart: &Restart{Clients: 3, Failed: 1, Failure: "a notice"}}).Err(); err == nil {
		t.Error("a client that did not come back is no error")
	}
	if err := (&Report{Runs: []Run{{Subjects: []Figures{{Answered: 1}}}}}).Err(); err != nil {
		t.Error(err)
	}
}

// sample is a report with everything in it.
func sample() *Report {
	us := 12.5
	return &Report{
		Bench: "login", At: time.Unix(1_795_000_000, 0).UTC(), System: "linux/amd64", CPUs: 2, Disk: "ext4", Rounds: 3, Duration: 2,
		FlushMs: &Delays{P50: 0.7, P99: 2, N: 100},
		Runs: []Run{
			{Load: "64 clients <&>", Clients: 64, Subjects: []Figures{
				{Subject: "tcp", Floor: "tcp", PerSecond: 9000, Ratio: 1, CPUUs: &us, Curve: []Point{{50, 1}, {99, 12}}},
				{Subject: "rollcall", Floor: "tcp", PerSecond: 4500, Ratio: 0.5, Curve: []Point{{50, 3}, {99, 70}}},
			}},
			{Load: "kicks at 1000/s", Rate: 1000, Subjects: []Figures{{Subject: "rollcall", Floor: "tcp"}}},
			{Load: "messages at 500/s", Rate: 500, Subjects: []Figures{
				{Subject: "rollcall", Floor: "tcp", Max: 9.5, Answer: &Delays{P50: 1.25, P99: 6}, Push: &Delays{P50: 1.5, P99: 7}, Late: &Delays{P50: 0.25, P99: 0.5}},
			}},
		},
		Stored:  &Stored{Messages: 1_000_000, Conversations: 1000, FillS: 30, FileBytes: 270e6},
		Cache:   &Stored{Messages: 500, Conversations: 5, FillS: 1.5, FileBytes: 2e6},
		Idle:    []Idle{{Subject: "rollcall", Sessions: 10, RestBytes: 25e6, PerSession: 6144}},
		Starts:  []Start{{Subject: "rollcall", Ms: 60}},
		Restart: &Restart{Clients: 10, AllBackS: 6.5},
		Sizes:   []Size{{Accounts: 1000, LoggedIn: 10, PreviewMs: 3.25, LoginsBeside: 1.5, HistoryMs: &Delays{P50: 0.5}, ExplainMs: &Delays{P50: 0.75}}},
		Storms: []StormFigures{{
			Subject: "rollcall", Times: 10, Clients: 5000, Returning: 500, Sustained: 2000, IdealS: 2.5, AllInS: 4, Ratio: 1.6,
			Resume: &Delays{P99: 90}, Ping: &Delays{P99: 7}, Health: &Delays{P99: 8}, SentAway: 3000, Often: 3100, Door: 50, Most: 2,
		}},
	}
}

func TestAPlotIsWellFormed(t *testing.T) {
	var b strings.Builder
	if err := sample().WriteSVG(&b); err != nil {
		t.Fatal(err)
	}
	words := map[string]bool{}
	for d := xml.NewDecoder(strings.NewReader(b.String())); ; {
		token, err := d.Token()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatalf("%v in\n%s", err, &b)
		}
		if c, ok := token.(xml.CharData); ok {
			words[string(c)] = true
		}
	}
	for _, want := range []string{"64 clients <&>", "4500/s, ratio 0.50", "kicks at 1000/s", "99%", "100 ms"} {
		if !words[want] {
			t.Errorf("the plot does not say %q:\n%s", want, &b)
		}
	}
	if strings.Contains(b.String(), "NaN") || strings.Contains(b.String(), "Inf") {
		t.Errorf("the plot has a place that is no number:\n%s", &b)
	}
}

func TestAReportForPeople(t *testing.T) {
	var b strings.Builder
	if err := sample().WriteText(&b); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		"rollcall 4500 0.50", "one flush of a small append beside it: p50 0.70 ms",
		"rollcall 6.0 (0.0) 25.0 (0.0)", "rollcall 60 ms", "all after 6.50 s", "asked to end",
		"1000 10 0.0 0.0 0 0.0 3.2 ×1.50 0.50 0.75", "storms of 5000 clients, 500 of which return; the server sustains 2000 logins a second",
		"rollcall 10 x 4.00 2.50 1.60 0.00 90 7.0 8.0 3000 3100 50 2 0",
		"rollcall 1.25 6.00 1.50 7.00 0.25 0.50", "the store: 1000000 messages in 1000 conversations, 270.0 MB, filled in 30.0 s",
		"the cache: 500 messages in 5 conversations, 2.0 MB, read from a server in 1.5 s",
	} {
		if !strings.Contains(strings.Join(strings.Fields(b.String()), " "), want) {
			t.Errorf("the report does not say %q:\n%s", want, &b)
		}
	}
	if _, err := json.Marshal(sample()); err != nil {
		t.Error(err)
	}
}

func TestWhoIsToldToComeBackAndWhoIsNot(t *testing.T) {
	for _, tt := range []struct {
		err   error
		hint  time.Duration
		final bool
	}{
		{io.EOF, 0, false},
		{&closed{wire.Close{Code: wire.CloseDrain, RetryAfter: time.Second}}, time.Second, false},
		{&closed{wire.Close{Code: wire.CloseKicked}}, 0, true},
		{&closed{wire.Close{Code: wire.CloseSuperseded}}, 0, true},
		{&later{2 * time.Second, io.EOF}, 2 * time.Second, false},
		{&seen{io.EOF}, 0, true},
	} {
		if hint, final := verdict(tt.err); hint != tt.hint || final != tt.final {
			t.Errorf("%#v: again after %s, final %t; want %s, %t", tt.err, hint, final, tt.hint, tt.final)
		}
	}
}

func TestManyClientsComeFromManyAddresses(t *testing.T) {
	if !manyAddresses {
		return // this system has one
	}
	here, elsewhere := netip.MustParseAddrPort("127.0.0.1:7400"), netip.MustParseAddrPort("192.0.2.1:443")
	for _, tt := range []struct {
		to   netip.AddrPort
		n    int
		want string
	}{{here, 0, "127.0.0.1"}, {here, 3_999, "127.0.0.1"}, {here, 4_000, "127.0.0.2"}, {here, 999_999, "127.0.0.250"}, {elsewhere, 45_000, ""}} {
		got := ""
		if a := from(tt.to, tt.n); a.IsValid() {
			got = a.Addr().String()
		}
		if got != tt.want {
			t.Errorf("connection %d to %s comes from %q, want %q", tt.n, tt.to, got, tt.want)
		}
	}
}

func TestMoreConnectionsThanFilesAreRefused(t *testing.T) {
	limit, known := openFiles()
	if !known || limit > 1<<30 {
		limit = 1 << 30
	}
	if err := room(1, "--idle"); err != nil {
		t.Error(err)
	}
	err := room(int(limit), "--idle")
	if known && (err == nil || !strings.Contains(err.Error(), "ulimit -Hn")) {
		t.Errorf("as many connections as files: %v", err)
	}
}

// FuzzFrame reads what a server may send: it is a frame, not yet one, or an error.
func FuzzFrame(f *testing.F) {
	f.Add([]byte{0x82, 2, 1, 2}, true)
	f.Add([]byte{0x88, 126, 0, 3, 1}, true)
	f.Add(floorReply(floorAnswer), false)
	f.Fuzz(func(t *testing.T, b []byte, webSocket bool) {
		l := &line{target: &target{kind: floorKind}, buf: b, w: len(b)}
		if webSocket {
			l.target.kind = webSocketKind
		}
		for {
			before := l.r
			_, payload, ok, err := l.frame()
			if err != nil || !ok {
				return
			}
			if l.r <= before || l.r > len(b) || len(payload) > l.r-before {
				t.Fatalf("a frame of %d bytes, from %d to %d of %d", len(payload), before, l.r, len(b))
			}
		}
	})
}
