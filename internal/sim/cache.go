package sim

// cache remembers the keys that were used last, as many as fit.
type cache struct {
	at          map[uint32]int32 // place of a key
	entries     []entry
	first, last int32 // most and least recently used
}

type entry struct {
	key        uint32
	next, prev int32
}

const none = -1

// hit reports whether a key is remembered, and remembers it.
func (c *cache) hit(key uint32, size int) bool {
	if c.at == nil {
		c.at, c.first, c.last = make(map[uint32]int32, size), none, none
	}
	i, ok := c.at[key]
	if ok {
		if i != c.first {
			c.unlink(i)
			c.link(i)
		}
		return true
	}
	for len(c.at) > size { // it was made smaller
		c.evict()
	}
	if len(c.at) == size {
		i = c.evict()
		c.entries[i].key = key
	} else {
		i = int32(len(c.entries))
		c.entries = append(c.entries, entry{key: key})
	}
	c.at[key] = i
	c.link(i)
	return false
}

func (c *cache) evict() int32 {
	i := c.last
	delete(c.at, c.entries[i].key)
	c.unlink(i)
	return i
}

func (c *cache) unlink(i int32) {
	e := c.entries[i]
	if e.prev == none {
		c.first = e.next
	} else {
		c.entries[e.prev].next = e.next
	}
	if e.next == none {
		c.last = e.prev
	} else {
		c.entries[e.next].prev = e.prev
	}
}

func (c *cache) link(i int32) {
	c.entries[i].prev, c.entries[i].next = none, c.first
	if c.first != none {
		c.entries[c.first].prev = i
	} else {
		c.last = i
	}
	c.first = i
}
