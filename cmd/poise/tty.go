package main

import (
	"io"
	"os"

	"golang.org/x/sys/unix"
)

// onTerminal reports whether w is a terminal, where a line can be rewritten.
func onTerminal(w io.Writer) bool {
	f, ok := w.(*os.File)
	if !ok {
		return false
	}
	_, err := unix.IoctlGetTermios(int(f.Fd()), getTermios)
	return err == nil
}

// inColour reports whether w is a terminal whose user has not said no, as in
// https://no-color.org.
func inColour(w io.Writer) bool {
	return onTerminal(w) && os.Getenv("NO_COLOR") == "" && os.Getenv("TERM") != "dumb"
}
