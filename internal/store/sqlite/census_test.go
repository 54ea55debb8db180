package sqlite_test

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"path/filepath"
	"testing"
	"time"

	"rollcall.example"
	"rollcall.example/internal/store"
	"rollcall.example/internal/store/sqlite"
	"rollcall.example/internal/talk"
)

// uncount makes a store's database that of a program which did not count conversations.
func uncount(t *testing.T, dir string) {
	t.Helper()
	db := raw(t, filepath.Join(dir, sqlite.File))
	defer db.Close() // a reader would keep the log from being copied
	rows, err := db.QueryContext(t.Context(), `SELECT account, changes FROM talker`)
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	sums := map[int64]int64{}
	for rows.Next() {
		var account, changes int64
		if err := rows.Scan(&account, &changes); err != nil {
			t.Fatal(err)
		}
		row := binary.LittleEndian.AppendUint64(binary.LittleEndian.AppendUint64(nil, uint64(account)), uint64(changes))
		sums[account] = int64(crc32.Checksum(row, crc32.MakeTable(crc32.Castagnoli)))
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
	for account, sum := range sums {
		execute(t, dir, fmt.Sprintf(`UPDATE talker SET talks = -1, changed = 0, sum = %d WHERE account = %d`, sum, account))
	}
}

// lists are what the accounts of fill are told of their conversations, whole and since
// some change of each; nil: an error.
func lists(t *testing.T, s *sqlite.Store) (all []*string) {
	t.Helper()
	for _, user := range []rollcall.UserID{"alice", "bob", "carol"} {
		for since := range uint64(50) {
			views, change, more, err := s.Conversations(t.Context(), rollcall.Account{App: 1, User: user}, since, 0, 10)
			said := fmt.Sprintf("%d, more %t:", change, more)
			for _, v := range views {
				said += fmt.Sprintf(" %s unread %d, of %d", v.Peer, v.Unread, v.Latest.Sequence)
			}
			if err == nil {
				all = append(all, &said)
			} else {
				all = append(all, nil)
			}
		}
	}
	return all
}

// TestAListThatMissesOneIsNoAnswer: whatever bit of an index flips by which conversations
// are listed, a list is what it was, or an error.
func TestAListThatMissesOneIsNoAnswer(t *testing.T) {
	dir := t.TempDir()
	s := open(t, dir, sqlite.Options{})
	fill(t, s)
	want := lists(t, s)
	closeStore(t, s)
	good := contents(t, dir)[sqlite.File]
	parts := pagesOf(t, filepath.Join(dir, sqlite.File))
	for _, index := range []string{"conversation_low", "conversation_high"} {
		for _, p := range parts[index] {
			found := 0
			for bit := p.start * 8; bit < (p.start+p.size)*8; bit++ {
				bad := bytes.Clone(good)
				bad[bit/8] ^= 1 << (bit % 8)
				worse := t.TempDir()
				put(t, worse, map[string][]byte{sqlite.File: bad})
				s := open(t, worse, sqlite.Options{})
				for i, got := range lists(t, s) {
					switch {
					case got == nil:
						found++
					case *got != *want[i]:
						t.Errorf("bit %d of %s: list %d is %s, want %s", bit, index, i, *got, *want[i])
					}
				}
				closeStore(t, s)
			}
			if found < p.size {
				t.Errorf("of %d bits of %s %d were found", p.size*8, index, found)
			}
		}
	}
}

// TestConversationsOfAnOlderProgramAreCounted when their account next says something.
func TestConversationsOfAnOlderProgramAreCounted(t *testing.T) {
	dir := t.TempDir()
	s := open(t, dir, sqlite.Options{})
	fill(t, s)
	want := lists(t, s)
	closeStore(t, s)
	uncount(t, dir)
	s = open(t, dir, sqlite.Options{})
	for i, got := range lists(t, s) {
		if got == nil || *got != *want[i] {
			t.Errorf("list %d, before any is counted: %v, want %s", i, got, *want[i])
		}
	}
	say := func(id string) {
		q := store.Conversing{Account: rollcall.Account{App: 1, User: "alice"}, Peer: "bob"}
		o, err := s.Converse(t.Context(), q, func(t talk.Talk) talk.Outcome {
			return talk.Send(t, talk.Sending{Asking: talk.Asking{Now: time.Now(), Session: 1, Conn: 1}, ID: id, Content: []byte("hi")})
		}, func(talk.Outcome) {})
		if err != nil || o.Code != 0 {
			t.Fatal(o.Code, err)
		}
	}
	say("one")
	say("and one")
	closeStore(t, s)

	execute(t, dir, `DELETE FROM talker WHERE talks <> -1 AND (talks, changed) = (SELECT count(*), sum(iif(low = account, low_changed, high_changed))
		FROM conversation WHERE account IN (low, high))`)
	var left int
	if err := raw(t, filepath.Join(dir, sqlite.File)).QueryRowContext(t.Context(), `SELECT count(*) FROM talker`).Scan(&left); err != nil || left != 1 {
		t.Errorf("%d talkers are not counted, or not well, %v; want carol alone", left, err)
	}
}

// TestTheCheckCountsConversations: of a whole table, and so by itself.
func TestTheCheckCountsConversations(t *testing.T) {
	dir := t.TempDir()
	s := open(t, dir, sqlite.Options{})
	fill(t, s)
	closeStore(t, s)
	execute(t, dir, `DELETE FROM conversation WHERE low = 1 AND high = 2`, `DELETE FROM message WHERE conversation NOT IN (SELECT id FROM conversation)`)
	s = open(t, dir, sqlite.Options{})
	defer closeStore(t, s)
	r, err := s.Check(t.Context(), func(store.Progress) {})
	if err != nil || r.Count != 2 {
		t.Errorf("the check of two accounts that miss their conversation: %+v, %v", r, err)
	}
	for _, user := range []rollcall.UserID{"alice", "bob"} {
		if _, _, _, err := s.Conversations(t.Context(), rollcall.Account{App: 1, User: user}, 0, 0, 10); !errors.Is(err, store.ErrDamaged) {
			t.Errorf("the list of %s: %v, want %v", user, err, store.ErrDamaged)
		}
	}
}
