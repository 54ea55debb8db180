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
	"os"
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

// local is the base of requests through a directory, where no name is needed.
const local = "http://admin"

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
	return newClient(local, "", func(ctx context.Context, _, _ string) (net.Conn, error) {
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
	if err != nil {
		return nil, c.unreached(err)
	}
	if a.StatusCode == http.StatusOK {
		return a, nil
	}
	defer a.Body.Close()
	refusal := new(imcode.Error)
	if err := json.NewDecoder(io.LimitReader(a.Body, maxAnswer)).Decode(refusal); err != nil || refusal.Code == imcode.OK {
		return nil, fmt.Errorf("what answers at %s is not the admin address of a Rollcall server (HTTP %d): its configuration has that, as [listen] admin", c.base, a.StatusCode)
	}
	refusal.Detail = plain.Line(refusal.Detail)
	return nil, refusal
}

// unreached says why there was no answer, and what to look at.
func (c *Client) unreached(err error) error {
	if inner, ok := errors.AsType[*url.Error](err); ok {
		err = inner.Err
	}
	switch {
	case errors.Is(err, os.ErrPermission):
		return fmt.Errorf("%w: the server belongs to another user of this machine; be that one, as with sudo -u", err)
	case c.base == local || errors.Is(err, context.Canceled):
		return err
	case errors.Is(err, http.ErrSchemeMismatch):
		return fmt.Errorf("what answers at %s does not speak TLS: the admin address speaks http, unless a proxy in front does more", c.base)
	}
	return fmt.Errorf("no server answers at %s: %w: is it running? --server, or ROLLCALL_ADMIN, names its admin address", c.base, err)
}
