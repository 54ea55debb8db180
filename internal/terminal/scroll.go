package terminal

import (
	"fmt"
	"slices"
	"strings"

	"rollcall.example"
	"rollcall.example/client"
)

const (
	maxEntries = 5000     // of a scroll; the oldest go
	maxRows    = 60       // of one message
	unbroken   = "\u00a0" // a space at which no row ends
	leastWidth = 4        // below it nothing can be read anyhow
	leastText  = 16       // columns for text beside what stands before it
)

// A scroll is what stands on the screen of a conversation, from top to bottom: what
// was said, what was told in between, and what is on its way.
type scroll struct {
	peer, self rollcall.UserID
	entries    []entry
	typed      []typed
	end        bool   // nothing was said before the first one
	peerRead   uint64 // the other side has read up to here
}

// An entry is a message, or what stands after one: what was told, or a message that
// was refused for good.
type entry struct {
	sequence uint64
	message  *client.Message
	told     []string
	refused  *lost
}

// put takes a message in, in its place, also in the place of itself.
func (s *scroll) put(m client.Message) {
	s.typed = slices.DeleteFunc(s.typed, func(t typed) bool { return m.Self && t.ID == m.ID })
	if m.PeerRead {
		s.peerRead = max(s.peerRead, m.Sequence)
	}
	at, found := slices.BinarySearchFunc(s.entries, m.Sequence, func(e entry, sequence uint64) int {
		switch {
		case e.sequence == sequence && e.message == nil: // told after it
			return 1
		case e.sequence < sequence:
			return -1
		case e.sequence > sequence:
			return 1
		}
		return 0
	})
	if found {
		s.entries[at].message = &m
		return
	}
	s.entries = slices.Insert(s.entries, at, entry{sequence: m.Sequence, message: &m})
}

// trim drops the oldest entries where there are too many, and says which message is
// the first one now; 0: as before.
func (s *scroll) trim() uint64 {
	if len(s.entries) <= maxEntries {
		return 0
	}
	s.entries = slices.Delete(s.entries, 0, len(s.entries)-maxEntries*3/4)
	s.end = false
	for _, e := range s.entries {
		if e.message != nil {
			return e.sequence
		}
	}
	return 0
}

// tell puts lines after all that was said until now.
func (s *scroll) tell(lines []string) { s.append(entry{told: lines}) }

// refuse puts what was typed after all that was said until now: it waits no longer.
func (s *scroll) refuse(l lost) {
	s.typed = slices.DeleteFunc(s.typed, func(t typed) bool { return t.ID == l.ID })
	s.append(entry{refused: &l})
}

func (s *scroll) append(e entry) {
	if n := len(s.entries); n > 0 {
		e.sequence = s.entries[n-1].sequence
	}
	s.entries = append(s.entries, e)
}

// remove takes a message out.
func (s *scroll) remove(sequence uint64) {
	s.entries = slices.DeleteFunc(s.entries, func(e entry) bool { return e.message != nil && e.sequence == sequence })
}

// onItsWay keeps what was typed, and how it stands with it.
func (s *scroll) onItsWay(t typed) {
	for i := range s.typed {
		if s.typed[i].ID == t.ID {
			s.typed[i] = t
			return
		}
	}
	s.typed = append(s.typed, t)
}

// rows are the lines of the scroll on a screen of that width.
func (s *scroll) rows(width int, l link) (all []string) {
	width = max(width, leastWidth)
	day := ""
	for _, e := range s.entries {
		if e.message == nil {
			all = append(all, s.between(e, width)...)
			continue
		}
		if today := e.message.Time.Local().Format("Monday, 2 January 2006"); today != day {
			day = today
			all = append(all, faint(clipped("── "+day+" ──", width, "")))
		}
		all = append(all, s.messageRows(*e.message, width)...)
	}
	for _, t := range s.typed {
		mark := "(sending)"
		switch {
		case l == out:
			mark = "(waiting: you are signed out, /login)"
		case t.waits != "":
			mark = "(waiting" + t.waits + ")"
		}
		all = append(all, s.ownRows("…", t.Outgoing, mark, width)...)
	}
	return all
}

// between are the rows of what is no message of the conversation.
func (s *scroll) between(e entry, width int) (rows []string) {
	if e.refused != nil {
		return s.ownRows("✗", e.refused.Outgoing, "(not sent: "+e.refused.why+")", width)
	}
	for _, line := range e.told {
		for _, row := range wrapped(line, width-2) {
			rows = append(rows, faint("  "+row))
		}
	}
	return rows
}

// ownRows are the rows of what was typed and has no number.
func (s *scroll) ownRows(sign string, o client.Outgoing, mark string, width int) []string {
	text := content(client.Message{Text: o.Text}, s.self)
	return rowsOf("  "+sign+"        ", string(s.self), text+" "+mark, width, faint)
}

func (s *scroll) messageRows(m client.Message, width int) []string {
	text := content(m, s.self)
	if m.Self && !m.Recalled {
		text = strings.TrimRight(text, " ") + map[bool]string{true: unbroken + "✓✓", false: unbroken + "✓"}[m.Sequence <= s.peerRead]
	}
	before := fmt.Sprintf("%s %5s ", m.Time.Local().Format("15:04"), fmt.Sprintf("#%d", m.Sequence))
	style := bold
	if m.Self {
		style = plainly
	}
	return rowsOf(before, name(m.Sender), text, width, style)
}

// rowsOf are the rows of one message: what stands before it, who says it, and what.
func rowsOf(before, who, text string, width int, style func(string) string) []string {
	indent := columns(before) + columns(who) + len(": ")
	if width-indent < leastText { // no room beside it
		rows := []string{faint(clipped(before+who+":", width, "…"))}
		for _, row := range fewer(wrapped(text, width-1), width-1) {
			rows = append(rows, " "+row)
		}
		return rows
	}
	rows := fewer(wrapped(text, width-indent), width-indent)
	for i := range rows[1:] {
		rows[i+1] = strings.Repeat(" ", indent) + rows[i+1]
	}
	rows[0] = faint(before) + style(who) + ": " + rows[0]
	return rows
}

// fewer keeps one message from filling many screens.
func fewer(rows []string, width int) []string {
	if len(rows) <= maxRows {
		return rows
	}
	return append(rows[:maxRows:maxRows], clipped(fmt.Sprintf("(and %d more)", len(rows)-maxRows), width, "…"))
}
