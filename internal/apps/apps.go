// Package apps knows the apps of this server: which there are, with which keys
// their UserSigs are signed, and which rules their accounts live under.
//
// Everything is read at the start and kept; a change is written to the store
// first and in force for the next login when the call returns. Apps are few:
// tens or hundreds, not millions.
package apps

import (
	"cmp"
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"rollcall.example"
	"rollcall.example/imcode"
	"rollcall.example/internal/plain"
	"rollcall.example/internal/policy"
	"rollcall.example/internal/store"
	"rollcall.example/usersig"
)

// Bounds of what one app may have.
const (
	MaxKeys      = 10
	MinKeyBytes  = 16
	MaxKeyBytes  = 256
	MaxNameBytes = 64
)

// An App is one app, ready for use.
type App struct {
	ID       rollcall.AppID
	Name     string
	Created  time.Time
	Disabled bool
	Settings Settings // as they were set; see Settings.Effective
	Rules    policy.Rules
	NoZone   bool // this machine does not know the time zone that is set: UTC is used
	keys     []store.Key
	secrets  []string
}

// Secrets are the keys that UserSigs of the app may be signed with.
func (a *App) Secrets() []string { return a.secrets }

// Keys are the ids of the keys, with when they were added.
func (a *App) Keys() []Key {
	out := make([]Key, len(a.keys))
	for i, k := range a.keys {
		out[i] = Key{ID: k.ID, Created: k.Created, Sealed: strings.HasPrefix(k.Secret, sealedMark)}
	}
	return out
}

// A Key is what may be shown of a key.
type Key struct {
	ID      string    `json:"id"`
	Created time.Time `json:"created"`
	Sealed  bool      `json:"sealed,omitempty"` // with a master key, where it is stored
}

// Options are the choices that Apps have. The zero value is good.
type Options struct {
	MasterKey       MasterKey        // seals the keys that are added; the zero value: they lie in plain
	SampleKeys      bool             // admit keys that are published as samples: development only
	MaxWebInstances int              // the most instances on the Web that may be set; default 10
	MaxInstances    int              // the same for each other platform; default 3
	Now             func() time.Time // default time.Now
	Log             *slog.Logger     // default: none
}

// Apps are the apps of a server.
type Apps struct {
	store store.Apps
	opt   Options
	write sync.Mutex // one change at a time
	all   atomic.Pointer[map[rollcall.AppID]*App]
}

// Load reads all apps.
func Load(ctx context.Context, s store.Apps, o Options) (*Apps, error) {
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	a := &Apps{store: s, opt: o}
	return a, a.reload(ctx)
}

func (a *Apps) reload(ctx context.Context) error {
	rows, err := a.store.Apps(ctx)
	if err != nil {
		return fmt.Errorf("read the apps: %w", err)
	}
	all := make(map[rollcall.AppID]*App, len(rows))
	for _, row := range rows {
		app, err := a.ready(row)
		if err != nil {
			return fmt.Errorf("app %d: %w", row.ID, err)
		}
		all[row.ID] = app
	}
	a.all.Store(&all)
	return nil
}

func (a *Apps) ready(row store.App) (*App, error) {
	set, err := ParseSettings(row.Settings)
	if err != nil {
		return nil, err
	}
	rules, err := set.rules()
	if err != nil {
		return nil, err
	}
	noZone := set.checkZone() != nil // another machine, or another version of its list, knew it
	if noZone {
		a.opt.Log.Warn("this machine does not know the app's time zone: its days and months are those of UTC", "app", row.ID, "time_zone", set.TimeZone)
	}
	app := &App{
		ID: row.ID, Name: row.Name, Created: row.Created, Disabled: row.Disabled,
		Settings: set, Rules: rules, NoZone: noZone, keys: row.Keys,
	}
	for _, k := range row.Keys {
		secret, err := a.opt.MasterKey.open(row.ID, k)
		if err != nil {
			return nil, fmt.Errorf("key %s: %w", k.ID, err)
		}
		if usersig.IsSampleKey(secret) && !a.opt.SampleKeys {
			a.opt.Log.Warn("key is a published sample and is not used", "app", row.ID, "key", k.ID)
			continue
		}
		app.secrets = append(app.secrets, secret)
	}
	return app, nil
}

// App finds an app. imcode.AppNotFound (70020): there is none.
func (a *Apps) App(id rollcall.AppID) (*App, error) {
	if app, ok := (*a.all.Load())[id]; ok {
		return app, nil
	}
	return nil, imcode.AppNotFound.Errorf("this server has no app %d", id)
}

// An Info is what may be shown of an app.
type Info struct {
	ID       rollcall.AppID `json:"id"`
	Name     string         `json:"name,omitempty"`
	Created  time.Time      `json:"created"`
	Disabled bool           `json:"disabled,omitempty"`
	NoZone   bool           `json:"time_zone_unknown,omitempty"` // UTC is used in its place
	Keys     []Key          `json:"keys"`
}

// List lists the apps by id.
func (a *Apps) List(context.Context) ([]Info, error) {
	all := []Info{}
	for _, app := range *a.all.Load() {
		all = append(all, Info{ID: app.ID, Name: app.Name, Created: app.Created, Disabled: app.Disabled, NoZone: app.NoZone, Keys: app.Keys()})
	}
	slices.SortFunc(all, func(x, y Info) int { return cmp.Compare(x.ID, y.ID) })
	return all, nil
}

// Add adds an app with one key of its own, and returns that key's secret. An
// empty secret draws one. imcode.InvalidParameters (70402): the app exists, or
// name or key are not acceptable.
func (a *Apps) Add(ctx context.Context, id rollcall.AppID, name, secret string) (string, error) {
	a.write.Lock()
	defer a.write.Unlock()
	if id == 0 {
		return "", imcode.InvalidParameters.Errorf("SDKAppID 0: want 1 to 4294967295")
	}
	if err := CheckName(name); err != nil {
		return "", err
	}
	k, err := a.newKey(secret)
	if err != nil {
		return "", err
	}
	err = a.store.AddApp(ctx, store.App{ID: id, Name: name, Created: a.opt.Now().UTC(), Keys: []store.Key{a.opt.MasterKey.seal(id, k)}})
	if errors.Is(err, store.ErrExists) {
		return "", imcode.InvalidParameters.Errorf("app %d exists already", id)
	}
	if err != nil {
		return "", fmt.Errorf("add app %d: %w", id, err)
	}
	return k.Secret, a.reload(ctx)
}

// CheckName tells what is wrong with the name of an app:
// imcode.InvalidParameters (70402).
func CheckName(name string) error {
	if len(name) > MaxNameBytes || !plain.Printable(name) {
		return imcode.InvalidParameters.Errorf("name of %d bytes: want at most %d of printable UTF-8", len(name), MaxNameBytes)
	}
	return nil
}

// SetDisabled disables an app, so that nobody logs in to it or comes back, from now
// on, or enables it. Who is connected stays.
func (a *Apps) SetDisabled(ctx context.Context, id rollcall.AppID, disabled bool) error {
	a.write.Lock()
	defer a.write.Unlock()
	if _, err := a.App(id); err != nil {
		return err
	}
	if err := a.store.SetAppDisabled(ctx, id, disabled); err != nil {
		return fmt.Errorf("disable or enable app %d: %w", id, err)
	}
	return a.reload(ctx)
}

// AddKey adds a key to an app: UserSigs signed with any of its keys are good
// from now on. An empty secret draws one. It returns the key and its secret.
func (a *Apps) AddKey(ctx context.Context, id rollcall.AppID, secret string) (Key, string, error) {
	a.write.Lock()
	defer a.write.Unlock()
	app, err := a.App(id)
	if err != nil {
		return Key{}, "", err
	}
	if len(app.keys) >= MaxKeys {
		return Key{}, "", imcode.InvalidParameters.Errorf("app %d has %d keys, the most there may be: remove one first", id, MaxKeys)
	}
	k, err := a.newKey(secret)
	if err != nil {
		return Key{}, "", err
	}
	if err := a.isNew(app, k.Secret); err != nil {
		return Key{}, "", err
	}
	sealed := a.opt.MasterKey.seal(id, k)
	err = a.store.AddKey(ctx, id, sealed)
	if errors.Is(err, store.ErrExists) {
		return Key{}, "", imcode.InvalidParameters.Errorf("app %d has this key already", id)
	}
	if err != nil {
		return Key{}, "", fmt.Errorf("add key to app %d: %w", id, err)
	}
	return Key{ID: k.ID, Created: k.Created, Sealed: sealed.Secret != k.Secret}, k.Secret, a.reload(ctx)
}

// RemoveKey removes a key: UserSigs signed with it are refused from now on.
// Sessions that logged in with one go on.
func (a *Apps) RemoveKey(ctx context.Context, id rollcall.AppID, key string) error {
	a.write.Lock()
	defer a.write.Unlock()
	if _, err := a.App(id); err != nil {
		return err
	}
	err := a.store.RemoveKey(ctx, id, key)
	if errors.Is(err, store.ErrNotFound) {
		return imcode.InvalidParameters.Errorf("app %d has no key %q", id, key)
	}
	if err != nil {
		return fmt.Errorf("remove key of app %d: %w", id, err)
	}
	return a.reload(ctx)
}

// newKey makes a key of the secret, or of a new one.
func (a *Apps) newKey(secret string) (store.Key, error) {
	switch {
	case secret == "":
		var b [32]byte
		rand.Read(b[:])
		secret = hex.EncodeToString(b[:])
	case len(secret) < MinKeyBytes || len(secret) > MaxKeyBytes:
		return store.Key{}, imcode.InvalidParameters.Errorf("key of %d bytes: want %d to %d", len(secret), MinKeyBytes, MaxKeyBytes)
	case strings.HasPrefix(secret, sealedMark):
		return store.Key{}, imcode.InvalidParameters.Errorf("a key may not begin with %q", sealedMark)
	case usersig.IsSampleKey(secret) && !a.opt.SampleKeys:
		return store.Key{}, imcode.InvalidParameters.Errorf("this key is a published sample: anyone could sign with it")
	}
	var id [4]byte
	rand.Read(id[:])
	return store.Key{ID: "k" + hex.EncodeToString(id[:]), Secret: secret, Created: a.opt.Now().UTC()}, nil
}
