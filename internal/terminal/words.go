package terminal

import (
	"cmp"
	"errors"
	"fmt"
	"strings"
	"time"

	"rollcall.example"
	"rollcall.example/client"
	"rollcall.example/imcode"
	"rollcall.example/internal/plain"
)

// sentence says what an error means to the person.
func sentence(err error) string {
	coded, ok := errors.AsType[*imcode.Error](err)
	if !ok {
		if code, ok := errors.AsType[imcode.Code](err); ok {
			return meaning(code)
		}
		return plain.Line(err.Error())
	}
	said := coded.Detail
	if said == "" {
		return meaning(coded.Code)
	}
	return fmt.Sprintf("%s (%d)", plain.Line(said), int(coded.Code))
}

// meaning says what a code means.
func meaning(code imcode.Code) string {
	entry, ok := imcode.Lookup(int(code))
	if !ok {
		return fmt.Sprintf("code %d", int(code))
	}
	return fmt.Sprintf("%s (%d)", entry.Meaning, int(code))
}

// notSent says why a message was refused for good.
func notSent(to rollcall.UserID, err error) string {
	if imcode.Of(err) == imcode.InvalidRecipient {
		return fmt.Sprintf("there is no account %s: it is there from its first login on (%d)", to, int(imcode.InvalidRecipient))
	}
	return sentence(err)
}

// waiting says what a message waits for that was not sent, after "waits".
func waiting(err error) string {
	switch imcode.Of(err) {
	case imcode.TooManyRequests, imcode.Internal: // the server has said so
		return ": " + sentence(err)
	}
	return " for a connection"
}

// short says in few words why there is no connection.
var short = map[imcode.Code]string{
	imcode.Disconnected:       "no network",
	imcode.ConnectTimeout:     "the server does not answer",
	imcode.ConnectRefused:     "nobody serves there",
	imcode.NetworkUnreachable: "no way to the server",
	imcode.HostNotFound:       "the server's name is not known",
	imcode.RequestTimeout:     "the server does not answer",
	imcode.Internal:           "the server has no room now",
}

// reason says why there is no connection.
func reason(code imcode.Code, text string) string {
	said := short[code]
	if said == "" {
		said = plain.Line(text)
	}
	return fmt.Sprintf("%s, %d", said, int(code))
}

// notIn says why a login failed, and what there is to do.
func notIn(err error) string {
	if unreached(err) {
		return "not logged in: " + reason(imcode.Of(err), "")
	}
	text := "not logged in: " + sentence(err)
	if entry, ok := imcode.Lookup(int(imcode.Of(err))); ok && entry.Advice != "" {
		text += "; to do: " + entry.Advice
	}
	return text
}

// kicked says how a session was lost, and what there is to do.
func kicked(k client.Kick) string {
	said := plain.Line(k.Text)
	if said == "" {
		said = "Signed out: " + k.Reason.String()
		if k.ByDeviceName != "" {
			said += ", by " + plain.Quote(k.ByDeviceName) + " (" + k.ByPlatform.String() + ")"
		}
		said += "."
	}
	return said + " " + cmp.Or(remedy[k.Reason], "/login logs in again") + "; what this device has can be read."
}

// remedy is what there is to do where a login alone would not be the word.
var remedy = map[client.Reason]string{
	client.ReasonAccountDisabled: "Ask the operator",
	client.ReasonNewerLogin:      "/login takes the place back",
}

// ticketOver says that the UserSig is worthless, and what there is to do.
func (d *desk) ticketOver() string {
	const said = "The ticket has ended, or was revoked: you are signed out. "
	if d.Ticket != nil {
		return said + "/login logs in with another one."
	}
	return said + "Get a new one from your app's server and start again with it; what this device has can be read."
}

// ticketEnds says that the UserSig is over soon.
func (d *desk) ticketEnds(ends time.Time) string {
	return "the ticket ends in " + plain.Span(ends.Sub(d.Now())) + ", and with it the session: a new one is to be had from your app's server"
}

// name is an account's, as the server gives it.
func name(id rollcall.UserID) string { return plain.Line(string(id)) }

func counted(n int, thing string) string { return plain.Count(n, thing) }

// quoted is what a person typed, to be repeated in a sentence.
func quoted(s string) string { return plain.Quote(plain.Clip(s)) }

// conversationLines are conversations, a line each.
func conversationLines(all []client.Conversation, self rollcall.UserID, now time.Time) (lines []string) {
	widest := 0
	for _, c := range all {
		widest = max(widest, len(name(c.Peer)))
	}
	for _, c := range all {
		line := fmt.Sprintf("%-*s  %-9s", widest, name(c.Peer), unreadWords(c.Unread))
		if c.Pinned {
			line += "  pinned"
		}
		if m := c.LastMessage; m != nil {
			line += "  " + moment(m.Time, now) + "  " + name(m.Sender) + ": " + flat(content(*m, self))
		}
		lines = append(lines, strings.TrimRight(line, " "))
	}
	return lines
}

func unreadWords(n int) string {
	if n == 0 {
		return ""
	}
	return fmt.Sprintf("%d unread", n)
}

// sessionLines are the sessions of the account, a line each.
func sessionLines(all []client.DeviceSession, now time.Time) (lines []string) {
	for _, s := range all {
		line := fmt.Sprintf("session %d  %s", s.Number, s.Platform)
		if s.DeviceName != "" {
			line += " " + plain.Quote(s.DeviceName)
		}
		line += ", logged in " + moment(s.LoggedIn, now)
		if s.Address != "" {
			line += " from " + plain.Line(s.Address)
		}
		switch {
		case s.This:
			line += ", this one"
		case s.AwaySince.IsZero():
			line += ", connected"
		default:
			line += ", away since " + moment(s.AwaySince, now)
		}
		lines = append(lines, line)
	}
	return append(lines, "/devices out N signs a session out, /devices out others all but this one")
}

// content is what a message says, in lines that are fit to be shown.
func content(m client.Message, self rollcall.UserID) string {
	switch {
	case m.Recalled && m.Sender == self:
		return "(you have taken it back)"
	case m.Recalled:
		return "(taken back)"
	case m.Custom != nil:
		said := fmt.Sprintf("(data of an app: %s", counted(len(m.Custom.Data), "byte"))
		if m.Custom.Description != "" {
			said += ", " + plain.Line(m.Custom.Description)
		}
		return said + ")"
	}
	return strings.ReplaceAll(plain.Lines(m.Text), "\t", "    ")
}

// flat is a text of several lines in one, and not too long.
func flat(s string) string {
	const most = 60
	s = strings.Join(strings.Fields(s), " ")
	if all := []rune(s); len(all) > most {
		return string(all[:most-1]) + "…"
	}
	return s
}

// moment says when something was, as short as can be.
func moment(t, now time.Time) string {
	t, now = t.Local(), now.Local()
	switch {
	case t.Format(time.DateOnly) == now.Format(time.DateOnly):
		return t.Format("15:04")
	case t.Year() == now.Year():
		return t.Format("Jan 2 15:04")
	}
	return t.Format("2006-01-02 15:04")
}
