package main

import (
	"net"
	"path/filepath"
	"strings"
	"testing"

	"rollcall.example/internal/bench"
)

// TestBenchMessage measures a few pairs and a small store, and looks at the shape of
// what it says.
func TestBenchMessage(t *testing.T) {
	t.Parallel()
	plot := filepath.Join(t.TempDir(), "plot.svg")
	r := measured(t, "message", "--pairs", "4,2", "--size", "300", "--rate", "100", "--stored", "1000", "--rounds", "2", "--duration", "50ms", "--tls", "--plot", plot)
	if len(r.Runs) != 6 {
		t.Fatalf("%d runs; want one and one at the rate of 2 pairs, one of 4, and pages, pages beside messages, and those", len(r.Runs))
	}
	all := []string{"tcp", "websocket", "rollcall", "tcp+tls", "rollcall+tls"}
	consistent(t, r.Runs[0], 2, 2, all...)
	consistent(t, r.Runs[1], 2, 5, all...)
	consistent(t, r.Runs[2], 2, 4, all...)
	consistent(t, r.Runs[3], 2, 1, "newest pages", "old pages")
	consistent(t, r.Runs[4], 2, 1, "newest pages", "old pages")
	for _, run := range r.Runs[:3] {
		for _, f := range run.Subjects {
			if f.Answer == nil || f.Push == nil || f.Answer.N != f.Answered || f.Push.N != f.Answered || f.Max < f.P50Ms || (f.Late != nil) != (run.Rate > 0) {
				t.Errorf("%s, %s: %+v, answers %+v, pushes %+v", run.Load, f.Subject, f, f.Answer, f.Push)
			}
		}
	}
	beside := r.Runs[5]
	if beside.Rate != 100 || len(beside.Subjects) != 1 || beside.Subjects[0].Answered != 4*5 || len(beside.Subjects[0].Rounds) != 4 {
		t.Errorf("messages beside pages: %+v", beside)
	}
	if x := r.Stored; x == nil || x.Messages != 1000 || x.Conversations != 100 || x.FillS <= 0 || x.FileBytes <= 0 {
		t.Errorf("the store: %+v", x)
	}
	if r.FlushMs == nil || r.FlushMs.N != 2*2*50 {
		t.Errorf("the flush beside it: %+v", r.FlushMs)
	}
}

// TestBenchMessageOfARunningServer measures a server of one's own, and leaves out what
// it cannot do there.
func TestBenchMessageOfARunningServer(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "data")
	command(t, "init", "--dir", dir)
	key := command(t, "app", "add", "--dir", dir, "7")
	_, address := serveOn(t, dir)
	r := measured(t, "message", "--pairs", "2", "--rate", "0", "--rounds", "1", "--duration", "50ms", "--server", address, "--app", "7", "--key", key)
	if len(r.Runs) != 1 || r.Stored != nil {
		t.Fatalf("%d runs and a store of %+v; want one run, and no store", len(r.Runs), r.Stored)
	}
	consistent(t, r.Runs[0], 1, 2, "tcp", "websocket", "rollcall")
}

// TestBenchMessageOfWhatIsNoRollcall: nothing is put on it.
func TestBenchMessageOfWhatIsNoRollcall(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- bench.ServeRelay(t.Context(), l, true) }()
	code, said := fails(t, "bench", "message", "--app", "7", "--key", "k", "--dir", t.TempDir(), "--server", "ws://"+l.Addr().String())
	if code != 1 || !strings.Contains(said, "is not a Rollcall: it does not answer a ping as one") {
		t.Errorf("exit status %d, %s", code, said)
	}
	l.Close()
	if err := <-ended; err != nil && !strings.Contains(err.Error(), "closed") {
		t.Error(err)
	}
}

// TestBenchSDK has an app start on a small cache.
func TestBenchSDK(t *testing.T) {
	t.Parallel()
	r := measured(t, "sdk", "--conversations", "3", "--messages", "305", "--rounds", "1")
	if len(r.Runs) != 1 {
		t.Fatalf("%d runs, want one", len(r.Runs))
	}
	all := []string{"nothing", "process", "process+disk", "client"}
	if !bench.Forgets {
		all = []string{"nothing", "process", "client"}
	}
	consistent(t, r.Runs[0], 1, 10, all...)
	for _, f := range r.Runs[0].Subjects {
		if f.Answered != 10 || f.Max < f.P50Ms {
			t.Errorf("%s: %+v", f.Subject, f)
		}
	}
	if x := r.Cache; x == nil || x.Messages != 305 || x.Conversations != 3 || x.FillS <= 0 || x.FileBytes <= 0 {
		t.Errorf("the cache: %+v", x)
	}
}
