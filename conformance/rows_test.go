package conformance_test

import (
	"slices"
	"testing"

	"rollcall.example/conformance"
)

// rows are what the SDKs promise about calls and about coming back: the call or
// event, then when, or how it ends. Each is played by at least one scenario,
// which names it.
var rows = []string{
	// Logging in.
	"log in | onConnecting, onConnectSuccess, result",
	"login with a callback | returns at once, the status is LOGINING by then",
	"login | inside a callback",
	"login, same account and UserSig | LOGINED",
	"login, same account | LOGINING",
	"login, other account | LOGINED",
	"login, other account | LOGINED, no network",
	"login, other account | LOGINED, the login fails",
	"login, other account | LOGINING",
	"login refused locally (7003) | any",
	"login refused locally (6013) | any",
	"login refused locally (6206) | any",
	"login refused locally (7008) | any",
	"login without a network | 9508 no network",
	"login without a network | 9512 no route",
	"login without a network | 9516 name not found",
	"login without a network | 9511 refused",
	"login without a network | 9510 connect timed out",
	"login without a network | 6012 no answer",
	"login without a network | within 15 s",
	"more than 5 logins in 10 s | here",
	"more than 5 logins in 10 s | at the server",
	"cancelled context | login",
	"one attempt, one session | the answer is lost",
	"one attempt, one session | the request is lost",
	"one attempt, one session | the answer to a return is lost",
	"one attempt, one session | the server dies before it answers",

	// Renewals.
	"login, same account, new UserSig | success for the live session",
	"login, same account, new UserSig | refused: ends sooner (70402)",
	"login, same account, new UserSig | refused: another account's (70013)",
	"login, same account, new UserSig | refused: over (70001)",
	"login, same account, new UserSig | refused: over (6206 where the SDK knows)",
	"login, same account, new UserSig | refused: others as at login",
	"login, same account, new UserSig | no connection: kept",
	"login, same account, new UserSig | no answer: kept",
	"login, same account, new UserSig | kept: used by any automatic login",
	"login, same account, new UserSig | kept and found refused: dropped",
	"login, same account, new UserSig | cancelled context",
	"login, same account, new UserSig | the session expired meanwhile",
	"login, same account, new UserSig | the session was kicked meanwhile",

	"RenewUserSig | LOGINED: a renewal",
	"RenewUserSig | refused",
	"RenewUserSig | nobody (before login, after kick, expiry, logout): 6014",
	"RenewUserSig | closed: 6013",
	"RenewUserSig | LOGINING: 7501",
	"RenewUserSig | a renewal is on its way: 7501",
	"RenewUserSig | no connection: kept",
	"RenewUserSig | cancelled context",
	"RenewUserSig | the session expired meanwhile: goes on as a login",
	"RenewUserSig | the session was kicked meanwhile: 6014",

	// Logging out, closing, and what is delivered later.
	"logout | LOGINED",
	"logout | LOGINED, no network",
	"logout | LOGINED, the server does not answer",
	"logout | LOGINING (the pending login gets 6023)",
	"logout | nobody",
	"Close | any",
	"Close | any (a pending login gets 7009)",
	"Close | inside a callback",
	"pending logout | delivered later, before anything else",
	"pending logout | found on disk at the next start",
	"pending logout | a login that ended without an answer (6012)",
	"pending logout | a login that ended without an answer (6023)",
	"pending logout | a login that ended without an answer (7009)",
	"pending logout | a login that ended without an answer (cancelled)",
	"pending logout | a login that ended without an answer (process killed)",
	"pending logout | never a renewal",
	"pending logout | ends only that session",
	"a second Open of a data directory | 6018",

	// Calls of who is in.
	"feature call | before login, LOGINING: 6014",
	"feature call | after kick, expiry, logout: 6014",
	"feature call | closed: 6013",
	"feature call | LOGINED, no connection: 9508 at once, nothing is queued",
	"feature call | sent but unanswered: 9520",
	"feature call | kicked before the answer: 6014",
	"feature call | cancelled context",
	"my sessions | the list",
	"my sessions | signing out all others",
	"my sessions | itself, or no session of the account: 70402",
	"my sessions | signing out with the tickets: the old ones are dead",
	"my sessions | signing out with the tickets: other sessions live on",
	"my sessions | signing out with the tickets: the next renewal takes a new one",
	"my sessions | signing out with the tickets: the next login takes a new one",

	// The end of a UserSig.
	"UserSig ends soon | told once, 5 minutes ahead",
	"UserSig ends soon | at half of what was left, if that is less",
	"UserSig ends soon | also while there is no connection",
	"UserSig ends soon | once, however often the session comes back",
	"UserSig ends soon | a renewal starts it anew",
	"UserSig ends soon | not while a renewal is kept",
	"UserSig ends soon | never after a kick, a logout or the end",
	"UserSig ends soon | not with a provider",
	"UserSig ended | told within a second while online",
	"UserSig ended | untold, the SDK comes back",
	"UserSig ended | login gets 70001, from then on 6206",
	"UserSig ended | never offered again",
	"6206 | over by server time measured in this process",
	"6206 | never by the bare local clock",
	"provider | asked when a UserSig ends",
	"provider | asked when a UserSig is refused",
	"provider | never after a kick",
	"provider | gives up",

	// Kicks and coming back.
	"kick | LOGOUT and no user, the callback, then nothing",
	"kick | a pending renewal gets 6014",
	"kick | names the rule: over the limit",
	"kick | names the rule: another platform of its group",
	"newer login | told while connected",
	"newer login | told: a later login succeeds",
	"newer login | untold, the SDK returns by itself",
	"newer login | untold, the app calls login",
	"newer login | tell_kicked_on_reconnect: the SDK returns by itself",
	"newer login | tell_kicked_on_reconnect: the app calls login",
	"newer login | tell_kicked_on_login: the SDK returns by itself",
	"newer login | tell_kicked_on_login: the app calls login",
	"newer login | tell_kicked_on_login: an answer does not remove it",
	"newer login | tell_kicked_on_login: told once across restarts",
	"newer login | both switches",
	"newer login | both switches, on the Web",
	"newer login | the switches count at the return",
	"newer login | told: a later login succeeds whatever the switches",
	"operator kick | told while connected",
	"operator kick | untold, the SDK returns by itself",
	"operator kick | untold, the app calls login",
	"operator kick | covers earlier evictions",
	"signed out elsewhere | told while connected",
	"signed out elsewhere | untold, the SDK returns by itself",
	"signed out elsewhere | untold, the app calls login",
	"signed out elsewhere | covers earlier evictions",
	"policy applied | told while connected",
	"policy applied | untold, the SDK returns by itself",
	"policy applied | untold, the app calls login",
	"account deleted | told while connected",
	"account deleted | untold, the SDK returns by itself",
	"account deleted | untold, the app calls login",
	"app disabled | connected: stays in",
	"app disabled | a renewal: 60016",
	"app disabled | comes back by itself: onKickedOffline with 60016",
	"account disabled | told while connected",
	"account disabled | untold, the SDK returns by itself",
	"account disabled | untold, the app calls login",
	"REST kick | told while connected",
	"REST kick | untold, the SDK returns by itself",
	"REST kick | untold, the app calls login",
	"REST kick | rest_kick_as_kick: told while connected",
	"REST kick | rest_kick_as_kick: untold, the SDK returns by itself",
	"REST kick | rest_kick_as_kick: the app calls login",
	"same device id elsewhere | told while connected",
	"same device id elsewhere | untold: told when it comes back",
	"same device id elsewhere | untold, the app calls login",
	"7 days away | the SDK returns by itself",
	"7 days away | the app calls login",
	"7 days away | Web after its 60 s",
	"status and user | stay through network losses",
	"status and user | stay through automatic logins",
	"automatic login | refused for its UserSig",
	"automatic login | refused for its UserSig: a renewal that came meanwhile is tried first",
	"automatic login | any other final refusal",

	// Messages and conversations.
	"message | reaches all devices of both",
	"message | to who was away",
	"message | the server dies",
	"message | before a device's first login",
	"message | to nobody: 20003",
	"message | empty, no UTF-8: 6017",
	"message | over 12 KB: 8001",
	"message | sent but unanswered: 9520, once however often",
	"message | the id of another: 6017",
	"message | without a connection: 9508",
	"message | after a logout",
	"message | after a kick",
	"message | its sender is kicked meanwhile: 6014",
	"reading | over devices, with a receipt",
	"pin | on all devices",
	"recall | within its time",
	"recall | too late: 20016",
	"recall | somebody else's: 20022",
	"recall | while a device was away",
	"deletion | for oneself, on all devices",
	"deletion | while a device was away",
	"deletion | of a conversation",

	// What can be read without the server.
	"cached list and history | LOGINED, a new device",
	"cached list and history | LOGINED, no connection",
	"cached list and history | before any login: 6014",
	"cached list and history | LOGINING",
	"cached list and history | the login was refused",
	"cached list and history | there is no server",
	"cached list and history | after a kick",
	"cached list and history | after the end of the UserSig",
	"cached list and history | after a logout: 6014",
	"cached list and history | another account",
	"cached list and history | closed: 6013",
	"cached list and history | wiped",
}

// TestEveryRowHasItsScenario holds rows and scenarios against each other.
func TestEveryRowHasItsScenario(t *testing.T) {
	scenarios, err := conformance.Scenarios()
	if err != nil {
		t.Fatal(err)
	}
	played := make(map[string]bool)
	for _, s := range scenarios {
		for _, row := range s.Rows {
			played[row] = true
			if !slices.Contains(rows, row) {
				t.Errorf("%s:%d: no row %q", s.File, s.Line, row)
			}
		}
	}
	for _, row := range rows {
		if !played[row] {
			t.Errorf("no scenario plays the row %q", row)
		}
	}
}
