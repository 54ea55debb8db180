// Package plain says moments, lengths of time and numbers as people do, and keeps
// what strangers wrote from being taken for anything else.
package plain

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

// Span says a length of time by its two largest units.
func Span(d time.Duration) string {
	d = d.Abs().Round(time.Second)
	if d >= time.Hour {
		d = d.Round(time.Minute) // 24 hours less a moment are a day
	}
	units := []struct {
		name string
		of   time.Duration
	}{
		{"year", 365 * 24 * time.Hour}, {"day", 24 * time.Hour}, {"hour", time.Hour}, {"minute", time.Minute}, {"second", time.Second},
	}
	var words []string
	for _, u := range units {
		n := d / u.of
		d %= u.of
		switch {
		case n > 0:
			words = append(words, Count(int(n), u.name))
		case len(words) > 0:
			return words[0] // the second largest is none
		}
		if len(words) == 2 {
			return words[0] + " " + words[1]
		}
	}
	if words == nil {
		return "less than a second"
	}
	return words[0]
}

// Count says a number of things.
func Count(n int, thing string) string {
	if n == 1 {
		return "1 " + thing
	}
	return fmt.Sprintf("%d %ss", n, thing)
}

// Zone finds a time zone by its IANA name; "" is UTC. A name that stands for the
// machine's own zone, or for a zone's variant with other seconds, is none: it would
// mean something else elsewhere.
func Zone(name string) (zone *time.Location, known bool) {
	switch lower := strings.ToLower(name); {
	case slices.Contains([]string{"local", "localtime", "posixrules", "factory"}, lower),
		strings.HasPrefix(lower, "posix/"), strings.HasPrefix(lower, "right/"):
		return nil, false
	}
	zone, err := time.LoadLocation(name)
	return zone, err == nil
}

// Stamp writes a moment; zone nil: in UTC.
func Stamp(t time.Time, zone *time.Location) string {
	if zone == nil {
		zone = time.UTC
	}
	return t.In(zone).Format("2006-01-02 15:04:05 MST")
}
