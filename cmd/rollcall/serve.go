package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime/pprof"
	"time"

	"rollcall.example/internal/config"
)

// serveCmd runs a server.
type serveCmd struct {
	Config    string          `type:"path" placeholder:"FILE" help:"The configuration file (default: rollcall.toml in the data directory)."`
	Dir       string          `env:"ROLLCALL_DIR" placeholder:"DIR" help:"The data directory (default: the configuration's, or data)."`
	Listen    *config.Address `placeholder:"HOST:PORT" help:"Where clients connect (default: the configuration's, or 127.0.0.1:7400)."`
	Ops       *config.Address `placeholder:"HOST:PORT" help:"For health and metrics (default: the configuration's, or 127.0.0.1:7401); empty: none."`
	Admin     *config.Address `placeholder:"HOST:PORT" help:"For operators with the token (default: the configuration's, or 127.0.0.1:7402); empty: none."`
	LogLevel  *config.Level   `placeholder:"LEVEL" help:"debug, info, warn or error."`
	LogFormat *config.Format  `placeholder:"FORMAT" help:"text or json."`
	JSON      bool            `name:"json" help:"Print the addresses as a line of JSON, for programs."`
	Profile   string          `name:"cpu-profile" type:"path" hidden:"" help:"Write a CPU profile of the whole run, for rollcall bench."`
	LoginWait *time.Duration  `hidden:"" help:"How long a login may have before it, also for longer than the configuration may say: for rollcall bench."`
}

// Help is the long help.
func (*serveCmd) Help() string {
	return `
Serves until SIGTERM or Ctrl-C, then asks every client to come back later, finishes what has begun and exits 0. A second signal ends it at once; nothing acknowledged is lost by that.

A certificate that is renewed on disk is read again by itself, and at once on SIGHUP.

One line on standard output says where it listens. The log goes to standard error. Flags override the environment, which overrides the file: rollcall config default.

Examples:

    rollcall serve
    rollcall serve --dir /var/lib/rollcall --listen 0.0.0.0:7400
    rollcall serve --config /etc/rollcall.toml --log-format json
    ROLLCALL_TIMEOUTS_LOGIN=5s rollcall serve
`
}

// Validate refuses what would listen anywhere.
func (c *serveCmd) Validate() error {
	if c.Listen == nil {
		return nil
	}
	return somewhere(*c.Listen)
}

// somewhere refuses to listen for clients nowhere: the system would take any port of
// all the machine's addresses.
func somewhere(listen config.Address) error {
	if listen == "" {
		return errors.New("--listen: want host:port, as 127.0.0.1:7400")
	}
	return nil
}

// Run serves.
func (c *serveCmd) Run(ctx context.Context, s *streams) (err error) {
	if c.Profile != "" {
		stop, err := profile(c.Profile)
		if err != nil {
			return err
		}
		defer func() { err = errors.Join(err, stop()) }()
	}
	cfg, err := c.load()
	if err != nil {
		return err
	}
	if err := initialised(cfg.Dir); err != nil {
		return err
	}
	log := logger(s.err, cfg.Log)
	server, err := open(ctx, cfg, log, false)
	if errors.Is(err, context.Canceled) {
		return nil // asked to end while it started
	}
	if err != nil {
		return err
	}
	defer server.onHangUp()()
	defer collect(ctx)()
	if c.JSON {
		err = printLine(s.out, map[string]string{"clients": server.clients, "ops": server.ops, "admin": server.admin, "dir": cfg.Dir})
	} else {
		_, err = fmt.Fprintf(s.out, "ready: clients %s, ops %s, admin %s, data directory %s\n",
			server.clients, cmp.Or(server.ops, "none"), cmp.Or(server.admin, "none"), cfg.Dir)
	}
	if err != nil {
		return fmt.Errorf("print where the server listens: %w", err)
	}
	told := make(chan struct{})
	silent := context.AfterFunc(ctx, func() {
		defer close(told)
		overCtrlC(s.err)
		log.Info("draining; a second signal ends at once")
	})
	err = server.Run(ctx)
	if !silent() {
		<-told // it is told first that comes first
	}
	if err != nil {
		return err
	}
	log.Info("stopped")
	return nil
}

// profile writes a CPU profile until it is stopped.
func profile(path string) (stop func() error, err error) {
	f, err := os.Create(path)
	if err != nil {
		return nil, fmt.Errorf("write a profile: %w", err)
	}
	if err := pprof.StartCPUProfile(f); err != nil {
		return nil, errors.Join(fmt.Errorf("write a profile: %w", err), f.Close())
	}
	return func() error {
		pprof.StopCPUProfile()
		return f.Close()
	}, nil
}

// load reads the configuration, and puts the flags over it.
func (c *serveCmd) load() (config.Config, error) {
	path := c.Config
	if path == "" {
		in := cmp.Or(c.Dir, defaultDir)
		path = filepath.Join(in, config.FileName)
		if _, err := os.Stat(path); os.IsNotExist(err) {
			path = ""
		} else if err != nil {
			return config.Config{}, unusable(in, err)
		}
	}
	cfg, err := config.Load(path, os.Environ())
	if err != nil {
		return cfg, err
	}
	cfg.Dir = cmp.Or(c.Dir, cfg.Dir)
	if cfg.Dir == "" && path != "" {
		cfg.Dir = filepath.Dir(path)
	}
	cfg.Dir = cmp.Or(cfg.Dir, defaultDir)
	set(&cfg.Listen.Clients, c.Listen)
	set(&cfg.Listen.Ops, c.Ops)
	set(&cfg.Listen.Admin, c.Admin)
	set(&cfg.Log.Level, c.LogLevel)
	set(&cfg.Log.Format, c.LogFormat)
	if c.LoginWait != nil {
		cfg.Limits.LoginWait = config.Duration(*c.LoginWait)
	}
	return cfg, nil
}

// set puts a flag over a configured value, if the flag was given.
func set[T any](value, flag *T) {
	if flag != nil {
		*value = *flag
	}
}
