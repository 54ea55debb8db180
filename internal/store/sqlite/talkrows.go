package sqlite

import (
	"bytes"
	"database/sql"
	"encoding/binary"
	"hash/crc32"

	"rollcall.example"
	"rollcall.example/internal/talk"
)

// talkLoads are the statements that read conversations and messages, as loads are
// those that read accounts.
type talkLoads[S any] struct {
	talker, talk                  S
	amongLow, amongHigh           S
	changedLow, changedHigh       S
	census                        S
	byName, first, latest, newest S
	oldest                        S
	older, newer                  S
	altered, deletion             S

	old tables // in which there may be rows without a sum
}

const (
	talkColumns = `last, last_at, low_changed, low_sent, low_read, low_read_nth, low_receipt, low_deleted, low_deleted_to, low_pinned, low_altered,
		high_changed, high_sent, high_read, high_read_nth, high_receipt, high_deleted, high_deleted_to, high_pinned, high_altered`
	talkNumbers    = 20 // of talkColumns
	messageColumns = `app, at, conversation, sequence, sender, nth, name, flags, sum, content`
)

// list names the statements with their text.
func (l *talkLoads[S]) list() []query[S] {
	const (
		talks    = `SELECT id, low, high, ` + talkColumns + `, sum FROM conversation`
		named    = `SELECT c.id, c.low, c.high, ` + talkColumns + `, c.sum, ` + accountColumns + `, a.app, a.user FROM conversation c JOIN account a ON a.id = `
		messages = `SELECT ` + messageColumns + ` FROM message WHERE `
	)
	return []query[S]{
		{&l.talker, `SELECT ` + accountColumns + `, coalesce(t.changes, -1), coalesce(t.talks, 0), coalesce(t.changed, 0), coalesce(t.sum, -1) FROM account a LEFT JOIN talker t ON t.account = a.id WHERE a.app = ? AND a.user = ?`},
		{&l.talk, talks + ` WHERE low = ? AND high = ?`},
		{&l.amongLow, `SELECT count(*) FROM (SELECT high FROM conversation INDEXED BY conversation_low WHERE low = ? ORDER BY low_changed DESC LIMIT 1000) WHERE high = ?`},
		{&l.amongHigh, `SELECT count(*) FROM (SELECT low FROM conversation INDEXED BY conversation_high WHERE high = ? ORDER BY high_changed DESC LIMIT 1000) WHERE low = ?`},
		{&l.changedLow, named + `c.high WHERE c.low = ? AND c.low_changed > ? ORDER BY c.low_changed LIMIT ?`},
		{&l.changedHigh, named + `c.low WHERE c.high = ? AND c.high_changed > ? ORDER BY c.high_changed LIMIT ?`},
		{&l.census, `SELECT count(*), coalesce(sum(changed), 0) FROM (
			SELECT low_changed AS changed FROM conversation INDEXED BY conversation_low WHERE low = ?1
			UNION ALL SELECT high_changed FROM conversation INDEXED BY conversation_high WHERE high = ?1)`},
		{&l.byName, messages + `sender = ? AND name = ?`},
		{&l.first, messages + `conversation = ? AND sequence >= ? ORDER BY sequence LIMIT 1`},
		{&l.latest, messages + `conversation = ? AND sequence > ? AND sequence <= ? ORDER BY sequence DESC LIMIT 1`},
		{&l.newest, `SELECT coalesce(max(sequence), 0) FROM message WHERE conversation = ? AND sequence <= ?`},
		{&l.oldest, `SELECT coalesce(min(sequence), 0) FROM message WHERE conversation = ?`},
		{&l.older, messages + `conversation = ? AND sequence <= ? AND sequence > ? ORDER BY sequence DESC`},
		{&l.newer, messages + `conversation = ? AND sequence > ? ORDER BY sequence`},
		{&l.altered, `SELECT ` + alterationColumns + ` FROM alteration WHERE account = ? AND change = ?`},
		{&l.deletion, `SELECT ` + deletionColumns + ` FROM deletion WHERE half = ? AND first <= ? ORDER BY first DESC LIMIT 1`},
	}
}

// Sides of a conversation.
const (
	low  = 0
	high = 1
)

// A talkRow is a conversation's row.
type talkRow struct {
	id       int64 // 0: it has none yet
	accounts [2]int64
	last     uint64
	lastAt   int64
	sides    [2]talk.Member // without Changes, which is the account's
}

// numbers are the columns of talkColumns.
func (r talkRow) numbers() []int64 {
	all := append(make([]int64, 0, 24), int64(r.last), r.lastAt)
	for _, m := range r.sides {
		all = append(all, int64(m.Changed), int64(m.Sent), int64(m.Read), int64(m.ReadNth), int64(m.Receipt),
			number(m.Deleted), int64(m.DeletedTo), number(m.Pinned), int64(m.Altered))
	}
	return all
}

// sum is the row's. An alteration that there never was is not in it: there are rows from
// before any.
func (r talkRow) sum() int64 {
	all := append(make([]int64, 0, 28), int64(r.last), r.lastAt)
	for _, m := range r.sides {
		all = append(all, int64(m.Changed), int64(m.Sent), int64(m.Read), int64(m.ReadNth), int64(m.Receipt),
			number(m.Deleted), int64(m.DeletedTo), number(m.Pinned))
	}
	all = append(all, r.id, r.accounts[low], r.accounts[high])
	for side, m := range r.sides {
		if m.Altered != 0 {
			all = append(all, int64(side), int64(m.Altered))
		}
	}
	return sumOf(nil, all...)
}

// scan reads a row as talks does, with what the query has found beside it.
func (r *talkRow) scan(from row, more ...any) (sum int64, err error) {
	var v [talkNumbers]int64
	at := append(make([]any, 0, 40), &r.id, &r.accounts[low], &r.accounts[high])
	for i := range v {
		at = append(at, &v[i])
	}
	err = from.Scan(append(append(at, &sum), more...)...)
	r.last, r.lastAt = uint64(v[0]), v[1]
	for i := range r.sides {
		w := v[2+9*i:]
		r.sides[i] = talk.Member{
			Changed: uint64(w[0]), Sent: uint64(w[1]), Read: uint64(w[2]), ReadNth: uint64(w[3]), Receipt: uint64(w[4]),
			Deleted: w[5] != 0, DeletedTo: uint64(w[6]), Pinned: w[7] != 0, Altered: uint64(w[8]),
		}
	}
	return sum, err
}

// scanTalk reads a row that must be as it was written.
func scanTalk(r row) (t talkRow, err error) { return scanTalkAnd(r) }

func scanTalkAnd(r row, more ...any) (t talkRow, err error) {
	sum, err := t.scan(r, more...)
	if err != nil {
		return t, damaged("a conversation cannot be read")
	}
	if t.sum() != sum {
		return t, damaged("conversation %d", t.id)
	}
	return t, nil
}

// A namedTalk is a conversation with the name of its other account.
type namedTalk struct {
	talkRow

	other rollcall.UserID
}

func (l *talkLoads[S]) scanNamed(r row) (t namedTalk, err error) {
	var x accountRow
	var app int64
	t.talkRow, err = scanTalkAnd(r, append(x.places(), &app, (*string)(&t.other))...)
	if x.read(); err == nil {
		err = x.check(l.old, rollcall.Account{App: rollcall.AppID(app), User: t.other})
	}
	return t, err
}

// Flags of a message.
const (
	recalled   = 1
	deletedLow = 2 // shifted by the side
)

func deletedBy(side int) int64 { return deletedLow << side }

// A messageRow is a message's row.
type messageRow struct {
	app, at, conversation, sequence, sender, nth int64
	name                                         string
	flags                                        int64
	content                                      []byte
}

func (r messageRow) sum() int64 {
	text := append(append(make([]byte, 0, len(r.name)+1+len(r.content)+64), r.name...), 0)
	return sumOf(append(text, r.content...), r.app, r.at, r.conversation, r.sequence, r.sender, r.nth, r.flags)
}

// sumOf is the checksum of text and numbers.
func sumOf(text []byte, numbers ...int64) int64 {
	for _, n := range numbers {
		text = binary.LittleEndian.AppendUint64(text, uint64(n))
	}
	return int64(crc32.Checksum(text, castagnoli))
}

// scan reads messageColumns, before which there may be others. The content is SQLite's
// own memory, until the next row.
func (r *messageRow) scan(rows row, first ...any) (sum int64, err error) {
	err = rows.Scan(append(first, &r.app, &r.at, &r.conversation, &r.sequence, &r.sender, &r.nth, &r.name, &r.flags, &sum, (*sql.RawBytes)(&r.content))...)
	return sum, err
}

// scanMessage reads a row that must be as it was written.
func scanMessage(rows row) (r messageRow, err error) {
	sum, err := r.scan(rows)
	if err != nil {
		return r, damaged("a message cannot be read")
	}
	r.content = bytes.Clone(r.content)
	if r.sum() != sum {
		err = damaged("message %d of conversation %d", r.sequence, r.conversation)
	}
	return r, err
}

// seenBy is the message as one side of the conversation sees it.
func (r messageRow) seenBy(t talkRow, side int) talk.Message {
	m := talk.Message{
		Sequence: uint64(r.sequence), Nth: uint64(r.nth), Own: r.sender == t.accounts[side], ID: r.name, Time: moment(r.at),
		Recalled: r.flags&recalled != 0, Deleted: r.flags&deletedBy(side) != 0, Gone: r.flags&deletedBy(1-side) != 0,
	}
	if !m.Recalled {
		m.Content = r.content
	}
	return m
}

// rowOf is the row of a message as a side sees it.
func rowOf(m talk.Message, app rollcall.AppID, t talkRow, side int) messageRow {
	r := messageRow{
		app: int64(app), at: millis(m.Time), conversation: t.id, sequence: int64(m.Sequence), sender: t.accounts[side],
		nth: int64(m.Nth), name: m.ID, content: m.Content,
	}
	if !m.Own {
		r.sender = t.accounts[1-side]
	}
	if m.Recalled {
		r.flags, r.content = recalled, []byte{}
	}
	if m.Deleted {
		r.flags |= deletedBy(side)
	}
	if m.Gone {
		r.flags |= deletedBy(1 - side)
	}
	return r
}

// one reads the only row that a statement finds, nil if there is none.
func one[S, T any](ask asking[S], stmt S, scan func(row) (T, error), args ...any) (found *T, err error) {
	err = ask(stmt, func(r row) error {
		x, err := scan(r)
		found = &x
		return err
	}, args...)
	if err != nil {
		return nil, err
	}
	return found, nil
}

// A talker is what the conversations of an account have in common.
type talker struct {
	row     int64 // of its account; 0: it has none
	exists  bool  // the account has signed up
	changes uint64

	census
}

// sum is the row's. A census that was not counted is not in it: there are rows from before
// any.
func (t talker) sum() int64 {
	all := []int64{t.row, int64(t.changes)}
	if t.talks != uncounted {
		all = append(all, t.talks, t.changed)
	}
	return sumOf(nil, all...)
}

// loadTalker reads an account's.
func (l *talkLoads[S]) loadTalker(ask asking[S], a rollcall.Account) (t talker, err error) {
	var x accountRow
	changes, sum := int64(-1), int64(-1)
	err = ask(l.talker, func(r row) error { return x.scan(r, &changes, &t.talks, &t.changed, &sum) }, int64(a.App), string(a.User))
	if err != nil || x.id == 0 {
		return talker{}, err
	}
	t.row, t.exists = x.id, x.created != 0
	if err := x.check(l.old, a); err != nil {
		return t, err
	}
	var wrong bool
	if t.changes = uint64(max(changes, 0)); changes >= 0 {
		wrong = t.sum() != sum
	} else { // nobody has talked to it yet
		all, err := l.changedSince(ask, t.row, 0, 1)
		if wrong = len(all) > 0; err != nil {
			return t, err
		}
	}
	if wrong {
		return t, damaged("talker %d", t.row)
	}
	return t, nil
}

// loadTalk reads the conversation of two accounts; nil: they have none.
func (l *talkLoads[S]) loadTalk(ask asking[S], a, b talker) (*talkRow, error) {
	pair := [2]int64{min(a.row, b.row), max(a.row, b.row)}
	r, err := one(ask, l.talk, scanTalk, pair[low], pair[high])
	switch {
	case err != nil:
		return nil, err
	case r == nil:
		return nil, l.strangers(ask, a, b)
	case r.accounts != pair:
		return nil, damaged("conversation %d is not of accounts %d and %d", r.id, pair[low], pair[high])
	}
	return r, nil
}

// strangers checks that two accounts have no conversation which the index of pairs has
// lost: it is not among the latest ones of the account that has changed less. Who has
// talked to nobody costs nothing.
func (l *talkLoads[S]) strangers(ask asking[S], a, b talker) error {
	if a.changes > b.changes {
		a, b = b, a
	}
	if a.changes == 0 {
		return nil
	}
	stmt := l.amongLow
	if a.row > b.row {
		stmt = l.amongHigh
	}
	found := 0
	err := ask(stmt, func(r row) error { return r.Scan(&found) }, a.row, b.row)
	if err == nil && found > 0 {
		err = damaged("the conversation of accounts %d and %d is not found by them", a.row, b.row)
	}
	return err
}

// loadLatest reads the latest message that a side has not deleted.
func (l *talkLoads[S]) loadLatest(ask asking[S], t talkRow, side int) (*talk.Message, error) {
	for top := t.last; ; {
		r, err := one(ask, l.latest, scanMessage, t.id, int64(t.sides[side].DeletedTo), int64(top))
		switch {
		case err != nil:
			return nil, err
		case r == nil:
			return nil, l.unbroken(ask, t, top)
		case r.conversation != t.id || uint64(r.sequence) != top:
			return nil, damaged("message %d of conversation %d is not there", top, t.id)
		case r.flags&deletedBy(side) == 0:
			m := r.seenBy(t, side)
			return &m, nil
		}
		d, err := l.deletionAt(ask, t, side, top)
		if err != nil {
			return nil, err
		}
		if top--; d != nil {
			top = uint64(d.first - 1)
		}
	}
}

// newestTo is the latest message that is kept up to a sequence; 0: none.
func (l *talkLoads[S]) newestTo(ask asking[S], t talkRow, to uint64) (newest int64, err error) {
	err = ask(l.newest, func(r row) error { return r.Scan(&newest) }, t.id, int64(to))
	return newest, err
}

// unbroken checks that what is kept up to a sequence ends with it: only what is oldest
// is dropped, so there is that message or none before it.
func (l *talkLoads[S]) unbroken(ask asking[S], t talkRow, to uint64) error {
	newest, err := l.newestTo(ask, t, to)
	switch {
	case err != nil:
		return err
	case newest != 0 && uint64(newest) != to:
		return damaged("conversation %d ends with message %d, want %d", t.id, newest, to)
	case newest == 0:
		first, err := l.keptFrom(ask, t)
		if err == nil && first <= to {
			err = damaged("conversation %d begins with message %d, and has none up to %d", t.id, first, to)
		}
		return err
	}
	return nil
}
