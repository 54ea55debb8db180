package policy

import "rollcall.example"

// Single is the policy under which an account is on one platform at a time.
func Single() Rules { return byClass(map[rollcall.Class]uint8{}) }

// Dual is the policy under which an account is on one platform at a time, and in
// the browser beside it.
func Dual() Rules { return byClass(map[rollcall.Class]uint8{rollcall.Browser: 1}) }

// Triple is the policy under which an account is on one phone or tablet, on one
// desktop and in the browser.
func Triple() Rules {
	return byClass(map[rollcall.Class]uint8{rollcall.Desktop: 1, rollcall.Browser: 2})
}

// byClass groups the platforms by their classes; those not named are group 0.
func byClass(group map[rollcall.Class]uint8) Rules {
	r := Multi()
	for p := range NumPlatforms {
		r.Group[p] = group[rollcall.Platform(p).Class()]
	}
	return r
}

// Custom is the policy with these groups. A platform that is in none of them is a
// group of its own.
func Custom(groups [][]rollcall.Platform) Rules {
	r := Multi()
	for i, group := range groups {
		for _, p := range group {
			r.Group[p] = uint8(NumPlatforms + i)
		}
	}
	return r
}

// Groups lists the groups of the rules, each with its platforms, in the order of
// their first ones.
func (r Rules) Groups() (all [][]rollcall.Platform) {
	at := make(map[uint8]int)
	for p := range NumPlatforms {
		i, known := at[r.Group[p]]
		if !known {
			i = len(all)
			at[r.Group[p]] = i
			all = append(all, nil)
		}
		all[i] = append(all[i], rollcall.Platform(p))
	}
	return all
}
