package server

import (
	"context"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"os"
	"strconv"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"rollcall.example/imcode"
	"rollcall.example/internal/admin"
	"rollcall.example/internal/policy"
)

// ListenAdmin gives the server a listener for operators, if it has none: the
// admin socket in its data directory, which only its owner may open. The server
// holds the directory's lock, so a socket found there is a dead server's.
func (s *Server) ListenAdmin(ctx context.Context) error {
	if s.cfg.Admin != nil {
		return nil
	}
	path := admin.Socket(s.cfg.Dir)
	if err := os.Remove(path); err != nil && !os.IsNotExist(err) {
		return fmt.Errorf("remove the old admin socket: %w", err)
	}
	lc := net.ListenConfig{Control: ownersOnly}
	l, err := lc.Listen(ctx, "unix", path)
	if err != nil {
		return fmt.Errorf("listen on the admin socket: %w (a path of over 100 characters is too long for one)", err)
	}
	if err := os.Chmod(path, 0o600); err != nil { // where ownersOnly does nothing
		l.Close()
		return fmt.Errorf("close the admin socket to others: %w", err)
	}
	s.cfg.Admin = l
	return nil
}

// healthz says that the process is alive.
func (s *Server) healthz(w http.ResponseWriter, _ *http.Request) { fmt.Fprintln(w, "ok") }

// ops answers the operator's machines.
func (s *Server) ops(running context.Context) http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /healthz", s.healthz)
	mux.HandleFunc("GET /readyz", func(w http.ResponseWriter, r *http.Request) {
		ctx, cancel := context.WithTimeout(r.Context(), 2*time.Second)
		defer cancel()
		if running.Err() != nil {
			http.Error(w, "draining", http.StatusServiceUnavailable)
			return
		}
		if _, err := s.store.Apps(ctx); err != nil {
			http.Error(w, "the store does not answer", http.StatusServiceUnavailable)
			return
		}
		if s.store.Disk() != nil {
			http.Error(w, "the disk takes nothing: nobody can log in until it does", http.StatusServiceUnavailable)
			return
		}
		fmt.Fprintln(w, "ready")
	})
	mux.Handle("GET /metrics", promhttp.HandlerFor(s.metrics.registry, promhttp.HandlerOpts{}))
	return mux
}

// metrics are what the server counts. No name, UserID or address is a label.
type metrics struct {
	registry   *prometheus.Registry
	logins     *prometheus.CounterVec
	ends       *prometheus.CounterVec
	clockJumps prometheus.Counter
	history    prometheus.Counter
	sends      *prometheus.CounterVec
	messages   prometheus.Counter
	diskFaults prometheus.Counter
	damages    prometheus.Counter
	refusals   *prometheus.CounterVec
	waits      prometheus.Histogram
}

func newMetrics() *metrics {
	m := &metrics{
		registry: prometheus.NewRegistry(),
		logins: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "rollcall_logins_total", Help: "Logins granted (code 0) or refused, by code. What is told to log in again, or of an end, is neither.",
		}, []string{"code"}),
		ends: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "rollcall_sessions_ended_total", Help: "Sessions that ended, by how and why.",
		}, []string{"how", "reason"}),
		clockJumps: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "rollcall_clock_jumps_total", Help: "Times the machine's clock jumped forward by more than a minute.",
		}),
		history: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "rollcall_history_pruned_total", Help: "Rows of history dropped because they were older than their app keeps them.",
		}),
		sends: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "rollcall_messages_total", Help: "Messages taken (code 0, those sent again included) or refused, by code.",
		}, []string{"code"}),
		messages: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "rollcall_messages_pruned_total", Help: "Messages dropped because they were older than their app keeps them.",
		}),
		diskFaults: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "rollcall_disk_faults_total", Help: "Times the disk began to take nothing: full, read-only or failing.",
		}),
		damages: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "rollcall_damaged_reads_total", Help: "Times that a row was asked for which is not what was written. None is served.",
		}),
		refusals: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "rollcall_connections_refused_total", Help: "Connections refused, or ended before their login to make room, by reason.",
		}, []string{"reason"}),
		waits: prometheus.NewHistogram(prometheus.HistogramOpts{
			Name: "rollcall_store_wait_seconds", Help: "How long requests waited for the store, of those that had to. Logins that would wait for long are refused with 70500 instead.",
			Buckets: []float64{.001, .003, .01, .03, .1, .3, 1, 3, 10},
		}),
	}
	m.registry.MustRegister(m.logins, m.ends, m.clockJumps, m.history, m.sends, m.messages, m.diskFaults, m.damages, m.refusals, m.waits,
		collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	return m
}

// watch adds what is asked when the metrics are read.
func (m *metrics) watch(connections, strangers, sessions, waiting func() int, disk func() error) {
	for _, g := range []struct {
		name, help string
		value      func() int
	}{
		{"rollcall_connections", "Open connections, logged in or not.", connections},
		{"rollcall_connections_without_login", "Connections that are not logged in, WebSockets yet or not.", strangers},
		{"rollcall_sessions_connected", "Sessions that have a connection here.", sessions},
		{"rollcall_store_waiting", "Requests that wait for the store.", waiting},
	} {
		m.registry.MustRegister(prometheus.NewGaugeFunc(prometheus.GaugeOpts{Name: g.name, Help: g.help},
			func() float64 { return float64(g.value()) }))
	}
	m.registry.MustRegister(prometheus.NewGaugeFunc(prometheus.GaugeOpts{
		Name: "rollcall_disk_writable", Help: "1 while the disk takes what is written, 0 while it takes nothing and logins are refused.",
	}, func() float64 {
		if disk() != nil {
			return 0
		}
		return 1
	}))
}

// diskLog says when the disk begins to take nothing, and when it takes again: once
// each, however many requests are refused meanwhile.
func diskLog(log *slog.Logger, m *metrics) func(error) {
	var since time.Time
	return func(err error) {
		if err != nil {
			since = time.Now()
			m.diskFaults.Inc()
			log.Error("the disk takes nothing: logins are refused with 70500 until it does", "err", err)
			return
		}
		log.Warn("the disk takes again what is written", "after", time.Since(since).Round(time.Second))
	}
}

func migrationLog(log *slog.Logger) func(from, to int64, backup string) {
	return func(from, to int64, backup string) {
		log.Warn("the database has been migrated; remove the backup when this version has proved itself", "from", from, "to", to, "backup", backup)
	}
}

func (m *metrics) waited(d time.Duration) { m.waits.Observe(d.Seconds()) }

func (m *metrics) refused(reason string) { m.refusals.WithLabelValues(reason).Inc() }

func (m *metrics) login(c imcode.Code) { m.logins.WithLabelValues(strconv.Itoa(int(c))).Inc() }

func (m *metrics) end(how policy.EventKind, why policy.Reason) {
	m.ends.WithLabelValues(how.String(), why.String()).Inc()
}

func (m *metrics) sent(c imcode.Code) { m.sends.WithLabelValues(strconv.Itoa(int(c))).Inc() }

func (m *metrics) prunedMessages(n int) { m.messages.Add(float64(n)) }

func (m *metrics) pruned(rows int) { m.history.Add(float64(rows)) }
