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

// Run prints it.
func (c *versionCmd) Run(s *streams) error {
	v := struct {
		Version string `json:"version"`
		Commit  string `json:"commit,omitempty"`
		Go      string `json:"go"`
		System  string `json:"system"`
	}{client.Version, "", runtime.Version(), runtime.GOOS + "/" + runtime.GOARCH}
	if info, ok := debug.ReadBuildInfo(); ok {
		for _, set := range info.Settings {
			if set.Key == "vcs.revision" {
				v.Commit = set.Value
			}
		}
	}
	if c.JSON {
		return printJSON(s.out, v)
	}
	fmt.Fprintf(s.out, "rollcall %s (%s, %s)\n", v.Version, v.Go, v.System)
	return nil
}
