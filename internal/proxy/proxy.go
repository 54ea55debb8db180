// Package proxy finds out whose connection one is that came through proxies: by
// X-Forwarded-For, which proxies that speak HTTP add, or by the PROXY protocol
// (versions 1 and 2), with which others begin a connection.
//
// # What callers may rely on
//
//   - Only a proxy that is trusted is believed. What anybody else says about an
//     address changes nothing: of X-Forwarded-For nothing is read, and a PROXY
//     header is no HTTP.
//   - A listener gives out a connection when its address is known. One that does not
//     say it keeps nobody waiting.
package proxy

import (
	"net"
	"net/netip"
	"slices"
	"strings"
)

// Trusted are the networks whose addresses are believed about others.
type Trusted []netip.Prefix

// Contains tells whether an address is trusted.
func (t Trusted) Contains(a netip.Addr) bool {
	a = a.Unmap().WithZone("")
	return slices.ContainsFunc(t, func(p netip.Prefix) bool { return p.Contains(a) })
}

// Client is the address of the client whose request came from remote with these
// values of X-Forwarded-For. Each proxy adds whom it got the request from to their
// end; so they are read from there, for as long as a trusted one speaks.
func (t Trusted) Client(remote netip.Addr, forwarded []string) netip.Addr {
	client := remote.Unmap()
	if !t.Contains(client) {
		return client
	}
	named := strings.Split(strings.Join(forwarded, ","), ",")
	for _, name := range slices.Backward(named) {
		a, ok := address(strings.TrimSpace(name))
		if !ok {
			return client
		}
		if client = a; !t.Contains(client) {
			return client
		}
	}
	return client
}

// address reads an address as proxies write it, with a port or without.
func address(s string) (a netip.Addr, ok bool) {
	if p, err := netip.ParseAddrPort(s); err == nil {
		return p.Addr().Unmap(), true
	}
	a, err := netip.ParseAddr(strings.TrimSuffix(strings.TrimPrefix(s, "["), "]"))
	return a.Unmap(), err == nil
}

// Of is the address of a connection's other end; the zero one if it has none.
func Of(a interface{ String() string }) netip.Addr {
	if t, ok := a.(*net.TCPAddr); ok {
		return t.AddrPort().Addr().Unmap()
	}
	p, err := netip.ParseAddrPort(a.String())
	if err != nil {
		return netip.Addr{}
	}
	return p.Addr().Unmap()
}
