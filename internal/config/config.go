// Package config reads what belongs to one server process: where it listens,
// its certificate, its time-outs, its log. What belongs to an app (its keys, its
// settings) lies in the store and is not configured here.
//
// A file is TOML, read strictly: a key that is not known, a value that cannot
// be, and two values that contradict each other are errors, each with its line,
// and all of them are reported. The environment overrides the file: key clients
// of [listen] is ROLLCALL_LISTEN_CLIENTS. Flags override both; that is the
// caller's part.
//
// Default is what a server has that configures nothing; File says the same as a
// file, with a comment on every key.
package config

import (
	_ "embed" // File
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"time"

	"rollcall.example"
)

// FileName is what the configuration is called in a data directory.
const FileName = "rollcall.toml"

// MaxFileBytes is the size of the largest file that is read.
const MaxFileBytes = 1 << 20

// File is a configuration file that says what Default does, commented.
//
//go:embed default.toml
var File string

// A Config is what one server process is told.
type Config struct {
	// Dir is the data directory. A relative one is meant from the directory of
	// the file it stands in. Empty: the caller's choice.
	Dir      string   `toml:"dir"`
	Listen   Listen   `toml:"listen"`
	TLS      TLS      `toml:"tls"`
	Web      Web      `toml:"web"`
	Policy   Policy   `toml:"policy"`
	Limits   Limits   `toml:"limits"`
	Timeouts Timeouts `toml:"timeouts"`
	Log      Log      `toml:"log"`
}

// Listen says where the server listens.
type Listen struct {
	Clients Address `toml:"clients"` // never empty
	Ops     Address `toml:"ops"`     // health, readiness, metrics; empty: none
	Admin   Address `toml:"admin"`   // operators with the token; empty: none

	TrustedProxies []Network `toml:"trusted_proxies"` // in front of clients; believed about whom they speak for
	ProxyProtocol  bool      `toml:"proxy_protocol"`  // which these speak; otherwise X-Forwarded-For
}

// TLS names the certificate for clients, in PEM files. Both or neither are set;
// relative ones are meant as Dir is.
type TLS struct {
	Certificate string `toml:"certificate"`
	Key         string `toml:"key"`
}

// Web says which pages may connect.
type Web struct {
	Origins []Origin `toml:"origins"` // beside the server's own
}

// Policy bounds what operators may set for the apps.
type Policy struct {
	MaxWebInstances Instances `toml:"max_web_instances"` // of one account on the Web
	MaxInstances    Instances `toml:"max_instances"`     // on each other platform
}

// Limits bound what clients may take. Of connections, a number of 0 is the server's choice.
type Limits struct {
	Connections             Count `toml:"connections"`               // open at once
	ConnectionsPerAddress   Count `toml:"connections_per_address"`   // of one address; 0: no bound
	ConnectionsWithoutLogin Count `toml:"connections_without_login"` // of those that are not logged in

	MessageMiBPerDay Count `toml:"message_mib_per_day"` // of messages that an account may send; 0: no bound
	FreeDiskMiB      Count `toml:"free_disk_mib"`       // that messages leave free, or a tenth of the disk if that is less; 0: none

	LoginWait Duration `toml:"login_wait"` // a login that had to wait for longer is told to come back
}

// Timeouts are how long the server waits, for what.
type Timeouts struct {
	Login        Duration `toml:"login"`
	Heartbeat    Duration `toml:"heartbeat"`
	Silence      Duration `toml:"silence"`
	WebHeartbeat Duration `toml:"web_heartbeat"`
	WebSilence   Duration `toml:"web_silence"`
	Drain        Duration `toml:"drain"`
	DrainSpread  Duration `toml:"drain_spread"`
}

// Log says what is logged, and how.
type Log struct {
	Level  Level  `toml:"level"`
	Format Format `toml:"format"`
}

// Default is the configuration of a server that configures nothing.
func Default() Config {
	return Config{
		Listen: Listen{Clients: "127.0.0.1:7400", Ops: "127.0.0.1:7401", Admin: "127.0.0.1:7402", TrustedProxies: []Network{}},
		Web:    Web{Origins: []Origin{}},
		Policy: Policy{
			MaxWebInstances: Instances(rollcall.Web.MaxInstances()),
			MaxInstances:    Instances(rollcall.Android.MaxInstances()),
		},
		Limits: Limits{MessageMiBPerDay: 256, FreeDiskMiB: 256, LoginWait: Duration(3 * time.Second)},
		Timeouts: Timeouts{
			Login:        Duration(10 * time.Second),
			Heartbeat:    Duration(2 * time.Minute),
			Silence:      Duration(400 * time.Second),
			WebHeartbeat: Duration(30 * time.Second),
			WebSilence:   Duration(time.Minute),
			Drain:        Duration(10 * time.Second),
			DrainSpread:  Duration(5 * time.Second),
		},
		Log: Log{Level: Level(slog.LevelInfo), Format: Text},
	}
}

// Load reads the configuration of a process: the defaults, the file if path is
// not empty, then the environment (os.Environ). The error joins all that is
// wrong; what is wrong in the file is an *Error.
func Load(path string, environment []string) (Config, error) {
	c := Default()
	if path != "" {
		text, err := read(path)
		if err != nil {
			return c, err
		}
		if err := parse(&c, path, text); err != nil {
			return c, errors.Join(err, c.environ(environment))
		}
		dir := filepath.Dir(path)
		for _, p := range []*string{&c.Dir, &c.TLS.Certificate, &c.TLS.Key} {
			if *p != "" && !filepath.IsAbs(*p) {
				*p = filepath.Join(dir, *p)
			}
		}
	}
	if err := c.environ(environment); err != nil {
		return c, err
	}
	var all []error
	for _, f := range c.faults() {
		key, _, _ := strings.Cut(f.keys, " ")
		all = append(all, errors.New(key+": "+f.text))
	}
	return c, errors.Join(all...)
}

// read reads a file of bounded size.
func read(path string) (string, error) {
	f, err := os.Open(path)
	if err != nil {
		return "", fmt.Errorf("read the configuration: %w", err)
	}
	defer f.Close()
	text, err := io.ReadAll(io.LimitReader(f, MaxFileBytes+1))
	if err != nil {
		return "", fmt.Errorf("read the configuration: %w", err)
	}
	if len(text) > MaxFileBytes {
		return "", fmt.Errorf("read the configuration: %s is larger than %d bytes", path, MaxFileBytes)
	}
	return string(text), nil
}

const maxLoginWait = Duration(3 * time.Second)

// A fault is what values have against each other, told at the first of the keys
// that is set.
type fault struct {
	keys string
	text string
}

// faults is what is wrong with values that are right each by itself.
func (c *Config) faults() (all []fault) {
	for _, rule := range []struct {
		broken bool
		fault
	}{
		{c.Listen.Clients == "", fault{"listen.clients", "want host:port, as 127.0.0.1:7400"}},
		{c.Listen.ProxyProtocol && len(c.Listen.TrustedProxies) == 0,
			fault{"listen.proxy_protocol", "it needs trusted_proxies: the addresses of those who speak it"}},
		{c.TLS.Certificate != "" && c.TLS.Key == "", fault{"tls.certificate", "it needs its key beside it"}},
		{c.TLS.Key != "" && c.TLS.Certificate == "", fault{"tls.key", "it needs its certificate beside it"}},
		{c.Limits.Connections > 0 && c.Limits.ConnectionsPerAddress > c.Limits.Connections,
			fault{"limits.connections_per_address limits.connections", "want it at most connections, which are all there may be"}},
		{c.Limits.Connections > 0 && c.Limits.ConnectionsWithoutLogin > c.Limits.Connections,
			fault{"limits.connections_without_login limits.connections", "want it at most connections, which are all there may be"}},
		{c.Limits.LoginWait > maxLoginWait,
			fault{"limits.login_wait", "want at most 3s: clients wait 10s for an answer, and in a storm it takes three times as long"}},
		{c.Timeouts.Silence <= c.Timeouts.Heartbeat,
			fault{"timeouts.silence timeouts.heartbeat", "want silence to be longer than heartbeat, or idle clients are cut between two beats"}},
		{c.Timeouts.WebSilence <= c.Timeouts.WebHeartbeat,
			fault{"timeouts.web_silence timeouts.web_heartbeat", "want web_silence to be longer than web_heartbeat, or idle pages are cut between two beats"}},
	} {
		if rule.broken {
			all = append(all, rule.fault)
		}
	}
	return all
}
