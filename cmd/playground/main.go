//go:build js && wasm

// Command playground is package playground for pages: compiled to WebAssembly, it puts
// the function rollcallPlayground(case) in the page, which takes and returns JSON.
package main

import (
	"syscall/js"

	"rollcall.example/internal/playground"
)

func main() {
	js.Global().Set("rollcallPlayground", js.FuncOf(func(_ js.Value, args []js.Value) any {
		if len(args) != 1 || args[0].Type() != js.TypeString {
			return `{"error":"want one case, as JSON"}`
		}
		return playground.Ask(args[0].String())
	}))
	select {}
}
