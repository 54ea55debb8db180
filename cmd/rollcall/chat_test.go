//go:build unix

package main

import (
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/charmbracelet/x/ansi"
	"github.com/charmbracelet/x/vt"
	"github.com/creack/pty"
	"golang.org/x/term"
)

// A window is a terminal on which a program runs.
type window struct {
	t   *testing.T
	cmd *exec.Cmd
	pty *os.File

	mu      sync.Mutex
	screen  *vt.Emulator
	changed chan struct{} // closed and replaced with whatever the program writes
	ended   chan struct{} // closed when it has ended and all of that is here
}

// openWindow runs a program on a terminal, until the test ends.
func openWindow(t *testing.T, width, height int, env []string, args ...string) *window {
	t.Helper()
	w := &window{
		t: t, cmd: exec.Command("rollcall", args...), screen: vt.NewEmulator(width, height),
		changed: make(chan struct{}), ended: make(chan struct{}),
	}
	w.cmd.Env = append(append(clean(), "TERM=xterm-256color", "TMPDIR="+t.TempDir()), env...)
	var err error
	if w.pty, err = pty.StartWithSize(w.cmd, &pty.Winsize{Cols: uint16(width), Rows: uint16(height)}); err != nil {
		t.Fatal(err)
	}
	var running sync.WaitGroup
	running.Go(func() { _, _ = io.Copy(w.pty, w.screen) }) // what the terminal is asked, it answers
	running.Go(w.read)
	t.Cleanup(func() {
		_ = w.cmd.Process.Kill()
		<-w.ended
		_ = w.screen.InputPipe().(io.Closer).Close() // ends the answers
		w.pty.Close()
		running.Wait()
		if t.Failed() {
			t.Logf("%s shows\n%s", strings.Join(args, " "), strings.Join(w.rows(), "\n"))
		}
	})
	return w
}

// modes are what a terminal does by itself: echo, lines, signals.
func modes(t *testing.T, f *os.File) *term.State {
	t.Helper()
	s, err := term.GetState(int(f.Fd()))
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// read shows what the program writes, until it has ended.
func (w *window) read() {
	defer close(w.ended)
	b := make([]byte, 4096)
	for {
		n, err := w.pty.Read(b)
		w.mu.Lock()
		_, _ = w.screen.Write(b[:n])
		close(w.changed)
		w.changed = make(chan struct{})
		w.mu.Unlock()
		if err != nil { // the program's end of it is closed
			_ = w.cmd.Wait() // its status is asked for
			return
		}
	}
}

// rows are what stands on the screen, without the blanks at the ends of rows.
func (w *window) rows() []string {
	w.mu.Lock()
	defer w.mu.Unlock()
	rows := strings.Split(ansi.Strip(w.screen.Render()), "\n")
	for i := range rows {
		rows[i] = strings.TrimRight(strings.ReplaceAll(rows[i], "\u00a0", " "), " \r")
	}
	return rows
}

// sees waits until the screen is as it should be.
func (w *window) sees(what string, is func(rows []string) bool) {
	w.t.Helper()
	late := time.After(patience)
	for {
		w.mu.Lock()
		changed := w.changed
		w.mu.Unlock()
		rows := w.rows()
		if is(rows) {
			return
		}
		select {
		case <-changed:
		case <-late:
			w.t.Fatalf("it never shows %s; it shows\n%s", what, strings.Join(rows, "\n"))
		case <-w.ended:
			if !is(w.rows()) {
				w.t.Fatalf("it ended without showing %s, with\n%s", what, strings.Join(w.rows(), "\n"))
			}
			return
		}
	}
}

// shows waits until a row matches.
func (w *window) shows(pattern string) {
	w.t.Helper()
	want := regexp.MustCompile(pattern)
	w.sees(pattern, func(rows []string) bool { return slices.ContainsFunc(rows, want.MatchString) })
}

// endsWith waits until the screen ends with these rows.
func (w *window) endsWith(want ...string) {
	w.t.Helper()
	w.sees("at its end\n"+strings.Join(want, "\n"), func(rows []string) bool {
		if len(rows) < len(want) {
			return false
		}
		for i, row := range rows[len(rows)-len(want):] {
			if row != want[i] {
				return false
			}
		}
		return true
	})
}

// types types, byte by byte as a keyboard does.
func (w *window) types(text string) {
	w.t.Helper()
	for _, r := range text {
		if _, err := w.pty.WriteString(string(r)); err != nil {
			w.t.Fatal(err)
		}
	}
}

// pulls gives the window another size.
func (w *window) pulls(width, height int) {
	w.t.Helper()
	w.mu.Lock()
	w.screen.Resize(width, height)
	w.mu.Unlock()
	if err := pty.Setsize(w.pty, &pty.Winsize{Cols: uint16(width), Rows: uint16(height)}); err != nil {
		w.t.Fatal(err)
	}
}

// exits waits for the end of the program, which must be a good one, and for the terminal as it was before.
func (w *window) exits() {
	w.t.Helper()
	select {
	case <-w.ended:
	case <-time.After(patience):
		w.t.Fatal("it has not ended")
	}
	if got := w.cmd.ProcessState.ExitCode(); got != 0 {
		w.t.Errorf("exit status %d, want 0", got)
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.screen.IsAltScreen() || w.screen.CursorHidden() {
		w.t.Error("the terminal is left with another screen, or without a cursor")
	}
	fresh, tty, err := pty.Open()
	if err != nil {
		w.t.Fatal(err)
	}
	defer fresh.Close()
	defer tty.Close()
	if got, want := modes(w.t, w.pty), modes(w.t, fresh); !reflect.DeepEqual(got, want) {
		w.t.Errorf("the terminal is left with %+v, a fresh one has %+v", got, want)
	}
}

// A house is a server with accounts that can talk.
type house struct {
	t       *testing.T
	dir     string
	key     string
	server  *process
	address string
}

func newHouse(t *testing.T, users ...string) *house {
	t.Helper()
	h := &house{t: t, dir: filepath.Join(t.TempDir(), "data")}
	command(t, "init", "--dir", h.dir)
	h.key = command(t, "app", "add", "--dir", h.dir, "7")
	h.address = "ws://" + lasting(t)
	h.serve()
	for _, user := range users {
		if err := h.says(user, "", "/status"); err != nil {
			t.Fatal(err)
		}
	}
	return h
}

// serve starts the server, also after another.
func (h *house) serve() {
	h.t.Helper()
	h.server = rollcallProcess(h.t, "serve", "--dir", h.dir, "--listen", strings.TrimPrefix(h.address, "ws://"), "--ops=", "--admin=")
	h.server.must(h.t, "^ready: ")
}

// env is the environment of those who live there.
func (h *house) env() []string {
	return []string{"ROLLCALL_KEY=" + h.key, "ROLLCALL_SERVER=" + h.address}
}

// says has a user say lines through a pipe.
func (h *house) says(user, to string, lines ...string) error {
	args := []string{"chat", "--app", "7", "--user", user}
	if to != "" {
		args = append(args, "--to", to)
	}
	cmd := exec.Command("rollcall", args...)
	cmd.Env, cmd.Stdin = append(clean(), h.env()...), strings.NewReader(strings.Join(lines, "\n"))
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("%s says: %w\n%s", user, err, out)
	}
	return nil
}

// TestChatOnATerminal: what is typed while messages arrive stays as it is, and so does
// what stands above it, however the window is pulled.
func TestChatOnATerminal(t *testing.T) {
	h := newHouse(t, "alice", "bob")
	alice := openWindow(t, 60, 14, h.env(), "chat", "--app", "7", "--user", "alice", "--to", "bob")
	alice.shows(`^ alice › bob +connected$`)

	const count = 60
	var lines []string
	for i := range count {
		lines = append(lines, fmt.Sprintf("line %d 你好 of %d", i+1, count))
	}
	said := make(chan error, 1)
	go func() { said <- h.says("bob", "alice", lines...) }()
	for range 10 { // between the messages that arrive
		alice.types("ab 世界 ")
	}
	if err := <-said; err != nil {
		t.Fatal(err)
	}
	typed, rest := "> "+strings.Repeat("ab 世界 ", 7)+"ab", "   世界 ab 世界 ab 世界"
	whole := func(room int) func([]string) bool {
		return func(rows []string) bool {
			for i := range room {
				row := rows[len(rows)-3-i]
				if !strings.HasSuffix(row, fmt.Sprintf("#%d bob: line %d 你好 of %d", count-i, count-i, count)) {
					return false
				}
			}
			return rows[len(rows)-2] == typed && rows[len(rows)-1] == rest
		}
	}
	alice.sees("the last messages above what is typed", whole(11))
	alice.pulls(60, 8)
	alice.sees("the same in a low window", whole(5))
	alice.pulls(100, 30)
	alice.sees("the same in a large one", func(rows []string) bool {
		return len(rows) == 30 && rows[29] == "> "+strings.TrimRight(strings.Repeat("ab 世界 ", 10), " ") &&
			strings.HasSuffix(rows[28], "#60 bob: line 60 你好 of 60") && strings.HasSuffix(rows[2], "#34 bob: line 34 你好 of 60")
	})
	alice.pulls(24, 10)
	alice.endsWith(" line 60 你好 of 60", "> ab 世界 ab 世界 ab 世", "  界 ab 世界 ab 世界 ab", "  世界 ab 世界 ab 世界 a", "  b 世界 ab 世界")
	alice.pulls(60, 14)
	alice.sees("the first size again", whole(11))
	alice.types("\r")
	alice.shows(`#61 alice: ab 世界 ab 世界 `)
	alice.endsWith(strings.Repeat(" ", 19)+strings.Repeat("ab 世界 ", 5)+"✓", ">")
	alice.types("\x04")
	alice.exits()
	alice.shows(`^alice is logged out$`)
}

// TestChatWithoutAServer: what is typed while it is away waits, and is sent when it is
// back; a signal leaves the terminal as it was.
func TestChatWithoutAServer(t *testing.T) {
	h := newHouse(t, "alice", "bob")
	alice := openWindow(t, 80, 12, h.env(), "chat", "--app", "7", "--user", "alice", "--to", "bob", "--dir", t.TempDir())
	alice.shows(`^ alice › bob +connected$`)
	alice.types("one\r")
	alice.shows(`#1 alice: one ✓$`)
	h.server.kill()
	alice.shows(`^no connection \(nobody serves there, 9511\); it is tried again`)
	alice.types("two\r")
	alice.shows(`…        alice: two \(waiting for a connection\)$`)
	alice.types("\x03")
	alice.shows(`^1 message not sent yet: again leaves without$`)
	h.serve()
	alice.shows(`#2 alice: two ✓$`)
	if err := alice.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	alice.exits()
	alice.shows(`^alice is logged out$`)
}

// TestChatIsLeftWithoutAServer: who leaves is told that the server has not heard of it.
func TestChatIsLeftWithoutAServer(t *testing.T) {
	h := newHouse(t, "alice", "bob")
	alice := openWindow(t, 80, 12, h.env(), "chat", "--app", "7", "--user", "alice", "--to", "bob")
	alice.shows(`^ alice › bob +connected$`)
	h.server.kill()
	alice.shows(`^no connection \(nobody serves there, 9511\); it is tried again`)
	alice.types("\x04")
	alice.exits()
	alice.shows(`^alice is logged out; not connected: the session may stay, away$`)
}

// TestChatOnATerminalInLines: with --plain it is as in a pipe.
func TestChatOnATerminalInLines(t *testing.T) {
	h := newHouse(t, "alice", "bob")
	alice := openWindow(t, 80, 12, h.env(), "chat", "--app", "7", "--user", "alice", "--to", "bob", "--plain")
	alice.shows(`^logged in as alice$`)
	alice.types("hello\r")
	alice.shows(`#1 alice to bob: hello$`)
	alice.types("/quit\r")
	alice.exits()
	alice.shows(`^alice is logged out$`)
}
