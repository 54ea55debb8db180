package bench

import (
	"os/exec"
	"syscall"
)

// tether has the server end when this process does, also when that is killed. (It
// ends with the thread that started it, and Go keeps its threads.)
func tether(cmd *exec.Cmd) { cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGTERM} }
