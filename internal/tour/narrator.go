package tour

import (
	"fmt"
	"io"
	"strings"
	"sync"
	"time"

	"rollcall.example/conformance"
	"rollcall.example/imcode"
)

// A Narrator writes what happens as it happens.
type Narrator struct {
	out   io.Writer
	color bool

	mu    sync.Mutex
	start time.Time // of the story that is told
}

// NewNarrator writes to out, in colour if wanted.
func NewNarrator(out io.Writer, color bool) *Narrator { return &Narrator{out: out, color: color} }

// The colours.
const (
	bold  = "1"
	dim   = "2"
	red   = "31"
	green = "32"
)

func (n *Narrator) welcome(stories int) {
	n.sayf(bold, "Rollcall in %d short stories", stories)
	n.sayf("", "A real server and real clients in this process, over TCP on 127.0.0.1, each")
	n.sayf("", "story on a server of its own. A, B and C are devices; > is what is done, ok")
	n.sayf("", "what is expected, | what is read; seconds are those of the story.")
}

func (n *Narrator) title(number int, s conformance.Scenario) {
	n.sayf("", "")
	n.sayf(bold, "%d. %s", number, s.Title)
	for _, line := range wrap(strings.Join(s.About, " "), width-3) {
		n.sayf(dim, "   %s", line)
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	n.start = time.Now()
}

func (n *Narrator) began(s conformance.Step) {
	if !s.Expects {
		n.sayf("", "   > %s", s.Text)
	}
}

func (n *Narrator) done(s conformance.Step) {
	if s.Expects {
		n.sayf(green, "  ok %s", s.Text)
	}
}

// heard writes an event: when in the story, on which device, what, and what the
// app may do about it.
func (n *Narrator) heard(device string, e conformance.Event) {
	words := e.String()
	if entry, ok := imcode.Lookup(int(e.Code)); ok && e.Code != imcode.OK {
		words += ": " + entry.Meaning + " (" + entry.Advice + ")"
	} else if e.Text != "" {
		words += ": " + e.Text
	}
	head := fmt.Sprintf("     %5.2fs  %s hears: ", n.since(), device)
	for _, line := range wrap(words, width-len(head)) {
		n.sayf("", "%s%s", head, line)
		head = strings.Repeat(" ", len(head))
	}
}

// told writes what support reads.
func (n *Narrator) told(text string) {
	const margin = "     | "
	for line := range strings.Lines(text) {
		indent := line[:len(line)-len(strings.TrimLeft(line, " "))]
		parts := wrap(line, width-len(margin)-len(indent))
		if parts == nil {
			n.sayf(dim, "%s", strings.TrimRight(margin, " "))
		}
		for _, part := range parts {
			n.sayf(dim, "%s%s%s", margin, indent, part)
		}
	}
}

// width is how many columns every terminal has.
const width = 80

// wrap breaks a text between words into lines of at most so many bytes, where a
// word is not longer.
func wrap(text string, columns int) []string {
	var lines []string
	for word := range strings.FieldsSeq(text) {
		last := len(lines) - 1
		if last >= 0 && len(lines[last])+1+len(word) <= columns {
			lines[last] += " " + word
		} else {
			lines = append(lines, word)
		}
	}
	return lines
}

func (n *Narrator) since() float64 {
	n.mu.Lock()
	defer n.mu.Unlock()
	return time.Since(n.start).Seconds()
}

func (n *Narrator) wrong(err error) { n.sayf(red, " NOT as expected: %v", err) }

func (n *Narrator) farewell(stories int, took time.Duration) {
	n.sayf("", "")
	n.sayf(green, "All %d stories went as expected, in %.1f s.", stories, took.Seconds())
}

// sayf writes one line.
func (n *Narrator) sayf(color, format string, args ...any) {
	line := fmt.Sprintf(format, args...)
	if n.color && color != "" {
		line = "\x1b[" + color + "m" + line + "\x1b[0m"
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	fmt.Fprintln(n.out, line)
}
