// Package playground asks the rule of package policy what becomes of an account's
// devices when one more logs in, for people who try out a policy in a browser. It adds
// no rule of its own: cmd/playground is this, compiled to WebAssembly.
//
// Devices go by the names of policy's table tests: a letter for the platform and a
// number, a1, w2; so a case that surprises can be kept as a line of TestLimits.
package playground

import (
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"rollcall.example"
	"rollcall.example/imcode"
	"rollcall.example/internal/policy"
)

// MaxDevices bounds the devices of a case.
const MaxDevices = 64

// letters begin the names of devices, by platform.
var letters = [rollcall.NumPlatforms]byte{
	rollcall.Android: 'a', rollcall.IPhone: 'i', rollcall.IPad: 'p', rollcall.Windows: 'd', rollcall.Mac: 'm',
	rollcall.Linux: 'l', rollcall.Web: 'w', rollcall.HarmonyOS: 'h', rollcall.PlatformOther: 'o',
}

// A Case is an account whose devices are logged in, the earliest first, and one more
// that logs in.
type Case struct {
	Policy  string                    `json:"policy"` // single, dual, triple or multi
	Limits  map[rollcall.Platform]int `json:"limits"` // sessions on a platform; what is missing is 1
	Devices []Device                  `json:"devices"`
	In      string                    `json:"in"` // the name of the one that logs in
}

// A Device is one that is logged in.
type Device struct {
	Name string `json:"name"`
	Away bool   `json:"away"` // it has no connection
}

// An Answer is what the rule makes of a case.
type Answer struct {
	Devices []Device                     `json:"devices"` // that are logged in afterwards
	Gone    []Gone                       `json:"gone"`    // in the order in which the rule takes them
	Groups  [][]rollcall.Platform        `json:"groups"`  // of the policy
	Line    string                       `json:"line"`    // the case as one of TestLimits
	Names   map[string]rollcall.Platform `json:"names"`   // of each device its platform
}

// A Gone device is one that lost its place.
type Gone struct {
	Name string `json:"name"`
	Away bool   `json:"away"` // it had no connection
	Text string `json:"text"` // what it is told
}

// Ask reads a Case and writes an Answer, or {"error": ...}, as JSON.
func Ask(text string) string {
	var c Case
	var v any
	err := json.Unmarshal([]byte(text), &c)
	if err == nil {
		v, err = Decide(c)
	}
	if err != nil {
		v = map[string]string{"error": err.Error()}
	}
	out, err := json.Marshal(v)
	if err != nil {
		return `{"error":"the answer cannot be written"}`
	}
	return string(out)
}

// Decide asks the rule. 70402: the case cannot be.
func Decide(c Case) (Answer, error) {
	rules, err := c.rules()
	if err != nil {
		return Answer{}, err
	}
	before, err := c.account()
	if err != nil {
		return Answer{}, err
	}
	platform, err := platformOf(c.In)
	if err != nil {
		return Answer{}, err
	}
	if slices.ContainsFunc(c.Devices, func(d Device) bool { return d.Name == c.In }) {
		return Answer{}, imcode.InvalidParameters.Errorf("%s is logged in already", c.In)
	}
	o := policy.LogIn(before, policy.Login{
		Now: noon, Node: node, Device: rollcall.DeviceID(c.In), DeviceName: c.In, Platform: platform,
		SigTime: noon.Unix(), SigEnds: ends, Try: 1,
	}, rules)
	if o.Answer != policy.Granted {
		return Answer{}, o.Code.Errorf("%s", o.Detail)
	}
	a := Answer{Devices: []Device{}, Gone: []Gone{}, Groups: rules.Groups(), Names: map[string]rollcall.Platform{c.In: platform}}
	for _, x := range before.Sessions {
		a.Names[string(x.Device)] = x.Platform
	}
	for _, x := range o.State.Sessions {
		a.Devices = append(a.Devices, Device{string(x.Device), !x.Away.IsZero()})
	}
	for _, e := range o.Ended {
		a.Gone = append(a.Gone, Gone{string(e.Session.Device), !e.Session.Away.IsZero(), e.Notice.Text()})
	}
	a.Line = c.line(o)
	return a, nil
}

const node = "n"

var (
	noon = time.Date(2026, time.November, 23, 12, 0, 0, 0, time.UTC)
	ends = noon.Add(24 * time.Hour).Unix()
)

func (c Case) rules() (policy.Rules, error) {
	named := map[string]func() policy.Rules{"single": policy.Single, "dual": policy.Dual, "triple": policy.Triple, "multi": policy.Multi}
	rules, known := named[c.Policy]
	if !known {
		return policy.Rules{}, imcode.InvalidParameters.Errorf("policy %q: want single, dual, triple or multi", c.Policy)
	}
	r := rules()
	for p, n := range c.Limits {
		if n < 1 || n > MaxDevices {
			return r, imcode.InvalidParameters.Errorf("%d on %s: want 1 to %d", n, p, MaxDevices)
		}
		r.Limit[p] = n
	}
	return r, nil
}

// account is the state of the account before.
func (c Case) account() (policy.State, error) {
	s := policy.State{Created: noon}
	if len(c.Devices) > MaxDevices {
		return s, imcode.InvalidParameters.Errorf("%d devices: want at most %d", len(c.Devices), MaxDevices)
	}
	for _, d := range c.Devices {
		platform, err := platformOf(d.Name)
		if err != nil {
			return s, err
		}
		s.Counter++
		x := policy.Session{
			Number: s.Counter, Device: rollcall.DeviceID(d.Name), DeviceName: d.Name, Platform: platform, Since: noon,
			Conn: 1, Node: node, SigTime: noon.Unix(), SigEnds: ends,
		}
		if d.Away {
			x.Node, x.Away = "", noon
		}
		s.Sessions = append(s.Sessions, x)
	}
	return s, nil
}

// platformOf is the platform of a device by its name.
func platformOf(name string) (rollcall.Platform, error) {
	if name != "" {
		n, err := strconv.Atoi(name[1:])
		if at := slices.Index(letters[:], name[0]); at >= 0 && err == nil && n > 0 && len(name) <= 4 {
			return rollcall.Platform(at), nil
		}
	}
	return 0, imcode.InvalidParameters.Errorf("device %q: want one of the letters %s and a number, as a1", name, letters)
}

// line is the case as one of policy's TestLimits.
func (c Case) line(o policy.Outcome) string {
	var from, want []string
	gone := map[string]bool{}
	for _, e := range o.Ended {
		gone[string(e.Session.Device)] = true
	}
	for _, d := range c.Devices {
		token := d.Name
		if d.Away {
			token += "-"
		}
		from = append(from, token)
		if gone[d.Name] {
			token = d.Name + "!newer"
		}
		want = append(want, token)
	}
	want = append(want, c.In)
	return fmt.Sprintf(`{"tried in the playground", %s, %q, login(%q), %q},`, c.spelled(), strings.Join(from, " "), c.In, strings.Join(want, " "))
}

// spelled are the rules as the tests write them.
func (c Case) spelled() string {
	text := map[string]string{"single": "Single()", "dual": "Dual()", "triple": "Triple()", "multi": "Multi()"}[c.Policy]
	var numbers []string
	for p := range rollcall.NumPlatforms {
		if n := c.Limits[rollcall.Platform(p)]; n > 1 {
			numbers = append(numbers, fmt.Sprintf("%c%d", letters[p], n))
		}
	}
	if len(numbers) == 0 {
		return text
	}
	limits := fmt.Sprintf("limits(%q)", strings.Join(numbers, " "))
	if groups := map[string]string{"single": "aipdmlwho", "dual": "aipdmlho w", "triple": "aipho dml w"}[c.Policy]; groups != "" {
		return fmt.Sprintf("grouped(%s, %q)", limits, groups)
	}
	return limits
}
