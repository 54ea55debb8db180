// Package session is the use-cases of sessions. Accounts log in, come back, renew
// their UserSigs and log out; their users and operators end sessions; a policy is
// previewed and applied; time ends what is over; what has happened is read, watched
// and, when it is old, dropped; who was online is counted.
//
// A session is one logged-in instance of an account on a device. A login begins
// it; logout, eviction, a kick, a sign-out or the end of its UserSig ends it. A lost
// connection or a restarted server does not: the session waits for its client.
//
// Package policy decides what becomes of an account's sessions; this package
// brings the request to the rule and the outcome to the world: the store makes
// it durable, the roster tells the connections it concerns.
//
// # What callers may rely on
//
//   - A call returns after its outcome is durable, never before; but for the end of
//     a connection, of which the store hears as soon as it can.
//   - Once Login has returned, a session it evicted is sent nothing more but its
//     notice.
//   - A request is judged by the time, the app with its keys and rules, and the lost
//     connections of its turn at the store, however long it waited for that.
//   - Login and Resume are idempotent by attempt and by step: a retry finds what
//     the first try did.
//   - Nothing is written before a good signature or a proven secret, and what
//     proves nothing does not wait in the line of those that do.
//
// Behaviour: docs/login.md. Codes: package imcode.
package session

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/netip"
	"sync"
	"sync/atomic"
	"time"

	"rollcall.example"
	"rollcall.example/imcode"
	"rollcall.example/internal/apps"
	"rollcall.example/internal/limit"
	"rollcall.example/internal/node"
	"rollcall.example/internal/policy"
	"rollcall.example/internal/store"
	"rollcall.example/wire"
)

// Store is what this package needs of storage.
type Store interface {
	Mutate(ctx context.Context, a rollcall.Account, rule store.Rule) (policy.Outcome, error)
	Due(ctx context.Context, now time.Time, limit int) (due []rollcall.Account, next time.Time, err error)
	State(ctx context.Context, a rollcall.Account) (policy.State, error)
	LoggedIn(ctx context.Context, app rollcall.AppID, after rollcall.UserID, limit int) ([]store.Account, error)
	Records
}

// Records are what has happened.
type Records interface {
	History(ctx context.Context, a rollcall.Account, before int64, limit int) ([]store.HistoryRow, error)
	Prune(ctx context.Context, app rollcall.AppID, before time.Time, limit int) (int, error)
	Usage(ctx context.Context, app rollcall.AppID, from, to int) ([]store.UsageRow, error)
	NotePeaks(ctx context.Context, all []store.Peak) error
	PruneUsage(ctx context.Context, app rollcall.AppID, before, limit int) (int, error)
}

// Options are the choices that Sessions have. The zero value is good.
type Options struct {
	Node       string           // the incarnation of this process, unique among all; default "local"
	Now        func() time.Time // default time.Now, watched for jumps
	Watch      bool             // watch Now for jumps also if it is another one
	Log        *slog.Logger     // default: none
	OnLogin    func(imcode.Code)
	OnEnd      func(policy.EventKind, policy.Reason)
	OnJump     func()
	OnPrune    func(rows int)
	OnWait     func(time.Duration) // of a request that had to wait for the store
	LoginWait  time.Duration       // a login that had to wait for longer is told to come back; default 3 s
	RetryAfter time.Duration       // told with 70500; default 2 s
}

// Sessions are the use-cases of sessions.
type Sessions struct {
	store  Store
	apps   *apps.Apps
	roster *node.Roster
	line   *line
	feed   feed

	accountFailures *limit.Failures[stranger]                           // of signatures and secrets, by address and account
	addressFailures *limit.Failures[netip.Addr]                         // the same by address, behind which many may sit
	deviceAttempts  *limit.Attempts[installation, [wire.HalfBytes]byte] // logins of a device
	accountAttempts *limit.Attempts[household, member]                  // and of all devices that an account says it has
	dead            *limit.Failures[string]                             // UserSigs that were refused because they are over
	useless         atomic.Uint64                                       // logins with such a one
	guessing        chan struct{}                                       // one place, for those that fail too often

	opt   Options
	watch bool         // the clock for jumps
	due   atomic.Int64 // when the sweep wakes next, Unix ms
	wake  chan struct{}

	unsaidMu sync.Mutex
	unsaid   []left // ends of connections that the store could not take
}

// maxAttempts bounds the attempts of one account within 10 s, whatever devices they
// name: more than any policy admits, and few enough to keep a try number of each.
const maxAttempts = 50

// maxFailures bounds the failures of one address in a minute, whatever accounts
// they name; of one account from it there may be fewer (limit.Failures).
const maxFailures = 100

// deadFor is how long a UserSig that was refused as over is known to be.
const deadFor = 10 * time.Minute

// A stranger is who proved nothing: an address, and what it claims to be.
type stranger struct {
	address netip.Addr
	account rollcall.Account
}

// A household is an account as its bearers of UserSigs are counted: those whose
// UserSig is over apart, so that an old one locks nobody out.
type household struct {
	account rollcall.Account
	over    bool
}

// An installation is a device of an account.
type installation struct {
	household

	device rollcall.DeviceID
}

// A member is an attempt of a device.
type member struct {
	device rollcall.DeviceID
	half   [wire.HalfBytes]byte
}

// New returns the use-cases over a store, the apps and the roster of this
// process. Run, Retain and CountOnline have to run beside it.
func New(s Store, a *apps.Apps, r *node.Roster, o Options) *Sessions {
	watch := o.Now == nil || o.Watch
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	if o.OnLogin == nil {
		o.OnLogin = func(imcode.Code) {}
	}
	if o.OnEnd == nil {
		o.OnEnd = func(policy.EventKind, policy.Reason) {}
	}
	if o.OnJump == nil {
		o.OnJump = func() {}
	}
	if o.OnPrune == nil {
		o.OnPrune = func(int) {}
	}
	if o.OnWait == nil {
		o.OnWait = func(time.Duration) {}
	}
	o.Node = cmp.Or(o.Node, "local")
	o.LoginWait = cmp.Or(o.LoginWait, 3*time.Second)
	o.RetryAfter = cmp.Or(o.RetryAfter, 2*time.Second)
	return &Sessions{
		store: s, apps: a, roster: r, line: newLine(o.LoginWait, o.OnWait), opt: o, watch: watch, wake: make(chan struct{}, 1),
		accountFailures: &limit.Failures[stranger]{}, addressFailures: &limit.Failures[netip.Addr]{Max: maxFailures},
		deviceAttempts:  &limit.Attempts[installation, [wire.HalfBytes]byte]{},
		accountAttempts: &limit.Attempts[household, member]{Max: maxAttempts},
		dead:            &limit.Failures[string]{Max: 1, Block: deadFor}, guessing: make(chan struct{}, 1),
	}
}

// Now is the server's clock.
func (s *Sessions) Now() time.Time { return s.opt.Now() }

// An Answer is what a request came to.
type Answer struct {
	policy.Outcome
	Place *node.Place // with Granted login and resume: the connection's place from now on
}

// Waiting is how many requests wait for the store.
func (s *Sessions) Waiting() int { return s.line.Len() }

// mutate carries the account to the rule and the outcome to those connected
// here, but for the place of the client that asked.
func (s *Sessions) mutate(ctx context.Context, a rollcall.Account, asking *node.Place, r rule) (policy.Outcome, error) {
	return s.mutateIn(ctx, first, a, asking, nil, r)
}

// mutateIn is mutate for what need not come first, or has a condition.
func (s *Sessions) mutateIn(ctx context.Context, t turn, a rollcall.Account, asking *node.Place, still condition, r rule) (policy.Outcome, error) {
	if err := s.line.enter(ctx, t); err != nil {
		return policy.Outcome{}, err
	}
	began := time.Now()
	at := s.present(a)
	if still != nil {
		if err := still(at); err != nil {
			s.line.leave(began)
			return policy.Outcome{}, err
		}
	}
	out, err := s.store.Mutate(ctx, a, func(st policy.State) policy.Outcome { return r(st, at) })
	s.line.leave(began)
	if err != nil {
		return out, s.internal(a, err)
	}
	for _, e := range out.Ended { // before anybody is told: who has heard of an end finds it counted
		s.opt.OnEnd(e.Kind, e.Notice.Reason)
	}
	s.roster.End(a, out.Ended, asking)
	s.feed.tell(a, out.Events)
	return out, nil
}

// internal logs a cause and hides it behind 70500.
func (s *Sessions) internal(a rollcall.Account, err error) error {
	if errors.Is(err, context.Canceled) {
		return err
	}
	level := slog.LevelError
	if errors.Is(err, store.ErrDisk) || errors.Is(err, store.ErrDamaged) { // of which the log has heard
		level = slog.LevelDebug
	}
	s.opt.Log.Log(context.Background(), level, "store", "app", a.App, "user", a.User, "err", err)
	if errors.Is(err, store.ErrDamaged) {
		return fmt.Errorf("%w: %w", Damaged(), store.ErrDamaged)
	}
	return &imcode.Error{Code: imcode.Internal, Detail: "the server could not store this: try again", RetryAfter: s.opt.RetryAfter}
}

// Damaged is what somebody is told of whom something stored is damaged: 70500, and to
// come back when an operator may have seen to it.
func Damaged() *imcode.Error {
	return &imcode.Error{Code: imcode.Internal, Detail: "what the server has stored of this is damaged: its operator has to see to it", RetryAfter: time.Minute}
}

// serve runs a rule that may grant connection c a session, with a place reserved
// for it before the commit.
func (s *Sessions) serve(ctx context.Context, t turn, c node.Conn, a rollcall.Account, still condition, r rule) (Answer, error) {
	place := s.roster.Reserve(a, c)
	out, err := s.mutateIn(ctx, t, a, place, still, r)
	if err != nil || out.Answer != policy.Granted {
		place.Release()
		return Answer{Outcome: out}, err
	}
	if ended, over := place.Bind(out.Session); over {
		if lost, bound := place.Release(); bound {
			place.Forget(lost)
		}
		return overtaken(c, out, ended), nil
	}
	s.expect(out.Session.Due())
	return Answer{Outcome: out, Place: place}, nil
}

// overtaken is the answer to a login or resume whose session was ended by
// another between its commit and its answer.
func overtaken(c node.Conn, out policy.Outcome, ended policy.Ended) Answer {
	if ended.Notice.Reason == policy.Silently {
		node.Finish(c, ended)
		out.Answer = policy.Nothing
		return Answer{Outcome: out}
	}
	out.Answer, out.Notice, out.Proved = policy.Told, ended.Notice, true
	return Answer{Outcome: out}
}
