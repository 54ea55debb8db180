// Package conformance holds the scenarios that every SDK of Rollcall plays, and
// their player.
//
// A scenario is a short story in neutral words ("A logs in as alice on Android
// => ok"), played with a real server through a [Face]: an SDK as a program in
// one language sees it. The Go tests play all of them with the Go SDK's two faces
// in fake time; the tour narrates a few in real time. README.md is the manual of
// the language, whose forms are the table in grammar.go.
package conformance

import (
	"embed"
	"io/fs"
	"strings"

	"rollcall.example/internal/apps"
)

//go:embed scenarios/*.txt
var files embed.FS

// A Scenario is one story.
type Scenario struct {
	File  string // where it stands
	Line  int
	Title string
	About []string // the comment between its title and its first line, for people
	Rows  []string // the rows of the table of calls that it plays, as rows_test.go words them
	Steps []Step

	policy apps.Policy // of the app, by the first line of the file
}

// Name tells scenarios apart in lists.
func (s Scenario) Name() string {
	return strings.TrimSuffix(s.File, ".txt") + "/" + s.Title
}

// Lacks names what the scenario asks for that face does not have; "" is nothing.
func (s Scenario) Lacks(face Face) string {
	for _, step := range s.Steps {
		if step.needs != "" && face.Lacks(step.needs) {
			return string(step.needs)
		}
	}
	return ""
}

// A Step is one line of a scenario.
type Step struct {
	Line    int
	Text    string
	Expects bool // it lets nothing happen: it looks, or waits

	needs Ability
	play  func(*performance) error
}

// Scenarios are all that there are, in the order of their files.
func Scenarios() ([]Scenario, error) {
	names, err := fs.Glob(files, "scenarios/*.txt")
	if err != nil {
		return nil, err
	}
	var all []Scenario
	for _, name := range names {
		text, err := files.ReadFile(name)
		if err != nil {
			return nil, err
		}
		some, err := Parse(strings.TrimPrefix(name, "scenarios/"), string(text))
		if err != nil {
			return nil, err
		}
		all = append(all, some...)
	}
	return all, nil
}
