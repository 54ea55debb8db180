package sqlite

import (
	"bytes"
	"database/sql"
	"encoding/binary"
	"fmt"
	"hash/crc32"

	"rollcall.example"
	"rollcall.example/internal/store"
	"rollcall.example/internal/talk"
)

// talkLoads are the statements that read conversations and messages, as loads are
// those that read accounts.
type talkLoads[S any] struct {
	talker, talk                  S
	changedLow, changedHigh       S
	byName, first, latest, newest S
	older, newer                  S
}

const (
	talkColumns = `last, last_at, low_changed, low_sent, low_read, low_read_nth, low_receipt, low_deleted, low_deleted_to, low_pinned,
		high_changed, high_sent, high_read, high_read_nth, high_receipt, high_deleted, high_deleted_to, high_pinned`
	messageColumns = `app, at, conversation, sequence, sender, nth, name, flags, sum, content`
)

// list names the statements with their text.
func (l *talkLoads[S]) list() []query[S] {
	const (
		talks    = `SELECT c.id, c.low, c.high, ` + talkColumns + `, c.sum, a.user FROM conversation c JOIN account a ON a.id = `
		messages = `SELECT ` + messageColumns + ` FROM message WHERE `
	)
	return []query[S]{
		{&l.talker, `SELECT a.id, a.created <> 0, coalesce(t.changes, -1), coalesce(t.sum, -1) FROM account a LEFT JOIN talker t ON t.account = a.id WHERE a.app = ? AND a.user = ?`},
		{&l.talk, talks + `c.high WHERE c.low = ? AND c.high = ?`},
		{&l.changedLow, talks + `c.high WHERE c.low = ? AND c.low_changed > ? ORDER BY c.low_changed LIMIT ?`},
		{&l.changedHigh, talks + `c.low WHERE c.high = ? AND c.high_changed > ? ORDER BY c.high_changed LIMIT ?`},
		{&l.byName, messages + `sender = ? AND name = ?`},
		{&l.first, messages + `conversation = ? AND sequence >= ? ORDER BY sequence LIMIT 1`},
		{&l.latest, messages + `conversation = ? AND sequence > ? AND flags & ? = 0 ORDER BY sequence DESC LIMIT 1`},
		{&l.newest, `SELECT coalesce(max(sequence), 0) FROM message WHERE conversation = ? AND sequence <= ?`},
		{&l.older, messages + `conversation = ? AND sequence <= ? AND sequence > ? ORDER BY sequence DESC`},
		{&l.newer, messages + `conversation = ? AND sequence > ? ORDER BY sequence`},
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
			number(m.Deleted), int64(m.DeletedTo), number(m.Pinned))
	}
	return all
}

func number(b bool) int64 {
	if b {
		return 1
	}
	return 0
}

// sum is the row's.
func (r talkRow) sum() int64 {
	return sumOf(nil, append(r.numbers(), r.id, r.accounts[low], r.accounts[high])...)
}

// scanTalk reads a row that must be as it was written, with the name of the other
// account that the query joins.
func scanTalk(rows row) (t namedTalk, err error) {
	var v [18]int64
	var sum int64
	var user string
	at := []any{&t.id, &t.accounts[low], &t.accounts[high]}
	for i := range v {
		at = append(at, &v[i])
	}
	if err := rows.Scan(append(at, &sum, &user)...); err != nil {
		return t, err
	}
	t.last, t.lastAt, t.other = uint64(v[0]), v[1], rollcall.UserID(user)
	for i := range t.sides {
		w := v[2+8*i:]
		t.sides[i] = talk.Member{
			Changed: uint64(w[0]), Sent: uint64(w[1]), Read: uint64(w[2]), ReadNth: uint64(w[3]), Receipt: uint64(w[4]),
			Deleted: w[5] != 0, DeletedTo: uint64(w[6]), Pinned: w[7] != 0,
		}
	}
	if t.sum() != sum {
		return t, fmt.Errorf("conversation %d: %w", t.id, store.ErrDamaged)
	}
	return t, nil
}

// A namedTalk is a conversation with the name of its other account.
type namedTalk struct {
	talkRow

	other rollcall.UserID
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

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// scanMessage reads a row that must be as it was written.
func scanMessage(rows row) (r messageRow, err error) {
	var sum int64
	var content sql.RawBytes
	err = rows.Scan(&r.app, &r.at, &r.conversation, &r.sequence, &r.sender, &r.nth, &r.name, &r.flags, &sum, &content)
	r.content = bytes.Clone(content)
	if err == nil && r.sum() != sum {
		err = fmt.Errorf("message %d of conversation %d: %w", r.sequence, r.conversation, store.ErrDamaged)
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
}

func (t talker) sum() int64 { return sumOf(nil, t.row, int64(t.changes)) }

// loadTalker reads an account's.
func (l *talkLoads[S]) loadTalker(ask asking[S], a rollcall.Account) (t talker, err error) {
	changes, sum := int64(-1), int64(-1)
	err = ask(l.talker, func(r row) error { return r.Scan(&t.row, &t.exists, &changes, &sum) }, int64(a.App), string(a.User))
	if err != nil || t.row == 0 {
		return talker{}, err
	}
	var damaged bool
	if t.changes = uint64(max(changes, 0)); changes >= 0 {
		damaged = t.sum() != sum
	} else { // nobody has talked to it yet
		all, err := l.changedSince(ask, t.row, 0, 1)
		if damaged = len(all) > 0; err != nil {
			return t, err
		}
	}
	if damaged {
		return t, fmt.Errorf("talker %d: %w", t.row, store.ErrDamaged)
	}
	return t, nil
}

// loadTalk reads the conversation of two accounts; nil: they have none.
func (l *talkLoads[S]) loadTalk(ask asking[S], a, b int64) (*namedTalk, error) {
	return one(ask, l.talk, scanTalk, min(a, b), max(a, b))
}

// loadLatest reads the latest message that a side has not deleted.
func (l *talkLoads[S]) loadLatest(ask asking[S], t talkRow, side int) (*talk.Message, error) {
	r, err := one(ask, l.latest, scanMessage, t.id, int64(t.sides[side].DeletedTo), deletedBy(side))
	if err != nil {
		return nil, err
	}
	if r == nil || uint64(r.sequence) != t.last {
		if err := l.unbroken(ask, t, t.last); err != nil || r == nil {
			return nil, err
		}
	}
	m := r.seenBy(t, side)
	return &m, nil
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
	if err == nil && newest != 0 && uint64(newest) != to {
		err = fmt.Errorf("conversation %d ends with message %d, want %d: %w", t.id, newest, to, store.ErrDamaged)
	}
	return err
}
