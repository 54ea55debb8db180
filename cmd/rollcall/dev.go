package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"time"

	"rollcall.example"
	"rollcall.example/imcode"
	"rollcall.example/internal/config"
	"rollcall.example/internal/demo"
	"rollcall.example/internal/plain"
	"rollcall.example/usersig"
)

// devCmd runs everything for trying out.
type devCmd struct {
	Listen   config.Address `default:"127.0.0.1:7400" placeholder:"HOST:PORT" help:"Where clients connect (default: 127.0.0.1:7400); port 0 takes a free one."`
	Ops      config.Address `default:"127.0.0.1:7401" placeholder:"HOST:PORT" help:"For health and metrics (default: 127.0.0.1:7401); empty: none."`
	Admin    config.Address `default:"127.0.0.1:7402" placeholder:"HOST:PORT" help:"For operators (default: 127.0.0.1:7402), with a token that is made at each start; empty: none."`
	Dir      string         `placeholder:"DIR" help:"Keep everything in this data directory (default: a temporary one, removed at the end)."`
	For      lifetime       `default:"24h" placeholder:"24h" help:"How long the tickets are good for."`
	LogLevel config.Level   `default:"warn" env:"ROLLCALL_LOG_LEVEL" placeholder:"LEVEL" help:"debug, info, warn (default) or error."`

	Origin []config.Origin `placeholder:"ORIGIN" help:"Where a web page of your own comes from that may connect, as http://localhost:5173; once for each (default: those of ROLLCALL_WEB_ORIGINS)."`

	JSON bool `name:"json" help:"Print a line of JSON, for programs."`
}

// Help is the long help.
func (*devCmd) Help() string {
	return `
Starts a server in a temporary directory, with an app whose key is drawn for this run, and prints the address of a demo to open in two tabs, where clients connect, tickets for alice and bob, and the next thing to type. Ctrl-C ends it and removes everything.

The demo signs tickets for whoever opens it, so its buttons work from this machine alone, wherever the server listens.

What the environment sets of a configuration (rollcall config default) holds here, too, but for where things are and listen, and certificates: those are flags, or not to be had.

Examples:

    rollcall dev
    rollcall dev --listen 127.0.0.1:0 --ops '' --admin ''
    rollcall dev --dir try --for 1m
    rollcall dev --origin http://localhost:5173
`
}

// Validate refuses what can only be a slip.
func (c *devCmd) Validate() error { return somewhere(c.Listen) }

// devApp is the app that dev makes.
const devApp rollcall.AppID = 1400000000

// A trial is what dev offers, as programs read it.
type trial struct {
	Demo    string            `json:"demo"`
	Clients string            `json:"clients"`
	Ops     string            `json:"ops,omitempty"`
	Admin   string            `json:"admin,omitempty"`
	Token   string            `json:"admin_token,omitempty"` // with admin
	Dir     string            `json:"dir"`
	App     rollcall.AppID    `json:"app"`
	Key     string            `json:"key"`
	Tickets map[string]string `json:"tickets"` // by UserID
}

// Run starts everything.
func (c *devCmd) Run(ctx context.Context, s *streams) (err error) {
	cfg, err := c.configured(s.err, os.Environ())
	if err != nil {
		return err
	}
	if _, err := os.Lstat(filepath.Join(c.Dir, config.FileName)); c.Dir != "" && err == nil {
		return fmt.Errorf("%s is for `rollcall serve`, and dev prints the keys it finds: name another with --dir", c.Dir)
	}
	if cfg.Dir == "" {
		if cfg.Dir, err = os.MkdirTemp("", "rollcall-dev-"); err != nil {
			return fmt.Errorf("make a temporary directory: %w", err)
		}
		defer func() { err = errors.Join(err, os.RemoveAll(cfg.Dir)) }()
	}
	log := logger(s.err, config.Log{Level: c.LogLevel, Format: config.Text})
	server, err := open(ctx, cfg, log, true)
	if err != nil {
		return err
	}
	t := trial{Demo: pageOf(server.clients), Clients: server.clients, Ops: server.ops, Admin: server.admin, Dir: cfg.Dir, App: devApp, Tickets: make(map[string]string)}
	if t.Key, err = server.devKey(ctx); err != nil {
		return err
	}
	if t.Admin != "" {
		if t.Token, err = server.RenewToken(ctx); err != nil {
			return err
		}
	}
	if err := c.print(s.out, &t); err != nil {
		return err
	}
	rotated := func(key string) error {
		t.Key = key
		if !c.JSON {
			fmt.Fprint(s.out, "\nThe demo gave the app another key: what stands above lets nobody in any more. Now it is:\n\n")
		}
		return c.print(s.out, &t)
	}
	err = serveDemo(ctx, server, cfg, log, rotated)
	if err == nil && !c.JSON {
		overCtrlC(s.err)
		fmt.Fprintln(s.err, t.farewell(c))
	}
	return err
}

// print says what there is to try, with tickets of the key.
func (c *devCmd) print(out io.Writer, t *trial) (err error) {
	for _, user := range []string{"alice", "bob"} {
		if t.Tickets[user], err = usersig.Sign(t.App, t.Key, user, time.Now(), time.Duration(c.For)); err != nil {
			return err
		}
	}
	if c.JSON {
		err = printLine(out, *t)
	} else {
		_, err = fmt.Fprint(out, t.text(c))
	}
	if err != nil {
		return fmt.Errorf("print what there is to try: %w", err)
	}
	return nil
}

// configured is the configuration of the server: what the environment says, but for where
// things are, which the flags say. A variable that changes nothing here is named.
func (c *devCmd) configured(stderr io.Writer, environment []string) (config.Config, error) {
	cfg, err := config.Load("", environment)
	cfg.Dir, cfg.TLS = c.Dir, config.TLS{}
	cfg.Listen = config.Listen{Clients: c.Listen, Ops: c.Ops, Admin: c.Admin}
	if len(c.Origin) > 0 {
		cfg.Web.Origins = c.Origin
	}
	for _, name := range config.Variables(environment) {
		if name == "ROLLCALL_DIR" || strings.HasPrefix(name, "ROLLCALL_LISTEN_") || strings.HasPrefix(name, "ROLLCALL_TLS_") {
			fmt.Fprintf(stderr, "%s says nothing to `rollcall dev`: see its flags\n", name)
		}
	}
	return cfg, err
}

// pageOf is where this machine finds the pages of a server that listens for clients at
// an address, which may be all of the machine's.
func pageOf(clients string) string {
	if at, err := netip.ParseAddrPort(string(addressOf(clients))); err == nil && at.Addr().IsUnspecified() {
		clients = fmt.Sprintf("ws://127.0.0.1:%d", at.Port())
	}
	return "http" + strings.TrimPrefix(clients, "ws") + "/"
}

// serveDemo serves the demo until ctx ends, by one server after the other: a page may
// have it started again. rotated hears of each new key of the app.
func serveDemo(ctx context.Context, s *service, cfg config.Config, log *slog.Logger, rotated func(key string) error) (err error) {
	cfg.Listen = config.Listen{Clients: addressOf(s.clients), Ops: addressOf(s.ops), Admin: addressOf(s.admin)}
	d := demo.New(devApp, s.clients, rotated, log)
	defer func() { err = errors.Join(err, d.Close()) }()
	for {
		run, restart := context.WithCancel(ctx)
		s.Pages(d.Handler(demo.Backend{Apps: s.Apps(), Sessions: s.Sessions(), Restart: restart}))
		err := s.Run(run)
		restart()
		if err != nil || ctx.Err() != nil {
			return err
		}
		if s, err = open(ctx, cfg, log, true); err != nil {
			return fmt.Errorf("start again: %w", err)
		}
	}
}

// addressOf is the HOST:PORT of an address with a scheme.
func addressOf(address string) config.Address {
	_, host, _ := strings.Cut(address, "://")
	return config.Address(host)
}

// farewell says what is left.
func (t trial) farewell(c *devCmd) string {
	if c.Dir == "" {
		return "Ended; all of it is gone."
	}
	return "Ended; " + t.Dir + " keeps everything for the next time."
}

// devKey is a key of the app to try out, which is made if there is none.
func (s *service) devKey(ctx context.Context) (string, error) {
	app, err := s.Apps().App(devApp)
	if errors.Is(err, imcode.AppNotFound) {
		return s.Apps().Add(ctx, devApp, "dev", "")
	}
	if err != nil {
		return "", err
	}
	if len(app.Secrets()) > 0 {
		return app.Secrets()[0], nil
	}
	_, key, err := s.Apps().AddKey(ctx, devApp, "")
	return key, err
}

// text says what there is to try.
func (t trial) text(c *devCmd) string {
	what := "running in " + t.Dir + ", for you to try."
	if c.Dir == "" {
		what = "running, for you to try. All of it is gone when it ends."
	}
	ops := "none"
	if t.Ops != "" {
		ops = t.Ops + "/metrics"
	}
	operators := ""
	if t.Admin != "" {
		operators = fmt.Sprintf(`
Its operator, in a terminal%s that has these two:

export ROLLCALL_ADMIN=%s ROLLCALL_ADMIN_TOKEN=%s
%s app list
`, here(), t.Admin, t.Token, program())
	}
	where := fmt.Sprintf(" --app %d", t.App)
	if t.Clients != "ws://"+defaultServer {
		where = " --server " + t.Clients + where
	}
	login, chat := program()+" login"+where, program()+" chat"+where
	return fmt.Sprintf(`Rollcall is %[1]s

  demo     %[13]s  (open it in two tabs)
  clients  %[2]s
  metrics  %[3]s
  app      %[4]d
  key      %[5]s

In a second terminal%[14]s, log alice in; the ticket in this line is good for %[6]s:

ROLLCALL_USERSIG=%[8]s %[7]s --user alice

In a third, the same line again: it takes the second one's place, and you see
the kick arrive. Or bob, who stands beside alice:

ROLLCALL_USERSIG=%[9]s %[7]s --user bob

When both have been in once, let them talk, each in a terminal of its own:

ROLLCALL_KEY=%[5]s %[12]s --user alice --to bob

A ticket for anybody else:

ROLLCALL_KEY=%[5]s %[10]s usersig new --app %[4]d --user carol
%[11]s
Ctrl-C ends it.
`, what, t.Clients, ops, t.App, t.Key, plain.Span(time.Duration(c.For)), login, t.Tickets["alice"], t.Tickets["bob"], program(), operators, chat, t.Demo, here())
}
