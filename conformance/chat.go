package conformance

import (
	"fmt"
	"strings"
	"sync"
)

// Said is a message as an app sees it, or a gap in a history.
type Said struct {
	ID       string
	Sequence uint64
	From     string // who has sent it
	Text     string
	Recalled bool
	Gap      bool // nobody here knows what was said
}

func (m Said) String() string {
	switch {
	case m.Gap:
		return "a gap"
	case m.Recalled:
		return m.From + " recalled"
	default:
		return fmt.Sprintf("%s %q", m.From, m.Text)
	}
}

// A Talk is a conversation of the list.
type Talk struct {
	Peer   string
	Last   *Said // nil: nothing is left of it
	Unread int
	Pinned bool
}

func (t Talk) String() string {
	last := "nothing"
	switch {
	case t.Last == nil:
	case t.Last.Recalled:
		last = "recalled"
	default:
		last = fmt.Sprintf("%q", t.Last.Text)
	}
	s := t.Peer + " " + last
	if t.Unread > 0 {
		s += fmt.Sprintf(" %d unread", t.Unread)
	}
	if t.Pinned {
		s += " pinned"
	}
	return s
}

// listed tells some things one after the other.
func listed[T fmt.Stringer](all []T) string {
	if len(all) == 0 {
		return "nothing"
	}
	words := make([]string, len(all))
	for i, x := range all {
		words[i] = x.String()
	}
	return strings.Join(words, ", ")
}

// isChat tells whether the event is about messages.
func (e Event) isChat() bool {
	return e.Kind == NewMessage || e.Kind == Recalled || e.Kind == ReadByPeer || e.Kind == UnreadChanges
}

func (e Event) chatString() string {
	switch e.Kind {
	case NewMessage:
		return fmt.Sprintf("%s %q from %s", e.Kind, e.Said.Text, e.Said.From)
	case Recalled:
		return fmt.Sprintf("%s %q", e.Kind, e.Said.Text)
	case ReadByPeer:
		return fmt.Sprintf("%s by %s", e.Kind, e.Said.From)
	default:
		return fmt.Sprintf("%s %d", e.Kind, e.Count)
	}
}

// chatDetail reads what stands behind the kind: "TEXT" from USER, "TEXT", by USER, or a
// number.
func (e *Event) chatDetail(text string) (err error) {
	var n int
	switch e.Kind {
	case NewMessage:
		n, err = fmt.Sscanf(text, "%q from %s", &e.Said.Text, &e.Said.From)
	case Recalled:
		n, err = fmt.Sscanf(text, "%q", &e.Said.Text)
	case ReadByPeer:
		n, err = fmt.Sscanf(text, "by %s", &e.Said.From)
	default:
		n, err = fmt.Sscanf(text, "%d", &e.Count)
	}
	if err != nil || n == 0 || e.chatString() != string(e.Kind)+" "+text {
		return fmt.Errorf("%s: cannot read %q", e.Kind, text)
	}
	return nil
}

// Talks are what was said in a scenario, by the ids of the messages.
type talks struct {
	mu    sync.Mutex
	texts map[string]string
}

// draw is a new id for a text.
func (t *talks) draw(text string) string {
	t.mu.Lock()
	defer t.mu.Unlock()
	id := fmt.Sprint("said-", len(t.texts)+1)
	t.texts[id] = text
	return id
}

// name gives an id to a text, unless another has it.
func (t *talks) name(id, text string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if _, taken := t.texts[id]; !taken {
		t.texts[id] = text
	}
}

func (t *talks) text(id string) string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.texts[id]
}
