package sqlite

import (
	"rollcall.example"
	"rollcall.example/internal/policy"
)

// knownTalks are the conversations that were written last, and what their accounts
// have of conversations, as they are in the database: who has just said something says
// more soon. It is the writer's, as known is, and nobody else writes them.
type knownTalks struct {
	most       int // of each kind, in each
	young, old recentTalks
}

// recentTalks are those since some time.
type recentTalks struct {
	talkers map[rollcall.Account]knownTalker
	talks   map[[2]int64]talkRow
}

// mostTalks is how many conversations and how many accounts are known, and as many
// that were before them.
const mostTalks = 2048

// A knownTalker is an account with its sessions; nil: they were not read.
type knownTalker struct {
	talker

	state *policy.State
}

func (k *knownTalks) talker(a rollcall.Account) (knownTalker, bool) {
	if it, found := k.young.talkers[a]; found {
		return it, true
	}
	it, found := k.old.talkers[a]
	return it, found
}

func (k *knownTalks) talk(accounts [2]int64) (talkRow, bool) {
	if it, found := k.young.talks[accounts]; found {
		return it, true
	}
	it, found := k.old.talks[accounts]
	return it, found
}

// keep makes known what a batch has left in the database. What it did to an account as
// a whole may be more than it knows of it as a talker.
func (k *knownTalks) keep(b *batch) {
	for _, e := range b.order {
		delete(k.young.talkers, e.account)
		delete(k.old.talkers, e.account)
	}
	for a, t := range b.chat.talkers {
		if t.row == 0 || b.accounts[a] != nil {
			continue
		}
		k.room()
		k.young.talkers[a] = knownTalker{t.talker, t.state}
	}
	for accounts, e := range b.chat.talks {
		if e.is.id == 0 {
			continue
		}
		k.room()
		k.young.talks[accounts] = e.is
	}
}

// room makes room for one more.
func (k *knownTalks) room() {
	if k.young.talks != nil && max(len(k.young.talks), len(k.young.talkers)) < k.most {
		return
	}
	k.old, k.young = k.young, recentTalks{map[rollcall.Account]knownTalker{}, map[[2]int64]talkRow{}}
}

func (k *knownTalks) forget() { k.young, k.old = recentTalks{}, recentTalks{} }
