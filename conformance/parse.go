package conformance

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"rollcall.example"
	"rollcall.example/imcode"
	"rollcall.example/internal/apps"
)

// Parse reads a file of scenarios. An error names file and line.
func Parse(file, text string) ([]Scenario, error) {
	var all []Scenario
	p := &parser{}
	first, under := true, apps.Policy{}
	for i, line := range strings.Split(text, "\n") {
		line = strings.TrimSpace(line)
		err := error(nil)
		switch {
		case first:
			first = false
			under, err = readPolicy(line)
		case line == "":
		case strings.HasPrefix(line, "#"):
			if len(all) > 0 && len(all[len(all)-1].Steps) == 0 {
				last := &all[len(all)-1]
				last.About = append(last.About, strings.TrimLeft(line, "# "))
			}
		case strings.HasPrefix(line, "== "):
			p = newParser()
			all = append(all, Scenario{File: file, Line: i + 1, Title: strings.TrimPrefix(line, "== "), policy: under})
		case len(all) == 0:
			err = fmt.Errorf("a scenario begins with its title: == What happens")
		case strings.HasPrefix(line, "row: "):
			last := &all[len(all)-1]
			last.Rows = append(last.Rows, strings.TrimPrefix(line, "row: "))
		default:
			var step Step
			step, err = p.step(line)
			step.Line = i + 1
			last := &all[len(all)-1]
			last.Steps = append(last.Steps, step)
		}
		if err != nil {
			return nil, fmt.Errorf("%s:%d: %w", file, i+1, err)
		}
	}
	return all, wellMade(file, all)
}

// wellMade checks what no single line shows.
func wellMade(file string, all []Scenario) error {
	titles := make(map[string]bool)
	for _, s := range all {
		switch {
		case titles[s.Title]:
			return fmt.Errorf("%s:%d: a second scenario %q", file, s.Line, s.Title)
		case len(s.Steps) == 0:
			return fmt.Errorf("%s:%d: scenario %q has no steps", file, s.Line, s.Title)
		}
		titles[s.Title] = true
	}
	if len(all) == 0 {
		return fmt.Errorf("%s:1: no scenario", file)
	}
	return nil
}

// A parser reads the lines of one scenario.
type parser struct {
	devices map[string]rollcall.Platform
	tickets map[string]bool
}

func newParser() *parser {
	return &parser{devices: make(map[string]rollcall.Platform), tickets: make(map[string]bool)}
}

// step reads one line by the first form that fits.
func (p *parser) step(line string) (Step, error) {
	for i, f := range lines() {
		words := f.match(line)
		if words == nil {
			continue
		}
		play, err := f.make(p, words)
		return Step{Text: line, Expects: i >= len(actions)+len(saying)+len(acts), needs: f.needs, play: play}, err
	}
	return Step{}, fmt.Errorf("%q is no line of a scenario: README.md lists the forms", line)
}

// placed checks that a device has a platform.
func (p *parser) placed(device string) error {
	if _, known := p.devices[device]; !known {
		return fmt.Errorf("device %s has no platform: let it log in %q first", device, "on Android")
	}
	return nil
}

// put sets a device's platform; "" leaves it as it is.
func (p *parser) put(device, platform string) error {
	if platform == "" {
		return p.placed(device)
	}
	known, err := rollcall.ParsePlatform(platform)
	if err != nil {
		return err
	}
	if before, there := p.devices[device]; there && before != known {
		return fmt.Errorf("device %s is on %s: a device keeps its platform", device, before)
	}
	p.devices[device] = known
	return nil
}

// ticket checks the name of a ticket.
func (p *parser) ticket(name string) error {
	if name != "" && !p.tickets[name] {
		return fmt.Errorf("there is no ticket %q yet: ticket %s is for alice", name, name)
	}
	return nil
}

// user takes the quotes from a UserID that needs them.
func user(s string) string { return strings.Trim(s, `"`) }

// span reads a time: Go's, and days.
func span(s string) (time.Duration, error) {
	if days, found := strings.CutSuffix(s, "d"); found {
		n, err := strconv.Atoi(days)
		return time.Duration(n) * 24 * time.Hour, err
	}
	return time.ParseDuration(s)
}

// number reads a small number, also as "once" and "twice".
func number(s string) (int, error) {
	switch s {
	case "no":
		return 0, nil
	case "once":
		return 1, nil
	case "twice":
		return 2, nil
	}
	return strconv.Atoi(s)
}

// result reads what a call is to come to.
func result(s string) (Result, error) {
	switch s {
	case "ok":
		return Result{}, nil
	case "cancelled":
		return Result{Code: imcode.LoggedOutBeforeLogin, Cancelled: true}, nil
	case "given up":
		return Result{Cancelled: true}, nil
	}
	c, err := code(s)
	return Result{Code: c}, err
}

func code(s string) (imcode.Code, error) {
	n, err := strconv.Atoi(s)
	if err != nil || !known(n) {
		return 0, fmt.Errorf("%q is no code", s)
	}
	return imcode.Code(n), nil
}

func known(n int) bool {
	_, ok := imcode.Lookup(n)
	return ok
}
