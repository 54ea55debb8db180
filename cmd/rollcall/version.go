package main

import (
	"fmt"
	"runtime"
	"runtime/debug"

	"rollcall.example/client"
)

// versionCmd prints the version.
type versionCmd struct {
	JSON bool `name:"json" help:"Print JSON, for programs."`
}

// A version is what was built, and for what.
type version struct {
	Version string `json:"version"`
	Commit  string `json:"commit,omitempty"`
	Go      string `json:"go"`
	System  string `json:"system"`
}

func (v version) String() string {
	return fmt.Sprintf("rollcall %s (%s, %s)", v.Version, v.Go, v.System)
}

// thisVersion is that of this program.
func thisVersion() version {
	v := version{client.Version, "", runtime.Version(), runtime.GOOS + "/" + runtime.GOARCH}
	if info, ok := debug.ReadBuildInfo(); ok {
		for _, set := range info.Settings {
			if set.Key == "vcs.revision" {
				v.Commit = set.Value
			}
		}
	}
	return v
}

// Run prints it.
func (c *versionCmd) Run(s *streams) error {
	v := thisVersion()
	if c.JSON {
		return printJSON(s.out, v)
	}
	fmt.Fprintln(s.out, v)
	return nil
}
