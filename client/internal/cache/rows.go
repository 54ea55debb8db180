package cache

import (
	"encoding/binary"
	"fmt"
	"hash/crc32"

	"google.golang.org/protobuf/proto"

	"rollcall.example/wire"
)

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// sumOf is the checksum of a row: of its numbers, and its texts with their lengths.
func sumOf(numbers []int64, texts ...[]byte) int64 {
	b := make([]byte, 0, 128)
	for _, n := range numbers {
		b = binary.LittleEndian.AppendUint64(b, uint64(n))
	}
	for _, t := range texts {
		b = binary.LittleEndian.AppendUint64(b, uint64(len(t)))
	}
	sum := crc32.Checksum(b, castagnoli)
	for _, t := range texts {
		sum = crc32.Update(sum, castagnoli, t)
	}
	return int64(sum)
}

func number(b bool) int64 {
	if b {
		return 1
	}
	return 0
}

// A damagedRow is a row that is not as it was written, and that the server can give
// again: where it was is a gap when it is dropped.
type damagedRow struct {
	table string
	peer  string
	at    int64 // of a message: the row; of a hole: its first sequence
	seen  int64 // the sequence of a message that the app is to be told of, or may be; 0: it was
}

func (d *damagedRow) Error() string {
	return fmt.Sprintf("a %s of %s in the cache is damaged", d.table, d.peer)
}

// A stored is a conversation's row.
type stored struct {
	there   bool
	view    *wire.Conversation
	peer    string
	change  int64
	last    int64
	tip     int64
	look    int64
	lookTo  int64
	altered int64
	unread  int64
	hidden  bool
	active  int64
	rank    int64

	draft   string
	draftMs int64
}

const conversationColumns = `peer, view, change, last, tip, look, look_to, altered, unread, hidden, active, rank, draft, draft_ms, sum`

func (s *stored) sum(view []byte) int64 {
	return sumOf([]int64{
		s.change, s.last, s.tip, s.look, s.lookTo, s.altered, s.unread, number(s.hidden), s.active, s.rank, s.draftMs,
	}, []byte(s.peer), view, []byte(s.draft))
}

// scanConversation reads a row that must be as it was written.
func scanConversation(scan func(...any) error) (s stored, err error) {
	var view []byte
	var hidden, sum int64
	err = scan(&s.peer, &view, &s.change, &s.last, &s.tip, &s.look, &s.lookTo, &s.altered, &s.unread, &hidden, &s.active, &s.rank,
		&s.draft, &s.draftMs, &sum)
	if err != nil {
		return s, err
	}
	s.there, s.hidden, s.view = true, hidden != 0, new(wire.Conversation)
	if s.sum(view) != sum || proto.Unmarshal(view, s.view) != nil || s.view.GetPeer() != s.peer {
		return s, errUnreadable
	}
	return s, nil
}

// load reads a conversation's row; one that is not there has nothing to be looked at.
func (c *Cache) load(peer string) (stored, error) {
	s, err := scanConversation(c.row(`SELECT `+conversationColumns+` FROM conversation WHERE peer = ?`, peer).Scan)
	if isNone(err) {
		return stored{peer: peer, hidden: true, look: 1}, nil
	}
	return s, err
}

// save writes a conversation's row.
func (c *Cache) save(s stored) error {
	view, err := proto.Marshal(s.view)
	if err != nil {
		return err
	}
	const put = `INSERT INTO conversation (` + conversationColumns + `) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
		ON CONFLICT (peer) DO UPDATE SET view = excluded.view, change = excluded.change, last = excluded.last,
			tip = excluded.tip, look = excluded.look, look_to = excluded.look_to, altered = excluded.altered, unread = excluded.unread,
			hidden = excluded.hidden, active = excluded.active, rank = excluded.rank, draft = excluded.draft,
			draft_ms = excluded.draft_ms, sum = excluded.sum`
	return c.exec(put, s.peer, view, s.change, s.last, s.tip, s.look, s.lookTo, s.altered, s.unread, s.hidden, s.active,
		s.rank, s.draft, s.draftMs, s.sum(view))
}

// A kept is a message's row.
type kept struct {
	peer     string
	sequence int64
	message  *wire.Message
	told     bool
}

const messages = `SELECT arrived, peer, sequence, view, told, sum FROM message `

func (k kept) sum(view []byte) int64 {
	return sumOf([]int64{k.sequence, number(k.told)}, []byte(k.peer), view)
}

// scanMessage reads a row that must be as it was written.
func scanMessage(scan func(...any) error) (k kept, err error) {
	var arrived, told, sum int64
	var view []byte
	if err := scan(&arrived, &k.peer, &k.sequence, &view, &told, &sum); err != nil {
		return k, err
	}
	k.told, k.message = told != 0, new(wire.Message)
	if k.sum(view) == sum && told&^1 == 0 &&
		proto.Unmarshal(view, k.message) == nil && int64(k.message.GetSequence()) == k.sequence {
		return k, nil
	}
	d := &damagedRow{table: "message", peer: k.peer, at: arrived}
	if told != 1 {
		d.seen = k.sequence
	}
	return k, d
}

// message reads one; isNone says that it is not there.
func (c *Cache) message(peer string, sequence uint64) (kept, error) {
	k, err := scanMessage(c.row(messages+`WHERE peer = ? AND sequence = ?`, peer, int64(sequence)).Scan)
	if err == nil && (k.peer != peer || k.sequence != int64(sequence)) { // an index has led astray
		err = errUnreadable
	}
	return k, err
}

// put writes a message's row.
func (c *Cache) put(k kept) error {
	view, err := proto.Marshal(k.message)
	if err != nil {
		return err
	}
	return c.exec(`INSERT INTO message (peer, sequence, view, told, sum) VALUES (?, ?, ?, ?, ?)
		ON CONFLICT (peer, sequence) DO UPDATE SET view = excluded.view, told = excluded.told, sum = excluded.sum`,
		k.peer, k.sequence, view, k.told, k.sum(view))
}

// drop drops a damaged row. A message that the app may not have been told of is asked
// for again.
func (c *Cache) drop(d *damagedRow) error {
	if d.table == "hole" {
		return c.exec(`DELETE FROM hole WHERE peer = ? AND first = ?`, d.peer, d.at)
	}
	if err := c.exec(`DELETE FROM message WHERE arrived = ?`, d.at); err != nil || d.seen == 0 {
		return err
	}
	s, err := c.load(d.peer)
	if err != nil || !s.there || s.tip < d.seen {
		return err
	}
	s.tip = d.seen - 1
	return c.save(s)
}
