package memnet_test

import (
	"context"
	"errors"
	"io"
	"net"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"rollcall.example/internal/memnet"
)

func TestCutByReset(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var n memnet.Network
		client, server := pair(t, &n)
		otherClient, err := n.Dial(t.Context(), "tcp", server.LocalAddr().String())
		if err != nil {
			t.Fatal(err)
		}
		n.Endpoint("phone").Cut(memnet.Reset)
		wantReset(t, client)
		wantReset(t, server)
		write(t, otherClient, "not concerned")
		if _, err := n.Endpoint("phone").Dial(t.Context(), "tcp", server.LocalAddr().String()); !errors.Is(err, syscall.ENETUNREACH) {
			t.Errorf("dial while cut: %v", err)
		}
		n.Endpoint("phone").Mend()
		wantReset(t, client)
		again, err := n.Endpoint("phone").Dial(t.Context(), "tcp", server.LocalAddr().String())
		if err != nil {
			t.Fatalf("dial after mending: %v", err)
		}
		again.Close()
	})
}

func TestUnpluggedClientKnowsServerDoesNot(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var n memnet.Network
		client, server := pair(t, &n)
		write(t, client, "arrived")
		n.Endpoint("phone").Cut(memnet.Unplug)
		wantReset(t, client)
		wantRead(t, server, "arrived")
		n.Endpoint("phone").Mend()
		write(t, server, "into the void")
		wantNothing(t, server)
	})
}

func TestCutInSilence(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := memnet.Network{Buffer: 1000}
		client, server := pair(t, &n)
		phone := n.Endpoint("phone")
		phone.Cut(memnet.Silent)
		write(t, client, "hello?")
		write(t, server, "hello!")
		server.Close()
		wantNothing(t, client)

		check(t, client.SetWriteDeadline(time.Now().Add(time.Second)))
		if sent, err := client.Write(make([]byte, 2000)); sent != 1000-len("hello?") || err == nil {
			t.Errorf("wrote %d, %v into a dead link", sent, err)
		}

		phone.Mend() // what was under way arrives late, the end too
		if got, err := io.ReadAll(client); string(got) != "hello!" || err != nil {
			t.Errorf("after mending: %q, %v", got, err)
		}
	})
}

func TestDialWaitsForASilentLink(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var n memnet.Network
		_, server := pair(t, &n)
		phone, addr := n.Endpoint("phone"), server.LocalAddr().String()
		phone.Cut(memnet.Silent)

		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		began := time.Now()
		if _, err := phone.Dial(ctx, "tcp", addr); !errors.Is(err, context.DeadlineExceeded) || time.Since(began) != time.Minute {
			t.Errorf("dial ended after %v: %v", time.Since(began), err)
		}
		time.AfterFunc(time.Hour, phone.Mend)
		began = time.Now()
		c, err := phone.Dial(t.Context(), "tcp", addr)
		if err != nil || time.Since(began) != time.Hour {
			t.Fatalf("dial ended after %v: %v", time.Since(began), err)
		}
		c.Close()
	})
}

func TestRefuse(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var n memnet.Network
		client, server := pair(t, &n)
		phone, addr := n.Endpoint("phone"), server.LocalAddr().String()
		phone.Refuse(syscall.EHOSTUNREACH)
		if _, err := phone.Dial(t.Context(), "tcp", addr); !errors.Is(err, syscall.EHOSTUNREACH) {
			t.Errorf("dial: %v", err)
		}
		write(t, client, "untouched")
		wantRead(t, server, "untouched")
		phone.Mend()
		c, err := phone.Dial(t.Context(), "tcp", addr)
		if err != nil {
			t.Fatal(err)
		}
		c.Close()
	})
}

func TestDelay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var n memnet.Network
		client, server := pair(t, &n)
		phone := n.Endpoint("phone")
		phone.Delay(time.Second)

		began := time.Now()
		write(t, client, "ping")
		write(t, client, "ping") // one after the other, not one delay each
		wantRead(t, server, "pingping")
		if took := time.Since(began); took != time.Second {
			t.Errorf("arrived after %v, want 1s", took)
		}
		write(t, server, "slow ")
		phone.Delay(0)
		write(t, server, "does not overtake")
		wantRead(t, client, "slow does not overtake")

		phone.Delay(time.Second)
		began = time.Now()
		c, err := phone.Dial(t.Context(), "tcp", server.LocalAddr().String())
		if err != nil || time.Since(began) != 2*time.Second {
			t.Fatalf("dial took %v: %v", time.Since(began), err)
		}
		c.Close()

		write(t, server, "in flight")
		phone.Cut(memnet.Silent)
		wantNothing(t, client)
		phone.Mend()
		wantRead(t, client, "in flight")
	})
}

func TestLoseAnAnswer(t *testing.T) {
	for _, tt := range []struct {
		name                     string
		how                      memnet.Break
		clientKnows, serverKnows bool
	}{
		{"reset", memnet.Reset, true, true},
		{"unplug", memnet.Unplug, true, false},
		{"silent", memnet.Silent, false, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var n memnet.Network
				client, server := pair(t, &n)
				phone := n.Endpoint("phone")
				phone.Lose(memnet.ToClient, 1, tt.how)
				write(t, client, "request")
				wantRead(t, server, "request")
				write(t, server, "passes")
				wantRead(t, client, "passes")
				write(t, server, "lost")
				phone.Mend() // mends the link, not a lost connection
				wantEither(t, client, tt.clientKnows)
				wantEither(t, server, tt.serverKnows)

				c, err := phone.Dial(t.Context(), "tcp", server.LocalAddr().String())
				if err != nil {
					t.Fatalf("dial again: %v", err)
				}
				write(t, c, "only one was to be lost")
				c.Close()
			})
		})
	}
}

// wantEither checks that c was reset, or else that it hears nothing.
func wantEither(t *testing.T, c net.Conn, reset bool) {
	t.Helper()
	if reset {
		wantReset(t, c)
	} else {
		wantNothing(t, c)
	}
}

func TestLoseARequest(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var n memnet.Network
		client, server := pair(t, &n)
		phone := n.Endpoint("phone")
		phone.Lose(memnet.ToServer, 0, memnet.Silent)
		phone.Lose(memnet.ToServer, 0, 0) // taken back
		write(t, client, "first")
		wantRead(t, server, "first")
		phone.Lose(memnet.ToServer, 0, memnet.Silent)
		write(t, server, "the other way passes")
		wantRead(t, client, "the other way passes")
		write(t, client, "second")
		wantNothing(t, server)
	})
}

func TestKillResetsAServersConnections(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var n memnet.Network
		client, server := pair(t, &n)
		bystander, _ := pair(t, &n)
		n.Kill(server.LocalAddr())
		wantReset(t, client)
		if _, err := n.Dial(t.Context(), "tcp", server.LocalAddr().String()); !errors.Is(err, syscall.ECONNREFUSED) {
			t.Errorf("dial a killed server: %v", err)
		}
		write(t, bystander, "of another server")
		l, err := n.Listen(server.LocalAddr().String())
		if err != nil {
			t.Fatalf("listen where the killed one did: %v", err)
		}
		l.Close()
	})
}
