package conformance

import (
	"regexp"
	"slices"
	"strings"
	"sync"
)

// A form is one kind of line, as README.md shows it: <...> stands for a word,
// what is in [brackets] may be left out.
type form struct {
	text    string
	needs   Ability // "": every face can
	make    func(*parser, words) (play, error)
	pattern func() *regexp.Regexp // made when the first line is read: a server has none to read
}

// A play is what a line does.
type play = func(*performance) error

// words are what stands for a form's <...>, by name; what was left out is "".
type words map[string]string

// placeholders are what the <...> of forms may be.
var placeholders = map[string]string{
	"A":        `[A-Z]`,
	"B":        `[A-Z]`,
	"user":     `[a-z][a-z0-9_-]*|"[^"]*"`,
	"platform": `[A-Za-z]+`,
	"ticket":   `[a-z][a-z0-9]*|"[^"]*"`,
	"time":     `\d+(?:ms|s|m|h|d)`,
	"ago":      `\d+(?:ms|s|m|h|d)`,
	"ahead":    `\d+(?:ms|s|m|h|d)`,
	"result":   `ok|cancelled|\d+`,
	"manner":   `at once|without traffic|after \d+(?:ms|s|m|h|d)`,
	"tickets":  `tickets`,
	"presence": `connected|away`,
	"events":   `.+?`,
	"fault":    `.+`,
	"setting":  `[a-z_]+=.*`,
	"policy":   `.+`,
	"words":    `.+`,
	"count":    `no|\d+`,
	"often":    `once|twice|\d+ times`,
	"text":     `"[^"]*"`,
	"id":       `[a-z0-9-]+`,
	"size":     `\d+(?:KB| bytes)`,
	"code":     `\d+`,
	"place":    `on the device`,
	"list":     `.+`,
	"history":  `.+`,
}

var placeholder = regexp.MustCompile(`<(\w+)>`)

// newForm makes a form of its text.
func newForm(text string, needs Ability, build func(*parser, words) (play, error)) form {
	pattern := sync.OnceValue(func() *regexp.Regexp {
		expr := regexp.QuoteMeta(text)
		expr = strings.NewReplacer(`\[`, `(?:`, `\]`, `)?`).Replace(expr)
		expr = placeholder.ReplaceAllStringFunc(expr, func(p string) string {
			name := strings.Trim(p, "<>")
			return `(?P<` + name + `>` + placeholders[name] + `)`
		})
		return regexp.MustCompile(`^` + expr + `$`)
	})
	return form{text: text, needs: needs, make: build, pattern: pattern}
}

// match reads a line; nil: it is of another form.
func (f form) match(line string) words {
	pattern := f.pattern()
	found := pattern.FindStringSubmatch(line)
	if found == nil {
		return nil
	}
	w := make(words)
	for i, name := range pattern.SubexpNames() {
		if name != "" {
			w[name] = found[i]
		}
	}
	return w
}

// has tells whether something in brackets was there.
func (w words) has(name string) bool { return w[name] != "" }

// lines are the forms of all lines; those that only look stand last.
func lines() []form { return slices.Concat(actions, saying, acts, expectations, looking) }

// Forms are the forms of all lines, in the order of README.md.
func Forms() []string {
	var all []string
	for _, f := range lines() {
		all = append(all, f.text)
	}
	return all
}
