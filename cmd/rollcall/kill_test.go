package main

import (
	"context"
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"slices"
	"sync"
	"testing"
	"time"

	"rollcall.example"
	"rollcall.example/internal/admin"
	"rollcall.example/internal/policy"
	"rollcall.example/internal/store/sqlite"
	"rollcall.example/usersig"
	"rollcall.example/wire"
)

const (
	killRounds  = 5
	killClients = 8
	killApp     = 7
)

// TestAKilledServerKeepsWhatItAcknowledged kills a server (SIGKILL) between the
// logins, logouts and kicks of many clients, looks at what it left, starts it again
// on that, and asks for each one that was acknowledged: a session that logged in is
// resumed, one that logged out is gone, one that was kicked has its notice until its
// client has said that it knows. A login that died unanswered is repeated, and
// granted, whether it had been committed or not.
func TestAKilledServerKeepsWhatItAcknowledged(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "data")
	command(t, "init", "--dir", dir)
	key := command(t, "app", "add", "--dir", dir, "7")
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	random := rand.New(rand.NewPCG(7, seed))
	var all []*ledgerRow
	for round := range killRounds {
		server, address := serveOn(t, dir)
		l := &ledger{address: address, key: key, operator: admin.Local(dir)}
		l.killMidway(t, server, round, 20+random.IntN(60), time.Duration(random.IntN(4000))*time.Microsecond)
		all = append(all, l.rows...)
		checkLeft(t, dir, all)

		server, address = serveOn(t, dir)
		acknowledged := map[ledgerState]int{}
		for _, row := range all {
			acknowledged[row.state]++
			if row.seen != 0 {
				acknowledged[seen]++
			}
			row.check(t, address)
		}
		t.Logf("round %d: until now %d logins, %d logouts, %d kicks and %d marks were acknowledged, %d requests died unanswered", round,
			acknowledged[in], acknowledged[out], acknowledged[thrown], acknowledged[seen], acknowledged[unknown])
		if acknowledged[in] == 0 || acknowledged[out] == 0 || acknowledged[thrown]+acknowledged[seen] == 0 {
			t.Errorf("round %d found nothing to check", round)
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
	seen                       // and that the client knows of that
)

// A ledgerRow is one account's session as its client knows it.
type ledgerRow struct {
	login   *wire.LoginRequest
	session uint64
	present []byte // the changing half in force
	try     uint64
	state   ledgerState
	seen    uint64 // the session of which the client has acknowledged the kick
}

// A ledger is what was acknowledged to the clients of one server.
type ledger struct {
	address, key string
	operator     *admin.Client

	mu   sync.Mutex
	rows []*ledgerRow
	note func(row *ledgerRow, s ledgerState) // that something was acknowledged
}

// killMidway lets clients log accounts in, have some log out and others kicked, and
// kills the server a moment after it has acknowledged that many, and some of each.
func (l *ledger) killMidway(t *testing.T, server *process, round, acknowledged int, moment time.Duration) {
	t.Helper()
	count, of, over := 0, map[ledgerState]int{}, false
	l.note = func(row *ledgerRow, s ledgerState) {
		l.mu.Lock()
		defer l.mu.Unlock()
		row.state = s
		of[s]++
		if row.login.GetKickSeen() != 0 {
			of[seen]++
		}
		if count++; !over && count >= acknowledged && len(of) == 4 {
			over = true
			time.AfterFunc(moment, func() { _ = server.cmd.Process.Kill() })
		}
	}
	var clients sync.WaitGroup
	for n := range killClients {
		clients.Go(func() {
			for i := 0; ; i++ {
				user := fmt.Sprintf("u%d-%d-%d", round, n, i)
				sig, err := usersig.Sign(killApp, l.key, user, time.Now(), time.Hour)
				if err != nil {
					t.Error(err)
					return
				}
				row := &ledgerRow{login: loginFrame(killApp, user, sig), try: 1}
				l.mu.Lock()
				l.rows = append(l.rows, row)
				l.mu.Unlock()
				if l.live(t.Context(), row, i+n) != nil {
					return // the server has died
				}
			}
		})
	}
	clients.Wait()
	if !over {
		t.Errorf("the clients stopped after %d acknowledgements, before the server was killed", count)
	}
	if status, err := server.exits(); err != nil || status != -1 {
		t.Errorf("the server ended with status %d, %v; want it killed", status, err)
	}
}

// live logs the account in, and does one of four things with its session: leaves it
// in, logs it out, has it kicked, or has it kicked and logs in again knowing it.
func (l *ledger) live(ctx context.Context, r *ledgerRow, what int) error {
	c, err := dialRaw(ctx, l.address)
	if err != nil {
		return err
	}
	defer c.CloseNow()
	if err := l.logIn(ctx, c, r); err != nil {
		return err
	}
	switch what % 4 {
	case 0:
		return nil
	case 1:
		return l.logOut(ctx, c, r)
	}
	c.CloseNow() // so that it is not told meanwhile
	r.state = unknown
	account := rollcall.Account{App: killApp, User: rollcall.UserID(r.login.GetUserId())}
	if _, err := l.operator.Kick(ctx, account, admin.Target{All: true}, "tester"); err != nil {
		return err
	}
	l.note(r, thrown)
	if what%4 == 2 {
		return nil
	}
	again, err := dialRaw(ctx, l.address)
	if err != nil {
		return err
	}
	defer again.CloseNow()
	r.try++
	r.state = unknown
	first := r.session
	r.login.Proofs = [][]byte{r.present} // that it is the same client
	r.login.FixedHalf, r.login.ChangingHalf, r.login.TryNumber = half(), half(), r.try
	r.login.LastSession, r.login.KickSeen = first, first
	err = l.logIn(ctx, again, r)
	if err == nil {
		r.seen = first
	}
	return err
}

func (l *ledger) logIn(ctx context.Context, c *raw, r *ledgerRow) error {
	answer, err := c.ask(ctx, &wire.ClientFrame{Request: &wire.ClientFrame_Login{Login: r.login}})
	if err != nil {
		return err
	}
	if answer.GetSession() == nil {
		return fmt.Errorf("the login was answered %v", answer)
	}
	r.session, r.present = answer.GetSession().GetSession(), r.login.GetChangingHalf()
	l.note(r, in)
	return nil
}

func (l *ledger) logOut(ctx context.Context, c *raw, r *ledgerRow) error {
	r.try++
	r.state = unknown
	answer, err := c.ask(ctx, &wire.ClientFrame{Request: &wire.ClientFrame_Logout{Logout: &wire.LogoutRequest{
		App: killApp, UserId: r.login.GetUserId(), DeviceId: r.login.GetDeviceId(), FixedHalf: r.login.GetFixedHalf(), TryNumber: r.try,
	}}})
	if err != nil {
		return err
	}
	if !answer.GetLogout().GetKnown() {
		return fmt.Errorf("the logout was answered %v", answer)
	}
	l.note(r, out)
	return nil
}

// checkLeft looks at what a killed server has left: all that was acknowledged, and
// nothing by halves.
func checkLeft(t *testing.T, dir string, all []*ledgerRow) {
	t.Helper()
	st, err := sqlite.Open(t.Context(), dir, sqlite.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer st.Close()
	for _, row := range all {
		a := rollcall.Account{App: killApp, User: rollcall.UserID(row.login.GetUserId())}
		state, err := st.State(t.Context(), a)
		if err != nil {
			t.Fatal(err)
		}
		rows, err := st.History(t.Context(), a, 0, 10_000)
		if err != nil {
			t.Fatal(err)
		}
		row.whole(t, state, read(rows))
	}
}

// whole holds what is stored of an account against its history, and against what
// its client knows.
func (r *ledgerRow) whole(t *testing.T, state policy.State, h chronicle) {
	t.Helper()
	user := r.login.GetUserId()
	if len(h.device) != int(state.Counter) || state.Exists() != (state.Counter > 0) {
		t.Errorf("%s has %d sessions by its counter, %d by its history", user, state.Counter, len(h.device))
	}
	kept := map[uint64]policy.Reason{}
	for _, k := range state.Kicks {
		kept[k.Session] = k.Reason
	}
	for n := uint64(1); n <= state.Counter; n++ {
		there := slices.ContainsFunc(state.Sessions, func(x policy.Session) bool { return x.Number == n })
		ends := len(h.ends[n])
		if _, row := kept[n]; there == (ends == 1) || ends > 1 || there && row {
			t.Errorf("session %d of %s: in %v, %d ends in its history, kick row %v", n, user, there, ends, row)
		}
	}
	switch {
	case r.session > state.Counter:
		t.Errorf("%s was acknowledged session %d, and has %d", user, r.session, state.Counter)
	case r.state == thrown && kept[r.session] != policy.Operator:
		t.Errorf("%s was acknowledged as kicked, and its kick rows are %v", user, kept)
	case r.seen != 0 && kept[r.seen] != policy.Silently:
		t.Errorf("%s has acknowledged the kick of session %d, whose row is still there", user, r.seen)
	}
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
