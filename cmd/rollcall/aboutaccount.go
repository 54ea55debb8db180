package main

import (
	"context"
	"strings"

	"rollcall.example"
	"rollcall.example/imcode"
	"rollcall.example/internal/admin"
)

// An aboutAccount is the flags of the commands for operators that are about one
// account.
type aboutAccount struct {
	User rollcall.UserID `arg:"" help:"The account's UserID."`
	App  rollcall.AppID  `placeholder:"N" help:"The app's SDKAppID; not needed where there is only one app."`
	operator
}

// ask reaches the server about the account, for what it answers at once.
func (c aboutAccount) ask(ctx context.Context, s *streams, do func(context.Context, *admin.Client, rollcall.Account) error) error {
	return c.operate(ctx, s, func(ctx context.Context, o *admin.Client) error {
		a, err := c.account(ctx, o)
		if err != nil {
			return err
		}
		return do(ctx, o, a)
	})
}

// account is the account, in the only app there is if none is named.
func (c aboutAccount) account(ctx context.Context, o *admin.Client) (rollcall.Account, error) {
	a := rollcall.Account{App: c.App, User: c.User}
	if a.App != 0 {
		return a, nil
	}
	all, err := o.Apps(ctx)
	if err != nil {
		return a, err
	}
	if len(all) == 1 {
		a.App = all[0].ID
		return a, nil
	}
	var ids []string
	for _, app := range all {
		ids = append(ids, app.ID.String())
	}
	if ids == nil {
		return a, imcode.AppNotFound.Errorf("the server has no app: `rollcall app add` adds one")
	}
	return a, imcode.InvalidParameters.Errorf("there are several apps: name one with --app: %s", strings.Join(ids, ", "))
}

// acting is the flag of the commands that change something about accounts.
type acting struct {
	As string `default:"operator" env:"ROLLCALL_OPERATOR" placeholder:"NAME" help:"Who does it, for the history: your name, at most 64 bytes (default: operator)."`
}
