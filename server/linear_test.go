package server_test

import (
	"cmp"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/anishathalye/porcupine"
	"github.com/coder/websocket"

	"rollcall.example"
	"rollcall.example/imcode"
	"rollcall.example/internal/apps"
	"rollcall.example/internal/policy"
	"rollcall.example/internal/session"
	"rollcall.example/server"
	"rollcall.example/usersig"
	"rollcall.example/wire"
)

const (
	stormAccounts = 4
	stormSteps    = 30 // of each client
)

// storm is the policy of the storm, and stormDevices those of each of its accounts.
var (
	storm = book{
		limit: map[rollcall.Platform]int{rollcall.Android: 2, rollcall.IPhone: 1, rollcall.Mac: 1},
		group: map[rollcall.Platform]int{rollcall.Android: 1, rollcall.IPhone: 1, rollcall.Mac: 2},
	}
	stormPolicy = apps.Policy{
		Name: "custom", Groups: [][]rollcall.Platform{{rollcall.Android, rollcall.IPhone}, {rollcall.Mac}},
		Instances: apps.Instances{rollcall.Android: 2},
	}
	stormDevices = map[rollcall.DeviceID]rollcall.Platform{
		"a1": rollcall.Android, "a2": rollcall.Android, "a3": rollcall.Android, "a4": rollcall.Android,
		"i1": rollcall.IPhone, "m1": rollcall.Mac, "m2": rollcall.Mac,
	}
)

// TestManyClientsOfFewAccountsSeeOneOrder lets all devices of a few accounts log
// in and out, return, hang up, sign each other out and be kicked by operators, all
// at once on one real server over TCP. Whatever each of them was answered must be
// what it would have been answered one after the other, in some order that keeps to
// who was answered before whom asked.
func TestManyClientsOfFewAccountsSeeOneOrder(t *testing.T) {
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	r := newRecorder(t)
	var clients sync.WaitGroup
	for n := range stormAccounts {
		user := rollcall.UserID(fmt.Sprint("user", n))
		for device, platform := range stormDevices {
			c := &actor{
				recorder: r, user: user, device: device, platform: platform, sig: r.sign(user),
				random: rand.New(rand.NewPCG(seed, uint64(n)<<16|uint64(device[0])<<8|uint64(device[1]))),
			}
			clients.Go(func() {
				for range stormSteps {
					if err := c.step(t.Context()); err != nil {
						t.Errorf("%s of %s: %v", c.device, c.user, err)
						return
					}
				}
				c.close()
			})
		}
	}
	clients.Wait()
	if t.Failed() {
		return
	}
	kinds, rows := map[string]int{}, map[row]bool{}
	for _, op := range r.history {
		kinds[op.Input.(asked).kind]++
		if v := op.Output.(seen).view; v != nil {
			for _, k := range v.rows {
				rows[k] = true
			}
		}
		if op.Output.(seen).reason != 0 {
			kinds[op.Input.(asked).kind+" told"]++
		}
		if v := op.Output.(seen).view; v != nil {
			if err := storm.legal(*v, func(d rollcall.DeviceID) rollcall.Platform { return stormDevices[d] }); err != nil {
				t.Errorf("%s was read as %+v: %v", op.Input.(asked).account, *v, err)
			}
		}
	}
	for k := range rows {
		kinds["kick row: "+k.reason.String()]++
	}
	t.Logf("%d operations in %v: %v", len(r.history), time.Since(r.began), kinds)
	for _, kind := range []string{"login", "logout", "resume", "hang up", "sign out", "kick", "list", "read", "acknowledge"} {
		if kinds[kind] < 5 {
			t.Errorf("%d operations of kind %q: too few to prove anything", kinds[kind], kind)
		}
	}
	for i, part := range storm.model().Partition(r.history) {
		if got := storm.linearizable(part); got != porcupine.Ok {
			t.Errorf("the history is no order of single steps (%s):\n%s", got, told(part))
		}
		if i > 0 {
			continue
		}
		for what, wrong := range spoil(part) {
			if got := storm.linearizable(wrong); got != porcupine.Illegal {
				t.Errorf("a history with %s: %s, want %s", what, got, porcupine.Illegal)
			}
		}
	}
}

// spoil is a history with one answer changed to what it cannot have been in any order.
func spoil(history []porcupine.Operation) map[string][]porcupine.Operation {
	all := map[string][]porcupine.Operation{}
	change := func(what string, kind string, how func(*seen) bool) {
		for i, op := range history {
			o := op.Output.(seen)
			if op.Input.(asked).kind == kind && how(&o) {
				wrong := slices.Clone(history)
				wrong[i].Output = o
				all[what] = wrong
				return
			}
		}
	}
	change("a session read that there never was", "read", func(o *seen) bool {
		v := *o.view
		v.sessions, o.view = append(slices.Clone(v.sessions), viewed{number: 1e6, conn: 1, device: "a1"}), &v
		return true
	})
	change("a kick row read that is not there", "read", func(o *seen) bool {
		v := *o.view
		v.rows, o.view = append([]row{{0, policy.Operator}}, v.rows...), &v
		return true
	})
	change("a login that got the number before its own", "login", func(o *seen) bool {
		o.session--
		return true
	})
	change("a kick that ended somebody else", "kick", func(o *seen) bool {
		o.ended = append(slices.Clone(o.ended), 1e6)
		return !o.refused
	})
	change("a return on the wrong connection", "resume", func(o *seen) bool {
		o.conn++
		return !o.again && o.reason == 0
	})
	return all
}

// A recorder is a real server over TCP, and what its clients asked of it and saw.
type recorder struct {
	url      string
	key      string
	sessions *session.Sessions
	began    time.Time

	clock   atomic.Int64 // of the history: it counts
	mu      sync.Mutex
	history []porcupine.Operation
}

// newRecorder runs a server whose clock goes three seconds further each time that
// it is read, so that no login of the storm is too often.
func newRecorder(t *testing.T) *recorder {
	t.Helper()
	dir := t.TempDir()
	r := &recorder{key: initialize(t, dir), began: time.Now()}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var reads atomic.Int64
	ctx, cancel := context.WithCancel(context.Background())
	s, err := server.New(ctx, server.Config{Dir: dir, Listener: l, Now: func() time.Time {
		return r.began.Add(time.Duration(reads.Add(3)) * time.Second)
	}})
	if err != nil {
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
	if _, err := s.Apps().ChangeSettings(ctx, app, apps.ChangeTo(stormPolicy)); err != nil {
		t.Fatal(err)
	}
	r.sessions = s.Sessions()
	r.url = "ws://" + l.Addr().String() + wire.Path
	return r
}

func (r *recorder) sign(user rollcall.UserID) string {
	sig, err := usersig.Sign(app, r.key, string(user), r.began, 365*24*time.Hour)
	if err != nil {
		panic(err)
	}
	return sig
}

// record writes down what came of a request that was made at q.call.
func (r *recorder) record(q asked, o seen) {
	*q.done = r.clock.Add(1)
	op := porcupine.Operation{Input: q, Output: o, Call: q.call, Return: *q.done}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.history = append(r.history, op)
}

// An actor is a client of the wire, on a device of its own, that does what chance
// tells it. It asks one thing at a time.
type actor struct {
	*recorder

	user     rollcall.UserID
	device   rollcall.DeviceID
	platform rollcall.Platform
	sig      string
	random   *rand.Rand

	conn                 *websocket.Conn // which serves the session; nil: none
	heard                time.Time       // when an answer came on it last
	id                   uint64
	try                  uint64
	drawn                int
	fixed, present, next []byte
	session, number      uint64 // of the session and the connection; 0: out
	last, kick           uint64 // the last session, and the last kick that it was told of
}

// step does one thing.
func (c *actor) step(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	n := c.random.IntN(20)
	switch {
	case n < 2:
		return c.read(ctx)
	case n < 3:
		return c.operate(ctx)
	case c.session == 0 && c.last != 0 && n < 6:
		return c.resume(ctx, c.last) // of a session that is over
	case c.session == 0:
		return c.login(ctx)
	case c.conn == nil && n < 14:
		return c.resume(ctx, c.session)
	case c.conn == nil && n < 17, n < 6:
		return c.login(ctx)
	case c.conn == nil, n < 8:
		return c.logout(ctx)
	case n < 11:
		return c.hangUp(ctx)
	case n < 13:
		return c.resume(ctx, c.session) // the old connection still stands
	case n < 16:
		return c.signOut(ctx)
	}
	return c.list(ctx)
}

func (c *actor) ask(kind string) asked {
	return asked{account: c.user, kind: kind, device: c.device, platform: c.platform, session: c.session, call: c.clock.Add(1), done: new(int64)}
}

func (c *actor) draw() []byte {
	c.drawn++
	h := sha256.Sum256(fmt.Append(nil, c.user, " ", c.device, " ", c.drawn))
	return h[:wire.HalfBytes]
}

func (c *actor) login(ctx context.Context) error {
	var proofs [][]byte
	if proved := c.fixed != nil && c.random.IntN(3) > 0; proved {
		h := sha256.Sum256(c.fixed)
		proofs = append(proofs, h[:])
	}
	q := c.ask("login")
	q.session, q.proved, q.last = 0, len(proofs) > 0, c.last
	if c.random.IntN(2) == 0 {
		q.seen = c.kick
	}
	if old := c.conn; old != nil && c.random.IntN(2) == 0 { // it still stands
		c.conn = nil
		defer old.CloseNow()
	}
	c.close() // the server may hear of it sooner or later
	fixed, present := c.draw(), c.draw()
	c.try++
	q.call = c.clock.Add(1)
	f, err := c.request(ctx, &wire.ClientFrame{Request: &wire.ClientFrame_Login{Login: &wire.LoginRequest{
		App: app, UserId: string(c.user), UserSig: c.sig, Platform: uint32(c.platform), DeviceId: string(c.device), DeviceName: string(c.device),
		TryNumber: c.try, FixedHalf: fixed, ChangingHalf: present, LastSession: q.last, KickSeen: q.seen, Proofs: proofs,
	}}})
	if err != nil {
		return fmt.Errorf("login: %w", err)
	}
	c.fixed, c.present, c.next = fixed, present, nil
	switch {
	case f.GetSession() != nil:
		c.session, c.number, c.last = f.GetSession().GetSession(), f.GetSession().GetConnection(), f.GetSession().GetSession()
		c.record(q, seen{session: c.session, conn: c.number})
		return nil
	case f.GetNotice() != nil: // it was ended before it was answered
		c.session, c.last = f.GetNotice().GetSession(), f.GetNotice().GetSession()
		c.record(q, seen{session: c.session, conn: 1, reason: policy.Reason(f.GetNotice().GetReason())})
		return c.acknowledge(ctx, f.GetNotice())
	}
	return fmt.Errorf("the login was answered with %v", f)
}

// resume comes back on a new connection, which supersedes the old one where that
// still stands.
func (c *actor) resume(ctx context.Context, session uint64) error {
	if c.next == nil {
		c.next = c.draw()
	}
	if old := c.conn; old != nil {
		c.conn = nil
		defer old.CloseNow()
	}
	c.try++
	q := c.ask("resume")
	q.session = session
	f, err := c.request(ctx, &wire.ClientFrame{Request: &wire.ClientFrame_Resume{Resume: &wire.ResumeRequest{
		App: app, UserId: string(c.user), Session: session, FixedHalf: c.fixed, PresentHalf: c.present, NextHalf: c.next, TryNumber: c.try,
	}}})
	if err != nil {
		return fmt.Errorf("resume: %w", err)
	}
	switch {
	case f.GetSession() != nil:
		c.present, c.next = c.next, nil
		c.session, c.number = session, f.GetSession().GetConnection()
		c.record(q, seen{session: session, conn: c.number})
		return nil
	case f.GetLoginAgain() != nil:
		c.record(q, seen{again: true})
		c.session = 0
		c.close()
		return nil
	case f.GetNotice() != nil:
		c.record(q, seen{reason: policy.Reason(f.GetNotice().GetReason())})
		c.session = session
		return c.acknowledge(ctx, f.GetNotice())
	}
	return fmt.Errorf("the resume was answered with %v", f)
}

// logout ends the session, over a connection of its own.
func (c *actor) logout(ctx context.Context) error {
	c.try++
	q := c.ask("logout")
	c.close()
	f, err := c.request(ctx, &wire.ClientFrame{Request: &wire.ClientFrame_Logout{Logout: &wire.LogoutRequest{
		App: app, UserId: string(c.user), DeviceId: string(c.device), FixedHalf: c.fixed, TryNumber: c.try,
	}}})
	if err != nil || f.GetLogout() == nil {
		return fmt.Errorf("the logout was answered with %v, %w", f, err)
	}
	c.record(q, seen{refused: !f.GetLogout().GetKnown()})
	c.session = 0
	c.close()
	return nil
}

// hangUp ends the connection, and sometimes waits until the server knows.
func (c *actor) hangUp(ctx context.Context) error {
	q := c.ask("hang up")
	q.conn, q.noticed = c.number, new(int64)
	c.conn.CloseNow()
	c.conn = nil
	c.record(q, seen{})
	for wait := c.random.IntN(2) == 0; wait; {
		v, err := c.view(ctx)
		if err != nil {
			return err
		}
		i := slices.IndexFunc(v.sessions, func(x viewed) bool { return x.number == c.session })
		if wait = i >= 0 && !v.sessions[i].away; !wait {
			*q.noticed = c.clock.Add(1)
		}
	}
	return nil
}

// close ends the connection, if there is one, without waiting for anything.
func (c *actor) close() {
	if c.conn == nil {
		return
	}
	if c.session != 0 {
		q := c.ask("hang up")
		q.conn, q.noticed = c.number, new(int64)
		defer func() { c.record(q, seen{}) }()
	}
	c.conn.CloseNow()
	c.conn = nil
}

func (c *actor) signOut(ctx context.Context) error {
	q := c.ask("sign out")
	q.target = policy.Target{Except: c.session}
	if c.session > 1 && c.random.IntN(2) == 0 {
		q.target.Session = c.session - 1 - uint64(c.random.IntN(min(3, int(c.session)-1)))
	}
	f, err := c.request(ctx, &wire.ClientFrame{Request: &wire.ClientFrame_SignOut{SignOut: &wire.SignOutRequest{Session: q.target.Session}}})
	switch {
	case err != nil:
		return fmt.Errorf("sign out: %w", err)
	case f.GetNotice() != nil:
		c.record(q, seen{lost: true})
		return c.acknowledge(ctx, f.GetNotice())
	case f.GetRefusal() != nil:
		c.record(q, seen{refused: true})
	default:
		c.record(q, seen{conn: uint64(f.GetSignOut().GetCount())})
	}
	return nil
}

func (c *actor) list(ctx context.Context) error {
	q := c.ask("list")
	f, err := c.request(ctx, &wire.ClientFrame{Request: &wire.ClientFrame_ListSessions{ListSessions: &wire.ListSessionsRequest{}}})
	switch {
	case err != nil:
		return fmt.Errorf("list: %w", err)
	case f.GetNotice() != nil: // nothing was read
		return c.acknowledge(ctx, f.GetNotice())
	case f.GetSessions() == nil:
		return fmt.Errorf("the list was answered with %v", f)
	}
	v := &view{}
	for _, x := range f.GetSessions().GetSessions() {
		v.sessions = append(v.sessions, viewed{number: x.GetSession(), device: rollcall.DeviceID(x.GetDeviceId()), away: x.GetAwaySinceMs() != 0})
		if x.GetCurrent() != (x.GetSession() == c.session) {
			return fmt.Errorf("session %d reads %v", c.session, x)
		}
	}
	c.record(q, seen{view: v})
	return nil
}

// acknowledge tells the server that a notice has come, and waits for the end. A
// server that has waited for 5 s does not hear it any more.
func (c *actor) acknowledge(ctx context.Context, n *wire.Notice) error {
	if n.GetSession() != c.session {
		return fmt.Errorf("session %d was told of the end of %d", c.session, n.GetSession())
	}
	q := c.ask("acknowledge")
	if err := c.send(ctx, &wire.ClientFrame{Request: &wire.ClientFrame_Acknowledgement{
		Acknowledgement: &wire.Acknowledgement{Session: n.GetSession()},
	}}); err != nil && websocket.CloseStatus(err) < 0 {
		return fmt.Errorf("acknowledge: %w", err)
	}
	f, err := c.receive(ctx)
	if err == nil {
		return fmt.Errorf("after its notice the server sent %v", f)
	}
	c.record(q, seen{lost: time.Since(c.heard) > 4*time.Second || websocket.CloseStatus(err) < 0})
	c.conn.CloseNow()
	c.conn = nil
	c.session, c.kick = 0, n.GetSession()
	return nil
}

// operate is an operator's kick, of somebody.
func (c *actor) operate(ctx context.Context) error {
	q := c.ask("kick")
	switch c.random.IntN(4) {
	case 0:
		q.target.Device = c.device
	case 1:
		q.target.Platform = &c.platform
	case 2:
		q.target.Session = max(1, c.last)
	}
	o, err := c.sessions.Kick(ctx, rollcall.Account{App: app, User: c.user}, q.target, "ann")
	if errors.Is(err, imcode.AccountNotFound) {
		c.record(q, seen{refused: true})
		return nil
	}
	var ended []uint64
	for _, e := range o.Ended {
		ended = append(ended, e.Session.Number)
	}
	c.record(q, seen{ended: ended})
	return err
}

// read reads the whole account.
func (c *actor) read(ctx context.Context) error {
	_, err := c.view(ctx)
	return err
}

func (c *actor) view(ctx context.Context) (*view, error) {
	q := c.ask("read")
	s, err := c.sessions.State(ctx, rollcall.Account{App: app, User: c.user})
	if err != nil {
		return nil, err
	}
	v := &view{rows: []row{}, counter: s.Counter}
	for _, x := range s.Sessions {
		v.sessions = append(v.sessions, viewed{x.Number, x.Conn, x.Device, !x.Away.IsZero()})
	}
	for _, k := range s.Kicks {
		v.rows = append(v.rows, row{k.Session, k.Reason})
	}
	slices.SortFunc(v.rows, func(x, y row) int { return cmp.Compare(x.session, y.session) })
	c.record(q, seen{view: v})
	return v, nil
}

// request asks on the connection, a new one if there is none. The frame is the
// answer, or a notice.
func (c *actor) request(ctx context.Context, f *wire.ClientFrame) (*wire.ServerFrame, error) {
	if c.conn == nil {
		ws, _, err := websocket.Dial(ctx, c.url, &websocket.DialOptions{Subprotocols: []string{string(wire.Proto)}})
		if err != nil {
			return nil, err
		}
		c.conn, c.heard = ws, time.Now()
	}
	if err := c.send(ctx, f); err != nil && websocket.CloseStatus(err) < 0 {
		return nil, err
	}
	answer, err := c.receive(ctx)
	switch {
	case err != nil:
		return nil, err
	case answer.GetNotice() != nil:
		return answer, nil
	case answer.GetId() != c.id:
		return nil, fmt.Errorf("request %d was answered with %v", c.id, answer)
	}
	c.heard = time.Now()
	return answer, nil
}

func (c *actor) send(ctx context.Context, f *wire.ClientFrame) error {
	c.id++
	f.Id = c.id
	b, err := wire.Proto.Encode(f)
	if err != nil {
		return err
	}
	return c.conn.Write(ctx, websocket.MessageBinary, b)
}

func (c *actor) receive(ctx context.Context) (*wire.ServerFrame, error) {
	_, b, err := c.conn.Read(ctx)
	if err != nil {
		return nil, err
	}
	f := new(wire.ServerFrame)
	return f, wire.Proto.Decode(b, f)
}
