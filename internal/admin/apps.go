package admin

import (
	"context"
	"net/http"
	"net/url"

	"rollcall.example"
	"rollcall.example/internal/apps"
)

// Bodies about apps and keys. A new app is answered with the newKey that it got.
type (
	newApp struct {
		ID     rollcall.AppID `json:"id"`
		Name   string         `json:"name,omitempty"`
		Secret string         `json:"secret,omitempty"`
	}
	newKey struct {
		Secret string `json:"secret,omitempty"`
	}
	madeKey struct {
		apps.Key
		Secret string `json:"secret"`
	}
)

func (h handler) list(w http.ResponseWriter, r *http.Request) {
	all, err := h.Apps.List(r.Context())
	h.answer(w, all, err)
}

// Apps lists the apps by id.
func (c *Client) Apps(ctx context.Context) (all []apps.Info, err error) {
	return all, c.call(ctx, http.MethodGet, "/v1/apps", nil, &all)
}

func (h handler) add(w http.ResponseWriter, r *http.Request) {
	q, err := body[newApp](w, r)
	if err != nil {
		h.answer(w, nil, err)
		return
	}
	secret, err := h.Apps.Add(r.Context(), q.ID, q.Name, q.Secret)
	h.answer(w, newKey{Secret: secret}, err)
}

// AddApp adds an app with one key and returns its secret; "" draws one.
func (c *Client) AddApp(ctx context.Context, id rollcall.AppID, name, secret string) (string, error) {
	var made newKey
	err := c.call(ctx, http.MethodPost, "/v1/apps", newApp{ID: id, Name: name, Secret: secret}, &made)
	return made.Secret, err
}

func (h handler) setDisabled(disabled bool) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		id, err := appOf(r)
		if err == nil {
			err = h.Apps.SetDisabled(r.Context(), id, disabled)
		}
		h.answer(w, struct{}{}, err)
	}
}

// DisableApp lets nobody log in to an app or come back. Who is connected stays.
func (c *Client) DisableApp(ctx context.Context, id rollcall.AppID) error {
	return c.call(ctx, http.MethodPost, appPath(id)+"/disable", nil, &struct{}{})
}

// EnableApp lets accounts log in to an app again.
func (c *Client) EnableApp(ctx context.Context, id rollcall.AppID) error {
	return c.call(ctx, http.MethodPost, appPath(id)+"/enable", nil, &struct{}{})
}

func (h handler) addKey(ctx context.Context, id rollcall.AppID, q newKey) (madeKey, error) {
	k, secret, err := h.Apps.AddKey(ctx, id, q.Secret)
	return madeKey{k, secret}, err
}

// AddKey adds a key to an app and returns it with its secret; "" draws one.
func (c *Client) AddKey(ctx context.Context, id rollcall.AppID, secret string) (apps.Key, string, error) {
	var made madeKey
	err := c.call(ctx, http.MethodPost, appPath(id)+"/keys", newKey{Secret: secret}, &made)
	return made.Key, made.Secret, err
}

func (h handler) removeKey(w http.ResponseWriter, r *http.Request) {
	id, err := appOf(r)
	if err == nil {
		err = h.Apps.RemoveKey(r.Context(), id, r.PathValue("key"))
	}
	h.answer(w, struct{}{}, err)
}

// RemoveKey removes a key of an app.
func (c *Client) RemoveKey(ctx context.Context, id rollcall.AppID, key string) error {
	return c.call(ctx, http.MethodDelete, appPath(id)+"/keys/"+url.PathEscape(key), nil, &struct{}{})
}

func (h handler) settings(w http.ResponseWriter, r *http.Request) {
	id, err := appOf(r)
	if err != nil {
		h.answer(w, nil, err)
		return
	}
	app, err := h.Apps.App(id)
	if err != nil {
		h.answer(w, nil, err)
		return
	}
	h.answer(w, app.Settings.Effective(), nil)
}

// Settings are an app's settings, all of them with their values in force.
func (c *Client) Settings(ctx context.Context, id rollcall.AppID) (set apps.Settings, err error) {
	return set, c.call(ctx, http.MethodGet, appPath(id)+"/settings", nil, &set)
}

func (h handler) changeSettings(ctx context.Context, id rollcall.AppID, change apps.Change) (apps.Settings, error) {
	set, err := h.Apps.ChangeSettings(ctx, id, change)
	return set.Effective(), err
}

// ChangeSettings changes some of an app's settings and returns all, as Settings
// does. They are in force for the next login.
func (c *Client) ChangeSettings(ctx context.Context, id rollcall.AppID, change apps.Change) (set apps.Settings, err error) {
	return set, c.call(ctx, http.MethodPatch, appPath(id)+"/settings", object(change), &set)
}

// object is a change as a body, which is no null where nothing changes.
func object(c apps.Change) apps.Change {
	if c == nil {
		return apps.Change{}
	}
	return c
}

func appPath(id rollcall.AppID) string { return "/v1/apps/" + id.String() }
