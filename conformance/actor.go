package conformance

import (
	"errors"
	"fmt"
	"sync"

	"rollcall.example"
	"rollcall.example/internal/memnet"
	"rollcall.example/internal/stage"
)

// An actor is a device of a scenario, with what its app has heard.
type actor struct {
	show      *performance
	name      string
	directory string
	device    Device // nil: its program has not run yet
	ended     bool   // its program has ended, or closed the SDK
	events    chan Event
	provider  bool   // its app gives the SDK a provider
	isCut     bool   // off the network
	user      string // who was to log in last

	mu        sync.Mutex
	life      int // of its program: what an earlier one hears is nobody's
	reactions map[Kind]func()
	provided  bool // the scenario has said what the provider gives
	gives     string
	copies    int
}

func (a *actor) endpoint() *stage.Endpoint { return a.show.Stage.Endpoint(a.name) }

// start starts the device's program, if it has not run yet.
func (a *actor) start(p rollcall.Platform) error {
	if a.device != nil {
		return nil
	}
	return a.open(p)
}

// again starts a program that has ended.
func (a *actor) again(p rollcall.Platform) error {
	if !a.ended {
		return errors.New("its program has not ended")
	}
	return a.open(p)
}

func (a *actor) open(p rollcall.Platform) error {
	a.mu.Lock()
	a.life++
	life := a.life
	a.mu.Unlock()
	d, err := a.show.Face.Open(Setup{
		App:           stage.App,
		URL:           a.show.Stage.URL(),
		DataDirectory: a.show.Stage.DataDirectory(a.directory),
		Platform:      p,
		DeviceName:    deviceName(a.name, p),
		Dial:          a.endpoint().Dial,
		Provider:      a.providerFor(),
		Hear:          func(e Event) { a.hear(life, e) },
	})
	if err == nil {
		a.mu.Lock()
		a.device, a.ended = d, false
		a.mu.Unlock()
	}
	return err
}

// hear takes what the app hears, on the goroutine of its callbacks.
func (a *actor) hear(life int, e Event) {
	a.mu.Lock()
	if a.life != life {
		a.mu.Unlock()
		return
	}
	reaction, device := a.reactions[e.Kind], a.device
	delete(a.reactions, e.Kind)
	a.mu.Unlock()
	if e.Kind == Kicked || e.Kind == TicketExpired {
		if status, user := device.Standing(); status != LoggedOut || user != "" {
			e.Amiss = fmt.Sprintf("inside the callback it is %s as %q", status, user)
		}
	}
	if e.Kind == Recalled { // the face tells which one, and no more what it said
		e.Said.Text = a.show.talks.text(e.Said.ID)
	}
	if a.show.Heard != nil {
		a.show.Heard(a.name, e)
	}
	a.events <- e
	if reaction != nil {
		reaction()
	}
}

// inside lets the app do something inside the next callback of a kind.
func (a *actor) inside(k Kind, do func()) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.reactions == nil {
		a.reactions = make(map[Kind]func())
	}
	a.reactions[k] = do
}

func (a *actor) loginInside(user string) {
	ticket, err := a.show.ticketOf("", user)
	if err != nil {
		a.events <- Event{Kind: LoginResult, Text: err.Error()}
		return
	}
	a.device.Do(Request{Kind: LoginResult, User: user, Ticket: ticket}, a.newCall(LoginResult, true))
}

func (a *actor) closeInside() { _ = a.device.Close() } // its error would show when it is closed again

// newCall is a call whose result the app hears.
func (a *actor) newCall(kind Kind, inside bool) Call {
	a.mu.Lock()
	defer a.mu.Unlock()
	life := a.life
	return Call{Inside: inside, Done: func(r Result) { a.hear(life, Event{Kind: kind, Result: r}) }}
}

func (a *actor) giveUp() error {
	a.device.GiveUp()
	return nil
}

// close ends the SDK as the app's own end does. Results that it still gives are
// heard.
func (a *actor) close() error {
	if a.device == nil || a.ended {
		return errors.New("its program does not run")
	}
	a.ended = true
	return a.device.Close()
}

// kill ends the device's program at this moment, as far as one process can do
// that to a part of itself: what is on disk now is all that is left.
func (a *actor) kill() error {
	if a.device == nil || a.ended {
		return errors.New("its program does not run")
	}
	a.mu.Lock()
	a.life++
	a.copies++
	left := fmt.Sprintf("%s-%d", a.name, a.copies)
	a.mu.Unlock()
	if err := a.show.Stage.CopyDataDirectory(a.directory, left); err != nil {
		return err
	}
	how := memnet.Reset // the system says for it that it is gone
	if a.isCut {
		how = memnet.Unplug
	}
	a.endpoint().Cut(how)
	err := a.close()
	a.directory = left
	if !a.isCut {
		a.endpoint().Mend()
	}
	return errors.Join(err, a.expectNoMore())
}

// end ends what the scenario left running.
func (a *actor) end() error {
	if a.device == nil || a.ended {
		return nil
	}
	return a.close()
}

func (a *actor) cut(how memnet.Break) {
	a.isCut = true
	a.endpoint().Cut(how)
}

func (a *actor) mend() {
	a.isCut = false
	a.endpoint().Mend()
}

func (a *actor) loseAnswer(how memnet.Break) error  { return a.endpoint().LoseAnswer(how) }
func (a *actor) loseRequest(how memnet.Break) error { return a.endpoint().LoseRequest(how) }
