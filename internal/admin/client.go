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
	"syscall"

	"rollcall.example"
	"rollcall.example/imcode"
	"rollcall.example/internal/apps"
	"rollcall.example/internal/store/sqlite"
)

// Open gives the operator of a data directory: through the server that runs on
// it, or, while none does, on its store. free gives it up.
func Open(ctx context.Context, dir string) (o Operator, free func() error, err error) {
	c := NewClient(Socket(dir))
	switch _, err := c.List(ctx); {
	case err == nil:
		return c, func() error { return nil }, nil
	case !errors.Is(err, os.ErrNotExist) && !errors.Is(err, syscall.ECONNREFUSED):
		return nil, nil, fmt.Errorf("ask the running server: %w", err)
	}
	if _, err := os.Stat(dir); err != nil {
		return nil, nil, fmt.Errorf("open the data directory: %w (make one with `rollcall init`)", err)
	}
	s, err := sqlite.Open(ctx, dir, sqlite.Options{})
	if err != nil {
		return nil, nil, fmt.Errorf("open the store: %w", err)
	}
	a, err := apps.Load(ctx, s, apps.Options{})
	if err != nil {
		return nil, nil, errors.Join(err, s.Close())
	}
	return a, s.Close, nil
}

// A Client is an Operator over the API.
type Client struct{ http *http.Client }

// NewClient returns the client of the API on an admin socket. Nothing is dialled
// yet.
func NewClient(socket string) *Client {
	var d net.Dialer
	return &Client{http: &http.Client{Transport: &http.Transport{
		DisableKeepAlives: true,
		DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
			return d.DialContext(ctx, "unix", socket)
		},
	}}}
}

// List lists the apps by id.
func (c *Client) List(ctx context.Context) (all []apps.Info, err error) {
	return all, c.call(ctx, http.MethodGet, "/v1/apps", nil, &all)
}

// Add adds an app with one key.
func (c *Client) Add(ctx context.Context, id rollcall.AppID, name, secret string) (string, error) {
	var made newKey
	err := c.call(ctx, http.MethodPost, "/v1/apps", newApp{ID: id, Name: name, Secret: secret}, &made)
	return made.Secret, err
}

// AddKey adds a key to an app.
func (c *Client) AddKey(ctx context.Context, id rollcall.AppID, secret string) (apps.Key, string, error) {
	var made madeKey
	err := c.call(ctx, http.MethodPost, "/v1/apps/"+id.String()+"/keys", newKey{Secret: secret}, &made)
	return made.Key, made.Secret, err
}

// RemoveKey removes a key of an app.
func (c *Client) RemoveKey(ctx context.Context, id rollcall.AppID, key string) error {
	return c.call(ctx, http.MethodDelete, "/v1/apps/"+id.String()+"/keys/"+url.PathEscape(key), nil, &struct{}{})
}

// call sends one request and reads its answer into v.
func (c *Client) call(ctx context.Context, method, path string, q, v any) error {
	var b bytes.Buffer
	if q != nil {
		if err := json.NewEncoder(&b).Encode(q); err != nil {
			return fmt.Errorf("write the request: %w", err)
		}
	}
	r, err := http.NewRequestWithContext(ctx, method, "http://admin"+path, &b)
	if err != nil {
		return fmt.Errorf("make the request: %w", err)
	}
	a, err := c.http.Do(r)
	if err != nil {
		return err
	}
	defer a.Body.Close()
	d := json.NewDecoder(io.LimitReader(a.Body, maxAnswer))
	if a.StatusCode == http.StatusOK {
		return d.Decode(v)
	}
	refusal := new(imcode.Error)
	if err := d.Decode(refusal); err != nil {
		return fmt.Errorf("read the answer with status %d: %w", a.StatusCode, err)
	}
	return refusal
}
