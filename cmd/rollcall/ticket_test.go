package main

import (
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// TestATicketEndsWhileLoggedIn, and there is nothing to make another with.
func TestATicketEndsWhileLoggedIn(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "data")
	command(t, "init", "--dir", dir)
	key := command(t, "app", "add", "--dir", dir, "7")
	_, address := serveOn(t, dir)
	for life := 4 * time.Second; ; life *= 2 {
		ticket := command(t, "usersig", "new", "--app", "7", "--key", key, "--user", "bob", "--for", life.String())
		login := rollcallProcess(t, "login", "--server", address, "--app", "7", "--user", "bob", "--usersig", ticket)
		how := login.must(t, `logged in +bob, session 1|login failed +70001`)[0]
		if strings.HasPrefix(how, "login failed") && life < patience/4 {
			continue // on a slow machine it has ended before it is shown
		}
		login.must(t, `ticket expired`)
		login.must(t, `70001 ERR_SVR_ACCOUNT_USERSIG_EXPIRED: the ticket ended while logged in`)
		if status, err := login.exits(); err != nil || status != 1 {
			t.Errorf("it ended with status %d, %v; want 1", status, err)
		}
		return
	}
}
