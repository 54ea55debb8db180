package main

import "rollcall.example"

// An aboutApp is the arguments of the commands for operators that are about one app.
type aboutApp struct {
	App rollcall.AppID `arg:"" help:"The app's SDKAppID."`
	operator
}
