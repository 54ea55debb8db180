package main

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"
)

// A lifetime is how long a UserSig is good for.
type lifetime time.Duration

// UnmarshalText reads a lifetime, which is more than none.
func (l *lifetime) UnmarshalText(text []byte) error {
	d, err := span(string(text))
	if err != nil {
		return err
	}
	if d < time.Second {
		return fmt.Errorf("%q: want at least 1s", text)
	}
	*l = lifetime(d)
	return nil
}

// span reads a length of time as Go writes it, and with days: 90m, 3d, 1d12h.
func span(text string) (time.Duration, error) {
	days, rest, found := strings.Cut(text, "d")
	if !found {
		days, rest = "0", text
	}
	const most = 100 * 365 // of days: what is added to now stays a date
	n, err := strconv.ParseUint(days, 10, 16)
	d := time.Duration(0)
	if rest != "" {
		var wrong error
		d, wrong = time.ParseDuration(rest)
		err = errors.Join(err, wrong)
	}
	if err != nil || n > most || text == "" {
		return 0, fmt.Errorf("%q: want a length of time, as 90m, 24h or 3d", text)
	}
	return time.Duration(n)*24*time.Hour + d, nil
}
