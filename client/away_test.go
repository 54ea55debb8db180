package client_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"pgregory.net/rapid"

	"rollcall.example"
	"rollcall.example/client"
	"rollcall.example/imcode"
	"rollcall.example/internal/apps"
	"rollcall.example/internal/memnet"
	"rollcall.example/internal/stage"
)

// TestWhatHappenedWhileADeviceWasAway reaches it when it is back: two people on two
// devices each, and a third, talk, recall, delete, mark and pin; devices are cut off and
// closed, the server restarts, is killed, and drops what is old. In the end each device
// shows, without asking anybody, what a model of a few lines has. It tells the seed of a
// failure, and -rapid.seed has it again.
func TestWhatHappenedWhileADeviceWasAway(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		st, err := stage.Open(t.TempDir(), stage.Options{})
		ok(t, err)
		defer func() { ok(t, st.Close()) }()
		ok(t, st.SetPolicy(apps.Policy{Name: "multi"}))
		ok(t, st.Set("message_days=1"))
		round := 0
		rapid.Check(outsideBubble{t}, func(rt *rapid.T) {
			round++
			a := newAways(rt, st, round)
			defer a.close()
			rt.Repeat(map[string]func(*rapid.T){
				"send": a.send, "send more": a.send, "send and be cut off": a.sendCut, "recall": a.recall, "delete messages": a.remove,
				"delete": a.removeAll, "mark": a.mark, "pin": a.pin, "cut": a.cut, "come back": a.back, "close": a.shut,
				"restart": a.restart, "wait": a.wait, "night": a.night, "read": a.read,
			})
			a.end()
		})
	})
}

// outsideBubble hides from rapid that it is a test: it would ask for its deadline, of
// which there is none in a bubble.
type outsideBubble struct{ rapid.TB }

func ok(t rapid.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// Aways are a run: its devices, and what the model has.
type aways struct {
	t       *rapid.T
	stage   *stage.Stage
	users   []string
	devices []*away
	talks   map[string]*awayTalk // by both users, in order
	ids     int
}

// An away is a device, which is cut off or closed now and then.
type away struct {
	*client.Client // nil: closed

	user, name string
	platform   rollcall.Platform
	cut        bool
	synced     atomic.Bool       // it has what the server has
	unanswered []client.Outgoing // to be sent again

	mu   sync.Mutex
	told map[rollcall.ConversationID][]uint64
	own  map[string]bool // ids of what it has sent
}

// An awayTalk is a conversation in the model.
type awayTalk struct {
	messages []*awayMessage
	sides    map[string]*awaySide
}

type awaySide struct {
	read, receipt, deletedTo uint64
	pinned, hidden           bool
}

type awayMessage struct {
	sequence         uint64
	sender, id, text string
	at               time.Time
	recalled         bool
	deleted          map[string]bool
}

func newAways(t *rapid.T, st *stage.Stage, round int) *aways {
	a := &aways{t: t, stage: st, talks: make(map[string]*awayTalk)}
	for _, who := range []string{"ann Android", "ann Mac", "ben iPhone", "ben Web", "cid Android"} {
		user, platform, _ := strings.Cut(who, " ")
		user = fmt.Sprint(user, round)
		if !slices.Contains(a.users, user) {
			a.users = append(a.users, user)
		}
		p, err := rollcall.ParsePlatform(platform)
		ok(t, err)
		d := &away{user: user, name: user + platform, platform: p, told: make(map[rollcall.ConversationID][]uint64), own: make(map[string]bool)}
		a.devices = append(a.devices, d)
		a.start(d)
	}
	a.settle()
	return a
}

func (a *aways) start(d *away) {
	var err error
	d.Client, err = client.Open(stage.App, a.stage.URL(), client.Options{
		DataDirectory: a.stage.DataDirectory(d.name), Platform: d.platform, Dial: a.stage.Endpoint(d.name).Dial,
	})
	ok(a.t, err)
	d.synced.Store(false)
	d.AddListener(client.Listener{
		NewMessage: d.hears,
		Connecting: func() { d.synced.Store(false) },
		SyncStart:  func() { d.synced.Store(false) },
		SyncFinish: func() { d.synced.Store(true) },
	})
	sig, err := a.stage.UserSig(d.user, 180*24*time.Hour)
	ok(a.t, err)
	logInWith(d.Client, d.user, sig)
}

func (d *away) hears(m client.Message) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.told[m.Conversation] = append(d.told[m.Conversation], m.Sequence)
}

// logInWith logs in, until it succeeds.
func logInWith(c *client.Client, user, sig string) {
	c.StartLogin(user, sig, func(err error) {
		if err != nil && imcode.Of(err) != imcode.Interrupted && imcode.Of(err) != imcode.NotInitialized {
			time.AfterFunc(10*time.Second, func() { logInWith(c, user, sig) })
		}
	})
}

func (a *aways) close() {
	for _, d := range a.devices {
		if d.Client != nil {
			ok(a.t, d.Close())
		}
	}
}

// settle lets all that is on its way arrive.
func (a *aways) settle() {
	time.Sleep(time.Second)
	synctest.Wait()
}

// bring brings a device back: it is there, and has seen everything.
func (a *aways) bring(d *away) {
	if d.Client == nil {
		a.start(d)
	}
	if d.cut {
		a.stage.Endpoint(d.name).Mend()
		d.cut = false
	}
	a.settle()
	for range 100 {
		if d.synced.Load() {
			break
		}
		a.settle()
	}
	for _, o := range d.unanswered {
		_, err := d.Send(context.Background(), o)
		ok(a.t, err)
	}
	d.unanswered = nil
}

func (a *aways) talk(x, y string) *awayTalk {
	key := both(x, y)
	if a.talks[key] == nil {
		a.talks[key] = &awayTalk{sides: map[string]*awaySide{x: {}, y: {}}}
	}
	return a.talks[key]
}

// who draws a device that is there, and whom it has to do with.
func (a *aways) who(rt *rapid.T) (d *away, peer string, x *awayTalk) {
	d = rapid.SampledFrom(a.devices).Draw(rt, "device")
	a.bring(d)
	others := slices.DeleteFunc(slices.Clone(a.users), func(u string) bool { return u == d.user })
	peer = rapid.SampledFrom(others).Draw(rt, "peer")
	return d, peer, a.talk(d.user, peer)
}

func conversation(peer string) rollcall.ConversationID {
	return rollcall.ConversationWith(rollcall.UserID(peer))
}

// say is a message in the model.
func (a *aways) say(d *away, peer string, x *awayTalk) client.Outgoing {
	a.ids++
	m := &awayMessage{
		sequence: uint64(len(x.messages) + 1), sender: d.user, id: fmt.Sprint("m", a.ids), text: fmt.Sprint("text ", a.ids),
		at: a.stage.Now(), deleted: make(map[string]bool),
	}
	x.messages = append(x.messages, m)
	for _, side := range x.sides {
		side.hidden = false
	}
	d.mu.Lock()
	d.own[m.id] = true
	d.mu.Unlock()
	return client.Outgoing{To: rollcall.UserID(peer), ID: m.id, Text: m.text}
}

func (a *aways) send(rt *rapid.T) {
	d, peer, x := a.who(rt)
	for range rapid.IntRange(1, 5).Draw(rt, "messages") {
		m, err := d.Send(context.Background(), a.say(d, peer, x))
		if err != nil || m.Sequence != uint64(len(x.messages)) {
			rt.Fatalf("message %d of %s to %s: %+v, %v", len(x.messages), d.name, peer, m, err)
		}
	}
}

// sendCut: the device is cut off before the answer, and sends the message again later.
func (a *aways) sendCut(rt *rapid.T) {
	d, peer, x := a.who(rt)
	o := a.say(d, peer, x)
	ok(rt, a.stage.Endpoint(d.name).LoseAnswer(memnet.Unplug))
	if _, err := d.Send(context.Background(), o); imcode.Of(err) != imcode.WaitAckTimeout {
		rt.Fatalf("a message whose answer was lost: %v", err)
	}
	d.unanswered = append(d.unanswered, o)
}

// draws a message of those that the device's side has, kept or not.
func (x *awayTalk) some(rt *rapid.T) *awayMessage {
	if len(x.messages) == 0 {
		return nil
	}
	return rapid.SampledFrom(x.messages).Draw(rt, "message")
}

func (m *awayMessage) kept(now time.Time) bool { return now.Sub(m.at) < 24*time.Hour }

func (x *awayTalk) visible(m *awayMessage, user string) bool {
	return !m.deleted[user] && m.sequence > x.sides[user].deletedTo
}

func (a *aways) recall(rt *rapid.T) {
	d, peer, x := a.who(rt)
	m := x.some(rt)
	if m == nil {
		return
	}
	want := imcode.OK
	switch now := a.stage.Now(); {
	case m.sender != d.user:
		want = imcode.MessageNotFound
	case !m.kept(now):
		return // dropped, or about to be
	case m.recalled:
		want = imcode.AlreadyRecalled
	case now.Sub(m.at) > 2*time.Minute:
		want = imcode.RevokeTimeLimit
	default:
		m.recalled = true
	}
	if err := d.Recall(context.Background(), conversation(peer), m.sequence); imcode.Of(err) != want {
		rt.Fatalf("recall of %+v: %v, want %d", m, err, want)
	}
}

func (a *aways) remove(rt *rapid.T) {
	d, peer, x := a.who(rt)
	var sequences []uint64
	for range rapid.IntRange(1, 4).Draw(rt, "so many") {
		if m := x.some(rt); m != nil {
			m.deleted[d.user] = true
			sequences = append(sequences, m.sequence)
		}
	}
	if len(sequences) > 0 {
		ok(rt, d.DeleteMessages(context.Background(), conversation(peer), sequences...))
	}
}

func (a *aways) removeAll(rt *rapid.T) {
	d, peer, x := a.who(rt)
	if len(x.messages) == 0 || rapid.IntRange(0, 2).Draw(rt, "really") > 0 {
		return
	}
	last := uint64(len(x.messages))
	*x.sides[d.user] = awaySide{read: last, receipt: x.sides[d.user].receipt, deletedTo: last, hidden: true}
	ok(rt, d.DeleteConversation(context.Background(), conversation(peer)))
}

func (a *aways) mark(rt *rapid.T) {
	d, peer, x := a.who(rt)
	m := x.some(rt)
	if m == nil || !m.kept(a.stage.Now()) {
		return
	}
	side := x.sides[d.user]
	side.read, side.receipt = max(side.read, m.sequence), max(side.receipt, m.sequence)
	ok(rt, d.MarkRead(context.Background(), conversation(peer), m.sequence))
}

func (a *aways) pin(rt *rapid.T) {
	d, peer, x := a.who(rt)
	if len(x.messages) == 0 {
		return
	}
	side := x.sides[d.user]
	side.pinned = !side.pinned
	ok(rt, d.Pin(context.Background(), conversation(peer), side.pinned))
}

func (a *aways) read(rt *rapid.T) {
	d, peer, _ := a.who(rt)
	_, err := d.Messages(context.Background(), conversation(peer), client.Page{Count: rapid.IntRange(1, 20).Draw(rt, "so many")})
	ok(rt, err)
}

func (a *aways) cut(rt *rapid.T) {
	d := rapid.SampledFrom(a.devices).Draw(rt, "device")
	a.stage.Endpoint(d.name).Cut(rapid.SampledFrom([]memnet.Break{memnet.Reset, memnet.Unplug, memnet.Silent}).Draw(rt, "how"))
	d.cut = true
}

func (a *aways) back(rt *rapid.T) { a.bring(rapid.SampledFrom(a.devices).Draw(rt, "device")) }

func (a *aways) shut(rt *rapid.T) {
	a.leave(rapid.SampledFrom(a.devices).Draw(rt, "device"))
}

func (a *aways) leave(d *away) {
	if d.Client != nil {
		ok(a.t, d.Close())
		d.Client = nil
	}
}

func (a *aways) restart(rt *rapid.T) {
	if rapid.Bool().Draw(rt, "killed") {
		ok(rt, a.stage.Kill())
	} else {
		ok(rt, a.stage.Stop())
	}
	ok(rt, a.stage.Start())
}

func (a *aways) wait(rt *rapid.T) {
	time.Sleep(time.Duration(rapid.IntRange(1, 100).Draw(rt, "seconds")) * time.Second)
}

// night: everybody sleeps, and the server drops what is older than a day.
func (a *aways) night(rt *rapid.T) {
	if rapid.IntRange(0, 3).Draw(rt, "really") > 0 {
		return
	}
	for _, d := range a.devices {
		a.leave(d)
		d.unanswered = nil // an id is good for as long as its message is kept
	}
	ok(rt, a.stage.Stop())
	a.stage.Advance(25 * time.Hour)
	ok(rt, a.stage.Start())
	time.Sleep(3 * time.Minute)
}

// end brings all devices back, and holds what they show against the model.
func (a *aways) end() {
	for _, d := range a.devices {
		a.bring(d)
	}
	a.settle()
	for _, d := range a.devices {
		total := 0
		for _, peer := range a.users {
			if peer != d.user {
				x := a.talk(d.user, peer)
				total += a.checkList(d, peer, x)
				a.checkHistory(d, peer, x)
				a.checkTold(d, peer, x)
			}
		}
		if n, err := d.TotalUnread(context.Background()); err != nil || n != total {
			a.t.Fatalf("%s has %d unread in all, %v; want %d", d.name, n, err, total)
		}
	}
}

// checkList holds a conversation of the list against the model, which has so many
// unread.
func (a *aways) checkList(d *away, peer string, x *awayTalk) (unread int) {
	own, other := x.sides[d.user], x.sides[peer]
	got, err := d.Conversation(context.Background(), conversation(peer))
	if len(x.messages) == 0 || own.hidden {
		if imcode.Of(err) != imcode.InvalidConversation {
			a.t.Fatalf("%s has a conversation with %s: %+v, %v", d.name, peer, got, err)
		}
		return 0
	}
	latest, kept := "", false
	for _, m := range x.messages {
		if m.sender == peer && m.sequence > own.read {
			unread++
		}
		if x.visible(m, d.user) {
			latest, kept = m.shown(), m.kept(a.stage.Now())
		}
	}
	if got.LastMessage != nil {
		latest = strings.TrimPrefix(latest, lineOf(*got.LastMessage))
	} else if !kept {
		latest = "" // the server has it no more
	}
	if err != nil || latest != "" || got.Unread != unread || got.Pinned != own.pinned || got.ReadSequence != own.read || got.PeerReadSequence != other.receipt {
		a.t.Fatalf("%s has with %s %+v (last %+v), %v; want %d unread, read %d, by peer %d, pinned %t, last: %s",
			d.name, peer, got, got.LastMessage, err, unread, own.read, other.receipt, own.pinned, latest)
	}
	return unread
}

func (m *awayMessage) shown() string {
	if m.recalled {
		return fmt.Sprint(m.sequence, " ", m.id, " recalled")
	}
	return fmt.Sprint(m.sequence, " ", m.id, " ", m.text)
}

func lineOf(m client.Message) string {
	if m.Recalled {
		return fmt.Sprint(m.Sequence, " ", m.ID, " recalled")
	}
	return fmt.Sprint(m.Sequence, " ", m.ID, " ", m.Text)
}

// checkHistory: what the device has is so, and it has all that the server keeps.
func (a *aways) checkHistory(d *away, peer string, x *awayTalk) {
	shown := make(map[uint64]bool)
	for before := uint64(0); ; {
		page, err := d.Messages(context.Background(), conversation(peer), client.Page{Before: before, Count: 7, Local: true})
		if err != nil || len(page.Gaps) > 0 {
			a.t.Fatalf("%s reads %s: gaps %v, %v", d.name, peer, page.Gaps, err)
		}
		for _, m := range page.Messages {
			shown[m.Sequence] = true
			if want := x.messages[m.Sequence-1]; !x.visible(want, d.user) || lineOf(m) != want.shown() {
				a.t.Fatalf("%s reads with %s %q, and it is %q, deleted %v", d.name, peer, lineOf(m), want.shown(), want.deleted)
			}
		}
		if page.End {
			break
		}
		before = page.Messages[0].Sequence
	}
	for _, m := range x.messages {
		if m.kept(a.stage.Now()) && x.visible(m, d.user) && !shown[m.sequence] {
			a.t.Fatalf("%s does not have %q with %s", d.name, m.shown(), peer)
		}
	}
}

// checkTold: each once, in order, and no own one.
func (a *aways) checkTold(d *away, peer string, x *awayTalk) {
	d.mu.Lock()
	defer d.mu.Unlock()
	told := d.told[conversation(peer)]
	for i, sequence := range told {
		if i > 0 && sequence <= told[i-1] {
			a.t.Fatalf("%s was told %v of %s", d.name, told, peer)
		}
	}
	for _, m := range x.messages {
		is := slices.Contains(told, m.sequence)
		if !d.own[m.id] && !is && m.kept(a.stage.Now()) && x.visible(m, d.user) && !m.recalled {
			a.t.Fatalf("%s was told %v of %s, and not %d", d.name, told, peer, m.sequence)
		}
	}
}
