# Everything else has a script (CONTRIBUTING.md).

N ?= 1000000
FROM ?= 1

# More histories of clients against the rules than the tests play.
.PHONY: sim
sim:
	go test ./internal/sim -run TestHistories -from $(FROM) -histories $(N) -timeout 0

T ?= 10m

# Every fuzz target for T.
.PHONY: fuzz
fuzz:
	scripts/fuzz $(T)

FLOOD ?= 15000
USERS ?= 500

# A flood of connections that never log in, beside users who do: the tests' is small.
.PHONY: flood
flood:
	go test ./server -run TestUsersDoNotNoticeAFlood -v -count=1 -flood $(FLOOD) -users $(USERS)

# What a session that does nothing costs the server's process, and who says nothing at all.
.PHONY: idle
idle:
	go test ./server -run '^$$' -bench 'IdleSession' -benchtime 5000x
	go test ./server -run '^$$' -bench 'IdleStranger' -benchtime 2000x

SEED ?= 0

# People who talk over bad lines with a server that is killed again and again, for T.
.PHONY: rough
rough:
	go test ./cmd/rollcall -run TestMessagesOnABadNetwork -v -count=1 -timeout 0 -rough.for $(T) -rough.seed $(SEED)
