package listener

import "syscall"

// keepIdle is the seconds of silence before TCP's keep-alive asks.
const keepIdle = syscall.TCP_KEEPALIVE
