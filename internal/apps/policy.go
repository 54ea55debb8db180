package apps

import (
	"cmp"
	"encoding/json"
	"iter"
	"strings"

	"rollcall.example"
	"rollcall.example/imcode"
	"rollcall.example/internal/plain"
	"rollcall.example/internal/policy"
)

// A Policy says which sessions of an account may stand beside each other. A
// login pushes out all sessions on other platforms of its group, then those on
// its own platform that are too many.
type Policy struct {
	// Name is single, dual, triple, multi or custom. Default dual.
	Name string `json:"policy"`
	// Groups are those of custom, and of no other policy: platforms of one group
	// exclude each other. A platform in none of them is a group of its own.
	Groups [][]rollcall.Platform `json:"groups"`
	// Instances is how many sessions an account may have on each platform.
	// Default 1.
	Instances Instances `json:"instances"`
}

// DefaultPolicy is the policy of an app that never set one.
const DefaultPolicy = "dual"

const custom = "custom"

// named are the policies whose groups go by name.
var named = []struct {
	name  string
	rules func() policy.Rules
}{
	{"single", policy.Single},
	{DefaultPolicy, policy.Dual},
	{"triple", policy.Triple},
	{"multi", policy.Multi},
}

// Check tells what is wrong with a policy, wherever it is to be set:
// imcode.InvalidParameters (70402). The bounds of instances are a server's own.
func (p Policy) Check() error {
	_, err := p.rules()
	return err
}

// Grouping lists all groups, also those of a policy that goes by its name, and
// those of one platform; none if the policy cannot be.
func (p Policy) Grouping() [][]rollcall.Platform {
	r, err := p.grouping()
	if err != nil {
		return nil
	}
	return r.Groups()
}

// rules are groups and numbers as the policy takes them. Bounds are not checked.
func (p Policy) rules() (policy.Rules, error) {
	r, err := p.grouping()
	if err != nil {
		return r, err
	}
	for platform := range platforms {
		n, set := p.Instances[platform]
		switch {
		case !set:
		case n < 1:
			return r, imcode.InvalidParameters.Errorf("%d instances on %s: want at least 1", n, platform)
		default:
			r.Limit[platform] = n
		}
	}
	return r, nil
}

func (p Policy) grouping() (policy.Rules, error) {
	if p.Name == custom {
		return policy.Custom(p.Groups), p.checkGroups()
	}
	var names []string
	for _, known := range named {
		names = append(names, known.name)
		if known.name != cmp.Or(p.Name, DefaultPolicy) {
			continue
		}
		if len(p.Groups) > 0 {
			return policy.Rules{}, imcode.InvalidParameters.Errorf("policy %s has groups of its own: groups go with policy custom", known.name)
		}
		return known.rules(), nil
	}
	return policy.Rules{}, imcode.InvalidParameters.Errorf("unknown policy %q: want one of %s, %s", plain.Clip(p.Name), strings.Join(names, ", "), custom)
}

// checkGroups checks the groups of a custom policy.
func (p Policy) checkGroups() error {
	if len(p.Groups) == 0 {
		return imcode.InvalidParameters.Errorf("policy custom wants at least one group; without any it is policy multi")
	}
	seen := make(map[rollcall.Platform]bool)
	for i, group := range p.Groups {
		if len(group) == 0 {
			return imcode.InvalidParameters.Errorf("group %d has no platform", i+1)
		}
		for _, platform := range group {
			if seen[platform] {
				return imcode.InvalidParameters.Errorf("platform %s is named twice: a platform is in one group, once", platform)
			}
			seen[platform] = true
		}
	}
	return nil
}

// ChangeTo is the change to a policy, all of it: what it leaves out has its default.
func ChangeTo(p Policy) Change {
	c := make(Change)
	for name, value := range map[string]any{"policy": p.Name, "groups": p.Groups, "instances": p.Instances} {
		c[name], _ = json.Marshal(value) //nolint:errchkjson // names and numbers can always be written
	}
	return c
}

// ParseGroup reads the names of a group's platforms.
func ParseGroup(names iter.Seq[string]) (group []rollcall.Platform, err error) {
	for name := range names {
		p, err := rollcall.ParsePlatform(strings.TrimSpace(name))
		if err != nil {
			return nil, err
		}
		group = append(group, p)
	}
	return group, nil
}

// Instances are numbers of sessions by platform.
type Instances map[rollcall.Platform]int

// Set gives a platform a number, by the platform's name; once, in whatever
// spelling.
func (i *Instances) Set(name string, n int) error {
	p, err := rollcall.ParsePlatform(name)
	if err != nil {
		return err
	}
	if _, twice := (*i)[p]; twice {
		return imcode.InvalidParameters.Errorf("instances: platform %s is named twice", p)
	}
	if *i == nil {
		*i = make(Instances)
	}
	(*i)[p] = n
	return nil
}

// UnmarshalJSON reads an object whose members are names of platforms, and
// refuses one that names a platform in two spellings.
func (i *Instances) UnmarshalJSON(text []byte) error {
	var byName map[string]int
	if err := json.Unmarshal(text, &byName); err != nil {
		return err
	}
	*i = nil
	for name, n := range byName {
		if err := i.Set(name, n); err != nil {
			return err
		}
	}
	return nil
}

// checkBounds refuses numbers above those that an operator of this server may set.
func (o Options) checkBounds(i Instances) error {
	for p := range platforms {
		if most := o.most(p); i[p] > most {
			return imcode.InvalidParameters.Errorf("%d instances on %s: want 1 to %d", i[p], p, most)
		}
	}
	return nil
}

// most is the highest number of instances that may be set on a platform. Who is on
// PlatformOther cannot be told from others there, so nothing raises its one.
func (o Options) most(p rollcall.Platform) int {
	switch {
	case p == rollcall.Web && o.MaxWebInstances > 0:
		return o.MaxWebInstances
	case p != rollcall.Web && p != rollcall.PlatformOther && o.MaxInstances > 0:
		return o.MaxInstances
	}
	return p.MaxInstances()
}

// platforms yields every platform.
func platforms(yield func(rollcall.Platform) bool) {
	for p := range policy.NumPlatforms {
		if !yield(rollcall.Platform(p)) {
			return
		}
	}
}
