package buffer

// Out gathers bytes that are to be written. The zero value holds nothing. It
// belongs to one goroutine at a time.
type Out struct {
	Bytes []byte // what is gathered; append to what Open returns and assign here
	mem   *block
}

// Open returns the gathered bytes with room to append to them.
func (o *Out) Open() []byte {
	if o.mem == nil {
		o.mem = lend(Small)
		o.Bytes = o.mem.bytes[:0]
	}
	return o.Bytes
}

// Fits reports whether n more bytes may be gathered: worth a copy, because
// they then go out in the same system call.
func (o *Out) Fits(n int) bool { return len(o.Bytes)+n <= Large }

// Append gathers p.
func (o *Out) Append(p []byte) {
	b := o.Open()
	if cap(b)-len(b) < len(p) && len(b)+len(p) <= Large && o.mem.class == 0 {
		b = o.grow()
	}
	o.Bytes = append(b, p...)
}

// grow moves what is gathered to a large block, so that filling one does not
// leave garbage behind.
func (o *Out) grow() []byte {
	next := lend(Large)
	b := append(next.bytes[:0], o.Bytes...)
	o.mem.back()
	o.mem = next
	return b
}

// Empty forgets what is gathered and keeps the memory.
func (o *Out) Empty() {
	if o.mem != nil {
		o.Bytes = o.mem.bytes[:0]
	}
}

// Release gives the memory back.
func (o *Out) Release() {
	if o.mem == nil {
		return
	}
	o.mem.back()
	*o = Out{}
}
