package terminal

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"rollcall.example/client"
)

// maxStatus bounds the rows of the sentence above the input.
const maxStatus = 3

// view is what stands on the screen, and where the cursor is: a line that says who
// talks to whom, what was said, a sentence about what happened, if there is one, and
// what is typed.
func (s *screen) view() (rows []string, cursor place) {
	if s.headed() > 0 {
		rows = append(rows, s.head())
	}
	rows = append(rows, s.visible()...)
	rows = append(rows, s.sentence()...)
	typed, cursor := s.typed()
	cursor.row += len(rows)
	return append(rows, typed...), cursor
}

// typed are the rows of what is typed, as many as there is room for.
func (s *screen) typed() ([]string, place) { return s.input.shown(s.width, s.height) }

// inputRows is how many they are.
func (s *screen) inputRows() int {
	rows, _ := s.typed()
	return len(rows)
}

// headed is 1 if there is room for the first row.
func (s *screen) headed() int { return min(1, max(0, s.height-s.inputRows()-1)) }

// head is the first row.
func (s *screen) head() string {
	left := " " + string(s.desk.User)
	if s.scroll.peer != "" {
		left += " › " + name(s.scroll.peer)
	}
	right, room := s.link.String()+" ", s.width-columns(left)-1
	for _, more := range []string{s.elsewhere(true), s.elsewhere(false), ""} {
		if s.below {
			more += "more below · "
		}
		if columns(more+right) <= room {
			right = more + right
			break
		}
	}
	gap := max(1, s.width-columns(left)-columns(right))
	return reverse(clipped(left+strings.Repeat(" ", gap)+right, s.width, "…"))
}

// elsewhere says what is unread in the other conversations: where, or just how much.
func (s *screen) elsewhere(where bool) string {
	all := slices.DeleteFunc(slices.Clone(s.unread), func(c client.Conversation) bool { return c.Peer == s.scroll.peer })
	total := 0
	for _, c := range all {
		total += c.Unread
	}
	switch {
	case total == 0:
		return ""
	case where:
		return unreadLine(all) + " · "
	}
	return fmt.Sprintf("%d unread · ", total)
}

// body is how many rows there are for what was said.
func (s *screen) body() int {
	return max(0, s.height-s.headed()-s.inputRows()-len(s.sentence()))
}

// visible are the rows of the scroll that are shown, as many as there is room for.
func (s *screen) visible() []string {
	all, room := s.all(), s.body()
	s.up = min(s.up, max(0, len(all)-room))
	end := len(all) - s.up
	return append(make([]string, max(0, room-end)), all[max(0, end-room):end]...)
}

// sentence are the rows above the input.
func (s *screen) sentence() []string {
	text := cmp.Or(s.status, s.why)
	if waiting, _ := s.desk.box.count(); waiting > 1 && text == "" {
		text = fmt.Sprintf("%d messages on their way", waiting)
	}
	room := s.height - s.headed() - s.inputRows() - 1
	if text == "" || room < 1 || s.width < 1 {
		return nil
	}
	rows := wrapped(text, max(s.width, leastWidth))
	for i := range rows {
		rows[i] = faint(rows[i])
	}
	return rows[:min(len(rows), maxStatus, room)]
}
