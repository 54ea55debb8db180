package terminal

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"rollcall.example"
	"rollcall.example/client"
	"rollcall.example/internal/plain"
)

// A command is what a line that begins with / asks for.
type command struct {
	name, args, help string

	do func(*desk, context.Context, []string) error
}

// commands are all, in the order of the help. Leaving is up to who reads the lines.
func commands() []command {
	return []command{
		{"help", "", "these lines", (*desk).help},
		{"switch", "NAME", "open the conversation with NAME, which may be a new one", (*desk).open},
		{"list", "[N]", "the conversations, the latest 20 or N", (*desk).list},
		{"unread", "", "those with unread messages", (*desk).listUnread},
		{"history", "[N]", "20 or N messages before those shown", (*desk).history},
		{"read", "", "mark the conversation as read", (*desk).read},
		{"pin", "[off]", "keep the conversation on top of the list, or no longer", (*desk).pin},
		{"recall", "[N]", "take back message N of yours, or the last one", (*desk).recall},
		{"delete", "N... | all", "delete messages, or the whole conversation, for you", (*desk).delete},
		{"devices", "[out N | out others]", "where you are logged in; sign a session out", (*desk).devices},
		{"status", "", "how things stand", (*desk).status},
		{"login", "", "log in again, after the end of the session", (*desk).again},
		{quit, "", "log out and leave; so does Ctrl-D", nil},
	}
}

// quit is the command that its reader carries out.
const quit = "quit"

// leaves tells whether a line asks to leave.
func leaves(line string) bool {
	name, _, _ := strings.Cut(strings.TrimSpace(line), " ")
	return name == "/"+quit
}

// errNothingOpen: the line is about a conversation, and none is open.
var errNothingOpen = errors.New("no conversation is open: /switch NAME opens one")

// do carries out a line that was typed. A message is put behind those that wait.
func (d *desk) do(ctx context.Context, line string) error {
	ctx, cancel := context.WithTimeout(ctx, within)
	defer cancel()
	text, isCommand := strings.CutPrefix(line, "/")
	switch {
	case strings.TrimSpace(line) == "":
		return nil
	case !isCommand:
		return d.say(line)
	case strings.HasPrefix(text, "/"): // a message that begins with one
		return d.say(text)
	}
	words := strings.Fields(text)
	if len(words) == 0 {
		return errors.New("a / alone is no command: /help lists them")
	}
	for _, c := range commands() {
		if c.name == words[0] && c.do != nil {
			return c.do(d, ctx, words[1:])
		}
	}
	return fmt.Errorf("there is no command /%s: /help lists them; a message that begins with / begins with //", plain.Line(plain.Clip(words[0])))
}

// say sends a text to who is open.
func (d *desk) say(text string) error {
	_, peer := d.now()
	if peer == "" {
		return errNothingOpen
	}
	o := client.Outgoing{To: peer, Text: text, ID: rand.Text()}
	d.show(typed{o, ""})
	if !d.box.add(o) {
		d.show(lost{o, fmt.Sprintf("%d messages wait already", maxWaiting)})
	}
	return nil
}

func (d *desk) help(context.Context, []string) error {
	lines := []string{"What is typed is sent to whose conversation is open; what begins with / is a command:"}
	for _, c := range commands() {
		lines = append(lines, fmt.Sprintf("  %-31s %s", "/"+strings.TrimSpace(c.name+" "+c.args), c.help))
	}
	d.show(told{append(lines, "  //TEXT                          a message that begins with /")})
	return nil
}

// open opens a conversation.
func (d *desk) open(ctx context.Context, args []string) error {
	if len(args) != 1 {
		return errors.New("whose conversation? /switch NAME")
	}
	peer, err := rollcall.ParseUserID(strings.TrimPrefix(args[0], "@"))
	if err != nil {
		return err
	}
	d.mu.Lock()
	d.peer, d.oldest = peer, 0
	d.mu.Unlock()
	return d.showOpen(ctx)
}

// conversation is the one that is open.
func (d *desk) conversation() (rollcall.ConversationID, error) {
	_, peer := d.now()
	if peer == "" {
		return "", errNothingOpen
	}
	return rollcall.ConversationWith(peer), nil
}

func (d *desk) read(ctx context.Context, _ []string) error {
	id, err := d.conversation()
	if err == nil {
		err = d.Client.MarkRead(ctx, id, 0)
	}
	if err == nil {
		d.show(told{[]string{"the conversation with " + string(id.Peer()) + " is read"}})
	}
	return err
}

func (d *desk) pin(ctx context.Context, args []string) error {
	off := len(args) == 1 && args[0] == "off"
	if len(args) > 0 && !off {
		return errors.New("/pin, or /pin off")
	}
	id, err := d.conversation()
	if err == nil {
		err = d.Client.Pin(ctx, id, !off)
	}
	if err == nil {
		d.show(told{[]string{"the conversation with " + string(id.Peer()) + map[bool]string{
			false: " stays on top of the list", true: " is in its place of the list again"}[off]}})
	}
	return err
}

// recall takes back one of the person's own messages.
func (d *desk) recall(ctx context.Context, args []string) error {
	id, err := d.conversation()
	if err != nil {
		return err
	}
	var sequence uint64
	switch len(args) {
	case 0:
		sequence, err = d.lastOwn(ctx, id)
	case 1:
		sequence, err = sequenceOf(args[0])
	default:
		err = errors.New("one at a time: /recall N")
	}
	if err == nil {
		err = d.has(ctx, id, sequence)
	}
	if err == nil {
		err = d.Client.Recall(ctx, id, sequence)
	}
	if err == nil {
		d.show(told{[]string{fmt.Sprintf("message #%d is taken back, for both", sequence)}})
	}
	return err
}

// lastOwn is the last message that the person has sent and not taken back.
func (d *desk) lastOwn(ctx context.Context, id rollcall.ConversationID) (uint64, error) {
	page, err := d.Client.Messages(ctx, id, client.Page{Count: 100})
	if err != nil {
		return 0, err
	}
	for _, m := range slices.Backward(page.Messages) {
		if m.Self && !m.Recalled {
			return m.Sequence, nil
		}
	}
	return 0, errors.New("none of the last 100 messages is yours")
}

// has fails if a conversation of the list has no message with that number yet.
func (d *desk) has(ctx context.Context, id rollcall.ConversationID, sequence uint64) error {
	c, err := d.Client.Conversation(ctx, id)
	if err == nil && sequence > c.LastSequence {
		return fmt.Errorf("there is no message #%d: the latest is #%d", sequence, c.LastSequence)
	}
	return nil // what is not known here the server says
}

func sequenceOf(text string) (uint64, error) {
	n, err := strconv.ParseUint(strings.TrimPrefix(text, "#"), 10, 63)
	if err != nil || n == 0 {
		return 0, fmt.Errorf("%s is no message: want its number, as it stands before it", quoted(text))
	}
	return n, nil
}

// delete deletes messages, or the conversation, for the person.
func (d *desk) delete(ctx context.Context, args []string) error {
	id, err := d.conversation()
	switch {
	case err != nil:
		return err
	case len(args) == 0:
		return errors.New("which messages? /delete N..., or /delete all for the whole conversation")
	case len(args) == 1 && args[0] == "all":
		return d.Client.DeleteConversation(ctx, id) // its end is told
	}
	var all []uint64
	for _, arg := range args {
		sequence, err := sequenceOf(arg)
		if err != nil {
			return err
		}
		if err := d.has(ctx, id, sequence); err != nil {
			return err
		}
		all = append(all, sequence)
	}
	if err := d.Client.DeleteMessages(ctx, id, all...); err != nil {
		return err
	}
	for _, sequence := range all {
		d.show(gone{id.Peer(), sequence})
	}
	d.show(told{[]string{"deleted for you; " + string(id.Peer()) + " keeps what was said"}})
	return nil
}

// devices lists the person's sessions, or signs one out.
func (d *desk) devices(ctx context.Context, args []string) error {
	switch {
	case len(args) == 0:
		all, err := d.Client.Sessions(ctx)
		if err == nil {
			d.show(told{sessionLines(all, d.Now())})
		}
		return err
	case len(args) != 2 || args[0] != "out":
		return errors.New("/devices, /devices out N, or /devices out others")
	}
	var done client.SignedOut
	var err error
	if args[1] == "others" {
		done, err = d.Client.SignOutOthers(ctx, client.SignOutOptions{})
	} else {
		var n uint64
		if n, err = strconv.ParseUint(args[1], 10, 63); err != nil {
			return fmt.Errorf("%s is no session: want its number, as /devices lists them", quoted(args[1]))
		}
		done, err = d.Client.SignOut(ctx, n, client.SignOutOptions{})
	}
	if err == nil {
		d.show(told{[]string{counted(done.Count, "session") + " signed out"}})
	}
	return err
}

// status says how things stand.
func (d *desk) status(ctx context.Context, _ []string) error {
	d.mu.Lock()
	link, why := d.link, d.why
	d.mu.Unlock()
	lines := []string{fmt.Sprintf("%s is %s: %s", d.User, link, why)}
	if s := d.Client.Session(); s != (client.Session{}) {
		line := fmt.Sprintf("session %d, connection %d", s.Number, s.Connection)
		if !s.Ends.IsZero() {
			line += ", ticket good for " + plain.Span(s.Ends.Sub(d.Now()))
		}
		lines = append(lines, line)
	}
	if waiting, _ := d.box.count(); waiting > 0 {
		lines = append(lines, counted(waiting, "message")+" not sent yet")
	}
	total, err := d.Client.TotalUnread(ctx)
	if err == nil {
		lines = append(lines, counted(total, "unread message"))
	}
	d.show(told{lines})
	return nil
}

// again logs in again. Nothing waits for it: what is asked for meanwhile is done.
func (d *desk) again(context.Context, []string) error {
	if link, _ := d.now(); link == online {
		return errors.New("you are logged in")
	}
	d.start()
	return nil
}
