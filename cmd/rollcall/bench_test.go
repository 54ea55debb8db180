package main

import (
	"bytes"
	"context"
	"encoding/json"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"rollcall.example/internal/bench"
)

// measured runs a bench to its end, with a directory of its own that it must leave
// empty, and returns its report. No test looks at how fast something was.
func measured(t *testing.T, args ...string) *bench.Report {
	t.Helper()
	dir := t.TempDir()
	if args[0] != "usersig" {
		args = append(args, "--dir", dir)
	}
	out := command(t, append([]string{"bench"}, append(args, "--json")...)...)
	r := new(bench.Report)
	if err := json.Unmarshal([]byte(out), r); err != nil {
		t.Fatalf("%v in\n%s", err, out)
	}
	left, err := os.ReadDir(dir)
	if err != nil || len(left) > 0 {
		t.Errorf("the bench leaves %v behind, %v", left, err)
	}
	if r.Bench != args[0] || r.CPUs < 1 || r.At.IsZero() {
		t.Errorf("the report is of %q, at %s, on %d CPUs", r.Bench, r.At, r.CPUs)
	}
	return r
}

// consistent holds the figures of a run against each other.
func consistent(t *testing.T, run bench.Run, rounds, least int, subjects ...string) {
	t.Helper()
	var got []string
	for _, f := range run.Subjects {
		got = append(got, f.Subject)
		answered := 0
		for _, round := range f.Rounds {
			answered += round.Answered
			if round.PerSecond <= 0 || round.P50Ms <= 0 || round.P99Ms < round.P50Ms && round.P99Ms != 0 || round.Answered < least {
				t.Errorf("%s, %s: a round of %+v; want %d answers at least", run.Load, f.Subject, round, least)
			}
		}
		if len(f.Rounds) != rounds || answered != f.Answered || f.Failed != 0 {
			t.Errorf("%s, %s: %d answered and %d failed in %d rounds, which have %d", run.Load, f.Subject, f.Answered, f.Failed, len(f.Rounds), answered)
		}
		if f.PerSecond <= 0 || f.Ratio <= 0 || f.Subject == f.Floor && f.Ratio != 1 {
			t.Errorf("%s, %s: %v/s, ratio %v to %s", run.Load, f.Subject, f.PerSecond, f.Ratio, f.Floor)
		}
	}
	if !slices.Equal(got, subjects) {
		t.Errorf("%s: measured %q, want %q", run.Load, got, subjects)
	}
}

func TestBenchLogin(t *testing.T) {
	plot, profile := filepath.Join(t.TempDir(), "plot.svg"), filepath.Join(t.TempDir(), "cpu.out")
	r := measured(t, "login", "--clients", "2,4", "--rounds", "2", "--duration", "50ms", "--idle", "20", "--settle", "50ms", "--tls", "--plot", plot, "--profile", profile)
	plain, secure := []string{"tcp", "websocket", "rollcall"}, []string{"tcp+tls", "rollcall+tls"}
	if len(r.Runs) != 2 {
		t.Fatalf("%d runs, want one for each number of clients", len(r.Runs))
	}
	for i, clients := range []int{2, 4} {
		consistent(t, r.Runs[i], 2, clients, append(slices.Clone(plain), secure...)...)
		for _, f := range r.Runs[i].Subjects {
			if want := map[bool]string{false: "tcp", true: "tcp+tls"}[slices.Contains(secure, f.Subject)]; f.Floor != want {
				t.Errorf("%s is compared to %s, want %s", f.Subject, f.Floor, want)
			}
		}
	}
	for _, i := range r.Idle {
		if i.Sessions != 20 || i.RestBytes <= 0 || i.ResidentBytes <= 0 {
			t.Errorf("memory: %+v", i)
		}
	}
	if len(r.Starts) != 5 || slices.ContainsFunc(r.Starts, func(s bench.Start) bool { return s.Ms <= 0 || len(s.All) != 2 }) {
		t.Errorf("starts: %+v", r.Starts)
	}
	drawn, err := os.ReadFile(plot)
	if err != nil {
		t.Fatal(err)
	}
	for d := xml.NewDecoder(bytes.NewReader(drawn)); ; {
		if _, err := d.Token(); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			t.Fatal(err)
		}
	}
	if info, err := os.Stat(profile); err != nil || info.Size() == 0 {
		t.Errorf("the profile: %v, %v", info, err)
	}
}

func TestBenchLoginWhereClientsLeave(t *testing.T) {
	r := measured(t, "login", "--clients", "3", "--rounds", "1", "--duration", "50ms", "--idle", "0", "--leave")
	consistent(t, r.Runs[0], 1, 3, "tcp", "websocket", "rollcall")
	if r.Idle != nil {
		t.Errorf("memory was not asked for: %+v", r.Idle)
	}
}

func TestBenchKick(t *testing.T) {
	r := measured(t, "kick", "--idle", "20", "--rate", "40", "--rounds", "1", "--duration", "100ms", "--tls")
	if len(r.Runs) != 2 {
		t.Fatalf("%d runs, want one unloaded and one loaded", len(r.Runs))
	}
	all := []string{"tcp", "rollcall", "tcp+tls", "rollcall+tls"}
	consistent(t, r.Runs[0], 1, 1, all...)
	consistent(t, r.Runs[1], 1, 1, all...)
	for _, f := range r.Runs[1].Subjects {
		if f.Answered != 4 {
			t.Errorf("%s: %d kicks at 40/s in 100 ms", f.Subject, f.Answered)
		}
	}
	if r.FlushMs == nil || r.FlushMs.N != 50 || r.FlushMs.P50 <= 0 {
		t.Errorf("the flush beside it: %+v", r.FlushMs)
	}
}

func TestBenchResumeWithRestarts(t *testing.T) {
	t.Parallel() // clients wait until they are asked to come back
	for _, kill := range []bool{false, true} {
		args := []string{"resume", "--clients", "2", "--rounds", "1", "--duration", "50ms", "--restart", "30"}
		if kill {
			args = append(args, "--kill")
		}
		r := measured(t, args...)
		consistent(t, r.Runs[0], 1, 2, "tcp", "websocket", "rollcall")
		x := r.Restart
		if x == nil || x.Clients != 30 || x.Killed != kill || x.Failed != 0 || x.Attempts < 30 || x.AllBackS <= 0 || x.AllBackS < x.P50S*0.99 {
			t.Errorf("the restart: %+v", x)
		}
		if x != nil && !kill && x.Postponed != 30 {
			t.Errorf("%d clients were told when to come back, want 30", x.Postponed)
		}
	}
}

func TestBenchUserSig(t *testing.T) {
	r := measured(t, "usersig", "--rounds", "2", "--duration", "50ms")
	consistent(t, r.Runs[0], 2, 100, "HMAC alone", "plainly", "rollcall")
	for _, f := range r.Runs[0].Subjects {
		if f.Bytes == nil || *f.Bytes <= 0 {
			t.Errorf("%s makes no garbage", f.Subject)
		}
	}
}

// TestBenchOfARunningServer measures a server of one's own, with its key and with
// another.
func TestBenchOfARunningServer(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "data")
	command(t, "init", "--dir", dir)
	key := command(t, "app", "add", "--dir", dir, "7")
	_, address := serveOn(t, dir)
	args := []string{"--clients", "2", "--rounds", "1", "--duration", "50ms", "--server", address, "--app", "7"}
	r := measured(t, append([]string{"login", "--key", key}, args...)...)
	consistent(t, r.Runs[0], 1, 2, "tcp", "websocket", "rollcall")
	if r.Server != address || r.Idle != nil || r.Starts != nil {
		t.Errorf("of %q: %+v, %+v; its memory and its start are not known", r.Server, r.Idle, r.Starts)
	}
	code, said := fails(t, append([]string{"bench", "login", "--key", "another"}, args...)...)
	if code != 1 || !strings.Contains(said, "does not let an account of app 7 in: refused with 70009") {
		t.Errorf("with a wrong key: exit status %d, %s", code, said)
	}
}

// TestBenchOfWhatIsNoRollcall: nothing is put on a server that does not answer as
// one, and it is said what it did.
func TestBenchOfWhatIsNoRollcall(t *testing.T) {
	pages := httptest.NewServer(http.NotFoundHandler())
	defer pages.Close()
	where := func(serve func(net.Listener) error) string {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		ended := make(chan struct{})
		go func() {
			defer close(ended)
			_ = serve(l) // of a listener that is closed
		}()
		t.Cleanup(func() {
			l.Close()
			<-ended
		})
		return "ws://" + l.Addr().String()
	}
	for _, tt := range []struct{ server, want string }{
		{"ws" + strings.TrimPrefix(pages.URL, "http"), `is not a Rollcall: it answers "404 Not Found" where a WebSocket should begin`},
		{where(func(l net.Listener) error { return bench.ServeWebSocket(t.Context(), l) }), "is not a Rollcall: it does not answer a ping as one"},
		{where(func(l net.Listener) error { return bench.ServeFloor(t.Context(), l, false) }), "is not a Rollcall: what it answers is not HTTP"},
		{"ws://127.0.0.1:1", "nothing answers at ws://127.0.0.1:1: connect: connection refused"},
		{"ws://192.0.2.1:7400", "with --mine you say that it is yours"},
		{"http://127.0.0.1:7400", "want ws://host:port"},
		{"ws://127.0.0.1:7400/v1/connect", "want ws://host:port"},
	} {
		code, said := fails(t, "bench", "login", "--app", "7", "--key", "k", "--dir", t.TempDir(), "--server", tt.server)
		if code != 1 || !strings.Contains(said, tt.want) {
			t.Errorf("%s: exit status %d, %s; want %q", tt.server, code, said, tt.want)
		}
	}
}

// TestAKilledBenchLeavesNoServerBehind: what it has started ends with it.
func TestAKilledBenchLeavesNoServerBehind(t *testing.T) {
	if runtime.GOOS != "linux" {
		return // elsewhere a server outlives it
	}
	p := rollcallProcess(t, "bench", "login", "--clients", "2", "--rounds", "99", "--duration", "100ms", "--dir", t.TempDir())
	p.must(t, `round 1 of 99: tcp`)
	lists, err := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/children", p.cmd.Process.Pid))
	if err != nil {
		t.Fatal(err)
	}
	var servers []string
	for _, list := range lists {
		text, err := os.ReadFile(list)
		if err != nil && !errors.Is(err, os.ErrNotExist) {
			t.Fatal(err)
		}
		servers = append(servers, strings.Fields(string(text))...)
	}
	if len(servers) != 3 {
		t.Fatalf("the bench has started %d servers, want 3", len(servers))
	}
	p.kill()
	look := time.NewTicker(10 * time.Millisecond)
	defer look.Stop()
	late := time.After(patience)
	for _, pid := range servers {
		for runs(pid) {
			select {
			case <-look.C:
			case <-late:
				t.Fatalf("process %s is still there", pid)
			}
		}
	}
}

// runs tells whether a process is there and has not ended.
func runs(pid string) bool {
	stat, err := os.ReadFile("/proc/" + pid + "/stat")
	_, state, _ := strings.Cut(string(stat), ") ")
	return err == nil && !strings.HasPrefix(state, "Z") && !strings.HasPrefix(state, "X")
}

func TestBenchFlagsOutOfRange(t *testing.T) {
	for _, tt := range []struct{ args, want string }{
		{"login --clients 0", `"0": want a whole number above 0`},
		{"login --clients 4,x", `"x": want a whole number above 0`},
		{"login --clients 10001", "--clients: 10001, want 1 to 10000"},
		{"login --rounds 0", `"0": want a whole number above 0`},
		{"login --rounds 100", "--rounds: 100, want 1 to 99"},
		{"login --duration 1ms", "--duration: 1ms, want 50ms to 10m0s"},
		{"login --duration 11m", "--duration: 11m0s, want 50ms to 10m0s"},
		{"login --duration=-1s", "--duration: -1s, want 50ms to 10m0s"},
		{"login --idle=-1", "--idle: -1, want 0 to 1000000"},
		{"login --idle 1000001", "--idle: 1000001, want 0 to 1000000"},
		{"login --settle 11m", "--settle: 11m0s, want 0s to 10m0s"},
		{"login --dir no-such", "no-such"},
		{"login --app 7", "--app and --mine go with --server"},
		{"login --server ws://127.0.0.1:7400", "--server needs --app"},
		{"login --server ws://127.0.0.1:7400 --app 7 --key k --tls", "name your own as wss://"},
		{"login --server ws://127.0.0.1:7400 --app 7 --key k --profile p", "not for --server"},
		{"kick --idle 0", "--idle: 0, want 1 to 1000000"},
		{"kick --rate 0", "--rate: 0, want 1 to 20000"},
		{"kick --rate 20001", "--rate: 20001, want 1 to 20000"},
		{"kick --rate 1000 --idle 499", "want at least half of --rate"},
		{"kick --duration 1ms", "--duration: 1ms, want 50ms to 10m0s"},
		{"resume --restart=-1", "--restart: -1, want 0 to 1000000"},
		{"resume --kill", "--kill goes with --restart"},
		{"resume --clients 10001", "--clients: 10001, want 1 to 10000"},
		{"resume --restart 5 --server ws://127.0.0.1:7400 --app 7 --key k", "not for --server"},
		{"growth --accounts 99", "--accounts: 99, want 100 to 20000000"},
		{"growth --accounts 1000,20000001", "--accounts: 20000001, want 100 to 20000000"},
		{"growth --accounts 1000,x", `"x": want a whole number above 0`},
		{"growth --logged-in 0", "--logged-in: want 0.01 to 50, in percent"},
		{"growth --logged-in NaN", "--logged-in: want 0.01 to 50, in percent"},
		{"growth --logged-in 51", "--logged-in: want 0.01 to 50, in percent"},
		{"growth --clients 1001", "--clients: 1001, want 1 to 1000"},
		{"growth --rate 0", "--rate: 0, want 1 to 10000"},
		{"growth --rounds 100", "--rounds: 100, want 1 to 99"},
		{"growth --server ws://127.0.0.1:7400", "unknown flag --server"},
		{"storm --clients 19", "--clients: 19, want 20 to 100000"},
		{"storm --times 0", `"0": want a whole number above 0`},
		{"storm --times 101", "--times: 101, want 1 to 100"},
		{"storm --returning 0", "--returning: 0, want 1 to 90"},
		{"storm --returning 91", "--returning: 91, want 1 to 90"},
		{"storm --duration 1ms", "--duration: 1ms, want 50ms to 10m0s"},
		{"message --pairs 0", `"0": want a whole number above 0`},
		{"message --pairs 5001", "--pairs: 5001, want 1 to 5000"},
		{"message --size 0", "--size: 0, want 1 to 2000"},
		{"message --size 2001", "--size: 2001, want 1 to 2000"},
		{"message --rate=-1", "--rate: -1, want 0 to 100000"},
		{"message --rate 100001", "--rate: 100001, want 0 to 100000"},
		{"message --pairs 64,10 --rate 1501", "--rate: want at most 150 for each pair"},
		{"message --stored 999", "--stored: 999, want 1000 to 20000000"},
		{"message --stored=-1", "--stored: -1, want 1000 to 20000000"},
		{"message --stored 20000001", "--stored: 20000001, want 1000 to 20000000"},
		{"message --duration 1ms", "--duration: 1ms, want 50ms to 10m0s"},
		{"message --app 7", "--app and --mine go with --server"},
		{"sdk --conversations 0", "--conversations: 0, want 1 to 10000"},
		{"sdk --conversations 10001", "--conversations: 10001, want 1 to 10000"},
		{"sdk --messages 999", "--messages: 999, want 1000 to 1000000"},
		{"sdk --messages 1000001", "--messages: 1000001, want 1000 to 1000000"},
		{"sdk --rounds 100", "--rounds: 100, want 1 to 99"},
		{"sdk --duration 1s", "unknown flag --duration"},
		{"usersig --rounds 100", "--rounds: 100, want 1 to 99"},
		{"usersig --tls", "unknown flag --tls"},
	} {
		code, said := fails(t, append([]string{"bench"}, strings.Fields(tt.args)...)...)
		if code != 2 || !strings.Contains(said, tt.want) || !strings.Contains(said, "--help") {
			t.Errorf("%s: exit status %d, %s; want 2, and %q", tt.args, code, said, tt.want)
		}
	}
}

// fails runs this program to its end and returns its exit status and what it said.
func fails(t *testing.T, args ...string) (status int, said string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience) // where it does not fail, a bench takes long
	defer cancel()
	cmd := exec.CommandContext(ctx, "rollcall", args...)
	cmd.Cancel = func() error { return cmd.Process.Signal(os.Interrupt) } // so that it ends what it has started
	cmd.Env = clean()
	out, err := cmd.CombinedOutput()
	if _, ok := errors.AsType[*exec.ExitError](err); !ok {
		t.Fatalf("%s: %v, want it to fail: %s", cmd, err, out)
	}
	return cmd.ProcessState.ExitCode(), string(out)
}
