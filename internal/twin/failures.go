package twin

// fails reports whether the request that station s gets now is one of the share
// that fails there. They come evenly: by chance a dozen failures that are most of
// the loss would be eight under one policy and sixteen under another.
func (r *replay) fails(s int32) bool {
	due := &r.due[s]
	*due += r.parts[s].failing
	if *due < 1 {
		return false
	}
	*due--
	return true
}
