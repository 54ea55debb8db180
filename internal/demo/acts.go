package demo

import (
	"context"
	"time"

	"rollcall.example"
	"rollcall.example/imcode"
	"rollcall.example/internal/apps"
	"rollcall.example/internal/policy"
	"rollcall.example/usersig"
)

// Bounds of how long a UserSig of the demo is good for.
const (
	minSeconds     = 5
	maxSeconds     = 7 * 24 * 3600
	defaultSeconds = 24 * 3600
)

// of names an account of the demo's app.
type of struct {
	User rollcall.UserID `json:"user"`
}

// account is the one that is named.
func (d *Demo) account(user rollcall.UserID) (rollcall.Account, error) {
	if user == "" {
		return rollcall.Account{}, imcode.InvalidUserID.Errorf("no user is named")
	}
	return rollcall.Account{App: d.app, User: user}, nil
}

type sigRequest struct {
	User    rollcall.UserID `json:"user"`
	Seconds int             `json:"seconds"` // it is good for; 0: a day
}

type sigAnswer struct {
	App     rollcall.AppID `json:"app"`
	UserSig string         `json:"userSig"`
	Ends    int64          `json:"ends"` // the last second in which it is good
}

// usersig signs a UserSig, as the server of a business would for its own users.
func (h handler) usersig(ctx context.Context, q sigRequest) (sigAnswer, func(), error) {
	if q.Seconds == 0 {
		q.Seconds = defaultSeconds
	}
	if q.Seconds < minSeconds || q.Seconds > maxSeconds {
		return sigAnswer{}, nil, imcode.InvalidParameters.Errorf("a UserSig for %d s: want %d to %d", q.Seconds, minSeconds, maxSeconds)
	}
	sig, at, err := h.sign(ctx, q.User, time.Duration(q.Seconds)*time.Second)
	return sigAnswer{App: h.app, UserSig: sig, Ends: at.Unix() + int64(q.Seconds)}, nil, err
}

// sign signs a UserSig that a kick of a moment ago does not reach.
func (h handler) sign(ctx context.Context, user rollcall.UserID, lifetime time.Duration) (string, time.Time, error) {
	a, err := h.account(user)
	if err != nil {
		return "", time.Time{}, err
	}
	app, err := h.Apps.App(h.app)
	if err != nil {
		return "", time.Time{}, err
	}
	st, err := h.Sessions.State(ctx, a)
	if err != nil {
		return "", time.Time{}, err
	}
	keys := app.Secrets()
	if len(keys) == 0 {
		return "", time.Time{}, imcode.InvalidParameters.Errorf("app %d has no key to sign with", h.app)
	}
	now := time.Now()
	if from := time.Unix(st.ValidFrom, 0); now.Before(from) {
		now = from
	}
	sig, err := usersig.Sign(h.app, keys[len(keys)-1], string(user), now, lifetime)
	return sig, now, err
}

type kickRequest struct {
	User    rollcall.UserID `json:"user"`
	Session uint64          `json:"session"` // 0: all
}

type kicked struct {
	Sessions int `json:"sessions"` // that have ended
}

// kick ends sessions as an operator does.
func (h handler) kick(ctx context.Context, q kickRequest) (kicked, func(), error) {
	a, err := h.account(q.User)
	if err != nil {
		return kicked{}, nil, err
	}
	o, err := h.Sessions.Kick(ctx, a, policy.Target{Session: q.Session}, operator)
	return kicked{len(o.Ended)}, nil, err
}

// revoke makes all UserSigs of an account worthless: the vendor's kick by REST.
func (h handler) revoke(ctx context.Context, q of) (kicked, func(), error) {
	a, err := h.account(q.User)
	if err != nil {
		return kicked{}, nil, err
	}
	o, err := h.Sessions.Revoke(ctx, a, 0, operator)
	return kicked{len(o.Ended)}, nil, err
}

// policy changes the app's settings, for the next login.
func (h handler) policy(ctx context.Context, q apps.Change) (apps.Settings, func(), error) {
	s, err := h.Apps.ChangeSettings(ctx, h.app, q)
	return s.Effective(), nil, err
}

// apply puts the policy in force for those who are logged in.
func (h handler) apply(ctx context.Context, _ struct{}) (kicked, func(), error) {
	sum, err := h.Sessions.Apply(ctx, h.app, operator, nil)
	return kicked{sum.Sessions}, nil, err
}

type keys struct {
	Keys []string `json:"keys"` // their ids
}

// key puts a new key in the place of all the app has.
func (h handler) key(ctx context.Context, _ struct{}) (keys, func(), error) {
	h.rotating.Lock()
	defer h.rotating.Unlock()
	app, err := h.Apps.App(h.app)
	if err != nil {
		return keys{}, nil, err
	}
	before := app.Keys()
	if len(before) >= apps.MaxKeys { // room for the new one
		if err := h.Apps.RemoveKey(ctx, h.app, before[0].ID); err != nil {
			return keys{}, nil, err
		}
		before = before[1:]
	}
	k, secret, err := h.Apps.AddKey(ctx, h.app, "")
	if err != nil {
		return keys{}, nil, err
	}
	for _, old := range before {
		if err := h.Apps.RemoveKey(ctx, h.app, old.ID); err != nil {
			return keys{}, nil, err
		}
	}
	return keys{[]string{k.ID}}, nil, h.rotated(secret)
}

// restart has the server end, and another begin in its place.
func (h handler) restart(context.Context, struct{}) (struct{}, func(), error) {
	return struct{}{}, h.Restart, nil
}

type stateRequest struct {
	User rollcall.UserID `json:"user"` // "": of none
}

type stateAnswer struct {
	App      rollcall.AppID `json:"app"`
	Settings apps.Settings  `json:"settings"`
	Keys     []string       `json:"keys"`
	Now      int64          `json:"nowMs"`
	Sessions []shown        `json:"sessions"` // of the user
	Phone    *phoneState    `json:"phone"`    // of the user; null: there is none
}

// shown is one session, as anybody may see it who can sign a UserSig.
type shown struct {
	Session    uint64            `json:"session"`
	Device     rollcall.DeviceID `json:"deviceId"`
	Platform   rollcall.Platform `json:"platform"`
	DeviceName string            `json:"deviceName"`
	Connected  bool              `json:"connected"`
}

// state is what is so.
func (h handler) state(ctx context.Context, q stateRequest) (stateAnswer, func(), error) {
	app, err := h.Apps.App(h.app)
	if err != nil {
		return stateAnswer{}, nil, err
	}
	s := stateAnswer{App: h.app, Settings: app.Settings.Effective(), Now: time.Now().UnixMilli(), Sessions: []shown{}}
	for _, k := range app.Keys() {
		s.Keys = append(s.Keys, k.ID)
	}
	if q.User == "" {
		return s, nil, nil
	}
	st, err := h.Sessions.State(ctx, rollcall.Account{App: h.app, User: q.User})
	if err != nil {
		return stateAnswer{}, nil, err
	}
	for _, x := range st.Sessions {
		s.Sessions = append(s.Sessions, shown{x.Number, x.Device, x.Platform, x.DeviceName, x.Away.IsZero()})
	}
	s.Phone = h.phones.state(q.User)
	return s, nil, nil
}
