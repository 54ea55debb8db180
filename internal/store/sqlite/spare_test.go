package sqlite_test

import (
	"crypto/rand"
	"os"
	"path/filepath"
	"testing"
	"time"

	"rollcall.example"
	"rollcall.example/internal/store/sqlite"
	"rollcall.example/internal/talk"
)

// used is how many bytes of the database hold something, and how many do not. It leaves
// no log.
func used(t *testing.T, s *sqlite.Store, dir string) (bytes, spare int64) {
	t.Helper()
	closeStore(t, s)
	s = open(t, dir, sqlite.Options{})
	defer closeStore(t, s)
	info, err := os.Stat(filepath.Join(dir, sqlite.File))
	if err != nil {
		t.Fatal(err)
	}
	if spare, err = s.Spare(t.Context()); err != nil {
		t.Fatal(err)
	}
	return info.Size() - spare, spare
}

// fillTalk has alice send so many messages of a length, under ids as long as may be.
func fillTalk(t *testing.T, s *sqlite.Store, messages, length int) {
	t.Helper()
	for _, user := range []rollcall.UserID{"alice", "bob"} {
		if _, err := s.Mutate(t.Context(), rollcall.Account{App: 1, User: user}, login("phone", talked)); err != nil {
			t.Fatal(err)
		}
	}
	for range messages {
		id := (rand.Text() + rand.Text() + rand.Text())[:64]
		talkOf(t, s, "alice", talk.Need{ID: id}, func(x talk.Talk) talk.Outcome {
			return talk.Send(x, talk.Sending{Asking: talk.Asking{Now: talked, Session: x.Account.Sessions[0].Number, Conn: 1}, ID: id, Content: make([]byte, length)})
		})
	}
}

// TestWhatIsDroppedLeavesRoomWithinTheDatabase: it is no smaller for that, and what comes
// next goes there.
func TestWhatIsDroppedLeavesRoomWithinTheDatabase(t *testing.T) {
	dir := t.TempDir()
	s := open(t, dir, sqlite.Options{})
	fillTalk(t, s, 300, 3000)
	full, spare := used(t, s, dir)
	if spare > 16<<10 {
		t.Errorf("of a store that has dropped nothing %d bytes are spare", spare)
	}
	s = open(t, dir, sqlite.Options{})
	if n, err := s.TrimMessages(t.Context(), 1, talked.Add(time.Second), 1000); n != 300 || err != nil {
		t.Fatal(n, err)
	}
	if left, spare := used(t, s, dir); spare < full*3/4 || left+spare > full+64<<10 {
		t.Errorf("of %d bytes %d are used and %d spare when all messages are dropped", full, left, spare)
	}
	s = open(t, dir, sqlite.Options{})
	fillTalk(t, s, 290, 3000)
	if again, spare := used(t, s, dir); again+spare > full+64<<10 {
		t.Errorf("the database has grown from %d bytes to %d, of which %d are spare", full, again+spare, spare)
	}
}

// TestAMessageTakesTwiceWhatItCountsAtMost: its content and 256 bytes, whatever its length.
// At 2 KB a page of the database holds only one.
func TestAMessageTakesTwiceWhatItCountsAtMost(t *testing.T) {
	for _, length := range []int{2, 1000, 2100, 12_000} {
		dir := t.TempDir()
		s := open(t, dir, sqlite.Options{})
		const n = 300
		empty, _ := used(t, s, dir)
		s = open(t, dir, sqlite.Options{})
		fillTalk(t, s, n, length)
		bytes, _ := used(t, s, dir)
		each := (bytes - empty) / n
		t.Logf("a message of %d bytes takes %d", length, each)
		if most := 2 * int64(256+length); each > most {
			t.Errorf("a message of %d bytes takes %d on the disk, want %d at most", length, each, most)
		}
	}
}
