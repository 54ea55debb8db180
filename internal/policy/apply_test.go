package policy

import (
	"reflect"
	"testing"

	"pgregory.net/rapid"

	"rollcall.example"
)

// TestApply: in each group as if its newest connected session logged in (1.9).
func TestApply(t *testing.T) {
	dual := func(numbers string) Rules { return grouped(limits(numbers), "aiphodml w") }
	for _, tt := range []struct {
		name, from, want string
		rules            Rules
		rule             Rule
		limit            int
	}{
		{"all have their place", "a1 w1", "a1 w1", dual(""), 0, 0},
		{"one platform of a group stays, the newest's", "a1 m1 w1", "a1!applied m1 w1", dual(""), OtherPlatform, 0},
		{"the newest that is connected", "a1 m1- w1", "a1 m1!applied w1", dual(""), OtherPlatform, 0},
		{"where none is connected, the newest", "a1- m1-", "a1!applied m1-", dual(""), OtherPlatform, 0},
		{"over the number the away go first", "a1 a2- a3", "a1 a2!applied a3", dual("a2"), OverLimit, 2},
		{"and the newest connected counts", "a1 a2 a3-", "a1!applied a2 a3!applied", dual("a1"), OverLimit, 1},
		{"then the earliest", "a1 a2 a3", "a1!applied a2 a3", dual("a2"), OverLimit, 2},
		{"each group for itself", "a1 i1 w1 w2", "a1!applied i1 w1!applied w2", dual(""), 0, 0},
		{"an eviction whose place is taken is covered", "a1!newer a2", "a1!applied a2", dual(""), OverLimit, 1},
		{"one for which there is room is not", "a1!newer a2", "a1!newer a2", dual("a2"), 0, 0},
		{"nor one with another reason", "a1!operator a2", "a1!operator a2", dual(""), 0, 0},
		{"nobody is in", "a1!newer", "a1!newer", dual(""), 0, 0},
	} {
		t.Run(tt.name, func(t *testing.T) {
			apply := func(s State) Outcome {
				return ApplyPolicy(s, Apply{Now: noon, Operator: "Olga"}, tt.rules)
			}
			o := judge(t, account(tt.from), apply)
			check(t, o, "granted 0", tt.want)
			for _, k := range o.State.Kicks {
				if k.Reason != PolicyApplied || tt.rule == NoRule {
					continue
				}
				if k.By.Rule != tt.rule || k.By.Limit != tt.limit || k.By.Session == 0 || k.By.Operator != "Olga" {
					t.Errorf("session %d went by %+v, want rule %q, number %d and a winner", k.Session, k.By, tt.rule, tt.limit)
				}
			}
			twice := judge(t, o.State, apply)
			if !reflect.DeepEqual(twice.State, o.State) || len(twice.Ended)+len(twice.Events) > 0 {
				t.Errorf("applied twice it changed the account to %q, %q", show(twice.State), happened(twice))
			}
		})
	}
}

// TestAppliedFits: whatever was in before, after "apply now" no group has two
// platforms and no platform more than its number; of each group the newest
// connected session stays; applying twice changes nothing.
func TestAppliedFits(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		tokens := rapid.SliceOfN(rapid.SampledFrom([]string{"a", "i", "m", "d", "w", "o", "h"}), 0, 12).Draw(t, "platforms")
		from := ""
		for i, p := range tokens {
			from += " " + p + string(rune('a'+i)) + rapid.SampledFrom([]string{"", "-", "!newer"}).Draw(t, "state")
		}
		rules, before := randomRules(t), account(from)
		apply := func(s State) Outcome { return ApplyPolicy(s, Apply{Now: noon}, rules) }
		o := judge(t, before, apply)
		count, platform := map[rollcall.Platform]int{}, map[uint8]rollcall.Platform{}
		for _, x := range o.State.Sessions {
			group := rules.Group[x.Platform]
			if p, seen := platform[group]; seen && p != x.Platform {
				t.Fatalf("%s and %s of one group stayed: %q", p, x.Platform, show(o.State))
			}
			platform[group] = x.Platform
			if count[x.Platform]++; count[x.Platform] > rules.Limit[x.Platform] {
				t.Fatalf("%d stayed on %s, the number is %d", count[x.Platform], x.Platform, rules.Limit[x.Platform])
			}
		}
		for _, x := range before.Sessions {
			if newest(before, rules, x) {
				if _, stays := o.State.session(numbered(x.Number)); !stays {
					t.Fatalf("session %d, the newest connected of its group, went: %q", x.Number, show(o.State))
				}
			}
		}
		if twice := judge(t, o.State, apply); !reflect.DeepEqual(twice.State, o.State) {
			t.Fatalf("applied twice: %q, then %q", show(o.State), show(twice.State))
		}
	})
}

// newest tells whether x is the newest connected session of its group, or, where
// none is connected, the newest.
func newest(s State, r Rules, x Session) bool {
	anyConnected := false
	for _, y := range s.Sessions {
		if r.Group[y.Platform] == r.Group[x.Platform] && y.Node != "" {
			anyConnected = true
		}
	}
	if anyConnected && x.Node == "" {
		return false
	}
	for _, y := range s.Sessions {
		if r.Group[y.Platform] == r.Group[x.Platform] && y.Number > x.Number && (y.Node != "" || !anyConnected) {
			return false
		}
	}
	return true
}
