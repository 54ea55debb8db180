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
	app, err := theApp(ctx, o, c.App, "with --app")
	return rollcall.Account{App: app, User: c.User}, err
}

// theApp is the app that was named, or the only one there is. If there are others, it says
// how to name one.
func theApp(ctx context.Context, o *admin.Client, named rollcall.AppID, how string) (rollcall.AppID, error) {
	if named != 0 {
		return named, nil
	}
	all, err := o.Apps(ctx)
	if err != nil {
		return 0, err
	}
	if len(all) == 1 {
		return all[0].ID, nil
	}
	var ids []string
	for _, app := range all {
		ids = append(ids, app.ID.String())
	}
	if ids == nil {
		return 0, imcode.AppNotFound.Errorf("the server has no app: `rollcall app add` adds one")
	}
	return 0, imcode.InvalidParameters.Errorf("there are several apps: name one %s: %s", how, strings.Join(ids, ", "))
}

// acting is the flag of the commands that change something about accounts.
type acting struct {
	As operatorName `default:"operator" env:"ROLLCALL_OPERATOR" placeholder:"NAME" help:"Who does it, for the history: your name, at most 64 bytes (default: operator)."`
}

// An operatorName is by what name somebody stands in the history.
type operatorName string

// UnmarshalText checks a name.
func (n *operatorName) UnmarshalText(text []byte) error {
	*n = operatorName(text)
	return admin.CheckOperator(string(text))
}
