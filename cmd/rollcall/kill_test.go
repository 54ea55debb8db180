package main

import (
	"context"
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"rollcall.example/usersig"
	"rollcall.example/wire"
)

const (
	killRounds  = 4
	killClients = 8
	killApp     = 7
)

// TestAKilledServerKeepsWhatItAcknowledged kills a server (SIGKILL) between the
// logins and logouts of many clients, starts it again on the same directory, and
// asks for each one that was acknowledged: a session that logged in is resumed,
// one that logged out is gone. A login that died unanswered is repeated, and
// granted, whether it had been committed or not.
func TestAKilledServerKeepsWhatItAcknowledged(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "data")
	command(t, "init", "--dir", dir)
	key := command(t, "app", "add", "--dir", dir, "7")
	random := rand.New(rand.NewPCG(7, uint64(time.Now().UnixNano())))
	var all []*ledgerRow
	for round := range killRounds {
		server, address := serveOn(t, dir)
		rows := killMidway(t, server, address, key, round, 20+random.IntN(60))
		all = append(all, rows...)

		server, address = serveOn(t, dir)
		logins, logouts := 0, 0
		for _, row := range all {
			switch row.state {
			case in:
				logins++
			case out:
				logouts++
			case unknown, thrown:
			}
			row.check(t, address)
		}
		t.Logf("round %d: %d logins and %d logouts were acknowledged until now", round, logins, logouts)
		if logins == 0 || logouts == 0 {
			t.Errorf("round %d found nothing to check: %d logins, %d logouts", round, logins, logouts)
		}
		server.kill()
	}
}

// serveOn starts a server on a directory.
func serveOn(t *testing.T, dir string) (server *process, address string) {
	t.Helper()
	server = rollcallProcess(t, "serve", "--dir", dir, "--listen", "127.0.0.1:0", "--ops=", "--admin=")
	return server, server.must(t, `^ready: clients (wss?://\S+),`)[1]
}

// A ledgerState is what a client knows about its session.
type ledgerState int

const (
	unknown ledgerState = iota // asked, and not answered when the server died
	in                         // the login was acknowledged
	out                        // the logout was acknowledged
	thrown                     // the operator's kick of it was
)

// A ledgerRow is one account's session as its client knows it.
type ledgerRow struct {
	login   *wire.LoginRequest
	session uint64
	present []byte // the changing half in force
	try     uint64
	state   ledgerState
}

// killMidway lets clients log accounts in, and every second one out again, and
// kills the server once it has acknowledged that many.
func killMidway(t *testing.T, server *process, address, key string, round, acknowledged int) (rows []*ledgerRow) {
	t.Helper()
	var (
		mu      sync.Mutex
		clients sync.WaitGroup
		count   int
	)
	acknowledge := func(row *ledgerRow, s ledgerState) {
		mu.Lock()
		defer mu.Unlock()
		row.state = s
		if count++; count == acknowledged {
			_ = server.cmd.Process.Kill()
		}
	}
	for n := range killClients {
		clients.Go(func() {
			for i := 0; ; i++ {
				user := fmt.Sprintf("u%d-%d-%d", round, n, i)
				sig, err := usersig.Sign(killApp, key, user, time.Now(), time.Hour)
				if err != nil {
					t.Error(err)
					return
				}
				row := &ledgerRow{login: loginFrame(killApp, user, sig), try: 1}
				mu.Lock()
				rows = append(rows, row)
				mu.Unlock()
				if row.live(t.Context(), address, i%2 == 1, acknowledge) != nil {
					return // the server has died
				}
			}
		})
	}
	clients.Wait()
	if count < acknowledged {
		t.Errorf("the clients stopped after %d acknowledgements, before the server was killed", count)
	}
	if status, err := server.exits(); err != nil || status != -1 {
		t.Errorf("the server ended with status %d, %v; want it killed", status, err)
	}
	return rows
}

// live logs the account in, and out again if leave says so.
func (r *ledgerRow) live(ctx context.Context, address string, leave bool, acknowledge func(*ledgerRow, ledgerState)) error {
	c, err := dialRaw(ctx, address)
	if err != nil {
		return err
	}
	defer c.CloseNow()
	answer, err := c.ask(ctx, &wire.ClientFrame{Request: &wire.ClientFrame_Login{Login: r.login}})
	if err != nil {
		return err
	}
	if answer.GetSession() == nil {
		return fmt.Errorf("the login was answered %v", answer)
	}
	r.session, r.present = answer.GetSession().GetSession(), r.login.GetChangingHalf()
	acknowledge(r, in)
	if !leave {
		return nil
	}
	r.try++
	r.state = unknown
	answer, err = c.ask(ctx, &wire.ClientFrame{Request: &wire.ClientFrame_Logout{Logout: &wire.LogoutRequest{
		App: killApp, UserId: r.login.GetUserId(), DeviceId: r.login.GetDeviceId(), FixedHalf: r.login.GetFixedHalf(), TryNumber: r.try,
	}}})
	if err != nil {
		return err
	}
	if !answer.GetLogout().GetKnown() {
		return fmt.Errorf("the logout was answered %v", answer)
	}
	acknowledge(r, out)
	return nil
}

// check resumes the session at a server that has been started again.
func (r *ledgerRow) check(t *testing.T, address string) {
	t.Helper()
	c, err := dialRaw(t.Context(), address)
	if err != nil {
		t.Fatal(err)
	}
	defer c.CloseNow()
	r.try++
	switch {
	case r.state == unknown && r.session == 0:
		r.repeat(t, c)
		return
	case r.state == unknown: // a logout: carried out or not
		return
	}
	next := half()
	answer, err := c.ask(t.Context(), &wire.ClientFrame{Request: &wire.ClientFrame_Resume{Resume: &wire.ResumeRequest{
		App: killApp, UserId: r.login.GetUserId(), Session: r.session, FixedHalf: r.login.GetFixedHalf(),
		PresentHalf: r.present, NextHalf: next, TryNumber: r.try,
	}}})
	if err != nil {
		t.Fatalf("%s: %v", r.login.GetUserId(), err)
	}
	switch {
	case r.state == in && answer.GetSession() == nil:
		t.Errorf("%s was acknowledged a login, and its resume is answered %v", r.login.GetUserId(), answer)
	case r.state == out && answer.GetLoginAgain() == nil:
		t.Errorf("%s was acknowledged a logout, and a resume of its session is answered %v", r.login.GetUserId(), answer)
	case r.state == thrown && answer.GetNotice().GetReason() != wire.Reason_REASON_OPERATOR:
		t.Errorf("the kick of %s was acknowledged, and a resume of its session is answered %v", r.login.GetUserId(), answer)
	}
	r.present = next
}

// repeat asks for the login once more: the same attempt.
func (r *ledgerRow) repeat(t *testing.T, c *raw) {
	t.Helper()
	r.login.TryNumber = r.try
	answer, err := c.ask(t.Context(), &wire.ClientFrame{Request: &wire.ClientFrame_Login{Login: r.login}})
	if err != nil {
		t.Fatalf("%s: %v", r.login.GetUserId(), err)
	}
	// The account's first and only session, whichever of the two tries made it.
	if got := answer.GetSession().GetSession(); got != 1 {
		t.Errorf("%s repeats a login that was not answered, and gets %v; want session 1", r.login.GetUserId(), answer)
	}
	r.session, r.present, r.state = answer.GetSession().GetSession(), r.login.GetChangingHalf(), in
}
