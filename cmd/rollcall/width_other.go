//go:build !unix

package main

import "io"

// width is how many characters a line of a terminal has: most have as many.
func width(io.Writer) int { return 80 }
