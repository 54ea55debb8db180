package gateway

import (
	"context"
	"net"
	"net/http"
	"net/http/httptest"
	"testing"
)

var (
	loopback = &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: 7400}
	outside  = &net.TCPAddr{IP: net.IPv4(192, 0, 2, 1), Port: 7400}
)

// Whoever has a name can let it lead to this machine. A page of that name is none of the
// server's own.
func TestAPageWhoseNameWasTurnedHereIsNotTheServersOwn(t *testing.T) {
	listed := []string{"https://app.example", "http://localhost:3000"}
	for _, tt := range []struct {
		name         string
		origins      []string
		origin, host string
		at           net.Addr
		passedOn     bool
		want         bool
	}{
		{"by its address", nil, "http://127.0.0.1:7400", "127.0.0.1:7400", loopback, false, true},
		{"by IPv6", nil, "http://[::1]:7400", "[::1]:7400", &net.TCPAddr{IP: net.IPv6loopback}, false, true},
		{"by localhost", nil, "http://localhost:7400", "localhost:7400", loopback, false, true},
		{"by a name under localhost", nil, "http://Chat.localhost:7400", "chat.localhost:7400", loopback, false, true},
		{"by a stranger's name", nil, "http://evil.example:7400", "evil.example:7400", loopback, false, false},
		{"by one that ends as localhost", nil, "http://evil-localhost:7400", "evil-localhost:7400", loopback, false, false},
		{"by one that begins as an address", nil, "http://127.0.0.1.evil.example:7400", "127.0.0.1.evil.example:7400", loopback, false, false},
		{"through a proxy that keeps the name", nil, "https://im.example", "im.example", loopback, true, true},
		{"through a proxy, from elsewhere", nil, "https://evil.example", "im.example", loopback, true, false},
		{"from outside, by a name", nil, "http://im.example", "im.example", outside, false, true},
		{"from outside, with a list", listed, "http://im.example", "im.example", outside, false, false},
		{"from outside, with a list, by an address", listed, "http://192.0.2.1:7400", "192.0.2.1:7400", outside, false, true},
		{"with a list, under a listed name", listed, "http://app.example:7400", "app.example:7400", loopback, false, true},
		{"with a list, through a proxy", listed, "https://im.example", "im.example", outside, true, true},
		{"listed", listed, "https://app.example", "evil.example", loopback, false, true},
		{"no page", listed, "", "evil.example", loopback, false, true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			g := &Gateway{opt: Options{Origins: tt.origins}}
			if web, ok := g.admits(visit{tt.origin, tt.host, tt.at, tt.passedOn}); ok != tt.want || web != (tt.origin != "") {
				t.Errorf("admitted: %v, a page: %v; want %v", ok, web, tt.want)
			}
		})
	}
}

// What is for machines a page cannot read by turning its own name here.
func TestWhatIsForMachinesIsKeptFromPages(t *testing.T) {
	browser := http.Header{"User-Agent": {"Mozilla/5.0 (X11; Linux x86_64)"}, "X-Forwarded-For": {"192.0.2.7"}}
	for _, tt := range []struct {
		name, host string
		at         net.Addr
		headers    http.Header
		want       int
	}{
		{"a machine", "127.0.0.1:7401", loopback, nil, http.StatusOK},
		{"a machine that knows it by a name", "rollcall.internal:7401", loopback, http.Header{"User-Agent": {"Prometheus/3"}}, http.StatusOK},
		{"a person", "localhost:7401", loopback, browser, http.StatusOK},
		{"a page", "evil.example:7401", loopback, browser, http.StatusForbidden},
		{"a page that hides", "evil.example:7401", loopback, http.Header{"User-Agent": {"curl"}, "Accept-Language": {"en"}}, http.StatusForbidden},
		{"a person from outside", "ops.example:7401", outside, browser, http.StatusOK},
	} {
		t.Run(tt.name, func(t *testing.T) {
			r := httptest.NewRequest(http.MethodGet, "http://"+tt.host+"/metrics", http.NoBody)
			r.Header = tt.headers
			if r.Header == nil {
				r.Header = http.Header{}
			}
			r = r.WithContext(context.WithValue(r.Context(), http.LocalAddrContextKey, tt.at))
			w := httptest.NewRecorder()
			(&Gateway{}).ForMachines(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {})).ServeHTTP(w, r)
			if w.Code != tt.want {
				t.Errorf("answered with %d, want %d", w.Code, tt.want)
			}
		})
	}
}
