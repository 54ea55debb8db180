package main

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"
)

// patience is how long a test waits for a process; only a failing one uses it up. A
// client that was away from its server for long waits for up to 30 s of it before it
// dials again.
const patience = time.Minute

// A process is a program that runs beside a test.
type process struct {
	cmd   *exec.Cmd
	in    io.WriteCloser // its standard input, of those that a script starts
	ended chan struct{}  // closed when it has ended and all that it printed is here

	mu    sync.Mutex
	lines []string      // what it printed to both streams
	read  int           // how many of them were expected
	more  chan struct{} // closed and replaced with every line
}

// begin starts a process. It is killed, by its id, by kill.
func begin(cmd *exec.Cmd) (*process, error) {
	p := &process{cmd: cmd, ended: make(chan struct{}), more: make(chan struct{})}
	r, w := io.Pipe()
	cmd.Stdout, cmd.Stderr = w, w
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	go func() {
		_ = cmd.Wait() // its status is asked for
		w.Close()
	}()
	go func() {
		defer close(p.ended)
		for scan := bufio.NewScanner(r); scan.Scan(); {
			p.mu.Lock()
			p.lines = append(p.lines, scan.Text())
			close(p.more)
			p.more = make(chan struct{})
			p.mu.Unlock()
		}
	}()
	return p, nil
}

// expect waits for a line that matches, after those expected before, and returns
// its submatches.
func (p *process) expect(pattern string) ([]string, error) {
	want, err := regexp.Compile(pattern)
	if err != nil {
		return nil, err
	}
	late := time.After(patience)
	for over := false; ; {
		more, match := p.next(want)
		switch {
		case match != nil:
			return match, nil
		case over:
			return nil, fmt.Errorf("it ended without printing %q", pattern)
		}
		select {
		case <-more:
		case <-p.ended:
			over = true // look once more at the last lines
		case <-late:
			return nil, fmt.Errorf("it has not printed %q", pattern)
		}
	}
}

// next looks through the lines that were not expected yet.
func (p *process) next(want *regexp.Regexp) (more <-chan struct{}, match []string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for i, line := range p.lines[p.read:] {
		if match := want.FindStringSubmatch(line); match != nil {
			p.read += i + 1
			return nil, match
		}
	}
	return p.more, nil
}

// exits waits for the end and returns the exit status, -1 after a fatal signal.
func (p *process) exits() (int, error) {
	select {
	case <-p.ended:
		return p.cmd.ProcessState.ExitCode(), nil
	case <-time.After(patience):
		return 0, errors.New("it has not ended")
	}
}

// kill ends the process at once, if it has not ended.
func (p *process) kill() {
	_ = p.cmd.Process.Kill()
	<-p.ended
}

// output is all it has printed.
func (p *process) output() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return strings.Join(p.lines, "\n")
}

// rollcallProcess runs this program beside a Go test until the test ends.
func rollcallProcess(t *testing.T, args ...string) *process {
	t.Helper()
	return rollcallWith(t, nil, args...)
}

// rollcallWith is rollcallProcess with variables of its own, as NAME=value.
func rollcallWith(t *testing.T, variables []string, args ...string) *process {
	t.Helper()
	cmd := exec.Command("rollcall", args...)
	cmd.Env = append(append(clean(), variables...), "TMPDIR="+t.TempDir()) // a killed dev leaves its directory behind
	p, err := begin(cmd)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		p.kill()
		if t.Failed() {
			t.Logf("rollcall %s printed\n%s", strings.Join(args, " "), p.output())
		}
	})
	return p
}

// must expects a line of a process, or ends the test.
func (p *process) must(t *testing.T, pattern string) []string {
	t.Helper()
	match, err := p.expect(pattern)
	if err != nil {
		t.Fatalf("%s: %v", p.cmd, err)
	}
	return match
}

// command runs this program to its end and returns what it printed to standard
// output.
func command(t *testing.T, args ...string) string {
	t.Helper()
	cmd := exec.Command("rollcall", args...)
	cmd.Env, cmd.Stderr = clean(), t.Output()
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("%s: %v", cmd, err)
	}
	return strings.TrimSpace(string(out))
}

// hurry has a program under the race detector end without its pause of a second.
const hurry = "atexit_sleep_ms=10"

// clean is an environment without settings of this program.
func clean() []string {
	all := []string{"GORACE=" + hurry}
	for _, line := range os.Environ() {
		if !strings.HasPrefix(line, "ROLLCALL_") {
			all = append(all, line)
		}
	}
	return all
}
