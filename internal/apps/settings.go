package apps

import (
	"cmp"
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"rollcall.example"
	"rollcall.example/imcode"
	"rollcall.example/internal/plain"
	"rollcall.example/internal/policy"
)

// Bounds of how long history and messages are kept, and messages may be recalled.
const (
	DefaultHistoryDays   = 180
	MaxHistoryDays       = 3650
	DefaultMessageDays   = 7
	MaxMessageDays       = 3650
	DefaultRecallSeconds = 120
	MaxRecallSeconds     = 7 * 24 * 3600
)

// Settings are what an operator sets for one app. The zero value is what an app
// has that never set anything. docs/settings.md is their manual.
type Settings struct {
	Policy

	// TimeZone is the zone of the app's day and month for counting active
	// accounts, by its IANA name. Default UTC, which also stands in for a zone
	// that the machine does not know any more.
	TimeZone string `json:"time_zone"`
	// Platforms are those that the app admits. Default all.
	Platforms []rollcall.Platform `json:"platforms"`
	// TellKickedOnReconnect reports 6208 to a client that comes back by itself
	// after a newer login took its place. Not for the Web.
	TellKickedOnReconnect bool `json:"tell_kicked_on_reconnect"`
	// TellKickedOnLogin reports 6208 to the first login() after that. Not for the Web.
	TellKickedOnLogin bool `json:"tell_kicked_on_login"`
	// RESTKickAsKick tells a REST kick as a kick, not as the end of the UserSig.
	RESTKickAsKick bool `json:"rest_kick_as_kick"`
	// HistoryDays is how many days an account's history is kept. Default 180.
	HistoryDays int `json:"history_days"`
	// MessageDays is how many days messages are kept. Default 7.
	MessageDays int `json:"message_days"`
	// RecallSeconds is for how long a message can be recalled. Default 120.
	RecallSeconds int `json:"recall_seconds"`
}

// ParseSettings reads the settings of a stored app; nil is the default. Members
// that a newer server wrote are passed over.
func ParseSettings(document []byte) (Settings, error) {
	var s Settings
	if len(document) == 0 {
		return s, nil
	}
	if err := s.decode(document); err != nil {
		return s, fmt.Errorf("read settings: %w", err)
	}
	return s, nil
}

// decode reads a document. Lists are read twice: a platform is a byte, and of bytes JSON
// takes a text for a list.
func (s *Settings) decode(document []byte) error {
	if err := json.Unmarshal(document, s); err != nil {
		return err
	}
	type noByte struct{ rollcall.Platform }
	var lists struct {
		Platforms []noByte   `json:"platforms"`
		Groups    [][]noByte `json:"groups"`
	}
	return json.Unmarshal(document, &lists)
}

// Effective are the settings with the defaults in the places that nothing was set
// for. They mean the same.
func (s Settings) Effective() Settings {
	s.Name = cmp.Or(s.Name, DefaultPolicy)
	s.TimeZone = cmp.Or(s.TimeZone, time.UTC.String())
	s.HistoryDays = cmp.Or(s.HistoryDays, DefaultHistoryDays)
	s.MessageDays = cmp.Or(s.MessageDays, DefaultMessageDays)
	s.RecallSeconds = cmp.Or(s.RecallSeconds, DefaultRecallSeconds)
	if len(s.Groups) == 0 {
		s.Groups = [][]rollcall.Platform{}
	}
	if len(s.Platforms) == 0 {
		s.Platforms = slices.Collect(platforms)
	}
	all := make(Instances)
	for p := range platforms {
		all[p] = max(1, s.Instances[p])
	}
	s.Instances = all
	return s
}

// rules are the settings as the policy takes them, with UTC for a zone that this
// machine does not know. An error is imcode.InvalidParameters (70402): they cannot be.
func (s Settings) rules() (policy.Rules, error) {
	r, err := s.Policy.rules()
	if err != nil {
		return r, err
	}
	r.TellKickedOnReconnect = s.TellKickedOnReconnect
	r.TellKickedOnLogin = s.TellKickedOnLogin
	r.RESTKickAsKick = s.RESTKickAsKick
	for i, p := range s.Platforms {
		if slices.Contains(s.Platforms[:i], p) {
			return r, imcode.InvalidParameters.Errorf("platforms: %s is named twice", p)
		}
	}
	for p := range platforms {
		r.Refused[p] = len(s.Platforms) > 0 && !slices.Contains(s.Platforms, p)
	}
	for _, n := range s.numbers() {
		if *n.value < 0 || *n.value > n.max {
			return r, refusal(n.name)
		}
	}
	r.Zone = time.UTC
	if zone, known := plain.Zone(s.TimeZone); known {
		r.Zone = zone
	}
	return r, nil
}

// checkZone refuses a time zone that this machine does not know.
func (s Settings) checkZone() error {
	if _, known := plain.Zone(s.TimeZone); !known {
		return imcode.InvalidParameters.Errorf("unknown time zone %q: want %s", plain.Clip(s.TimeZone), wants["time_zone"])
	}
	return nil
}

// A number is a setting from 1 to its max; 0 is its default.
type number struct {
	name  string
	value *int
	max   int
}

func (s *Settings) numbers() []number {
	return []number{
		{"history_days", &s.HistoryDays, MaxHistoryDays},
		{"message_days", &s.MessageDays, MaxMessageDays},
		{"recall_seconds", &s.RecallSeconds, MaxRecallSeconds},
	}
}

// wants says what a setting can be, by its JSON name.
var wants = map[string]string{
	"policy":                   "single, dual, triple, multi or custom",
	"groups":                   "lists of platform names, in a list",
	"instances":                "numbers by platform name",
	"time_zone":                "an IANA name, as Asia/Shanghai",
	"platforms":                "platform names",
	"tell_kicked_on_reconnect": "true or false",
	"tell_kicked_on_login":     "true or false",
	"rest_kick_as_kick":        "true or false",
	"history_days":             fmt.Sprintf("1 to %d", MaxHistoryDays),
	"message_days":             fmt.Sprintf("1 to %d", MaxMessageDays),
	"recall_seconds":           fmt.Sprintf("1 to %d", MaxRecallSeconds),
}

func refusal(name string) error {
	return imcode.InvalidParameters.Errorf("%s: want %s", name, wants[name])
}
