package v2tim

import (
	"bytes"
	"context"
	"crypto/tls"
	"log/slog"
	"net"
	"sync"
	"time"

	"rollcall.example"
	"rollcall.example/client"
)

// What a LogListener hears of, and what it is told with each line.
const (
	V2TIM_LOG_NONE  = 0
	V2TIM_LOG_DEBUG = 3
	V2TIM_LOG_INFO  = 4
	V2TIM_LOG_WARN  = 5
	V2TIM_LOG_ERROR = 6
)

// A V2TIMSDKConfig is how InitSDK makes a client. ServerAddress is needed.
type V2TIMSDKConfig struct {
	// LogLevel is the least that LogListener hears of. The zero value is
	// V2TIM_LOG_NONE: nothing. (The vendor's default is V2TIM_LOG_DEBUG.)
	LogLevel int

	// LogListener takes a line of the log. It must not call the SDK.
	LogListener func(logLevel int, logContent string)

	// The rest is ours: see client.Open and client.Options.

	ServerAddress string            // ws://host:port, wss://host or host:port
	DataDirectory string            // "": everything in memory
	Platform      rollcall.Platform // default: what the app was built for
	DeviceName    string
	Dial          func(ctx context.Context, network, address string) (net.Conn, error)
	TLS           *tls.Config
	UserSig       func(ctx context.Context, user rollcall.UserID) (string, error)

	UserSigWarning time.Duration // how long before the end OnUserSigWillExpire is called; default 5 minutes
}

func (c V2TIMSDKConfig) options(log *slog.Logger) client.Options {
	return client.Options{
		DataDirectory: c.DataDirectory,
		Platform:      c.Platform,
		DeviceName:    c.DeviceName,
		UserSig:       c.UserSig,
		Dial:          c.Dial,
		TLS:           c.TLS,
		Log:           log,

		UserSigWarning: c.UserSigWarning,
	}
}

// log is the logger that speaks to the LogListener.
func (c V2TIMSDKConfig) log() *slog.Logger {
	if c.LogListener == nil || c.LogLevel == V2TIM_LOG_NONE {
		return slog.New(slog.DiscardHandler)
	}
	h := &logHandler{listener: c.LogListener, least: c.LogLevel, mu: new(sync.Mutex), line: new(bytes.Buffer)}
	h.Handler = slog.NewTextHandler(h.line, &slog.HandlerOptions{
		Level: slog.LevelDebug,
		ReplaceAttr: func(groups []string, a slog.Attr) slog.Attr {
			if len(groups) == 0 && (a.Key == slog.TimeKey || a.Key == slog.LevelKey) {
				return slog.Attr{} // the listener has a clock, and is told the level
			}
			return a
		},
	})
	return slog.New(h)
}

// A logHandler gives each line to a listener, with the vendor's number for its
// level.
type logHandler struct {
	slog.Handler // writes into line

	listener func(logLevel int, logContent string)
	least    int

	mu   *sync.Mutex
	line *bytes.Buffer
}

// Enabled implements slog.Handler.
func (h *logHandler) Enabled(_ context.Context, l slog.Level) bool { return number(l) >= h.least }

// Handle implements slog.Handler.
func (h *logHandler) Handle(ctx context.Context, r slog.Record) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.line.Reset()
	err := h.Handler.Handle(ctx, r)
	h.listener(number(r.Level), string(bytes.TrimSpace(h.line.Bytes())))
	return err
}

// number is the vendor's for a level.
func number(l slog.Level) int {
	switch {
	case l >= slog.LevelError:
		return V2TIM_LOG_ERROR
	case l >= slog.LevelWarn:
		return V2TIM_LOG_WARN
	case l >= slog.LevelInfo:
		return V2TIM_LOG_INFO
	default:
		return V2TIM_LOG_DEBUG
	}
}
