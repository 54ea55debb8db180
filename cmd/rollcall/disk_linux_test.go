package main

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"rollcall.example/imcode"
	"rollcall.example/usersig"
	"rollcall.example/wire"
)

// A medium is where a data directory lies, and how a test makes it take nothing
// and take again, below a server that runs.
type medium struct {
	dir  string
	fill func(t *testing.T, server *process)
	free func(t *testing.T, server *process)
	// start is a server's command line on a medium that takes nothing.
	start func(t *testing.T, args ...string) *exec.Cmd
	// lock makes it read-only, and writable again, while nothing runs on it; nil: it
	// cannot be.
	lock func(t *testing.T, readOnly bool)
}

// tmpfs is a small file system of its own, which a file fills: what a full disk is,
// with its error. Only root may mount one, and in some containers not even root.
func tmpfs(t *testing.T, size string) (medium, error) {
	t.Helper()
	root := t.TempDir()
	if err := unix.Mount("none", root, "tmpfs", 0, "mode=0700,size="+size); err != nil {
		return medium{}, err
	}
	t.Cleanup(func() {
		if err := unix.Unmount(root, unix.MNT_DETACH); err != nil {
			t.Error(err)
		}
	})
	ballast := filepath.Join(root, "ballast")
	fill := func(t *testing.T, _ *process) {
		t.Helper()
		f, err := os.Create(ballast)
		for block := make([]byte, 4096); err == nil; {
			_, err = f.Write(block)
		}
		if !errors.Is(err, unix.ENOSPC) {
			t.Fatalf("fill the disk: %v, want that it is full", err)
		}
		f.Close()
	}
	free := func(t *testing.T, _ *process) {
		t.Helper()
		if err := os.Remove(ballast); err != nil {
			t.Fatal(err)
		}
	}
	start := func(t *testing.T, args ...string) *exec.Cmd {
		t.Helper()
		return exec.Command("rollcall", args...)
	}
	lock := func(t *testing.T, readOnly bool) {
		t.Helper()
		var flags uintptr = unix.MS_REMOUNT
		if readOnly {
			flags |= unix.MS_RDONLY
		}
		if err := unix.Mount("none", root, "tmpfs", flags, ""); err != nil {
			t.Fatal(err)
		}
	}
	return medium{filepath.Join(root, "data"), fill, free, start, lock}, nil
}

// sizeLimit has the system refuse the server's process files that are larger than
// the largest it has: anybody may do that to a process of their own. It shows the
// same from the server's side, but with an error that SQLite takes for a fault of
// the disk, and not for a full one.
func sizeLimit(t *testing.T) medium {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "data")
	limit := func(t *testing.T, server *process, bytes uint64) {
		t.Helper()
		var now unix.Rlimit
		err := unix.Prlimit(server.cmd.Process.Pid, unix.RLIMIT_FSIZE, nil, &now)
		now.Cur = min(bytes, now.Max)
		if err == nil {
			err = unix.Prlimit(server.cmd.Process.Pid, unix.RLIMIT_FSIZE, &now, nil)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	fill := func(t *testing.T, server *process) {
		t.Helper()
		files, err := os.ReadDir(dir)
		if err != nil {
			t.Fatal(err)
		}
		var largest int64
		for _, f := range files {
			if info, err := f.Info(); err == nil {
				largest = max(largest, info.Size())
			}
		}
		limit(t, server, uint64(largest))
	}
	free := func(t *testing.T, server *process) {
		t.Helper()
		if server != nil {
			limit(t, server, unix.RLIM_INFINITY)
		}
	}
	start := func(t *testing.T, args ...string) *exec.Cmd {
		t.Helper()
		return exec.Command("sh", append([]string{"-c", `ulimit -f 0; exec rollcall "$@"`, "sh"}, args...)...)
	}
	return medium{dir, fill, free, start, nil}
}

// TestAServerOnAFullDisk: nothing acknowledged is lost, questions are answered,
// logins are refused with 70500 and a time to come back; and when there is room
// again they are taken, by the server that runs.
func TestAServerOnAFullDisk(t *testing.T) {
	t.Run("tmpfs", func(t *testing.T) {
		m, err := tmpfs(t, "4m")
		if err != nil {
			t.Logf("no file system can be mounted here (%v): the file size limit alone shows it", err)
			return
		}
		fullDisk(t, m)
	})
	t.Run("file size limit", func(t *testing.T) { fullDisk(t, sizeLimit(t)) })
}

func fullDisk(t *testing.T, m medium) {
	command(t, "init", "--dir", m.dir)
	key := command(t, "app", "add", "--dir", m.dir, "7")
	serve := []string{"serve", "--dir", m.dir, "--listen", "127.0.0.1:0", "--ops", "127.0.0.1:0", "--admin="}
	server := rollcallProcess(t, serve...)
	ready := server.must(t, `^ready: clients (ws://\S+), ops (http://[^,]+),`)
	s := &fullStory{t: t, address: ready[1], key: key, dir: m.dir}

	alice, bob := s.login("alice"), s.login("bob")
	m.fill(t, server)
	s.loginsUntilRefused()
	server.must(t, `level=ERROR msg="the disk takes nothing`)
	refused := s.goesOn(bob, ready[2])

	m.free(t, server)
	server.must(t, `level=WARN msg="the disk takes again`)
	s.taken(refused)
	if out := command(t, "kick", "alice", "--all", "--app", "7", "--dir", m.dir); out == "" {
		t.Error("a kick said nothing")
	}
	alice.state = thrown
	if got := status(t, ready[2]+"/readyz"); got != http.StatusOK {
		t.Errorf("/readyz answers %d when there is room again, want 200", got)
	}

	m.fill(t, server)
	s.loginsUntilRefused() // and dies in the midst of that
	server.kill()
	refusesToStart(t, m.start(t, serve...), "it is full")
	m.free(t, nil)
	if m.lock != nil {
		m.lock(t, true)
		refusesToStart(t, m.start(t, serve...), "it is read-only")
		m.lock(t, false)
	}
	_, s.address = serveOn(t, m.dir)
	for _, row := range s.rows {
		row.check(t, s.address)
	}
}

// refusesToStart starts a server on a disk that takes nothing.
func refusesToStart(t *testing.T, start *exec.Cmd, why string) {
	t.Helper()
	start.Env = clean()
	out, err := start.CombinedOutput()
	if exit, ok := errors.AsType[*exec.ExitError](err); !ok || exit.ExitCode() != 1 || !strings.Contains(string(out), "the disk takes nothing: "+why) {
		t.Errorf("started on a disk of which %s, the server ended with %v and %q; want exit status 1 and why", why, err, out)
	}
}

// A fullStory is the clients of a server on a full disk.
type fullStory struct {
	t                 *testing.T
	address, key, dir string
	rows              []*ledgerRow // of all that was acknowledged
}

func (s *fullStory) request(user string) *ledgerRow {
	s.t.Helper()
	sig, err := usersig.Sign(killApp, s.key, user, time.Now(), time.Hour)
	if err != nil {
		s.t.Fatal(err)
	}
	return &ledgerRow{login: loginFrame(killApp, user, sig), try: 1}
}

// ask sends one request on a connection of its own.
func (s *fullStory) ask(f *wire.ClientFrame) *wire.ServerFrame {
	s.t.Helper()
	c, err := dialRaw(s.t.Context(), s.address)
	if err != nil {
		s.t.Fatal(err)
	}
	defer c.CloseNow()
	answer, err := c.ask(s.t.Context(), f)
	if err != nil {
		s.t.Fatal(err)
	}
	return answer
}

// try asks for a login, and notes it if it was granted.
func (s *fullStory) try(row *ledgerRow) *wire.ServerFrame {
	s.t.Helper()
	answer := s.ask(&wire.ClientFrame{Request: &wire.ClientFrame_Login{Login: row.login}})
	if session := answer.GetSession(); session != nil {
		row.session, row.present, row.state = session.GetSession(), row.login.GetChangingHalf(), in
		s.rows = append(s.rows, row)
	}
	return answer
}

func (s *fullStory) login(user string) *ledgerRow {
	s.t.Helper()
	row := s.request(user)
	if answer := s.try(row); answer.GetSession() == nil {
		s.t.Fatalf("the login of %s was answered %v", user, answer)
	}
	return row
}

// loginsUntilRefused logs accounts in while the log has room left, and returns the
// one that was refused.
func (s *fullStory) loginsUntilRefused() *ledgerRow {
	s.t.Helper()
	for range 5000 {
		row := s.request(fmt.Sprint("user-", len(s.rows)))
		answer := s.try(row)
		if answer.GetSession() != nil {
			continue
		}
		s.refused("a login", answer)
		s.t.Logf("%d logins were acknowledged until there was no room", len(s.rows))
		return row
	}
	s.t.Fatal("the disk is full, and 5000 logins were acknowledged")
	return nil
}

func (s *fullStory) refused(what string, answer *wire.ServerFrame) {
	s.t.Helper()
	if r := answer.GetRefusal(); imcode.Code(r.GetCode()) != imcode.Internal || r.GetRetryAfterMs() == 0 {
		s.t.Errorf("%s on a full disk was answered %v, want 70500 with a time to come back", what, answer)
	}
}

// goesOn looks at what a server can do whose disk takes nothing, and returns a login
// that was refused.
func (s *fullStory) goesOn(bob *ledgerRow, ops string) *ledgerRow {
	s.t.Helper()
	if out := command(s.t, "sessions", "alice", "--app", "7", "--dir", s.dir); out == "" {
		s.t.Error("it does not say where alice is logged in")
	}
	command(s.t, "history", "bob", "--app", "7", "--dir", s.dir)
	if got := status(s.t, ops+"/healthz"); got != http.StatusOK {
		s.t.Errorf("/healthz answers %d, want 200", got)
	}
	s.whileFull("/readyz answers 503", func(*ledgerRow) bool { return status(s.t, ops+"/readyz") == http.StatusServiceUnavailable })
	s.whileFull("a kick is refused", func(of *ledgerRow) bool {
		kick := exec.Command("rollcall", "kick", of.login.GetUserId(), "--all", "--app", "7", "--dir", s.dir)
		kick.Env = clean()
		_, err := kick.CombinedOutput()
		if err == nil {
			of.state = thrown
		}
		return err != nil
	})
	s.whileFull("a return is refused", func(*ledgerRow) bool {
		next := half()
		bob.try++
		answer := s.ask(&wire.ClientFrame{Request: &wire.ClientFrame_Resume{Resume: &wire.ResumeRequest{
			App: killApp, UserId: "bob", Session: bob.session, FixedHalf: bob.login.GetFixedHalf(), PresentHalf: bob.present,
			NextHalf: next, TryNumber: bob.try,
		}}})
		if answer.GetSession() != nil {
			bob.present = next
			return false
		}
		s.refused("a return", answer)
		return true
	})
	return s.whileFull("a logout is refused", func(of *ledgerRow) bool {
		of.try++
		answer := s.ask(&wire.ClientFrame{Request: &wire.ClientFrame_Logout{Logout: &wire.LogoutRequest{
			App: killApp, UserId: of.login.GetUserId(), DeviceId: of.login.GetDeviceId(), FixedHalf: of.login.GetFixedHalf(), TryNumber: of.try,
		}}})
		if answer.GetLogout() != nil {
			of.state = out
			return false
		}
		s.refused("a logout", answer)
		return true
	})
}

// whileFull tries something just after a login was refused, with the login granted
// last. The log's own room is used again and again, so on a slow machine the disk may
// take a little in between: then it is tried again. It returns the refused login.
func (s *fullStory) whileFull(what string, try func(of *ledgerRow) bool) *ledgerRow {
	s.t.Helper()
	for range 30 {
		refused := s.loginsUntilRefused()
		if try(s.rows[len(s.rows)-1]) {
			return refused
		}
	}
	s.t.Fatalf("%s: not in 30 tries on a full disk", what)
	return nil
}

// taken repeats the login that was refused, for as long as the server asks to come
// back, and looks for its one session.
func (s *fullStory) taken(row *ledgerRow) {
	s.t.Helper()
	for late := time.Now().Add(patience); ; time.Sleep(100 * time.Millisecond) {
		row.login.TryNumber++
		row.try = row.login.GetTryNumber()
		answer := s.try(row)
		if answer.GetRefusal().GetRetryAfterMs() > 0 && time.Now().Before(late) {
			continue
		}
		if answer.GetSession().GetSession() != 1 {
			s.t.Errorf("with room again the login is answered %v, want session 1", answer)
		}
		return
	}
}

// status asks for a page, and says how that went.
func status(t *testing.T, url string) int {
	t.Helper()
	code, _ := page(t, url)
	return code
}

// page asks for a page.
func page(t *testing.T, url string) (status int, text string) {
	t.Helper()
	q, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	c := http.Client{Transport: &http.Transport{DisableKeepAlives: true}, Timeout: patience}
	a, err := c.Do(q)
	if err != nil {
		t.Fatal(err)
	}
	defer a.Body.Close()
	b, err := io.ReadAll(io.LimitReader(a.Body, 1<<20))
	if err != nil {
		t.Fatal(err)
	}
	return a.StatusCode, string(b)
}
