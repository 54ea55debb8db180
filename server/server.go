// Package server is a whole Rollcall server: it wires the parts of this house
// from one Config and runs them on listeners that it is given.
//
//	s, err := server.New(ctx, server.Config{Dir: dir, Listener: l})
//	...
//	err = s.Run(ctx) // until ctx ends: then drains, and closes all
//
// Programs that want one inside their tests import rollcalltest.
package server

import (
	"cmp"
	"context"
	"crypto/rand"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"time"

	"golang.org/x/sync/errgroup"

	"rollcall.example"
	"rollcall.example/internal/admin"
	"rollcall.example/internal/apps"
	"rollcall.example/internal/chat"
	"rollcall.example/internal/gateway"
	"rollcall.example/internal/node"
	"rollcall.example/internal/policy"
	"rollcall.example/internal/proxy"
	"rollcall.example/internal/session"
	"rollcall.example/internal/store"
	"rollcall.example/internal/store/sqlite"
	"rollcall.example/wire"
)

// A Config is what a server is made of. Dir and Listener are needed; the zero
// value of everything else is good.
type Config struct {
	Dir           string         // the data directory, made if it is not there; one server at a time
	Listener      net.Listener   // for clients
	TLS           *tls.Config    // for clients; nil: plain, for loopback or behind a proxy
	Proxies       []netip.Prefix // in front of clients: whose word is taken about whom they speak for
	ProxyProtocol bool           // they speak the PROXY protocol; otherwise X-Forwarded-For
	Ops           net.Listener   // for /healthz, /readyz and /metrics; nil: none
	Admin         net.Listener   // for operators, whoever reaches it; nil: none. See ListenAdmin
	AdminTCP      net.Listener   // for operators who show the token; nil: none

	Origins      []string      // web origins admitted beside the server's own, as https://app.example
	LoginWithin  time.Duration // a new connection must have logged in by then; default 10 s
	Heartbeat    time.Duration // what native clients are asked for; default 120 s
	Silence      time.Duration // a native connection is closed after it; default 400 s
	WebHeartbeat time.Duration // how often a web page is pinged; default 30 s
	WebSilence   time.Duration // a web page's connection is closed after it; default 60 s
	DrainWithin  time.Duration // what closing may take; default 10 s
	DrainSpread  time.Duration // over how long clients are asked to come back; default 5 s

	Connections             int // open at most; default: as many as the process may open files, less some for itself
	ConnectionsPerAddress   int // of one address, a /64 of IPv6 being one; 0: no bound, for servers behind a proxy
	ConnectionsWithoutLogin int // of those that are not logged in; default: a quarter of them, at most 4096

	MessageBytes int64 // that an account may send at once and, evenly, in a day; 0: no bound
	FreeDisk     int64 // bytes that messages leave free on the disk, or a tenth of it if that is less; 0: none

	LoginWait time.Duration // a login that had to wait for longer is told to come back (70500); default 3 s

	MaxWebInstances int // the most instances per account on the Web that may be set; default 10
	MaxInstances    int // the same for each other platform; default 3

	MasterKey  apps.MasterKey   // seals the keys of apps that are added; the zero value: they lie in plain
	SampleKeys bool             // admit keys published as samples: development only
	Now        func() time.Time // default: the machine's clock, watched for jumps
	WatchNow   bool             // watch Now for jumps also if it is another clock
	Log        *slog.Logger     // default: none
}

// A Server is a Rollcall server.
type Server struct {
	cfg      Config
	store    *sqlite.Store
	apps     *apps.Apps
	token    *admin.Token
	sessions *session.Sessions
	chat     *chat.Conversations
	gateway  *gateway.Gateway
	door     *gateway.Door
	metrics  *metrics
	disk     *disk
	pages    http.Handler // nil: none
}

// New opens the data directory and wires a server. Its listeners become the
// server's: Run closes them.
func New(ctx context.Context, cfg Config) (*Server, error) {
	cfg.DrainWithin = cmp.Or(cfg.DrainWithin, 10*time.Second)
	cfg.DrainSpread = cmp.Or(cfg.DrainSpread, 5*time.Second)
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.DiscardHandler)
	}
	incarnation := "local-" + rand.Text()
	m := newMetrics()
	st, err := sqlite.Open(ctx, cfg.Dir, sqlite.Options{
		Node: incarnation, Now: cfg.Now, Disk: diskLog(cfg.Log, m), Damaged: damageLog(cfg.Log, m), Migrated: migrationLog(cfg.Log),
	})
	if err != nil {
		return nil, fmt.Errorf("open the store: %w", err)
	}
	a, err := apps.Load(ctx, st, apps.Options{
		MasterKey: cfg.MasterKey, SampleKeys: cfg.SampleKeys, MaxWebInstances: cfg.MaxWebInstances, MaxInstances: cfg.MaxInstances,
		Now: cfg.Now, Log: cfg.Log,
	})
	if err != nil {
		return nil, errors.Join(err, st.Close())
	}
	token, err := admin.LoadToken(ctx, st)
	if err != nil {
		return nil, errors.Join(err, st.Close())
	}
	past, err := loadPast(ctx, st)
	if err != nil {
		return nil, errors.Join(err, st.Close())
	}
	roster := node.NewRoster()
	s := &Server{cfg: cfg, store: st, apps: a, token: token, metrics: m, disk: newDisk(cfg, st.Spare)}
	s.sessions = session.New(st, a, roster, session.Options{
		Node: incarnation, Now: cfg.Now, Watch: cfg.WatchNow, Log: cfg.Log,
		LoginWait: cfg.LoginWait, OnWait: m.waited,
		OnLogin: m.login, OnEnd: m.end, OnJump: m.clockJumps.Inc, OnPrune: m.pruned,
	})
	s.chat = chat.New(st, a, roster, s.sessions, chat.Options{
		Log: cfg.Log, OnSend: m.sent, OnPrune: m.prunedMessages, MessageBytes: cfg.MessageBytes, NoRoom: s.disk.low,
	})
	s.gateway = gateway.New(s.sessions, s.chat, gateway.Options{
		LoginWithin: cfg.LoginWithin, Heartbeat: cfg.Heartbeat, Silence: cfg.Silence,
		WebHeartbeat: cfg.WebHeartbeat, WebSilence: cfg.WebSilence, Origins: cfg.Origins, Proxies: cfg.Proxies, Past: past, Log: cfg.Log,
	})
	s.cfg.Connections = cmp.Or(cfg.Connections, room(openFiles()))
	s.cfg.ConnectionsWithoutLogin = cmp.Or(cfg.ConnectionsWithoutLogin, withoutLogin(s.cfg.Connections, cfg.TLS != nil))
	listener := cfg.Listener
	if cfg.ProxyProtocol {
		listener = proxy.Listen(listener, cfg.Proxies)
	}
	s.door = gateway.NewDoor(listener, gateway.DoorOptions{
		Connections: s.cfg.Connections, PerAddress: cfg.ConnectionsPerAddress, WithoutLogin: s.cfg.ConnectionsWithoutLogin,
		TLS: cfg.TLS != nil, Proxies: cfg.Proxies, Refused: m.refused, Log: cfg.Log,
	})
	m.watch(s.gateway.Connections, s.door.Strangers, roster.Served, s.sessions.Waiting, st.Disk)
	m.watchRoom(s.disk)
	return s, nil
}

// Apps are the server's apps, for programs of this module that run a server
// inside themselves.
func (s *Server) Apps() *apps.Apps { return s.apps }

// Sessions are the server's use-cases, likewise.
func (s *Server) Sessions() *session.Sessions { return s.sessions }

// Pages has the listener for clients answer, beside them, whoever asks for no
// connection. Before Run.
func (s *Server) Pages(h http.Handler) { s.pages = h }

// RenewToken makes the token for AdminTCP, in the place of the one before.
func (s *Server) RenewToken(ctx context.Context) (string, error) { return s.token.Renew(ctx) }

// Wake makes the server look at a clock that was moved by hand.
func (s *Server) Wake() { s.sessions.Wake() }

// Account is what the server keeps of an account but its history; of one that it
// does not know, nothing.
func (s *Server) Account(ctx context.Context, a rollcall.Account) (policy.State, error) {
	return s.store.State(ctx, a)
}

// History is the latest of an account's history, at most limit rows, newest
// first.
func (s *Server) History(ctx context.Context, a rollcall.Account, limit int) ([]store.HistoryRow, error) {
	return s.store.History(ctx, a, 0, limit)
}

// Abandon takes the data directory away from a running server, as the death of
// its process would: what was acknowledged is kept, nothing more will be. It is
// for tests; Run ends with its context all the same.
func (s *Server) Abandon() error { return s.store.Close() }

// Run serves until ctx ends or a part fails. Then every client is asked to come
// back later, what has begun is finished, and all is closed.
func (s *Server) Run(ctx context.Context) (err error) {
	defer func() { err = errors.Join(err, s.store.Close()) }()
	work, stop := context.WithCancel(context.WithoutCancel(ctx))
	defer stop()
	s.tellRoom()
	g, ctx := errgroup.WithContext(ctx)
	entrance, servers := s.serve(ctx, g)
	g.Go(func() error { return s.sessions.Run(work) })
	g.Go(func() error { return s.sessions.Retain(work, s.chat.Prune) })
	g.Go(func() error { return s.sumOldRows(work) })
	g.Go(func() error { return s.disk.run(work) })
	g.Go(func() error { return s.sessions.CountOnline(work) })
	g.Go(func() error {
		<-ctx.Done()
		s.drain(entrance, servers)
		stop()
		return nil
	})
	return g.Wait()
}

// serve starts to serve on each listener there is.
func (s *Server) serve(ctx context.Context, g *errgroup.Group) (*gateway.Entrance, []*http.Server) {
	serve := func(l net.Listener, serve func() error) {
		g.Go(func() error {
			err := serve()
			if closed := ctx.Err() != nil && errors.Is(err, net.ErrClosed); !closed && !errors.Is(err, http.ErrServerClosed) {
				return fmt.Errorf("serve %s: %w", l.Addr(), err)
			}
			return nil
		})
	}
	clients := http.NewServeMux()
	clients.Handle("GET "+wire.Path, s.gateway)
	clients.HandleFunc("GET /healthz", s.healthz)
	if s.pages != nil {
		clients.Handle("/", s.pages)
	}
	others := s.httpServer(clients)
	others.SetKeepAlivesEnabled(false) // who asks for no WebSocket is sent away
	secure := s.cfg.TLS
	if secure != nil {
		secure = secure.Clone()
		secure.MinVersion = max(secure.MinVersion, tls.VersionTLS12)
		secure.NextProtos = []string{"http/1.1"} // WebSocket upgrades are HTTP/1.1
	}
	entrance := gateway.NewEntrance(s.gateway, secure, others)
	serve(s.door, func() error { return entrance.Serve(s.door) })
	near := admin.Backend{Apps: s.apps, Sessions: s.sessions, Token: s.token, Whole: s.store, Log: s.cfg.Log, Ending: ctx.Done()}
	far := near
	far.Remote = true
	var servers []*http.Server
	for _, door := range []struct {
		listener net.Listener
		handler  http.Handler
	}{
		{s.cfg.Ops, s.gateway.ForMachines(s.ops(ctx))},
		{s.cfg.Admin, admin.Handler(near)},
		{s.cfg.AdminTCP, admin.Guard(s.token, admin.Handler(far))},
	} {
		if door.listener == nil {
			continue
		}
		hs := s.httpServer(door.handler)
		servers = append(servers, hs)
		serve(door.listener, func() error { return hs.Serve(door.listener) })
	}
	return entrance, servers
}

func (s *Server) httpServer(h http.Handler) *http.Server {
	return &http.Server{
		Handler: h, ReadHeaderTimeout: 5 * time.Second, ReadTimeout: 10 * time.Second,
		WriteTimeout: 30 * time.Second, IdleTimeout: time.Minute, MaxHeaderBytes: 8 << 10,
		ErrorLog: slog.NewLogLogger(s.cfg.Log.Handler(), slog.LevelDebug),
	}
}

// drain closes the doors and waits until those inside are out.
func (s *Server) drain(entrance *gateway.Entrance, servers []*http.Server) {
	ctx, cancel := context.WithTimeout(context.Background(), s.cfg.DrainWithin)
	defer cancel()
	s.door.Close()
	s.gateway.Drain(ctx, s.cfg.DrainSpread)
	entrance.Shutdown(ctx)
	for _, hs := range servers {
		if err := hs.Shutdown(ctx); err != nil {
			_ = hs.Close()
		}
	}
	s.door.Wait()
}
