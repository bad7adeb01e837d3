// Command caddy is Caddy with its standard modules, at the version that go.mod
// pins: the newest that is measured beside Debian's.
package main

import (
	caddycmd "github.com/caddyserver/caddy/v2/cmd"
	_ "github.com/caddyserver/caddy/v2/modules/standard"
)

func main() { caddycmd.Main() }
