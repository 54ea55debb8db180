package sqlite

import (
	"slices"

	"rollcall.example"
	"rollcall.example/internal/policy"
)

// known are the accounts that were written last, as they are in the database: who has
// just logged in leaves or comes back soon. It is the writer's, and nobody else writes
// accounts while it runs. What becomes known was committed; where a batch has failed,
// nothing is known any more.
type known struct {
	most       int // accounts in each
	young, old map[rollcall.Account]knownAccount
}

const (
	mostKnown = 1024 // accounts, and as many that were known before them
	knownRows = 8    // sessions, kicks and tries of one: with more it is read each time
)

// A knownAccount is what the database has of one.
type knownAccount struct {
	id    int64 // of its row; 0: it has none
	state policy.State
}

func (k *known) find(a rollcall.Account) (knownAccount, bool) {
	if it, found := k.young[a]; found {
		return it, true
	}
	it, found := k.old[a]
	return it, found
}

// keep makes an account known. It shares nothing with who has the state already.
func (k *known) keep(a rollcall.Account, it knownAccount) {
	s := &it.state
	if it.id == 0 || len(s.Sessions)+len(s.Kicks)+len(s.Tries) > knownRows {
		delete(k.young, a)
		delete(k.old, a)
		return
	}
	s.Sessions, s.Kicks, s.Tries = slices.Clone(s.Sessions), slices.Clone(s.Kicks), slices.Clone(s.Tries)
	if len(k.young) >= k.most || k.young == nil {
		k.old, k.young = k.young, map[rollcall.Account]knownAccount{}
	}
	k.young[a] = it
}

func (k *known) forget() { k.young, k.old = nil, nil }
