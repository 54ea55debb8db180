package sqlite

import (
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"sync"

	"rollcall.example"
	"rollcall.example/internal/policy"
	"rollcall.example/internal/store"
)

// Tables is a set of those whose rows carry a sum: the CRC-32C of all that a row holds,
// and of where it belongs, so that one that turns up elsewhere is not good there.
type tables uint16

const (
	accountTable tables = 1 << iota
	sessionTable
	kickTable
	tryTable
	historyTable
	appTable
	keyTable
	settingTable
	usageTable
	talkerTable
	conversationTable
	messageTable
	alterationTable
	deletionTable
)

// noSum is read where a row has none: it was written by a program that made none, and
// not since.
const noSum = -1

// good tells whether a row of table t has the sum that its content has; old are the
// tables in which there may be rows without one.
func (old tables) good(t tables, stored, made int64) bool {
	return stored == made || stored == noSum && old&t != 0
}

// syndrome is how a row's stored sum differs from the one of its content: 0 if the row
// is good. Who changes a row that it did not read whole leaves that difference in the new
// sum, so that what was damaged stays so.
func (old tables) syndrome(t tables, stored, made int64) int64 {
	switch {
	case old.good(t, stored, made):
		return 0
	case stored == noSum:
		return 1
	}
	return stored ^ made
}

// damaged is store.ErrDamaged about a row.
func damaged(format string, args ...any) error {
	return fmt.Errorf(format+": %w", append(args, store.ErrDamaged)...)
}

// A sum is a checksum in the making.
type sum struct{ room []byte }

const (
	sumRoom  = 512
	sumsKept = 16 << 10 // a larger one is not kept for the next
)

var sums = sync.Pool{New: func() any { return &sum{make([]byte, 0, sumRoom)} }}

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// sumIn begins the sum of a row of a table.
func sumIn(t tables) *sum {
	s := sums.Get().(*sum)
	s.room = binary.LittleEndian.AppendUint16(s.room[:0], uint16(t))
	return s
}

func (s *sum) numbers(all ...int64) *sum {
	for _, n := range all {
		s.room = binary.LittleEndian.AppendUint64(s.room, uint64(n))
	}
	return s
}

// text adds one with its length, so that it ends where it ends.
func (s *sum) text(t string) *sum {
	s.room = append(binary.LittleEndian.AppendUint32(s.room, uint32(len(t))), t...)
	return s
}

func (s *sum) bytes(b []byte) *sum {
	s.room = append(binary.LittleEndian.AppendUint32(s.room, uint32(len(b))), b...)
	return s
}

func (s *sum) secret(x *policy.Secret) *sum {
	s.room = append(append(append(s.room, x.Fixed[:]...), x.Present[:]...), x.Before[:]...)
	return s
}

// end is the sum. s is not to be used any more.
func (s *sum) end() int64 {
	n := int64(crc32.Checksum(s.room, castagnoli))
	if cap(s.room) <= sumsKept {
		sums.Put(s)
	}
	return n
}

// number is a truth as the database has it.
func number(b bool) int64 {
	if b {
		return 1
	}
	return 0
}

func (x *scalars) sum(id, app int64, user string) int64 {
	return sumIn(accountTable).numbers(id, app, x.created, number(x.disabled), int64(x.counter), int64(x.restKickCounter),
		x.validFrom, x.highestSigTime, int64(x.activeDay), int64(x.activeMonth)).text(user).end()
}

func sumOfSession(account int64, x *policy.Session, due int64) int64 {
	return sumIn(sessionTable).numbers(account, int64(x.Number), int64(x.Platform), millis(x.Since), int64(x.Conn), millis(x.Away),
		x.SigTime, x.SigEnds, due).text(string(x.Device)).text(x.DeviceName).text(x.Node).text(x.Address).secret(&x.Secret).end()
}

// sumOfKick leaves out the node, which nobody is told of.
func sumOfKick(account int64, k *policy.Kick) int64 {
	return sumIn(kickTable).numbers(account, int64(k.Session), int64(k.Platform), int64(k.Reason), millis(k.At)).
		text(string(k.Device)).by(&k.By).secret(&k.Secret).end()
}

func (s *sum) by(b *policy.By) *sum {
	return s.numbers(int64(b.Session), int64(b.Platform), int64(b.Rule), int64(b.Limit)).text(b.DeviceName).text(b.Operator)
}

func sumOfTry(account int64, t *policy.Try) int64 {
	return sumIn(tryTable).numbers(account, int64(t.Highest), millis(t.Seen), int64(t.Session)).
		text(string(t.Device)).bytes(t.Fixed[:]).end()
}

// sumOfEvent is that of a history row: what stays as it was written, mixed with what
// changes when an equal event is counted in it. So who counts one reads no more than
// that.
func sumOfEvent(account, app int64, r *store.HistoryRow) int64 {
	return sumOfCount(r.ID, int64(r.Count), millis(r.Last)) ^
		sumIn(historyTable).numbers(account, app, r.ID, millis(r.At), r.Fold.Milliseconds(), int64(r.Kind), int64(r.Session),
			int64(r.Platform), int64(r.Code), int64(r.Reason), number(r.Connected)).
			text(string(r.Device)).text(r.DeviceName).text(r.Address).by(&r.By).end()
}

func sumOfCount(id, count, last int64) int64 {
	return sumIn(historyTable).numbers(id, count, last).end()
}

func sumOfApp(a *store.App) int64 {
	return sumIn(appTable).numbers(int64(a.ID), millis(a.Created), number(a.Disabled)).text(a.Name).bytes(a.Settings).end()
}

func sumOfKey(app rollcall.AppID, k *store.Key) int64 {
	return sumIn(keyTable).numbers(int64(app), millis(k.Created)).text(k.ID).text(k.Secret).end()
}

func sumOfSetting(name string, value []byte) int64 {
	return sumIn(settingTable).text(name).bytes(value).end()
}

func sumOfUsage(p period, n counts) int64 {
	s := sumIn(usageTable).numbers(int64(p.app), int64(p.at), n.active, n.signedUp)
	if n.logins|n.peak|n.peakAt != 0 { // rows of the second version have none
		s.numbers(n.logins, n.peak, n.peakAt)
	}
	return s.end()
}
