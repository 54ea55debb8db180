package bench

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"sync"
	"syscall"
	"time"
)

// A process is a server that this sitting has started.
type process struct {
	cmd   *exec.Cmd
	began time.Time
	stdin io.Closer     // its end tells a floor to end
	ended chan struct{} // closed when it has
	said  *tail         // the end of its log
}

// startWithin is how long a server may take until it listens, endWithin until it
// has ended. Only one that hangs takes so long.
const (
	startWithin = 60 * time.Second
	endWithin   = 30 * time.Second
)

// begin starts a server and waits for its first line, JSON, which it reads into v.
func begin(cmd *exec.Cmd, v any) (*process, error) {
	p := &process{cmd: cmd, ended: make(chan struct{}), said: &tail{}}
	first := &firstLine{line: make(chan []byte, 1)}
	cmd.Env, cmd.Stdout, cmd.Stderr = clean(cmd.Env), first, p.said
	var err error
	if p.stdin, err = cmd.StdinPipe(); err != nil {
		return nil, fmt.Errorf("start a server: %w", err)
	}
	tether(cmd)
	p.began = time.Now()
	if err := cmd.Start(); err != nil {
		return nil, fmt.Errorf("start a server: %w", err)
	}
	go func() {
		_ = cmd.Wait() // how it ended is told by ProcessState
		close(p.ended)
	}()
	late := time.NewTimer(startWithin)
	defer late.Stop()
	select {
	case line := <-first.line:
		if err := json.Unmarshal(line, v); err != nil {
			return nil, errors.Join(fmt.Errorf("%s: its first line is not the addresses: %.80q", p, line), p.kill())
		}
		return p, nil
	case <-p.ended:
		return nil, fmt.Errorf("%s ended at once, %s: %s", p, cmd.ProcessState, p.said)
	case <-late.C:
		return nil, errors.Join(fmt.Errorf("%s does not listen: %s", p, p.said), p.kill())
	}
}

// String names the process by its command line, in which there is no secret.
func (p *process) String() string { return strings.Join(p.cmd.Args, " ") }

func (p *process) pid() int { return p.cmd.Process.Pid }

// stop asks the process to end and waits until it has.
func (p *process) stop() error {
	p.stdin.Close()
	if err := p.cmd.Process.Signal(syscall.SIGTERM); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return p.kill() // a system without signals
	}
	late := time.NewTimer(endWithin)
	defer late.Stop()
	select {
	case <-p.ended:
		return nil
	case <-late.C:
		return errors.Join(fmt.Errorf("%s did not end in %s and was killed", p, endWithin), p.kill())
	}
}

// kill ends the process at once.
func (p *process) kill() error {
	if err := p.cmd.Process.Kill(); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return fmt.Errorf("end %s: %w", p, err)
	}
	<-p.ended
	return nil
}

// clean is the environment of a server: this process's own, without settings of
// Rollcall, and then those given.
func clean(given []string) []string {
	var all []string
	for _, line := range os.Environ() {
		if !strings.HasPrefix(line, "ROLLCALL_") {
			all = append(all, line)
		}
	}
	return append(all, given...)
}

// firstLine is a writer that hands on the first line and drops the rest.
type firstLine struct {
	begun []byte
	line  chan []byte
	done  bool
}

func (f *firstLine) Write(b []byte) (int, error) {
	if f.done {
		return len(b), nil
	}
	f.begun = append(f.begun, b...)
	if line, _, whole := strings.Cut(string(f.begun), "\n"); whole {
		f.done = true
		f.line <- []byte(line)
	}
	return len(b), nil
}

// A tail is a writer that keeps the end of what is written.
type tail struct {
	mu   sync.Mutex
	text []byte
}

func (t *tail) Write(b []byte) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.text = append(t.text, b...)
	if over := len(t.text) - 2048; over > 0 {
		t.text = t.text[over:]
	}
	return len(b), nil
}

func (t *tail) String() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return strings.TrimSpace(string(t.text))
}
