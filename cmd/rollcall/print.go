package main

import (
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"sync"
	"time"
	"unicode"
	"unicode/utf16"

	"golang.org/x/term"

	"rollcall.example/internal/plain"
)

// An output is standard output. It keeps the first failure to write, so that no
// command has to look: what a command made may be shown only once.
type output struct {
	*os.File

	mu  sync.Mutex
	err error
}

// Write writes to standard output.
func (o *output) Write(p []byte) (int, error) {
	n, err := o.File.Write(p)
	o.mu.Lock()
	defer o.mu.Unlock()
	o.err = cmp.Or(o.err, err)
	return n, err
}

// WriteString is Write.
func (o *output) WriteString(s string) (int, error) { return o.Write([]byte(s)) }

// caused tells whether an error is no more than that standard output failed.
func (o *output) caused(err error) bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.err != nil && errors.Is(err, o.err)
}

// status is the exit status, and says a word if what there was to print is lost.
func (o *output) status(stderr io.Writer, code int) int {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.err == nil {
		return code
	}
	fmt.Fprintf(stderr, "rollcall: not all of the output could be written: %v\n"+
		"  to do:   what was to be changed has changed; a key, token or ticket that was not shown is lost: make another\n", o.err)
	return max(code, 1)
}

// A shown writer is where text is shown, in which servers and devices may have had
// a hand: nothing in it moves a terminal's cursor or turns the direction of reading.
type shown struct{ to io.Writer }

// Write writes whole characters.
func (s shown) Write(p []byte) (int, error) {
	if _, err := io.WriteString(s.to, plain.Lines(string(p))); err != nil {
		return 0, err
	}
	return len(p), nil
}

// bare is what stands behind a writer, for what is all our own.
func bare(w io.Writer) io.Writer {
	if s, ok := w.(shown); ok {
		return s.to
	}
	return w
}

// printJSON prints v as programs read it, and people too.
func printJSON(w io.Writer, v any) error { return encode(w, v, "  ") }

// printLine prints v on one line, as programs read it that do not wait for the
// end.
func printLine(w io.Writer, v any) error { return encode(w, v, "") }

// encode writes JSON. Characters that a terminal would obey are written by their
// numbers, so that nothing of them is lost.
func encode(w io.Writer, v any, indent string) error {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	e.SetIndent("", indent)
	if err := e.Encode(v); err != nil {
		return err
	}
	var text strings.Builder
	for _, r := range b.String() {
		if r == '\n' || unicode.IsGraphic(r) {
			text.WriteRune(r)
			continue
		}
		for _, unit := range utf16.AppendRune(nil, r) {
			fmt.Fprintf(&text, `\u%04x`, unit)
		}
	}
	_, err := io.WriteString(w, text.String())
	return err
}

// row prints the cells of one row for a tabwriter. No cell leaves its place,
// whoever wrote it.
func row(w io.Writer, cells ...any) {
	line := make([]string, len(cells))
	for i, cell := range cells {
		line[i] = plain.Line(fmt.Sprint(cell))
	}
	fmt.Fprintln(w, strings.Join(line, "\t"))
}

// given is the value of a flag or argument, or, if that is "-", the first line
// of standard input, of at most limit bytes.
func given(what, value string, in io.Reader, limit int) (string, error) {
	if value != "-" {
		return value, nil
	}
	return oneLine("the "+what+" from standard input", in, limit)
}

// oneLine reads a single line, of at most limit bytes.
func oneLine(what string, in io.Reader, limit int) (string, error) {
	text, err := io.ReadAll(io.LimitReader(in, int64(limit)+3))
	if err != nil {
		return "", fmt.Errorf("read %s: %w", what, err)
	}
	line, rest, _ := strings.Cut(string(text), "\n")
	line = strings.TrimSuffix(line, "\r")
	switch {
	case line == "":
		return "", fmt.Errorf("read %s: there is none", what)
	case len(line) > limit:
		return "", fmt.Errorf("read %s: it is longer than %d bytes", what, limit)
	case rest != "":
		return "", errors.New("read " + what + ": there is more than one line")
	}
	return line, nil
}

// overCtrlC goes back to the start of the line, where a terminal shows ^C.
func overCtrlC(w io.Writer) {
	if isTerminal(w) {
		fmt.Fprint(bare(w), "\r")
	}
}

// isTerminal tells whether a stream is one. The null device is none.
func isTerminal(stream any) bool {
	if w, ok := stream.(io.Writer); ok {
		stream = bare(w)
	}
	f, ok := stream.(interface{ Fd() uintptr })
	return ok && term.IsTerminal(int(f.Fd()))
}

// stamp writes a moment for people.
func stamp(t time.Time) string { return plain.Stamp(t, nil) }
