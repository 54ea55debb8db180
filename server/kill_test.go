package server_test

import (
	"bufio"
	"context"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/coder/websocket"

	"rollcall.example"
	"rollcall.example/internal/apps"
	"rollcall.example/internal/gateway"
	"rollcall.example/internal/node"
	"rollcall.example/internal/policy"
	"rollcall.example/internal/session"
	"rollcall.example/internal/store"
	"rollcall.example/internal/store/sqlite"
	"rollcall.example/server"
	"rollcall.example/usersig"
	"rollcall.example/wire"
)

// doomed is the environment variable that makes this test binary a server on the
// directory it names, which is killed between its first commit and the answer.
const doomed = "ROLLCALL_TEST_DOOMED"

// A deadly store ends its process, as kill -9 does, once something is committed.
type deadly struct{ *sqlite.Store }

func (d deadly) Mutate(ctx context.Context, a rollcall.Account, rule store.Rule) (policy.Outcome, error) {
	if o, err := d.Store.Mutate(ctx, a, rule); err != nil {
		return o, err
	}
	self, err := os.FindProcess(os.Getpid())
	if err == nil {
		err = self.Kill()
	}
	if err == nil {
		select {} // until it arrives
	}
	return policy.Outcome{}, err
}

// TestDoomedServer is no test, but the server's process.
func TestDoomedServer(t *testing.T) {
	dir := os.Getenv(doomed)
	if dir == "" {
		t.Skip("runs as a process of TestALoginThatWasCommittedSurvivesKill9")
	}
	st, err := sqlite.Open(t.Context(), dir, sqlite.Options{Node: "doomed"})
	if err != nil {
		t.Fatal(err)
	}
	a, err := apps.Load(t.Context(), st, apps.Options{})
	if err != nil {
		t.Fatal(err)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stdout.WriteString("ws://" + l.Addr().String() + wire.Path + "\n"); err != nil {
		t.Fatal(err)
	}
	g := gateway.New(session.New(deadly{st}, a, node.NewRoster(), session.Options{}), nil, gateway.Options{})
	srv := &http.Server{Handler: g, ReadHeaderTimeout: time.Minute}
	t.Fatal(srv.Serve(l))
}

func TestALoginThatWasCommittedSurvivesKill9(t *testing.T) {
	dir := t.TempDir()
	key := initialize(t, dir)
	sig, err := usersig.Sign(app, key, "alice", time.Now(), time.Hour)
	if err != nil {
		t.Fatal(err)
	}

	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	process := exec.CommandContext(ctx, os.Args[0], "-test.run=^TestDoomedServer$")
	process.Env = append(os.Environ(), doomed+"="+dir)
	out, err := process.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := process.Start(); err != nil {
		t.Fatal(err)
	}
	address, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		t.Fatal(err)
	}
	l := dialTCP(t, strings.TrimSpace(address), wire.Proto)
	b, err := wire.Proto.Encode(loginFrame(sig, "phone", 1))
	if err != nil {
		t.Fatal(err)
	}
	if err := l.ws.Write(ctx, websocket.MessageBinary, b); err != nil {
		t.Fatal(err)
	}
	if _, answer, err := l.ws.Read(ctx); err == nil {
		t.Fatalf("the doomed server answered %q", answer)
	}
	_, _ = io.Copy(io.Discard, out)
	if err := process.Wait(); err == nil {
		t.Error("the doomed server ended well")
	}

	s, address := runOn(t, dir)
	l = dialTCP(t, address, wire.Proto)
	f := l.ask(loginFrame(sig, "phone", 2)) // the same attempt, tried again
	if x := f.GetSession(); x.GetSession() != 1 || x.GetConnection() != 2 {
		t.Errorf("after the kill the login was answered with %v, want session 1, connection 2", f)
	}
	rows, err := s.Store().History(ctx, account("alice"), 0, 10)
	if err != nil {
		t.Fatal(err)
	}
	var kinds []string
	for _, r := range slices.Backward(rows) {
		kinds = append(kinds, r.Kind.String())
	}
	if want := []string{"signed up", "login"}; !slices.Equal(kinds, want) {
		t.Errorf("history %q, want %q", kinds, want)
	}
	usage, err := s.Store().Usage(ctx, app, 0, 1<<31-1)
	if err != nil {
		t.Fatal(err)
	}
	for _, u := range usage {
		if u.Active != 1 {
			t.Errorf("usage %+v, want the account counted once", usage)
		}
	}
}

// initialize makes a data directory with one app, and returns its key.
func initialize(t testing.TB, dir string) string {
	t.Helper()
	st, err := sqlite.Open(t.Context(), dir, sqlite.Options{})
	if err != nil {
		t.Fatal(err)
	}
	a, err := apps.Load(t.Context(), st, apps.Options{})
	if err != nil {
		t.Fatal(err)
	}
	key, err := a.Add(t.Context(), app, "test", "")
	if err != nil {
		t.Fatal(err)
	}
	if err := st.Close(); err != nil {
		t.Fatal(err)
	}
	return key
}

// runOn runs a server on a data directory until the test ends.
func runOn(t *testing.T, dir string) (s *server.Server, address string) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	if s, err = server.New(ctx, server.Config{Dir: dir, Listener: l}); err != nil {
		t.Fatal(err)
	}
	done := make(chan error, 1)
	go func() { done <- s.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
	return s, "ws://" + l.Addr().String() + wire.Path
}
