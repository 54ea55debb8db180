package bench

import (
	"context"
	"errors"
	"fmt"
	"os/exec"
	"path/filepath"
	"sync"
	"time"

	"rollcall.example"
	"rollcall.example/client"
	"rollcall.example/internal/plain"
	"rollcall.example/usersig"
)

// SDKOptions are those of SDK.
type SDKOptions struct {
	Options

	Conversations int // in the cache
	Messages      int // in all of them
}

// The subjects of SDK.
const (
	nothingStarts = "nothing"      // a process that says a word and ends
	freshProcess  = "process"      // the list by a fresh process
	coldProcess   = "process+disk" // the same, with a cache that is on the disk alone
	freshClient   = "client"       // the list by a fresh client of a process that has had others
)

// startsEach is how many starts of each kind a round has.
const startsEach = 10

// SDK measures how soon an app has its list of conversations from the SDK's cache,
// while its server cannot be reached: from the start of a process, and from Open of a
// client in a process that goes on.
func SDK(ctx context.Context, o SDKOptions) (_ *Report, err error) {
	s, err := sit(o.Options)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, s.rise()) }()
	report := s.report("sdk")
	d, err := s.device(ctx, o, report)
	if err != nil {
		return nil, err
	}
	return report, s.coldStarts(ctx, o, d, report)
}

// A device is one that has a cache of its account's conversations. Its server has ended.
type device struct {
	dir, server, sig string
	user             rollcall.UserID
	first            int // conversations of the first page
}

// device makes one: a server's store is filled, and the SDK reads all of it.
func (s *sitting) device(ctx context.Context, o SDKOptions, report *Report) (d *device, err error) {
	p := &past{hosts: 1, conversations: o.Conversations, messages: o.Messages, size: messageSize}
	report.Cache = &Stored{Messages: o.Messages, Conversations: o.Conversations}
	w := want{kind: rollcallKind, fill: func(dir string) error { return s.relive(ctx, dir, p, new(Stored)) }}
	err = s.each(ctx, []want{w}, func(all []*target) error {
		t := all[0]
		d = &device{dir: s.newDir(), server: "ws://" + t.host, user: p.host(0), first: min(o.Conversations, listPage)}
		if d.sig, err = usersig.Sign(t.app, t.key, string(d.user), time.Now(), ticketsFor); err != nil {
			return err
		}
		began := time.Now()
		if err := d.follow(ctx, o); err != nil {
			return fmt.Errorf("fill the SDK's cache: %w", err)
		}
		report.Cache.FillS = time.Since(began).Seconds()
		return nil
	})
	if err != nil {
		return nil, err
	}
	report.Cache.FileBytes, err = sizeOf(d.dir)
	s.sayf("the SDK has read %s in %s in %.1f s: %.1f MB", plain.Count(o.Messages, "message"), plain.Count(o.Conversations, "conversation"), report.Cache.FillS, float64(report.Cache.FileBytes)/1e6)
	return d, err
}

const (
	messageSize = 100 // bytes of a message's text
	listPage    = 100 // conversations of a page, the most that may be asked for
)

// follow logs in and reads all there is.
func (d *device) follow(ctx context.Context, o SDKOptions) (err error) {
	c, err := client.Open(benchApp, d.server, client.Options{DataDirectory: d.dir})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, c.Close()) }()
	synced := make(chan struct{})
	var once sync.Once
	c.AddListener(client.Listener{SyncFinish: func() { once.Do(func() { close(synced) }) }})
	if err := c.Login(ctx, string(d.user), d.sig); err != nil {
		return err
	}
	select {
	case <-synced:
	case <-ctx.Done():
		return ctx.Err()
	}
	pace := time.NewTicker(time.Second / besideMostEach)
	defer pace.Stop()
	conversations, messages := 0, 0
	for after := int64(0); ; {
		page, err := c.Conversations(ctx, client.ListOptions{After: after, Count: listPage})
		if err != nil {
			return err
		}
		for _, x := range page.Conversations {
			n, err := readAll(ctx, c, x.ID, pace.C)
			if err != nil {
				return err
			}
			conversations, messages = conversations+1, messages+n
		}
		if after = page.Next; after == 0 {
			break
		}
	}
	if conversations != o.Conversations || messages != o.Messages {
		return fmt.Errorf("it has %d conversations and %d messages, want %d and %d", conversations, messages, o.Conversations, o.Messages)
	}
	return nil
}

// readAll reads a conversation from its end to its beginning, as often as pace says.
func readAll(ctx context.Context, c *client.Client, id rollcall.ConversationID, pace <-chan time.Time) (n int, err error) {
	for before := uint64(0); ; {
		<-pace
		page, err := c.Messages(ctx, id, client.Page{Before: before, Count: pageMessages})
		if err != nil {
			return n, err
		}
		if len(page.Gaps) > 0 {
			return n, fmt.Errorf("of the conversation with %s something is missing", id.Peer())
		}
		n += len(page.Messages)
		if page.End || len(page.Messages) == 0 {
			return n, nil
		}
		before = page.Messages[0].Sequence
	}
}

// coldStarts plays the rounds: in each, every kind of start some times, in turns.
func (s *sitting) coldStarts(ctx context.Context, o SDKOptions, d *device, report *Report) error {
	kinds := []struct {
		name  string
		start func(context.Context, *device) (time.Duration, error)
	}{{nothingStarts, s.startNothing}, {freshProcess, s.startProcess}, {coldProcess, s.startCold}, {freshClient, startClient}}
	var records []*record
	for _, k := range kinds {
		if k.name == coldProcess && !Forgets {
			continue
		}
		records = append(records, &record{name: k.name, floor: nothingStarts})
	}
	for round := range s.Rounds {
		for _, r := range records {
			r.turns = append(r.turns, &turn{})
		}
		for range startsEach {
			i := 0
			for _, k := range kinds {
				if k.name == coldProcess && !Forgets {
					continue
				}
				took, err := k.start(ctx, d)
				if err := errors.Join(ctx.Err(), err); err != nil {
					return fmt.Errorf("a start: %w", err)
				}
				turn := records[i].turns[round]
				turn.add(tookAll(took))
				turn.took += took
				i++
			}
		}
		for _, r := range records {
			s.sayf("round %d of %d: %-13s %s", round+1, s.Rounds, r.name, r.turns[round])
		}
	}
	report.Runs = append(report.Runs, summary(fmt.Sprintf("from a start to a list of %s, with %s of %s in the cache and the server gone",
		plain.Count(d.first, "conversation"), plain.Count(o.Conversations, "conversation"), plain.Count(o.Messages, "message")), 1, 0, records))
	return nil
}

// startNothing starts a process that does nothing.
func (s *sitting) startNothing(context.Context, *device) (time.Duration, error) {
	var first struct{}
	return startOnce(s.Again("bench", "start"), &first)
}

// startOnce starts a process, and tells when its first line came.
func startOnce(cmd *exec.Cmd, first any) (time.Duration, error) {
	p, err := begin(cmd, first)
	if err != nil {
		return 0, err
	}
	took := time.Since(p.began)
	return took, p.stop()
}

// startProcess starts a process that reads the list.
func (s *sitting) startProcess(_ context.Context, d *device) (time.Duration, error) {
	cmd := s.Again("bench", "start", "--dir", d.dir, "--server", d.server, "--user", string(d.user))
	cmd.Env = []string{"ROLLCALL_USERSIG=" + d.sig}
	var first struct {
		Conversations int `json:"conversations"`
	}
	took, err := startOnce(cmd, &first)
	if err == nil && first.Conversations != d.first {
		err = fmt.Errorf("the list has %d conversations, want %d", first.Conversations, d.first)
	}
	return took, err
}

// startCold is startProcess once the system has forgotten the cache's files.
func (s *sitting) startCold(ctx context.Context, d *device) (time.Duration, error) {
	files, err := filepath.Glob(filepath.Join(d.dir, "cache", "*"))
	if err != nil {
		return 0, err
	}
	for _, f := range files {
		if err := forget(f); err != nil {
			return 0, err
		}
	}
	return s.startProcess(ctx, d)
}

// startClient opens a client, reads the list and closes it.
func startClient(ctx context.Context, d *device) (took time.Duration, err error) {
	began := time.Now()
	n, err := StartApp(ctx, d.dir, d.server, d.user, d.sig, func(int) error {
		took = time.Since(began)
		return nil
	})
	if err == nil && n != d.first {
		err = fmt.Errorf("the list has %d conversations, want %d", n, d.first)
	}
	return took, err
}

// StartApp begins a login, as an app does when it starts, reads the first page of the
// list of conversations, and ends, whatever becomes of the login. It tells, also to
// shown, how many conversations there are, and nothing before they are there.
func StartApp(ctx context.Context, dir, server string, user rollcall.UserID, sig string, shown func(conversations int) error) (conversations int, err error) {
	c, err := client.Open(benchApp, server, client.Options{DataDirectory: dir})
	if err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, c.Close()) }()
	c.StartLogin(string(user), sig, func(error) {})
	page, err := c.Conversations(ctx, client.ListOptions{Count: listPage})
	if err != nil {
		return 0, err
	}
	return len(page.Conversations), shown(len(page.Conversations))
}

func tookAll(d time.Duration) took { return took{all: d} }
