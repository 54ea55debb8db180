package policy

import "slices"

// Proves tells whether a fixed half is that of the session a return names, or of its
// kick row. A return that proves neither changes nothing.
func (s State) Proves(session uint64, fixed Hash) bool {
	return slices.ContainsFunc(s.Sessions, func(x Session) bool { return x.Number == session && x.Secret.Fixed.is(fixed) }) ||
		slices.ContainsFunc(s.Kicks, func(k Kick) bool { return k.Session == session && k.Secret.Fixed.is(fixed) })
}

// Knows tells whether a fixed half proves a logout without a UserSig. One that it
// does not know changes nothing.
func (s State) Knows(fixed Hash) bool { return s.knows(fixed) }
