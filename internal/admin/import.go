package admin

import (
	"context"
	"net/http"
	"time"

	"rollcall.example"
	"rollcall.example/imcode"
	"rollcall.example/internal/session"
)

// MaxImport bounds the accounts of one Import.
const MaxImport = 5000

// A NewAccount is one to be imported.
type NewAccount struct {
	User     rollcall.UserID `json:"user"`
	Created  *time.Time      `json:"created,omitempty"` // when it signed up elsewhere; nil: now
	Disabled bool            `json:"disabled,omitempty"`
}

type newAccounts struct {
	Accounts []NewAccount `json:"accounts"`
}

// An Imported says how many of the accounts were not there before.
type Imported struct {
	Added int `json:"added"`
}

func (h handler) importAccounts(w http.ResponseWriter, r *http.Request) {
	id, err := rollcall.ParseAppID(r.PathValue("app"))
	if err != nil {
		h.answer(w, nil, err)
		return
	}
	q, err := bodyUpTo[newAccounts](w, r, maxImportBody)
	var all []session.NewAccount
	if err == nil {
		all, err = q.checked()
	}
	var done Imported
	if err == nil {
		done.Added, err = h.Sessions.Import(r.Context(), id, all)
	}
	h.answer(w, done, err)
}

// maxImportBody is room for MaxImport accounts with all that may be said of them.
const maxImportBody = MaxImport * 160

// checked are the accounts, if all are legal.
func (q newAccounts) checked() ([]session.NewAccount, error) {
	if n := len(q.Accounts); n == 0 || n > MaxImport {
		return nil, imcode.InvalidParameters.Errorf("%d accounts: want 1 to %d", n, MaxImport)
	}
	all := make([]session.NewAccount, len(q.Accounts))
	for i, a := range q.Accounts {
		if _, err := rollcall.ParseUserID(string(a.User)); err != nil {
			return nil, imcode.InvalidParameters.Errorf("account %d: its UserID is not legal: want 1 to %d bytes of a-z, A-Z, 0-9, _ and -", i+1, rollcall.MaxUserIDBytes)
		}
		all[i] = session.NewAccount{User: a.User, Disabled: a.Disabled}
		if a.Created != nil {
			if y := a.Created.UTC().Year(); y < 1970 || y > 9999 {
				return nil, imcode.InvalidParameters.Errorf("account %d: created in the year %d: want 1970 or later", i+1, y)
			}
			all[i].Created = a.Created.UTC()
		}
	}
	return all, nil
}

// Import signs accounts up without a login, at most MaxImport. Those that are there
// stay as they are, so that it may be repeated. 70402: one of them is not legal, and
// none was imported.
func (c *Client) Import(ctx context.Context, id rollcall.AppID, all []NewAccount) (Imported, error) {
	var done Imported
	err := c.call(ctx, http.MethodPost, appPath(id)+"/import", newAccounts{all}, &done)
	return done, err
}
