package gateway

import (
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"slices"
	"strings"
)

// A visit is what a request says of the page that it comes from, and how it came.
type visit struct {
	origin, host string
	at           net.Addr // of ours, to which it came
	passedOn     bool     // by a proxy that has said for whom; no page can say so of its WebSocket
}

func visitOf(r *http.Request) visit {
	at, _ := r.Context().Value(http.LocalAddrContextKey).(net.Addr)
	return visit{r.Header.Get("Origin"), r.Host, at, len(r.Header.Values("X-Forwarded-For")) > 0}
}

func (u *upgrade) visit(at net.Addr) visit {
	return visit{u.origin, u.host, at, len(u.forwarded) > 0}
}

// admits tells whether the Origin of a request is admitted, and whether it has one: then
// it comes from a web page.
//
// The server's own origin is admitted beside those listed. But whoever has a name can let
// it lead to this machine, and a page of that name would be the server's own: so where
// pages are to be of this machine, or of those listed, the name has to be one as well that
// cannot be made to lead here.
func (g *Gateway) admits(v visit) (web, ok bool) {
	if v.origin == "" || slices.Contains(g.opt.Origins, v.origin) {
		return v.origin != "", true
	}
	u, err := url.Parse(v.origin)
	own := err == nil && u.Host != "" && strings.EqualFold(u.Host, v.host)
	return true, own && (v.passedOn || g.believes(v.host, v.at))
}

// believes tells whether the host that a page asked for, at an address of ours, may be a
// name of this server's.
func (g *Gateway) believes(host string, at net.Addr) bool {
	tcp, ok := at.(*net.TCPAddr)
	if loopback := ok && tcp.IP.IsLoopback(); !loopback && len(g.opt.Origins) == 0 {
		return true
	}
	name := hostname(host)
	if _, err := netip.ParseAddr(name); err == nil || name == "localhost" || strings.HasSuffix(name, ".localhost") {
		return true // that no name server is asked for
	}
	return slices.ContainsFunc(g.opt.Origins, func(origin string) bool {
		_, listed, _ := strings.Cut(origin, "://")
		return hostname(listed) == name
	})
}

// hostname is a host without its port, in lower case.
func hostname(host string) string {
	u := url.URL{Host: host}
	return strings.ToLower(strings.TrimSuffix(u.Hostname(), "."))
}

// ForMachines keeps what is for the operator's machines from pages: a browser is answered
// under names alone that are this server's.
func (g *Gateway) ForMachines(h http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if v := visitOf(r); isBrowser(r.Header) && !g.believes(v.host, v.at) {
			http.Error(w, "a browser is answered under an address or localhost, not under another name", http.StatusForbidden)
			return
		}
		h.ServeHTTP(w, r)
	})
}

// isBrowser tells whether a browser asks. All of them say so, and let no page keep it back.
func isBrowser(h http.Header) bool {
	if strings.HasPrefix(h.Get("User-Agent"), "Mozilla/") {
		return true
	}
	return slices.ContainsFunc([]string{"Origin", "Referer", "Accept-Language", "Sec-Fetch-Site", "Sec-Fetch-Mode"},
		func(name string) bool { return h.Get(name) != "" })
}
