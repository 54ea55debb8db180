package apps

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"rollcall.example"
	"rollcall.example/imcode"
	"rollcall.example/internal/plain"
	"rollcall.example/internal/policy"
)

// A Change is what to change of Settings: members by their JSON names. Each is
// replaced whole; null gives it its default.
type Change map[string]json.RawMessage

// SetSettings replaces an app's settings: in force for the next login.
func (a *Apps) SetSettings(ctx context.Context, id rollcall.AppID, set Settings) error {
	a.write.Lock()
	defer a.write.Unlock()
	if _, err := a.App(id); err != nil {
		return err
	}
	if err := a.opt.checkBounds(set.Instances); err != nil {
		return err
	}
	if err := set.checkZone(); err != nil {
		return err
	}
	return a.storeSettings(ctx, id, set)
}

// ChangeSettings changes some of an app's settings: in force for the next login,
// when it returns. It returns all of them as they are then.
// imcode.InvalidParameters (70402): they cannot be, and nothing has changed.
func (a *Apps) ChangeSettings(ctx context.Context, id rollcall.AppID, c Change) (Settings, error) {
	a.write.Lock()
	defer a.write.Unlock()
	set, err := a.changed(id, c)
	if err != nil {
		return set, err
	}
	return set, a.storeSettings(ctx, id, set)
}

// RulesWith are the rules that an app would have after a change. Nothing changes.
func (a *Apps) RulesWith(id rollcall.AppID, c Change) (policy.Rules, error) {
	set, err := a.changed(id, c)
	if err != nil {
		return policy.Rules{}, err
	}
	return set.rules()
}

// changed are an app's settings after a change. Numbers of instances are held to
// the bounds when they are set anew: those that a lowered bound overtook stay. So
// does a time zone that this machine does not know.
func (a *Apps) changed(id rollcall.AppID, c Change) (Settings, error) {
	app, err := a.App(id)
	if err != nil {
		return Settings{}, err
	}
	set, err := app.Settings.with(c)
	if _, anew := c["instances"]; err == nil && anew {
		err = a.opt.checkBounds(set.Instances)
	}
	if _, anew := c["time_zone"]; err == nil && anew {
		err = set.checkZone()
	}
	return set, err
}

// storeSettings makes settings durable, and then those in force.
func (a *Apps) storeSettings(ctx context.Context, id rollcall.AppID, set Settings) error {
	if _, err := set.rules(); err != nil {
		return err
	}
	document, err := json.Marshal(set)
	if err != nil {
		return fmt.Errorf("write settings: %w", err)
	}
	if err := a.store.SetSettings(ctx, id, document); err != nil {
		return fmt.Errorf("set the settings of app %d: %w", id, err)
	}
	return a.reload(ctx)
}

// with are the settings after a change.
func (s Settings) with(c Change) (Settings, error) {
	document, err := json.Marshal(s)
	if err != nil {
		return s, fmt.Errorf("write settings: %w", err)
	}
	var all Change
	if err := json.Unmarshal(document, &all); err != nil {
		return s, fmt.Errorf("read settings: %w", err)
	}
	for _, name := range slices.Sorted(maps.Keys(c)) {
		if _, known := wants[name]; !known {
			return s, imcode.InvalidParameters.Errorf("unknown setting %q: want one of %s", plain.Clip(name), strings.Join(slices.Sorted(maps.Keys(wants)), ", "))
		}
		if err := readable(name, c[name]); err != nil {
			return s, err
		}
		all[name] = c[name]
	}
	if document, err = json.Marshal(all); err != nil {
		return s, fmt.Errorf("write settings: %w", err)
	}
	return ParseSettings(document)
}

// readable tells whether a value is of its setting's kind. 0 is no default.
func readable(name string, value json.RawMessage) error {
	one, err := json.Marshal(Change{name: value})
	if err != nil {
		return refusal(name)
	}
	var probe Settings
	err = probe.decode(one)
	if coded, ok := errors.AsType[*imcode.Error](err); ok {
		return coded
	}
	if err != nil {
		return refusal(name)
	}
	for _, n := range probe.numbers() {
		if n.name == name && *n.value == 0 && string(value) != null {
			return refusal(name)
		}
	}
	return nil
}

const null = "null"

// Parse adds one setting as people write it: time_zone=Asia/Shanghai,
// platforms=Android,Web, history_days=90. Nothing behind the = gives it its
// default. A policy is not written so.
func (c Change) Parse(text string) error {
	name, value, found := strings.Cut(text, "=")
	if _, known := wants[name]; !found || !known {
		return imcode.InvalidParameters.Errorf("%q: want name=value, where name is one of %s", plain.Clip(text), strings.Join(writable(), ", "))
	}
	if _, twice := c[name]; twice {
		return imcode.InvalidParameters.Errorf("%s is set twice", name)
	}
	switch {
	case !slices.Contains(writable(), name):
		return imcode.InvalidParameters.Errorf("%s belongs to the policy: `rollcall app policy set` sets it", name)
	case value == "":
		value = null
	case name == "time_zone":
		value = quoted(value)
	case name == "platforms":
		var list []string
		for one := range strings.SplitSeq(value, ",") {
			list = append(list, quoted(strings.TrimSpace(one)))
		}
		value = "[" + strings.Join(list, ",") + "]"
	case value == null: // nobody writes that, and means the default
		return refusal(name)
	}
	c[name] = json.RawMessage(value)
	return readable(name, c[name])
}

// writable are the settings that Parse takes.
func writable() []string {
	return slices.DeleteFunc(slices.Sorted(maps.Keys(wants)), func(name string) bool {
		return name == "policy" || name == "groups" || name == "instances"
	})
}

func quoted(s string) string {
	text, _ := json.Marshal(s) //nolint:errchkjson // a string can always be written
	return string(text)
}
