package cache

import (
	"fmt"
	"path/filepath"
	"testing"

	"rollcall.example/wire"
)

// BenchmarkColdStart opens a cache of 1,000 conversations with 100,000 messages and
// reads the first page of the list.
func BenchmarkColdStart(b *testing.B) {
	path := filepath.Join(b.TempDir(), "x.db")
	c, err := Open(path, "alice", "alice")
	must(b, err)
	sync := &wire.SyncAnswer{}
	for i := range 1000 {
		m := &wire.Message{Sequence: 100, Sender: "bob", MessageId: fmt.Sprint(i), TimeMs: int64(i), Content: &wire.Content{Kind: &wire.Content_Text{Text: "hello"}}}
		sync.Conversations = append(sync.Conversations, &wire.Conversation{Peer: fmt.Sprint("user-", i), Change: uint64(i + 1), LastSequence: 100, LastMessage: m})
		sync.Change = uint64(i + 1)
	}
	_, err = c.TakeSync(0, sync, 1_000_000)
	must(b, err)
	for _, v := range sync.GetConversations() {
		page := &wire.MessagesAnswer{Complete: true}
		for i := range uint64(100) {
			page.Messages = append(page.Messages, &wire.Message{
				Sequence: i + 1, Sender: "bob", MessageId: fmt.Sprint(v.GetPeer(), i), TimeMs: 1,
				Content: &wire.Content{Kind: &wire.Content_Text{Text: "a message of some forty bytes, as they are"}},
			})
		}
		_, _, err := c.TakeMessages(Fetch{Peer: v.GetPeer(), Last: 100}, page, nobodys)
		must(b, err)
	}
	must(b, c.Close())
	for b.Loop() {
		c, err := Open(path, "alice", "alice")
		must(b, err)
		all, err := c.Conversations(0, 100)
		must(b, err)
		if len(all) != 100 {
			b.Fatalf("%d conversations", len(all))
		}
		must(b, c.Close())
	}
}

// BenchmarkReceive takes messages one by one, and tells them.
func BenchmarkReceive(b *testing.B) {
	c, err := Open(filepath.Join(b.TempDir(), "x.db"), "alice", "alice")
	must(b, err)
	defer c.Close()
	_, err = c.TakeSync(0, &wire.SyncAnswer{}, 1)
	must(b, err)
	s := newServer()
	for b.Loop() {
		_, err := c.TakeChange(s.send("bob", "bob"), nobodys)
		must(b, err)
		all, err := c.Untold(100)
		must(b, err)
		_, err = c.Told("bob", all[0].Message.GetSequence())
		must(b, err)
	}
}
