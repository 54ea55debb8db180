package admin

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"

	"rollcall.example/imcode"
	"rollcall.example/internal/plain"
	"rollcall.example/wire"
)

// A Client calls the API. Its methods stand beside the handlers that answer them.
type Client struct {
	base  string
	token string // "": the door asks for none
	http  *http.Client
}

type dial func(ctx context.Context, network, address string) (net.Conn, error)

// newClient returns a client that reaches the API by dialling.
func newClient(base, token string, d dial) *Client {
	return &Client{base: base, token: token, http: &http.Client{
		Transport: &http.Transport{DisableKeepAlives: true, DialContext: d, MaxResponseHeaderBytes: maxHeader},
		// Whoever is sent elsewhere would carry the token there.
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}
}

// Local is the client of the API on the admin socket of a data directory. Nothing
// is dialled yet.
func Local(dir string) *Client {
	var d net.Dialer
	return newClient("http://admin", "", func(ctx context.Context, _, _ string) (net.Conn, error) {
		return d.DialContext(ctx, "unix", Socket(dir))
	})
}

// Remote is the client of the API on TCP, at an address as http://127.0.0.1:7402,
// with the operators' token. Nothing is dialled yet. To another machine the token
// travels under https alone.
func Remote(address, token string) (*Client, error) {
	u, err := url.Parse(address)
	switch {
	case err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" || u.Scheme+"://"+u.Host != strings.TrimSuffix(address, "/"):
		return nil, errors.New("the server's admin address is not scheme and host alone: want it as http://127.0.0.1:7402 or https://rollcall.example")
	case u.Scheme == "http" && !wire.ThisMachine(u.Hostname()):
		return nil, fmt.Errorf("%s is another machine: the token would go there in plain text; want https, from a proxy in front of the server", u.Host)
	}
	var d net.Dialer
	return newClient(u.Scheme+"://"+u.Host, token, d.DialContext), nil
}

// call sends one request and reads its answer into v.
func (c *Client) call(ctx context.Context, method, path string, q, v any) error {
	a, err := c.send(ctx, method, path, q)
	if err != nil {
		return err
	}
	defer a.Body.Close()
	text, err := io.ReadAll(io.LimitReader(a.Body, maxAnswer+1))
	if err != nil {
		return fmt.Errorf("read the server's answer: %w", err)
	}
	if len(text) > maxAnswer {
		return fmt.Errorf("the server's answer is longer than %d bytes", maxAnswer)
	}
	return json.Unmarshal(text, v)
}

// send sends one request. An answer that is no success is an error.
func (c *Client) send(ctx context.Context, method, path string, q any) (*http.Response, error) {
	var b bytes.Buffer
	if q != nil {
		if err := json.NewEncoder(&b).Encode(q); err != nil {
			return nil, fmt.Errorf("write the request: %w", err)
		}
	}
	r, err := http.NewRequestWithContext(ctx, method, c.base+path, &b)
	if err != nil {
		return nil, fmt.Errorf("make the request: %w", err)
	}
	if c.token != "" {
		r.Header.Set("Authorization", "Bearer "+c.token)
	}
	a, err := c.http.Do(r)
	if err != nil || a.StatusCode == http.StatusOK {
		return a, err
	}
	defer a.Body.Close()
	refusal := new(imcode.Error)
	if err := json.NewDecoder(io.LimitReader(a.Body, maxAnswer)).Decode(refusal); err != nil || refusal.Code == imcode.OK {
		return nil, fmt.Errorf("no answer of a Rollcall server: status %d", a.StatusCode)
	}
	refusal.Detail = plain.Line(refusal.Detail)
	return nil, refusal
}
