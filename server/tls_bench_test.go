//go:build unix

package server_test

import (
	"context"
	"crypto/tls"
	"fmt"
	"net"
	"net/http"
	"runtime"
	"testing"
	"time"

	"github.com/coder/websocket"
	"golang.org/x/sys/unix"

	"rollcall.example/server"
	"rollcall.example/usersig"
	"rollcall.example/wire"
)

// BenchmarkLogin connects, upgrades, logs in and hangs up, over plain TCP, over TLS
// with a handshake of its own each time, and over TLS resumed. Client and server are
// this one process: compare the cpu-µs of a run with each other, and with those of no
// other run.
func BenchmarkLogin(b *testing.B) {
	for _, way := range []string{"plain", "tls", "resumed"} {
		b.Run(way, func(b *testing.B) { benchLogin(b, way) })
	}
}

func benchLogin(b *testing.B, way string) {
	dir := b.TempDir()
	key := initialize(b, dir)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		b.Fatal(err)
	}
	cfg := server.Config{Dir: dir, Listener: l}
	if way != "plain" {
		cfg.TLS = selfSigned()
	}
	ctx, cancel := context.WithCancel(b.Context())
	s, err := server.New(ctx, cfg)
	if err != nil {
		b.Fatal(err)
	}
	done := make(chan error, 1)
	go func() { done <- s.Run(ctx) }()
	defer func() {
		cancel()
		if err := <-done; err != nil {
			b.Error(err)
		}
	}()
	transport := &http.Transport{DisableKeepAlives: true, TLSClientConfig: &tls.Config{InsecureSkipVerify: true}}
	if way == "resumed" {
		transport.TLSClientConfig.ClientSessionCache = tls.NewLRUClientSessionCache(1)
	}
	url := map[bool]string{true: "ws://", false: "wss://"}[way == "plain"] + l.Addr().String() + wire.Path
	var open []*websocket.Conn
	connect := func(i int) *websocket.Conn {
		user := fmt.Sprint("user-", i)
		sig, err := usersig.Sign(app, key, user, time.Now(), time.Hour)
		if err != nil {
			b.Fatal(err)
		}
		c, _, err := websocket.Dial(ctx, url, &websocket.DialOptions{Subprotocols: []string{string(wire.Proto)}, HTTPClient: &http.Client{Transport: transport}})
		if err != nil {
			b.Fatal(err)
		}
		f := loginFrame(sig, "phone", 1)
		f.GetLogin().UserId = user
		frame, err := wire.Proto.Encode(f)
		if err == nil {
			err = c.Write(ctx, websocket.MessageBinary, frame)
		}
		if err == nil {
			_, _, err = c.Read(ctx)
		}
		if err != nil {
			b.Fatal(err)
		}
		return c
	}
	before, i := cpu(), 0
	for b.Loop() {
		c := connect(i)
		i++
		_ = c.CloseNow()
	}
	b.ReportMetric(float64((cpu()-before).Microseconds())/float64(i), "cpu-µs/op")
	held := heap()
	for j := range 300 {
		open = append(open, connect(i+j))
	}
	b.ReportMetric(float64(heap()-held)/300/1024, "KB/connection")
	for _, c := range open {
		_ = c.CloseNow()
	}
}

// heap is what is in use, after all that can go has gone.
func heap() int64 {
	runtime.GC()
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapInuse + m.StackInuse)
}

// cpu is the time that this process has spent on processors.
func cpu() time.Duration {
	var u unix.Rusage
	if err := unix.Getrusage(unix.RUSAGE_SELF, &u); err != nil {
		panic(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
