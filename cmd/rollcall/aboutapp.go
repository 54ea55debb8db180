package main

import (
	"context"

	"github.com/alecthomas/kong"

	"rollcall.example"
	"rollcall.example/internal/admin"
)

// An aboutApp is the arguments of the commands for operators that are about one app and
// nothing else.
type aboutApp struct {
	App rollcall.AppID `arg:"" optional:"" help:"The app's SDKAppID; not needed where there is only one app."`
	operator
}

// ask reaches the server about the app, for what it answers at once.
func (c aboutApp) ask(ctx context.Context, s *streams, do aboutOne) error {
	return c.operate(ctx, s, do.of(c.App))
}

// aboutAppFirst is aboutApp where more arguments follow. None of them is a number.
type aboutAppFirst struct {
	App leadingApp `arg:"" optional:"" help:"The app's SDKAppID; not needed where there is only one app."`
	operator
}

// ask reaches the server about the app, for what it answers at once.
func (c aboutAppFirst) ask(ctx context.Context, s *streams, do aboutOne) error {
	return c.operate(ctx, s, do.of(rollcall.AppID(c.App)))
}

// aboutOne asks a server about an app.
type aboutOne func(ctx context.Context, o *admin.Client, app rollcall.AppID) error

// of is about the app that was named, or, 0, about the only one there is.
func (do aboutOne) of(named rollcall.AppID) func(context.Context, *admin.Client) error {
	return func(ctx context.Context, o *admin.Client) error {
		app, err := theApp(ctx, o, named, "in front")
		if err != nil {
			return err
		}
		return do(ctx, o, app)
	}
}

// A leadingApp is an app in front of other arguments, which may be left out.
type leadingApp rollcall.AppID

// Decode takes the argument if it is a number, and leaves it to the next one if not.
func (a *leadingApp) Decode(line *kong.DecodeContext) error {
	text := line.Scan.Peek().String()
	if text == "" || text[0] < '0' || text[0] > '9' {
		return nil
	}
	line.Scan.Pop()
	return (*rollcall.AppID)(a).UnmarshalText([]byte(text))
}
