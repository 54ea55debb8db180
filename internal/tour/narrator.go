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
	start time.Time // of the story
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

func (n *Narrator) paint(color, s string) string {
	if !n.color {
		return s
	}
	return "\x1b[" + color + "m" + s + "\x1b[0m"
}

func (n *Narrator) welcome() {
	fmt.Fprintln(n.out, n.paint(bold, "Rollcall, a tour: real server, real clients, real TCP on this machine"))
	fmt.Fprintln(n.out, "  >  what is done     |  what an app hears, seconds into the story     ok  what was expected")
}

func (n *Narrator) title(number int, title string) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.start = time.Now()
	fmt.Fprintf(n.out, "\n%s\n", n.paint(bold, fmt.Sprintf("%d. %s", number, title)))
}

func (n *Narrator) began(s conformance.Step) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if !s.Expects {
		fmt.Fprintf(n.out, "  >  %s\n", s.Text)
	}
}

func (n *Narrator) done(s conformance.Step) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if s.Expects {
		fmt.Fprintf(n.out, "  %s %s\n", n.paint(green, "ok"), s.Text)
	}
}

// heard writes an event: when, on which device, what, and what the app may do
// with it.
func (n *Narrator) heard(device string, e conformance.Event) {
	n.mu.Lock()
	defer n.mu.Unlock()
	words := []string{e.String()}
	if entry, ok := imcode.Lookup(int(e.Code)); ok && e.Code != imcode.OK {
		words = append(words, entry.Meaning+": "+entry.Advice)
	} else if e.Text != "" {
		words = append(words, e.Text)
	}
	line := fmt.Sprintf("  |  %5.2fs  %s: %s", time.Since(n.start).Seconds(), device, strings.Join(words, ". "))
	fmt.Fprintln(n.out, n.paint(dim, line))
}

func (n *Narrator) wrong(err error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	fmt.Fprintf(n.out, "  %s %v\n", n.paint(red, "NOT AS EXPECTED"), err)
}

func (n *Narrator) farewell(stories int, took time.Duration) {
	n.mu.Lock()
	defer n.mu.Unlock()
	fmt.Fprintf(n.out, "\n%s\n", n.paint(green, fmt.Sprintf("All %d stories went as expected, in %.1f s.", stories, took.Seconds())))
	fmt.Fprintln(n.out, "Now try it yourself: rollcall dev")
}
