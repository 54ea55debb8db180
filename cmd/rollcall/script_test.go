package main

import (
	"fmt"
	"io"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
	"go.uber.org/goleak"
)

// TestMain makes this test binary the command rollcall for the processes that
// the tests start.
func TestMain(m *testing.M) {
	testscript.Main(tidy{m}, map[string]func(){"rollcall": main})
}

// tidy are tests that fail when they have left a goroutine behind.
type tidy struct{ *testing.M }

func (m tidy) Run() int {
	code := m.M.Run()
	if err := goleak.Find(); err != nil && code == 0 {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return code
}

// TestScripts plays testdata/script. Beside testscript's own commands there are
//
//	start NAME PROGRAM ARG...    runs a program beside the script
//	expect NAME PATTERN [VAR...] waits until it prints a line that matches, and
//	                             sets variables to what is in parentheses
//	signal NAME INT|TERM|KILL    sends it a signal
//	type NAME LINE...            types lines into its standard input
//	eof NAME                     ends that
//	exits NAME STATUS            waits until it ends, with that status
//	setenv VAR FILE              sets a variable to a file's text; stdout is one
//	mode FILE MODE               fails unless a file has these permissions
//	address VAR                  sets a variable to a free address, which stays the
//	                             script's while nobody listens there for a moment
//	noon VAR                     sets a variable to a time zone in which it is noon:
//	                             no day, month or year ends soon
//
// What a script started and did not end is killed with it.
func TestScripts(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir:                "testdata/script",
		RequireUniqueNames: true,
		Setup: func(e *testscript.Env) error {
			e.Setenv("GORACE", hurry)
			running := make(map[string]*process)
			e.Values[processes{}] = running
			e.Defer(func() {
				for _, p := range running {
					p.kill()
				}
			})
			return nil
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"start": startCmd, "expect": expectCmd, "type": typeCmd, "eof": eofCmd, "signal": signalCmd, "exits": exitsCmd, "setenv": setenvCmd, "mode": modeCmd,
			"address": addressCmd, "noon": noonCmd,
		},
	})
}

// processes is the key of a script's processes, by name.
type processes struct{}

func startCmd(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: start NAME PROGRAM ARG...")
	}
	cmd := exec.Command(args[1], args[2:]...)
	cmd.Dir = ts.MkAbs(".")
	cmd.Env = clean()
	for _, name := range []string{"TMPDIR", "ROLLCALL_KEY", "ROLLCALL_USERSIG", "ROLLCALL_DIR", "ROLLCALL_SERVER", "ROLLCALL_LOG_LEVEL", "ROLLCALL_MASTER_KEY"} {
		if value := ts.Getenv(name); value != "" {
			cmd.Env = append(cmd.Env, name+"="+value)
		}
	}
	in, err := cmd.StdinPipe()
	ts.Check(err)
	p, err := begin(cmd)
	ts.Check(err)
	p.in = in
	ts.Value(processes{}).(map[string]*process)[args[0]] = p
}

func expectCmd(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: expect NAME PATTERN [VAR...]")
	}
	p := named(ts, args[0])
	match, err := p.expect(args[1])
	if err != nil {
		ts.Fatalf("%s: %v; it printed\n%s", args[0], err, p.output())
	}
	for i, name := range args[2:] {
		ts.Setenv(name, match[i+1])
	}
}

func typeCmd(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: type NAME LINE...")
	}
	_, err := io.WriteString(named(ts, args[0]).in, strings.Join(args[1:], "\n")+"\n")
	ts.Check(err)
}

func eofCmd(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 1 {
		ts.Fatalf("usage: eof NAME")
	}
	ts.Check(named(ts, args[0]).in.Close())
}

func signalCmd(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: signal NAME INT|TERM|KILL")
	}
	known := map[string]os.Signal{"INT": syscall.SIGINT, "TERM": syscall.SIGTERM, "KILL": syscall.SIGKILL}
	ts.Check(named(ts, args[0]).cmd.Process.Signal(known[args[1]]))
}

func exitsCmd(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: exits NAME STATUS")
	}
	p := named(ts, args[0])
	status, err := p.exits()
	if err != nil || strconv.Itoa(status) != args[1] {
		ts.Fatalf("%s: exit status %d, %v; want %s; it printed\n%s", args[0], status, err, args[1], p.output())
	}
}

func setenvCmd(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: setenv VAR FILE")
	}
	ts.Setenv(args[0], strings.TrimSpace(ts.ReadFile(args[1])))
}

func modeCmd(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: mode FILE MODE")
	}
	info, err := os.Stat(ts.MkAbs(args[0]))
	ts.Check(err)
	if got := fmt.Sprintf("%04o", info.Mode().Perm()); got != args[1] {
		ts.Fatalf("%s has mode %s, want %s", args[0], got, args[1])
	}
}

func addressCmd(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 1 {
		ts.Fatalf("usage: address VAR")
	}
	address, err := freeAddress()
	ts.Check(err)
	ts.Setenv(args[0], address)
}

func noonCmd(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 1 {
		ts.Fatalf("usage: noon VAR")
	}
	ts.Setenv(args[0], fmt.Sprintf("Etc/GMT%+d", time.Now().UTC().Hour()-12)) // its sign is that of hours behind
}

// named is a process of the script.
func named(ts *testscript.TestScript, name string) *process {
	p := ts.Value(processes{}).(map[string]*process)[name]
	if p == nil {
		ts.Fatalf("nothing was started as %s", name)
	}
	return p
}
