// Package store is what Rollcall keeps: accounts and their sessions, apps and
// their keys, history and usage. The engines are in the folders below it; every
// one passes storetest, which holds the promises written here.
//
// One primitive, Mutate, carries all that happens to accounts; all else is plain
// queries. An error from a store means that the outcome is unknown at worst, and
// never that half of it happened.
package store

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"rollcall.example"
	"rollcall.example/internal/policy"
	"rollcall.example/internal/talk"
)

// A Rule decides about one account. It must be pure: it may run twice.
type Rule func(policy.State) policy.Outcome

// Errors that callers tell apart.
var (
	// ErrNotFound: there is no such app or key.
	ErrNotFound = errors.New("not found")
	// ErrExists: the app or key is there already.
	ErrExists = errors.New("exists already")
	// ErrDamaged: what is stored is not what was written. Nothing of it is told.
	ErrDamaged = errors.New("the stored data is damaged: `rollcall check` finds all that is, docs/operations.md says what to do")
	// ErrBusy: there is one check or copy of the whole store at a time.
	ErrBusy = errors.New("the store is being checked or copied already")
	// ErrClosed: the store has been closed.
	ErrClosed = errors.New("store is closed")
	// ErrDisk: the disk takes nothing at present: it is full, read-only, or fails.
	// The store tries again by itself; until it succeeds it refuses every change at
	// once, and goes on answering questions.
	ErrDisk = errors.New("the disk takes nothing")
)

// A TalkRule decides about one conversation. It must be pure: it may run twice.
type TalkRule func(talk.Talk) talk.Outcome

// Accounts is the storage of accounts and their sessions.
type Accounts interface {
	// Mutate locks the account, runs rule on its state (the zero State if it is
	// unknown), makes the outcome durable in one transaction (state, history,
	// usage counters) and returns it. Once it has returned, the outcome survives
	// the death of process and machine. An error: nothing of it happened, or,
	// where the disk failed while committing, it is unknown whether all of it did.
	Mutate(ctx context.Context, a rollcall.Account, rule Rule) (policy.Outcome, error)
	// Due lists accounts that have a session which time has ended by now, at most
	// limit, the earliest first, and says when the next one after those is due
	// (zero: none).
	Due(ctx context.Context, now time.Time, limit int) (due []rollcall.Account, next time.Time, err error)
	// State reads an account's state without locking it.
	State(ctx context.Context, a rollcall.Account) (policy.State, error)
	// LoggedIn reads accounts of an app that have a session, in the order in which
	// they signed up, at most limit, beginning after one that it gave before ("": with
	// the first). Each call sees a moment of its own, and holds up nobody. Accounts
	// without a session cost it nothing.
	LoggedIn(ctx context.Context, app rollcall.AppID, after rollcall.UserID, limit int) ([]Account, error)
}

// An Account is one of an app's, with its state.
type Account struct {
	User  rollcall.UserID
	State policy.State
}

// Records is the storage of what has happened.
type Records interface {
	// History reads an account's rows, newest first, at most limit, older than
	// the row numbered before (0: from the newest).
	History(ctx context.Context, a rollcall.Account, before int64, limit int) ([]HistoryRow, error)
	// Usage reads the counters of an app from one period to another, both
	// included, lowest first: of days (20261123) or of months (202611).
	Usage(ctx context.Context, app rollcall.AppID, from, to int) ([]UsageRow, error)
	// NotePeaks raises the peaks of days to those given. A higher one stays.
	NotePeaks(ctx context.Context, all []Peak) error
	// PruneUsage drops the counters of an app's days before a day (20261123), and of
	// the months before its month, the oldest months first, at most limit, and says
	// how many.
	PruneUsage(ctx context.Context, app rollcall.AppID, before, limit int) (int, error)
	// Prune drops history rows of an app that began before a moment, the oldest
	// first, at most limit, and says how many. Accounts and sessions stay.
	Prune(ctx context.Context, app rollcall.AppID, before time.Time, limit int) (int, error)
}

// Apps is the storage of apps, their keys and settings.
type Apps interface {
	// AddApp adds an app with its keys. ErrExists if it is there.
	AddApp(ctx context.Context, a App) error
	// Apps lists all apps by id, with their keys.
	Apps(ctx context.Context) ([]App, error)
	// SetSettings replaces an app's settings. ErrNotFound if there is no such app.
	SetSettings(ctx context.Context, id rollcall.AppID, settings []byte) error
	// SetAppDisabled disables an app or enables it. ErrNotFound: no such app.
	SetAppDisabled(ctx context.Context, id rollcall.AppID, disabled bool) error
	Keys
}

// Keys is the storage of the keys of apps.
type Keys interface {
	// AddKey adds a key to an app. ErrNotFound: no such app. ErrExists: it has a
	// key of that id or of the same bytes.
	AddKey(ctx context.Context, id rollcall.AppID, k Key) error
	// RemoveKey removes a key. ErrNotFound: no such app or key.
	RemoveKey(ctx context.Context, id rollcall.AppID, key string) error
}

// Chat is the storage of conversations and their messages. What was damaged since it
// was written is ErrDamaged, and never an answer.
type Chat interface {
	// Converse locks the conversation of an account with another and both accounts,
	// runs rule on it, with what it needs to see, and makes the outcome durable in one
	// transaction. It chains with Mutate: a rule sees the sessions as the rule before
	// it left them, whichever of the two that came by. then is told of each outcome
	// that is durable, before Converse returns and in the order of the commits; who is
	// told waits for nobody. Errors are those of Mutate.
	Converse(ctx context.Context, q Conversing, rule TalkRule, then func(talk.Outcome)) (talk.Outcome, error)
	// Conversations reads the conversations of an account that changed after a change
	// number, lowest first, at most limit, with what became of their messages after
	// another (1<<63: nobody asks); the account's change number; and whether there are
	// more.
	Conversations(ctx context.Context, a rollcall.Account, since, altered uint64, limit int) (views []talk.View, change uint64, more bool, err error)
	// Messages reads a page of an account's conversation with another.
	Messages(ctx context.Context, a rollcall.Account, peer rollcall.UserID, s talk.Span) (talk.Page, error)
	// TrimMessages drops messages of an app that were sent before a moment, the oldest
	// first, at most limit, and says how many.
	TrimMessages(ctx context.Context, app rollcall.AppID, before time.Time, limit int) (int, error)
	// TrimAlterations drops what is known of recalls and deletions in an app before a
	// moment, the oldest first, at most limit, and says how many: who was away for
	// longer is told that it may have been any message.
	TrimAlterations(ctx context.Context, app rollcall.AppID, before time.Time, limit int) (int, error)
}

// A Conversing says whose conversation with whom a rule is about, and what it needs.
type Conversing struct {
	Account rollcall.Account
	Peer    rollcall.UserID // another one's
	Need    talk.Need
}

// Past is the value that names the past of all conversations. What a client holds of them
// under another name is of a past that this store does not have: it was set back.
const Past = "past"

// Values is the storage of what belongs to the whole server and to no app, by name.
type Values interface {
	// Value reads one; nil if it was never set.
	Value(ctx context.Context, name string) ([]byte, error)
	// SetValue sets one, in the place of what it was.
	SetValue(ctx context.Context, name string, value []byte) error
}

// LongestFold bounds the time from the first to the last of the events that one
// row stands for.
const LongestFold = 24 * time.Hour

// Folds tells whether event e is counted in row r: it is equal (kind, code,
// session, device with its name, platform and address), and soon after the last one.
func (r HistoryRow) Folds(e policy.Event) bool {
	return r.Fold > 0 && e.Fold > 0 && r.Kind == e.Kind && r.Code == e.Code && r.Session == e.Session &&
		r.Device == e.Device && r.DeviceName == e.DeviceName && r.Platform == e.Platform && r.Address == e.Address &&
		e.At.Sub(r.Last) <= e.Fold && e.At.Sub(r.At) <= LongestFold
}

// A HistoryRow is one event of an account as it was written.
type HistoryRow struct {
	ID int64 // grows with time, unique in the store
	policy.Event
	Count int       // how many equal events it stands for
	Last  time.Time // the latest of them
}

// A UsageRow is what is counted of an app in a day or month of its zone.
type UsageRow struct {
	Period int   // 20261123 for a day, 202611 for a month
	Active int64 // accounts that came online, each once

	// Of days alone; 0 for months:
	SignedUp int64     // accounts that were not there before
	Logins   int64     // sessions that began
	Peak     int64     // sessions connected at once, at most
	PeakAt   time.Time // when those were first counted
}

// A Peak is how many sessions of an app were connected at once, at most, on a day.
type Peak struct {
	App      rollcall.AppID
	Day      int // 20261123
	Sessions int64
	At       time.Time
}

// An App is one SDKAppID. Its settings are kept as a JSON document, so that an
// older server's row is good for a newer one: what is absent has its default.
type App struct {
	ID       rollcall.AppID
	Name     string
	Created  time.Time
	Disabled bool
	Settings []byte // JSON; nil: all defaults
	Keys     []Key
}

// String names the app.
func (a App) String() string { return fmt.Sprintf("app %s (%s)", a.ID, a.Name) }

// LogValue keeps settings and keys out of logs.
func (a App) LogValue() slog.Value { return slog.StringValue(a.String()) }

// A Key signs UserSigs of an app. However it is printed, logged or encoded as
// JSON, its secret stays out.
type Key struct {
	ID      string // short, for people; not secret
	Secret  string `json:"-"` // the bytes that the HMAC is made with
	Created time.Time
}

// String names the key.
func (k Key) String() string { return "key " + k.ID }

// GoString is String: %#v shows no more.
func (k Key) GoString() string { return k.String() }

// LogValue is String: a log shows no more.
func (k Key) LogValue() slog.Value { return slog.StringValue(k.String()) }
