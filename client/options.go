package client

import (
	"context"
	"crypto/tls"
	"log/slog"
	"net"
	"runtime"
	"time"

	"rollcall.example"
	"rollcall.example/imcode"
	"rollcall.example/internal/plain"
)

// Options are the choices a client has. The zero value is a good client that
// keeps nothing.
type Options struct {
	// DataDirectory keeps the device's id, its sessions' secrets, logouts to be
	// delivered and what it holds of conversations; it is made if need be. It
	// belongs to one process at a time. Copying it to another device is using a
	// secret twice: the server ends the session. "" keeps everything in memory:
	// each Open is a new device, and what is not delivered at the end is lost.
	DataDirectory string

	// Platform is what the app runs on; by default what it was built for.
	Platform rollcall.Platform

	// DeviceName is shown to people who look where they are logged in; at most
	// 64 bytes of printable UTF-8.
	DeviceName string

	// UserSig provides UserSigs for an account that is in, so that it stays in
	// when one ends or is refused: see docs/client.md. It is called on a
	// goroutine of its own, one call at a time, each for at most 30 s, after
	// which ctx ends; Close does not wait for it. Without it the app hears
	// UserSigExpired.
	UserSig func(ctx context.Context, user rollcall.UserID) (string, error)

	// UserSigWarning is how long before a UserSig ends the app hears
	// UserSigWillExpire; default 5 minutes. Of a UserSig that was good for less
	// than twice that when it came into force it hears at half of what was left.
	UserSigWarning time.Duration

	// LoginWithin bounds a Login; default 15 s.
	LoginWithin time.Duration

	// Dial makes the network connections; by default a net.Dialer does, through
	// the proxy that the environment names.
	Dial func(ctx context.Context, network, address string) (net.Conn, error)

	// TLS is used with wss servers; the default trusts the system's roots.
	TLS *tls.Config

	// Log hears what a developer may want to know, no secrets; default: none.
	Log *slog.Logger
}

// complete fills in the defaults and refuses what no client can be made of.
func (o *Options) complete(app rollcall.AppID) error {
	if app == 0 {
		return imcode.SDKInvalidParameters.Errorf("SDKAppID 0: want the number of an app")
	}
	if len(o.DeviceName) > rollcall.MaxDeviceNameBytes || !plain.Printable(o.DeviceName) {
		return imcode.SDKInvalidParameters.Errorf("device name of %d bytes: want at most %d of printable UTF-8", len(o.DeviceName), rollcall.MaxDeviceNameBytes)
	}
	if o.LoginWithin < 0 {
		return imcode.SDKInvalidParameters.Errorf("LoginWithin %v: want more than 0, or 0 for the default", o.LoginWithin)
	}
	if o.UserSigWarning < 0 {
		return imcode.SDKInvalidParameters.Errorf("UserSigWarning %v: want more than 0, or 0 for the default", o.UserSigWarning)
	}
	if o.UserSigWarning == 0 {
		o.UserSigWarning = 5 * time.Minute
	}
	if o.LoginWithin == 0 {
		o.LoginWithin = 15 * time.Second
	}
	if o.Platform == 0 {
		o.Platform = platformBuiltFor(runtime.GOOS)
	}
	if o.Log == nil {
		o.Log = noLog()
	}
	return nil
}

func platformBuiltFor(goos string) rollcall.Platform {
	switch goos {
	case "android":
		return rollcall.Android
	case "ios":
		return rollcall.IPhone
	case "windows":
		return rollcall.Windows
	case "darwin":
		return rollcall.Mac
	case "linux":
		return rollcall.Linux
	default:
		return rollcall.PlatformOther
	}
}
