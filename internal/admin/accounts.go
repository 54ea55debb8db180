package admin

import (
	"cmp"
	"context"
	"net/http"
	"time"

	"rollcall.example"
	"rollcall.example/imcode"
	"rollcall.example/internal/plain"
	"rollcall.example/internal/policy"
)

// MaxOperatorBytes bounds the name by which an operator stands in the history.
const MaxOperatorBytes = 64

// An Account is what is so with an account now.
type Account struct {
	User      rollcall.UserID `json:"user"`
	Created   time.Time       `json:"created,omitzero"`
	Disabled  bool            `json:"disabled"`
	ValidFrom int64           `json:"valid_from,omitempty"` // UserSigs with an earlier TLS.time are dead
	Sessions  []Session       `json:"sessions"`
	Untold    []Untold        `json:"untold"`
}

// A Session is one session of an account.
type Session struct {
	Session     uint64            `json:"session"`
	Device      rollcall.DeviceID `json:"device"`
	DeviceName  string            `json:"device_name,omitempty"`
	Platform    rollcall.Platform `json:"platform"`
	LoggedIn    time.Time         `json:"logged_in"`
	Connected   bool              `json:"connected"`
	AwaySince   *time.Time        `json:"away_since,omitempty"`
	Address     string            `json:"address,omitempty"` // shortened
	UserSigEnds int64             `json:"usersig_ends"`      // the last second in which it is good
}

// An Untold is a session that lost its place, whose client does not know it yet.
type Untold struct {
	Session  uint64            `json:"session"`
	Device   rollcall.DeviceID `json:"device"`
	Platform rollcall.Platform `json:"platform"`
	Reason   string            `json:"reason"`
	Time     time.Time         `json:"time"`
	By       *By               `json:"by,omitempty"`
}

// A By says who ended a session, and by which rule.
type By struct {
	Session    uint64             `json:"session,omitempty"`
	Platform   *rollcall.Platform `json:"platform,omitempty"`
	DeviceName string             `json:"device_name,omitempty"`
	Rule       string             `json:"rule,omitempty"`
	Limit      int                `json:"limit,omitempty"`
	Operator   string             `json:"operator,omitempty"`
}

// Bodies of the acts on an account.
type (
	// An act names the operator, by their own word; "" is "operator".
	act struct {
		Operator string `json:"operator,omitempty"`
	}
	// A Target says whom a kick is about: exactly one member.
	Target struct {
		Session  uint64            `json:"session,omitempty"`
		Device   rollcall.DeviceID `json:"device,omitempty"`
		Platform string            `json:"platform,omitempty"`
		All      bool              `json:"all,omitempty"`
	}
	kick struct {
		act
		Target
	}
	revoke struct {
		act

		ValidFrom int64 `json:"valid_from,omitempty"`
	}
)

// A Kicked is what an act has ended.
type Kicked struct {
	Ended     []Session `json:"ended"`
	KeptOut   int       `json:"kept_out,omitempty"`   // evicted before, which could have come back by themselves
	ValidFrom int64     `json:"valid_from,omitempty"` // after a revocation: the least TLS.time that is good
}

// accountRoutes are the requests about one account.
func (h handler) accountRoutes(mux router) {
	const path = "/v1/apps/{app}/accounts/{user}"
	mux.HandleFunc("GET "+path, func(w http.ResponseWriter, r *http.Request) {
		a, err := accountOf(r)
		var v Account
		if err == nil {
			v, err = h.account(r.Context(), a)
		}
		h.answer(w, v, err)
	})
	mux.HandleFunc("POST "+path+"/kick", on(h, accountOf, h.kick))
	mux.HandleFunc("POST "+path+"/revoke", on(h, accountOf, h.revoke))
	mux.HandleFunc("POST "+path+"/disable", on(h, accountOf, h.disable))
	mux.HandleFunc("POST "+path+"/enable", on(h, accountOf, h.enable))
	mux.HandleFunc("POST "+path+"/delete", on(h, accountOf, h.remove))
}

// on answers a request that has a body and is about an account or an app, as of
// tells.
func on[S, Q, V any](h handler, of func(*http.Request) (S, error), do func(context.Context, S, Q) (V, error)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		var v V
		subject, err := of(r)
		if err != nil {
			h.answer(w, v, err)
			return
		}
		q, err := body[Q](w, r)
		if err == nil {
			v, err = do(r.Context(), subject, q)
		}
		h.answer(w, v, err)
	}
}

// appOf is the app in a request's path.
func appOf(r *http.Request) (rollcall.AppID, error) { return rollcall.ParseAppID(r.PathValue("app")) }

// accountOf is the account in a request's path.
func accountOf(r *http.Request) (a rollcall.Account, err error) {
	if a.App, err = appOf(r); err != nil {
		return a, err
	}
	if a.User, err = rollcall.ParseUserID(r.PathValue("user")); err != nil {
		return a, imcode.InvalidParameters.Errorf("the UserID is not legal: want 1 to %d bytes of a-z, A-Z, 0-9, _ and -", rollcall.MaxUserIDBytes)
	}
	return a, nil
}

func (h handler) account(ctx context.Context, a rollcall.Account) (Account, error) {
	st, err := h.Sessions.State(ctx, a)
	if err != nil {
		return Account{}, err
	}
	if !st.Exists() {
		return Account{}, imcode.AccountNotFound.Errorf("app %d has no account %s", a.App, a.User)
	}
	v := Account{
		User: a.User, Created: st.Created, Disabled: st.Disabled, ValidFrom: st.ValidFrom,
		Sessions: shown(st.Sessions), Untold: []Untold{},
	}
	for _, k := range st.Kicks {
		v.Untold = append(v.Untold, Untold{k.Session, k.Device, k.Platform, k.Reason.String(), k.At, by(k.By)})
	}
	return v, nil
}

// Account is what is so with an account now. 70107: there is none.
func (c *Client) Account(ctx context.Context, a rollcall.Account) (v Account, err error) {
	return v, c.call(ctx, http.MethodGet, accountPath(a), nil, &v)
}

func (h handler) kick(ctx context.Context, a rollcall.Account, q kick) (Kicked, error) {
	target, err := q.policy()
	if err != nil {
		return Kicked{}, err
	}
	return h.done(q.act, func(operator string) (policy.Outcome, error) {
		return h.Sessions.Kick(ctx, a, target, operator)
	})
}

// Kick ends sessions of an account. Their UserSigs stay good.
func (c *Client) Kick(ctx context.Context, a rollcall.Account, t Target, operator string) (v Kicked, err error) {
	return v, c.call(ctx, http.MethodPost, accountPath(a)+"/kick", kick{act{operator}, t}, &v)
}

func (h handler) revoke(ctx context.Context, a rollcall.Account, q revoke) (Kicked, error) {
	if q.ValidFrom < 0 {
		return Kicked{}, imcode.InvalidParameters.Errorf("valid_from %d: want seconds since 1970", q.ValidFrom)
	}
	var from int64
	v, err := h.done(q.act, func(operator string) (policy.Outcome, error) {
		o, err := h.Sessions.Revoke(ctx, a, q.ValidFrom, operator)
		from = o.State.ValidFrom
		return o, err
	})
	v.ValidFrom = from
	return v, err
}

// Revoke makes all UserSigs of an account worthless that are dated before
// validFrom (0: all made until now), and ends its sessions: the vendor's kick. The
// answer's ValidFrom is what is in force.
func (c *Client) Revoke(ctx context.Context, a rollcall.Account, validFrom int64, operator string) (v Kicked, err error) {
	return v, c.call(ctx, http.MethodPost, accountPath(a)+"/revoke", revoke{act{operator}, validFrom}, &v)
}

func (h handler) disable(ctx context.Context, a rollcall.Account, q act) (Kicked, error) {
	return h.done(q, func(operator string) (policy.Outcome, error) { return h.Sessions.SetDisabled(ctx, a, true, operator) })
}

// Disable shuts an account out and ends its sessions.
func (c *Client) Disable(ctx context.Context, a rollcall.Account, operator string) (v Kicked, err error) {
	return v, c.call(ctx, http.MethodPost, accountPath(a)+"/disable", act{operator}, &v)
}

func (h handler) enable(ctx context.Context, a rollcall.Account, q act) (Kicked, error) {
	return h.done(q, func(operator string) (policy.Outcome, error) { return h.Sessions.SetDisabled(ctx, a, false, operator) })
}

// Enable lets an account in again.
func (c *Client) Enable(ctx context.Context, a rollcall.Account, operator string) error {
	return c.call(ctx, http.MethodPost, accountPath(a)+"/enable", act{operator}, &Kicked{})
}

func (h handler) remove(ctx context.Context, a rollcall.Account, q act) (Kicked, error) {
	return h.done(q, func(operator string) (policy.Outcome, error) { return h.Sessions.Delete(ctx, a, operator) })
}

// Delete ends an account's sessions and makes it unknown.
func (c *Client) Delete(ctx context.Context, a rollcall.Account, operator string) (v Kicked, err error) {
	return v, c.call(ctx, http.MethodPost, accountPath(a)+"/delete", act{operator}, &v)
}

// done does an act in the operator's name and tells what it has ended.
func (h handler) done(q act, do func(operator string) (policy.Outcome, error)) (Kicked, error) {
	operator, err := q.name()
	if err != nil {
		return Kicked{}, err
	}
	o, err := do(operator)
	v := Kicked{Ended: []Session{}}
	for _, e := range o.Ended {
		if e.Kind == policy.EventKicked { // what time had ended is no act of the operator's
			v.Ended = append(v.Ended, shown([]policy.Session{e.Session})...)
		}
	}
	for _, e := range o.Events {
		if e.Kind == policy.EventKeptOut {
			v.KeptOut++
		}
	}
	return v, err
}

// name is the operator's, checked.
func (q act) name() (string, error) {
	name := cmp.Or(q.Operator, "operator")
	return name, CheckOperator(name)
}

// CheckOperator tells what is wrong with the name by which an operator stands in the
// history: imcode.InvalidParameters (70402).
func CheckOperator(name string) error {
	if len(name) > MaxOperatorBytes || !plain.Printable(name) {
		return imcode.InvalidParameters.Errorf("the operator's name has %s: want at most %d of printable UTF-8", plain.Count(len(name), "byte"), MaxOperatorBytes)
	}
	return nil
}

// policy is the target as the rules take it.
func (t Target) policy() (p policy.Target, err error) {
	given := 0
	for _, is := range []bool{t.Session != 0, t.Device != "", t.Platform != "", t.All} {
		if is {
			given++
		}
	}
	if given != 1 {
		return p, imcode.InvalidParameters.Errorf("whom to kick: want exactly one of session, device, platform and all")
	}
	p.Session, p.Device = t.Session, t.Device
	if t.Platform != "" {
		platform, err := rollcall.ParsePlatform(t.Platform)
		if err != nil {
			return p, err
		}
		p.Platform = &platform
	}
	return p, nil
}

// shown are sessions as operators see them.
func shown(all []policy.Session) []Session {
	out := []Session{}
	for _, x := range all {
		s := Session{
			Session: x.Number, Device: x.Device, DeviceName: x.DeviceName, Platform: x.Platform, LoggedIn: x.Since,
			Connected: x.Node != "", Address: x.Address, UserSigEnds: x.SigEnds,
		}
		if !s.Connected {
			s.AwaySince = &x.Away
		}
		out = append(out, s)
	}
	return out
}

func by(b policy.By) *By {
	if b == (policy.By{}) {
		return nil
	}
	v := &By{Session: b.Session, DeviceName: b.DeviceName, Limit: b.Limit, Operator: b.Operator}
	if b.Session != 0 {
		v.Platform = &b.Platform
	}
	if b.Rule != policy.NoRule {
		v.Rule = b.Rule.String()
	}
	return v
}

func accountPath(a rollcall.Account) string {
	return appPath(a.App) + "/accounts/" + string(a.User)
}
