package terminal

import (
	"context"
	"slices"
	"strings"
)

// mostFits bounds what the tabulator shows that there is to choose from.
const mostFits = 12

// press does what a key is for.
func (s *screen) press(k key) {
	switch k.name {
	case "enter":
		s.enter()
		return
	case "ctrl+c":
		if s.input.text == "" {
			s.leave()
			return
		}
		s.input.set("")
	case "ctrl+d":
		if s.input.text == "" {
			s.leave()
			return
		}
		s.input.press(k)
	case "ctrl+z":
		s.suspend = true
	case "ctrl+l":
		s.repaint = true
	case "pgup":
		s.page(1)
	case "pgdown":
		s.page(-1)
	case "esc", "bottom":
		s.up, s.below = 0, false
	case "up":
		if !s.input.move(-1, s.width) {
			s.again(1)
		}
	case "down":
		if !s.input.move(1, s.width) {
			s.again(-1)
		}
	case "tab":
		s.complete()
	case focused, blurred:
		s.desk.watch(k.name == focused)
	default:
		s.input.press(k)
	}
	s.leaving = s.leaving && k.name == nothing
}

// enter takes the line that was typed.
func (s *screen) enter() {
	text := s.input.text
	if strings.TrimSpace(text) == "" {
		return
	}
	s.status = ""
	if leaves(text) {
		s.leave()
		return
	}
	if !s.desk.later(func(ctx context.Context) {
		if err := s.desk.do(ctx, text); err != nil {
			s.desk.show(told{[]string{sentence(err)}})
		}
	}) {
		s.status = "too much is asked for already: wait a little"
		return
	}
	s.input.set("")
	s.up, s.below, s.recall = 0, false, 0
	if n := len(s.kept); n == 0 || s.kept[n-1] != text {
		s.kept = append(s.kept, text)
	}
	s.kept = slices.Delete(s.kept, 0, max(0, len(s.kept)-maxKept))
}

// leave leaves, and asks once if messages were not sent.
func (s *screen) leave() {
	if waiting, _ := s.desk.box.count(); waiting > 0 && !s.leaving {
		s.leaving = true
		s.status = counted(waiting, "message") + " not sent yet: again leaves without"
		return
	}
	s.left = true
}

// again brings back a line that was typed before, or the one after it.
func (s *screen) again(back int) {
	n := s.recall + back
	if n < 0 || n > len(s.kept) {
		return
	}
	s.recall = n
	text := ""
	if n > 0 {
		text = s.kept[len(s.kept)-n]
	}
	s.input.set(text)
}

// complete completes what begins as a command does, as far as it is clear which.
func (s *screen) complete() {
	begun := s.input.text
	if !strings.HasPrefix(begun, "/") {
		return
	}
	var all []string
	for _, c := range commands() {
		all = append(all, "/"+c.name)
	}
	for _, name := range s.names {
		all = append(all, "/switch "+string(name))
	}
	var fit []string
	for _, one := range all {
		if strings.HasPrefix(one, begun) {
			fit = append(fit, one)
		}
	}
	if len(fit) == 0 {
		return
	}
	common := fit[0]
	for _, one := range fit[1:] {
		for !strings.HasPrefix(one, common) {
			common = common[:len(common)-1]
		}
	}
	switch {
	case len(fit) == 1 && common == begun:
		common += " "
	case common == begun:
		s.status = strings.Join(fit[:min(len(fit), mostFits)], "  ")
	}
	s.input.set(common)
}

// page goes up or down by a screen. Before what is there comes what was said before.
func (s *screen) page(up int) {
	most := max(0, len(s.all())-s.body())
	if up > 0 && s.up == most && !s.scroll.end && !s.loading && s.scroll.peer != "" {
		s.loading = s.desk.later(func(ctx context.Context) {
			if err := s.desk.do(ctx, "/history 50"); err != nil {
				s.desk.show(told{[]string{sentence(err)}})
			}
			s.desk.show(looked{})
		})
	}
	s.up = min(most, max(0, s.up+up*max(1, s.body()-1)))
	s.below = s.below && s.up > 0
}
