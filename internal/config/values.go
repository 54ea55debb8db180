package config

import (
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"net/url"
	"strconv"
	"strings"
	"time"
)

// An Address is where to listen, as host:port; port 0 takes a free one. Empty is
// nowhere.
type Address string

// UnmarshalText checks an address.
func (a *Address) UnmarshalText(text []byte) error {
	if len(text) > 0 {
		_, port, err := net.SplitHostPort(string(text))
		if err != nil {
			return fmt.Errorf("%q: want host:port, as 127.0.0.1:7400", text)
		}
		if _, err := strconv.ParseUint(port, 10, 16); err != nil {
			return fmt.Errorf("%q: want a port from 0 to 65535", text)
		}
	}
	*a = Address(text)
	return nil
}

// A Network is addresses that are trusted: one, or all that begin alike.
type Network netip.Prefix

// UnmarshalText reads an address, or a network as 10.0.0.0/8.
func (n *Network) UnmarshalText(text []byte) error {
	p, err := netip.ParsePrefix(string(text))
	if a, isOne := netip.ParseAddr(string(text)); isOne == nil && a.Zone() == "" {
		p, err = netip.PrefixFrom(a.Unmap(), a.Unmap().BitLen()), nil
	}
	switch {
	case err != nil || p.Addr().Is4In6():
		return fmt.Errorf("%q: want an address or a network, as 10.0.0.7 or 10.0.0.0/8", text)
	case p.Bits() == 0:
		return fmt.Errorf("%q: want a network that is not everybody", text)
	case p != p.Masked():
		return fmt.Errorf("%q: want the network's first address, as %s", text, p.Masked())
	}
	*n = Network(p)
	return nil
}

func (n Network) String() string { return netip.Prefix(n).String() }

// An Origin is a web page's, as https://app.example.
type Origin string

// UnmarshalText checks an origin.
func (o *Origin) UnmarshalText(text []byte) error {
	u, err := url.Parse(string(text))
	if err != nil || (u.Scheme != "https" && u.Scheme != "http") || u.Host == "" || u.Scheme+"://"+u.Host != string(text) {
		return fmt.Errorf("%q: want scheme and host alone, as https://app.example", text)
	}
	own := map[string]string{"https": ":443", "http": ":80"}[u.Scheme]
	if sent := u.Scheme + "://" + strings.TrimSuffix(strings.ToLower(u.Host), own); sent != string(text) {
		return fmt.Errorf("%q: want it as browsers send it: %s", text, sent)
	}
	*o = Origin(text)
	return nil
}

// MaxInstances is the highest bound of instances.
const MaxInstances = 100

// Instances is a bound of what may be set as the number of an account's sessions
// on one platform.
type Instances int

// UnmarshalText checks a bound.
func (i *Instances) UnmarshalText(text []byte) error {
	n, err := strconv.Atoi(string(text))
	if err != nil || n < 1 || n > MaxInstances {
		return fmt.Errorf("%q: want a number from 1 to %d", text, MaxInstances)
	}
	*i = Instances(n)
	return nil
}

// MaxCount is the highest bound.
const MaxCount = 10_000_000

// A Count is a bound of connections, or of so many MiB.
type Count int

// UnmarshalText checks a bound.
func (c *Count) UnmarshalText(text []byte) error {
	n, err := strconv.Atoi(string(text))
	if err != nil || n < 0 || n > MaxCount {
		return fmt.Errorf("%q: want a number from 0 to %d", text, MaxCount)
	}
	*c = Count(n)
	return nil
}

// MaxDuration is the longest time-out.
const MaxDuration = 24 * time.Hour

// A Duration is above 0 and at most MaxDuration.
type Duration time.Duration

// UnmarshalText reads a duration as Go writes it: 90s, 1m30s.
func (d *Duration) UnmarshalText(text []byte) error {
	v, err := time.ParseDuration(string(text))
	if err != nil {
		return fmt.Errorf("%q: want a duration, as 90s or 1m30s", text)
	}
	if v <= 0 || v > MaxDuration {
		return fmt.Errorf("%q: want more than 0s and at most 24h", text)
	}
	*d = Duration(v)
	return nil
}

func (d Duration) String() string { return time.Duration(d).String() }

// A Level is the least that is logged.
type Level slog.Level

// UnmarshalText checks a level.
func (l *Level) UnmarshalText(text []byte) error {
	if (*slog.Level)(l).UnmarshalText(text) != nil {
		return fmt.Errorf("%q: want debug, info, warn or error", text)
	}
	return nil
}

// A Format is how log lines are written.
type Format string

// The formats.
const (
	Text Format = "text"
	JSON Format = "json"
)

// UnmarshalText checks a format.
func (f *Format) UnmarshalText(text []byte) error {
	switch v := Format(text); v {
	case Text, JSON:
		*f = v
		return nil
	}
	return errors.New(strconv.Quote(string(text)) + ": want text or json")
}
