package conformance_test

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"rollcall.example/conformance"
)

//go:generate go test -run ^TestScenarios$ -update .

var update = flag.Bool("update", false, "write docs/conformance.md as the run has it, instead of comparing")

// A report is which face has played which scenario.
type report struct {
	mu     sync.Mutex
	played map[string]bool // by face and scenario: well, or not
}

func (r *report) add(face conformance.Face, s conformance.Scenario, well bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.played == nil {
		r.played = make(map[string]bool)
	}
	r.played[face.Name()+"/"+s.Name()] = well
}

// compare holds the document against the run, if that was of all scenarios.
func (r *report) compare(t *testing.T, all []conformance.Scenario) {
	t.Helper()
	if len(r.played)+len(unplayed) != len(all)*len(faces) {
		return // somebody wants to see one of them, or Node is missing
	}
	path := filepath.Join("..", "docs", "conformance.md")
	want := r.document(all)
	if *update {
		if err := os.WriteFile(path, []byte(want), 0o644); err != nil {
			t.Error(err)
		}
		return
	}
	got, err := os.ReadFile(path)
	if err != nil || string(got) != want {
		t.Errorf("docs/conformance.md is not what the run shows: scripts/generate (%v)", err)
	}
}

func (r *report) document(all []conformance.Scenario) string {
	var b strings.Builder
	b.WriteString(`# What each SDK plays

Made by the run of the [scenarios](../conformance/README.md), each against a real server:
` + "`go test ./conformance`" + ` fails when this page and the run differ.
A browser does not tell a page why it could not connect: there 9508 stands for 9511, 9512
and 9516.

| scenarios |`)
	for _, face := range faces {
		fmt.Fprintf(&b, " %s |", face.Name())
	}
	b.WriteString("\n|---|" + strings.Repeat("---|", len(faces)) + "\n| played |")
	for _, face := range faces {
		fmt.Fprintf(&b, " %d of %d |", r.count(face, all), len(all))
	}
	b.WriteString("\n")
	file := ""
	var why []string
	for _, s := range all {
		if s.File != file {
			file = s.File
			fmt.Fprintf(&b, "| **[%s](../conformance/scenarios/%s)** |%s\n", strings.TrimSuffix(file, ".txt"), file, strings.Repeat(" |", len(faces)))
		}
		fmt.Fprintf(&b, "| %s |", s.Title)
		for _, face := range faces {
			fmt.Fprintf(&b, " %s |", r.cell(face, s, &why))
		}
		b.WriteString("\n")
	}
	b.WriteString("\nLeft out, because of what a face does not have:\n\n")
	for i, reason := range why {
		fmt.Fprintf(&b, "%d. %s\n", i+1, reason)
	}
	return b.String()
}

func (r *report) count(face conformance.Face, all []conformance.Scenario) (n int) {
	for _, s := range all {
		if r.played[face.Name()+"/"+s.Name()] {
			n++
		}
	}
	return n
}

// cell is a mark, or the number of the reason why there is none.
func (r *report) cell(face conformance.Face, s conformance.Scenario, why *[]string) string {
	name := face.Name() + "/" + s.Name()
	reason := unplayed[name]
	switch {
	case reason == "" && r.played[name]:
		return "✓"
	case reason == "":
		return "✗"
	}
	i := slices.Index(*why, reason)
	if i < 0 {
		i = len(*why)
		*why = append(*why, reason)
	}
	return fmt.Sprintf("(%d)", i+1)
}
