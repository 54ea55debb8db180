package apps

import (
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"rollcall.example"
	"rollcall.example/internal/policy"
)

// Settings are what an operator sets for one app. The zero value is what an app
// has that never set anything.
type Settings struct {
	// TimeZone is the zone of the app's day and month for counting active
	// accounts, by its IANA name. Default UTC.
	TimeZone string `json:"time_zone,omitempty"`
	// Platforms are those that the app admits. Default all.
	Platforms []rollcall.Platform `json:"platforms,omitempty"`
	// TellKickedOnReconnect reports 6208 to a client that comes back by itself
	// after a newer login took its place. Not for the Web.
	TellKickedOnReconnect bool `json:"tell_kicked_on_reconnect,omitempty"`
	// TellKickedOnLogin reports 6208 to the first login() after that. Not for the Web.
	TellKickedOnLogin bool `json:"tell_kicked_on_login,omitempty"`
	// RESTKickAsKick tells a REST kick as a kick, not as the end of the UserSig.
	RESTKickAsKick bool `json:"rest_kick_as_kick,omitempty"`
}

// ParseSettings reads the settings of a stored app; nil is the default. Members
// that a newer server wrote are passed over.
func ParseSettings(document []byte) (Settings, error) {
	var s Settings
	if len(document) == 0 {
		return s, nil
	}
	if err := json.Unmarshal(document, &s); err != nil {
		return s, fmt.Errorf("read settings: %w", err)
	}
	return s, nil
}

// rules are the settings as the policy takes them.
func (s Settings) rules() (policy.Rules, error) {
	r := policy.Multi()
	r.TellKickedOnReconnect = s.TellKickedOnReconnect
	r.TellKickedOnLogin = s.TellKickedOnLogin
	r.RESTKickAsKick = s.RESTKickAsKick
	if len(s.Platforms) > 0 {
		for p := range r.Refused {
			r.Refused[p] = !slices.Contains(s.Platforms, rollcall.Platform(p))
		}
	}
	zone, err := time.LoadLocation(s.TimeZone)
	if err != nil {
		return r, fmt.Errorf("settings: time zone %q: %w", s.TimeZone, err)
	}
	r.Zone = zone
	return r, nil
}
