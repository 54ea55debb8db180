package sqlite_test

import (
	"bufio"
	"context"
	"encoding/binary"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"rollcall.example"
	"rollcall.example/imcode"
	"rollcall.example/internal/policy"
	"rollcall.example/internal/store"
	"rollcall.example/internal/store/sqlite"
	"rollcall.example/internal/talk"
)

// childDir tells the test binary, started again, to be a child on that data
// directory instead of running tests.
const childDir = "ROLLCALL_TEST_CHILD_DIR"

func TestMain(m *testing.M) {
	if dir := os.Getenv(childDir); dir != "" {
		fmt.Fprintln(os.Stderr, child(dir, os.Stdout))
		return
	}
	goleak.VerifyTestMain(m)
}

const childAccounts = 8

// child logs accounts in until it is killed, each of which then says something to a
// neighbour, and writes a line for each login and message that were acknowledged. It
// returns only on an error.
func child(dir string, out io.Writer) error {
	ctx := context.Background()
	s, err := sqlite.Open(ctx, dir, sqlite.Options{Node: fmt.Sprint("child-", os.Getpid())})
	if err != nil {
		return err
	}
	fmt.Fprintln(out, "open")
	failed := make(chan error)
	var mu sync.Mutex
	for i := range childAccounts {
		go func() {
			a := childAccount(i)
			for {
				o, err := s.Mutate(ctx, a, login(rollcall.DeviceID(fmt.Sprint("device-", i)), time.Now()))
				if err != nil {
					failed <- err
					return
				}
				m, err := childSays(ctx, s, i, o.Session)
				if err != nil {
					failed <- err
					return
				}
				mu.Lock()
				_, err = fmt.Fprintf(out, "%s %d %d %s\n", a.User, o.Session.Number, m.Sequence, m.ID)
				mu.Unlock()
				if err != nil {
					failed <- err
					return
				}
			}
		}()
	}
	return <-failed
}

// childSays sends a message from an account to one before or after it. What was not
// taken, since that one has not logged in yet, has sequence 0.
func childSays(ctx context.Context, s *sqlite.Store, i int, x policy.Session) (talk.Message, error) {
	id := fmt.Sprintf("%d-%d", i, x.Number)
	q := store.Conversing{Account: childAccount(i), Peer: childPeer(i, x.Number).User, Need: talk.Need{ID: id}}
	sending := talk.Sending{
		Asking: talk.Asking{Now: time.Now(), Session: x.Number, Conn: x.Conn}, ID: id, Content: []byte(strings.Repeat(id, i*100+1)),
	}
	o, err := s.Converse(ctx, q, func(t talk.Talk) talk.Outcome { return talk.Send(t, sending) }, func(talk.Outcome) {})
	switch {
	case err != nil:
		return talk.Message{}, err
	case o.Code == imcode.InvalidRecipient:
		return talk.Message{ID: id}, nil
	case o.Code != 0:
		return talk.Message{}, o.Code.Errorf("%s: %s", id, o.Detail)
	}
	return *o.Message, nil
}

// childPeer is whom an account talks to after its n-th login.
func childPeer(i int, n uint64) rollcall.Account {
	return childAccount((i + 1 + int(n%2)*(childAccounts-2)) % childAccounts)
}

func childAccount(i int) rollcall.Account {
	return rollcall.Account{App: 1, User: rollcall.UserID(fmt.Sprint("user-", i))}
}

// login is a login from a device that proves that it is the same as before.
func login(device rollcall.DeviceID, now time.Time) func(policy.State) policy.Outcome {
	return func(s policy.State) policy.Outcome { return loginUnder(s, device, now, policy.Multi()) }
}

func loginUnder(s policy.State, device rollcall.DeviceID, now time.Time, rules policy.Rules) policy.Outcome {
	q := policy.Login{
		Now: now, Node: "node", Device: device, Platform: rollcall.Android, SigTime: now.Unix(), SigEnds: now.Unix() + 3600,
		Try: s.Counter + 1, Changing: policy.Hash{1}, Proofs: []policy.Hash{{1}},
	}
	binary.BigEndian.PutUint64(q.Fixed[:], s.Counter+1)
	return policy.LogIn(s, q, rules)
}

// A process is a child at work.
type process struct {
	cmd   *exec.Cmd
	lines *bufio.Scanner
}

// startChild starts a child on dir and waits until it has it open.
func startChild(t *testing.T, dir string) process {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), os.Args[0])
	cmd.Env = append(os.Environ(), childDir+"="+dir)
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	p := process{cmd, bufio.NewScanner(out)}
	if !p.lines.Scan() {
		t.Fatalf("the child did not open %s: %v", dir, cmd.Wait())
	}
	return p
}

// kill ends the child as a power cut would, and hands over what it still said.
func (p process) kill(t *testing.T, said func(line string)) {
	t.Helper()
	if err := p.cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	for p.lines.Scan() {
		said(p.lines.Text())
	}
	_ = p.cmd.Wait() // "signal: killed"
}
