package terminal

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/charmbracelet/x/vt"
	"pgregory.net/rapid"

	"rollcall.example/client"
	"rollcall.example/internal/plain"
)

// decoded are the keys in what came from a keyboard, in pieces: text as it is, other
// keys in brackets.
func decoded(pieces ...string) (all []string) {
	var pending []byte
	feed := func(more bool) {
		for {
			k, n := decode(pending, !more)
			if n == 0 {
				return
			}
			pending = pending[n:]
			switch k.name {
			case "":
				if last := len(all) - 1; last >= 0 && !strings.HasPrefix(all[last], "<") {
					all[last] += k.text
					continue
				}
				all = append(all, k.text)
			case pasted:
				all = append(all, fmt.Sprintf("<paste %q>", k.text))
			default:
				all = append(all, "<"+k.name+">")
			}
		}
	}
	for _, piece := range pieces {
		pending = append(pending, piece...)
		feed(true)
	}
	feed(false)
	return all
}

func TestDecode(t *testing.T) {
	for in, want := range map[string][]string{
		"":                                        nil,
		"hello 你好":                                {"hello 你好"},
		"a\rb\n\t\x7f\b":                          {"a", "<enter>", "b", "<newline>", "<tab>", "<backspace>", "<backspace>"},
		"\x01\x05\x0b\x15\x17":                    {"<home>", "<end>", "<cut after>", "<cut before>", "<cut word>"},
		"\x03\x04\x0c\x1a":                        {"<ctrl+c>", "<ctrl+d>", "<ctrl+l>", "<ctrl+z>"},
		"\x1b[A\x1b[B\x1bOC\x1b[D":                {"<up>", "<down>", "<right>", "<left>"},
		"\x1b[H\x1bOF\x1b[1~\x1b[4~":              {"<home>", "<end>", "<home>", "<end>"},
		"\x1b[5~\x1b[6~\x1b[3~":                   {"<pgup>", "<pgdown>", "<delete>"},
		"\x1b[1;5D\x1b[1;5C":                      {"<word left>", "<word right>"},
		"\x1bb\x1bf\x1b\x7f\x1b\r":                {"<word left>", "<word right>", "<cut word>", "<newline>"},
		"\x1b[I\x1b[O":                            {"<focus>", "<blur>"},
		"\x1b":                                    {"<esc>"},
		"\x1b\x1b[A":                              {"<esc>", "<up>"},
		"\x1b[99;1u\x1bx\x00\x1b[?1;2c":           {"<nothing>", "<nothing>", "<nothing>", "<nothing>"},
		"\x1b[200~one\r\ntwo\x1b[201~x":           {`<paste "one\ntwo">`, "x"},
		"\x1b[200~\x1b[2J\u202e\x1b[201~":         {`<paste "` + "\ufffd[2J\ufffd" + `">`},
		"\x1b[200~no end":                         {`<paste "no end">`},
		"a\u202eb\x9bc\xff":                       {"a\ufffdb\ufffdc\ufffd"},
		"\x1b[" + strings.Repeat("1;", 100) + "A": {"<nothing>", strings.Repeat("1;", 85) + "A"},
	} {
		if got := decoded(in); !slices.Equal(got, want) {
			t.Errorf("%q: %q, want %q", in, got, want)
		}
	}
}

// TestDecodeInPieces: however what is typed is cut on its way, it is the same; and
// nothing that could move a cursor gets through.
func TestDecodeInPieces(t *testing.T) {
	piece := rapid.SampledFrom([]string{
		"a", "你", "e\u0301", "👩‍💻", " ", "\r", "\x1b[A", "\x1b[1;5D", "\x1bb", "\x1b[200~p\x1b[A\nq\x1b[201~", "\x7f", "\x03", "\xff", "\u202e", "\x1b[9999z", "\x00",
	})
	rapid.Check(t, func(t *rapid.T) {
		in := strings.Join(rapid.SliceOf(piece).Draw(t, "typed"), "")
		var pieces []string
		for rest := in; rest != ""; {
			n := rapid.IntRange(1, len(rest)).Draw(t, "piece")
			pieces, rest = append(pieces, rest[:n]), rest[n:]
		}
		whole, cut := decoded(in), decoded(pieces...)
		if !slices.Equal(whole, cut) {
			t.Errorf("%q is %q, in pieces %q it is %q", in, whole, pieces, cut)
		}
		for _, k := range whole {
			if !strings.HasPrefix(k, "<") && !plain.Printable(k) {
				t.Errorf("%q has %q", in, k)
			}
		}
	})
}

func TestEditor(t *testing.T) {
	for _, tt := range []struct{ name, keys, want string }{
		{"at the end", "abc", "abc|"},
		{"in between", "ac<left>b", "ab|c"},
		{"whole characters", "e\u0301x👩‍💻<backspace><left>", "e\u0301|x"},
		{"delete", "abc<home><delete><right><ctrl+d>", "b|"},
		{"words", "one two  three<word left><word left>", "one |two  three"},
		{"to the end of words", "one two<home><word right><word right>", "one two|"},
		{"cut words", "one two <cut word>", "one |"},
		{"cut to the ends", "one two three<word left><cut after><word left><cut before>", "|two "},
		{"lines", "one<newline>two<home>x<up>", "one\nx|two"},
		{"ends of lines", "one<newline>two<newline>three<left><home><backspace><home><end>!", "one\ntwothree!|"},
		{"nothing to cut", "<backspace><delete><cut word><cut after><left><right>a", "a|"},
	} {
		var e editor
		for rest := tt.keys; rest != ""; {
			k := key{text: rest}
			if name, more, found := strings.Cut(rest, ">"); strings.HasPrefix(rest, "<") && found {
				k, rest = key{name: name[1:]}, more
			} else {
				k.text, _, _ = strings.Cut(rest, "<")
				rest = rest[len(k.text):]
			}
			e.press(k)
		}
		if got := e.text[:e.at] + "|" + e.text[e.at:]; got != tt.want {
			t.Errorf("%s: %q, want %q", tt.name, got, tt.want)
		}
	}
	e := editor{}
	e.insert(strings.Repeat("x", client.MaxMessageBytes))
	if e.insert("y"); len(e.text) != client.MaxMessageBytes {
		t.Errorf("%d bytes are taken", len(e.text))
	}
}

// TestTheRowsOfWhatIsTyped hold all of it, none wider than the screen, and the cursor
// where it belongs.
func TestTheRowsOfWhatIsTyped(t *testing.T) {
	text := rapid.SliceOf(rapid.SampledFrom([]string{"a", "你", " ", "\n", "e\u0301", "👩‍💻", "word", "\u00a0"}))
	rapid.Check(t, func(t *rapid.T) {
		e := editor{text: strings.Join(text.Draw(t, "text"), "")}
		width := rapid.IntRange(1, 30).Draw(t, "width")
		rows, places := e.rows(width)
		var typed strings.Builder
		for i, row := range rows {
			if columns(row) > max(width, len(prompt)+2) {
				t.Fatalf("row %q takes %d columns of %d", row, columns(row), width)
			}
			if begin := strings.Repeat(" ", len(prompt)); i == 0 && !strings.HasPrefix(row, prompt) || i > 0 && !strings.HasPrefix(row, begin) {
				t.Fatalf("row %d is %q", i, row)
			}
			typed.WriteString(row[len(prompt):])
		}
		if got, want := typed.String(), strings.ReplaceAll(e.text, "\n", ""); got != want {
			t.Fatalf("the rows hold %q, typed is %q", got, want)
		}
		for _, p := range places {
			e.at = p.at
			shown, cursor := e.shown(width, 3)
			if len(shown) > 3 || cursor.row >= len(shown) || cursor.column > max(width, len(prompt)+2) {
				t.Fatalf("at %d of %q the cursor is at %+v among %q", p.at, e.text, cursor, shown)
			}
			if !utf8.ValidString(e.text[:e.at]) {
				t.Fatalf("the cursor is within a character: %q", e.text[:e.at])
			}
		}
	})
}

func TestWrapped(t *testing.T) {
	for _, tt := range []struct {
		text  string
		width int
		want  []string
	}{
		{"", 5, []string{""}},
		{"short", 5, []string{"short"}},
		{"one two three", 7, []string{"one two", "three"}},
		{"one two three", 8, []string{"one two", "three"}},
		{"one two three", 6, []string{"one", "two", "three"}},
		{"abcdefgh", 3, []string{"abc", "def", "gh"}},
		{"ab cdefgh", 4, []string{"ab", "cdef", "gh"}},
		{"你好世界", 5, []string{"你好", "世界"}},
		{"a\n\nb", 5, []string{"a", "", "b"}},
		{"done\u00a0✓", 5, []string{"done\u00a0", "✓"}},
		{"is done\u00a0✓", 7, []string{"is", "done\u00a0✓"}},
		{"你", 1, []string{"你"}},
	} {
		if got := wrapped(tt.text, tt.width); !slices.Equal(got, tt.want) {
			t.Errorf("%q in %d columns: %q, want %q", tt.text, tt.width, got, tt.want)
		}
	}
}

// TestWrappedKeepsWhatIsSaid: no row is too wide, and nothing but spaces is left out.
func TestWrappedKeepsWhatIsSaid(t *testing.T) {
	text := rapid.SliceOf(rapid.SampledFrom([]string{"a", "你", " ", "  ", "e\u0301", "👩‍💻", "longerword", "\n", "\u00a0"}))
	rapid.Check(t, func(t *rapid.T) {
		s := strings.Join(text.Draw(t, "text"), "")
		width := rapid.IntRange(2, 20).Draw(t, "width")
		rows := wrapped(s, width)
		for _, row := range rows {
			if columns(row) > width {
				t.Fatalf("%q has the row %q in %d columns", s, row, width)
			}
		}
		bare := strings.NewReplacer(" ", "", "\n", "")
		if got := bare.Replace(strings.Join(rows, "")); got != bare.Replace(s) {
			t.Fatalf("%q became %q", s, rows)
		}
	})
}

// TestPaint: a terminal shows what it was told to, whatever stood there before, also
// where the rows are as wide as it is.
func TestPaint(t *testing.T) {
	row := rapid.StringOfN(rapid.SampledFrom([]rune{'a', '你', ' ', 'ß', '✓'}), 0, 6, -1)
	rapid.Check(t, func(t *rapid.T) {
		const width, height = 12, 4
		screen := vt.NewEmulator(width, height)
		if _, err := screen.WriteString(enterScreen); err != nil {
			t.Fatal(err)
		}
		p := painter{out: screen}
		for range 5 {
			rows := rapid.SliceOfN(row, height, height).Draw(t, "rows")
			styled := slices.Clone(rows)
			for i := range styled {
				styled[i] = rapid.SampledFrom([]func(string) string{faint, bold, reverse, plainly}).Draw(t, "style")(styled[i])
			}
			if rapid.Bool().Draw(t, "forget") {
				p.forget()
			}
			cursor := place{row: rapid.IntRange(0, height-1).Draw(t, "row"), column: rapid.IntRange(0, width-1).Draw(t, "column")}
			if err := p.paint(styled, cursor); err != nil {
				t.Fatal(err)
			}
			shown := strings.Split(screen.String(), "\n")
			for i, want := range rows {
				if got := strings.TrimRight(shown[i], " "); got != strings.TrimRight(want, " ") {
					t.Fatalf("row %d shows %q, want %q", i, got, want)
				}
			}
			if got := screen.CursorPosition(); got.X != cursor.column || got.Y != cursor.row {
				t.Fatalf("the cursor is at %v, want %+v", got, cursor)
			}
		}
	})
}
