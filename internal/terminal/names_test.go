package terminal

import (
	"bytes"
	"strings"
	"testing"
	"time"

	"rollcall.example"
	"rollcall.example/client"
	"rollcall.example/internal/plain"
)

// What a server says somebody is called moves no cursor and ends no line.
func TestAServersNamesAreWords(t *testing.T) {
	const evil = "bob\x1b]0;owned\a\x1b[2J\r\nroot"
	m := client.Message{Conversation: rollcall.ConversationWith(evil), Sequence: 1, Sender: evil, Time: time.Unix(0, 0), Text: "hi"}
	mine := m
	mine.Sender, mine.Self = "alice", true
	c := client.Conversation{Peer: evil, Unread: 1, LastMessage: &m}
	var out, errs bytes.Buffer
	p := printer{out: &out, errs: &errs, self: "alice"}
	p.show(said{Message: m})
	p.show(said{Message: mine})
	p.show(listed{unread: []client.Conversation{c}})
	x := screen{desk: newDesk(Options{User: "alice"}, true, func(event) {}), scroll: scroll{peer: evil, self: "alice"}, width: 100, height: 10}
	shown := strings.Split(strings.TrimSpace(out.String()+errs.String()), "\n")
	if len(shown) != 3 {
		t.Errorf("%d lines, want 3: %q", len(shown), shown)
	}
	shown = append(shown, conversationLines([]client.Conversation{c}, "alice", time.Now())...)
	shown = append(shown, x.head())
	x.hear(said{Message: m})
	shown = append(shown, x.scroll.rows(100, x.desk.link)...)
	x.scroll.peer = "carol"
	x.hear(said{Message: m, fresh: true})
	shown = append(shown, x.status)
	styles := strings.NewReplacer("\x1b[1m", "", "\x1b[2m", "", "\x1b[22m", "", "\x1b[7m", "", "\x1b[27m", "")
	for _, line := range shown {
		line = styles.Replace(line)
		if !plain.Printable(line) {
			t.Errorf("shown: %q", line)
		}
	}
}
